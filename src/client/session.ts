import { ControlSocket } from '../net/control.js';
import type { TlsOptions, TlsPeer } from '../net/tls.js';
import { concernsFile, TRANSFER_VERBS } from '../protocol/codes.js';
import { encodeCommand, maskCommand } from '../protocol/commands.js';
import { FtpError, toFtpError } from '../protocol/errors.js';
import { LISTING_REPLY_LIMIT, REPLY_LIMITS, type Reply, ReplyDecoder } from '../protocol/replies.js';
import type { Charset } from '../protocol/text.js';
import { Blame, GREETING } from './blame.js';
import {
  Deferred,
  type Exchange,
  type ReplySink,
  shownOf,
  type TransferExchange,
  transferSink,
} from './exchange.js';
import { CommandQueue } from './queue.js';
import type { RequestOptions, SessionOptions } from './session-options.js';

export type { DialogueSink, RequestOptions, SessionOptions } from './session-options.js';

/** Milliseconds that a server is given to end its side behind QUIT. */
const FAREWELL = 2_000;

/**
 * One control connection as a value: commands go out in order, each gets its reply.
 *
 * Commands sent in the same turn leave in one segment unless `lockstep` is set, in which case each waits for the reply
 * of the one before. After any failure of order, time or syntax the connection is ended: a reply that comes late must
 * not be taken for another command's.
 */
export class Session {
  readonly name: string;
  readonly #options: SessionOptions;
  readonly #queue = new CommandQueue();
  readonly #decoder: ReplyDecoder;
  readonly #blame: Blame;
  #control!: ControlSocket;
  #closed: FtpError | undefined;
  #greeting = new Deferred<Reply>();
  #goodbye: Reply | undefined;
  #abort: Deferred<void> | undefined;
  #onClose: (() => void)[] = [];
  /** Send one command at a time: the server discards what it reads behind the first one. */
  lockstep = true;
  /**
   * Commands leave whatever is under way, and whoever sends them watches for silence: for servers in MODE E, which answer all
   * that was sent behind a transfer in order.
   */
  pipelined = false;
  /** When a final reply came last, milliseconds since 1970 UTC. */
  answered = 0;
  /** End the session after ABOR: the server would carry the stopped transfer into the next one. */
  endsAtAbort = false;
  /** Certificate of the control connection, once TLS runs. */
  tls: TlsPeer | undefined;
  charset: Charset;

  private constructor(options: SessionOptions) {
    this.#options = options;
    this.name = options.name;
    this.charset = options.charset ?? 'utf8';
    this.#decoder = new ReplyDecoder({ charset: this.charset });
    this.#blame = new Blame(options.name, options.secrets ?? []);
  }

  /** Connect; the greeting is read by `greeting()`. @throws FtpError `unreachable`, `timeout`, `aborted`. */
  static async connect(options: SessionOptions): Promise<Session> {
    const session = new Session(options);
    const { host, port, localAddress, signal } = options;
    const timeout = options.connectTimeout ?? 15_000;
    session.#note('*', `connecting to ${host} port ${port}`);
    session.#control = await ControlSocket.open(
      { host, port, localAddress, signal, timeout },
      { onData: (chunk) => session.#onData(chunk), onClose: (error) => session.#end(error) },
    ).catch((error: unknown) => {
      throw session.#blame.named(toFtpError(error), { phase: 'connect' });
    });
    const onAbort = (): void => session.destroy(new FtpError('aborted', 'stopped by the caller'));
    signal?.addEventListener('abort', onAbort, { once: true });
    session.#onClose.push(() => signal?.removeEventListener('abort', onAbort));
    return session;
  }

  /** Why the connection is over; undefined while it lives. */
  get closed(): FtpError | undefined {
    return this.#closed;
  }

  /** Nothing is under way and nothing odd happened: the session may be lent again. */
  get idle(): boolean {
    return this.#closed === undefined && this.#queue.length === 0 && this.#goodbye === undefined;
  }

  get peerAddress(): string {
    return this.#control.peerAddress;
  }

  get localAddress(): string {
    return this.#control.localAddress;
  }

  get commandTimeout(): number {
    return this.#options.commandTimeout ?? 30_000;
  }

  /** The first final reply of the server; `120` is waited out (RFC 959 5.4). */
  async greeting(): Promise<Reply> {
    return this.#within(this.#greeting.promise, GREETING);
  }

  async #within<T>(promise: Promise<T>, what: string): Promise<T> {
    const timer = setTimeout(() => this.#late(what, this.commandTimeout), this.commandTimeout);
    try {
      return await promise;
    } finally {
      clearTimeout(timer);
    }
  }

  /** TLS over this connection; only between commands. */
  async secure(options: Omit<TlsOptions, 'what' | 'timeout'>): Promise<TlsPeer> {
    try {
      this.tls = await this.#control.secure({
        ...options,
        timeout: this.commandTimeout,
        what: `the TLS handshake with ${this.name}`,
      });
      this.#note('*', `${this.tls.protocol}, ${this.tls.subject}, pin ${this.tls.pin}`);
      return this.tls;
    } catch (error) {
      const named = this.#blame.named(toFtpError(error), { phase: 'tls' });
      this.#end(named);
      throw named;
    }
  }

  /** Send a command and give its final reply, whatever it is. @throws FtpError when the connection ends or time is up. */
  async request(verb: string, argument?: string, options: RequestOptions = {}): Promise<Reply> {
    return new Promise((resolve, reject) => {
      const sink = { final: resolve, lost: reject };
      this.#enqueue(verb, argument, sink, options.timeout ?? this.commandTimeout, options.ahead);
    });
  }

  /** As `request`, but a 4yz or 5yz reply is an error `refused` with the reply in its facts. */
  async command(verb: string, argument?: string, options: RequestOptions = {}): Promise<Reply> {
    const reply = await this.request(verb, argument, options);
    if (reply.code >= 400) throw this.refusal(maskCommand(verb, argument), reply);
    return reply;
  }

  /** Start RETR, STOR, APPE, LIST, NLST or MLSD. The final reply has no deadline here: its owner watches progress. */
  begin(verb: string, argument?: string): TransferExchange {
    const { sink, preliminary, final } = transferSink();
    const exchange = this.#enqueue(verb, argument, sink, this.commandTimeout);
    return { command: shownOf(exchange), preliminary, final };
  }

  /** One of many commands that are sent without waiting; while `pipelined`. */
  pipe(verb: string, argument: string | undefined, sink: ReplySink): void {
    this.#enqueue(verb, argument, sink, 0);
  }

  /** The error for a negative reply: what was asked, what was answered. */
  refusal(command: string, reply: Reply, advice?: string): FtpError {
    return this.#blame.refusal(command, reply, advice);
  }

  /** Any error as one of this session: it names the site, and `command` where it does not tell it. */
  fault(error: unknown, command?: string): FtpError {
    return this.#blame.named(toFtpError(error), command === undefined ? {} : { command });
  }

  #enqueue(
    verb: string,
    argument: string | undefined,
    sink: ReplySink,
    timeout: number,
    ahead = false,
  ): Exchange {
    if (this.#closed) throw this.#closed;
    const head = verb.toUpperCase();
    const exchange: Exchange = {
      verb: head,
      argument,
      octets: encodeCommand(head, argument, this.charset),
      transfer: TRANSFER_VERBS.has(head),
      ahead,
      timeout: this.pipelined ? 0 : timeout,
      sink,
      sent: false,
      begun: false,
    };
    this.#queue.add(exchange);
    this.#pump();
    return exchange;
  }

  #pump(): void {
    // Until the sentinel of an abort is answered, every reply belongs to the abort.
    if (this.#abort) return;
    const ready = this.pipelined ? this.#queue.unsent() : this.#queue.ready(this.lockstep);
    for (const exchange of ready) this.#send(exchange);
  }

  #send(exchange: Exchange): void {
    exchange.sent = true;
    if (this.#options.onDialogue) this.#note('>', shownOf(exchange));
    this.#control.write(exchange.octets);
    this.#arm(exchange);
  }

  #arm(exchange: Exchange): void {
    clearTimeout(exchange.timer);
    const { timeout } = exchange;
    if (timeout > 0) exchange.timer = setTimeout(() => this.#late(shownOf(exchange), timeout), timeout);
  }

  #late(what: string, milliseconds: number): void {
    const replies = this.#decoder.relax();
    if (replies.length > 0) {
      for (const reply of replies) this.#onReply(reply);
      for (const exchange of this.#queue.awaited) this.#arm(exchange);
      return;
    }
    this.destroy(this.#blame.late(what, milliseconds, this.#decoder.noise));
  }

  #onData(chunk: Buffer): void {
    if (this.#closed) return;
    try {
      const verb = this.#queue.verb;
      this.#decoder.replyLimit =
        verb === 'STAT' || verb === 'MLSC' ? LISTING_REPLY_LIMIT : REPLY_LIMITS.reply;
      const replies = this.#decoder.push(chunk);
      const auth = this.#queue.verb === 'AUTH';
      if (auth && replies.length > 0) this.#checkBare(replies);
      for (const reply of replies) this.#onReply(reply);
    } catch (error) {
      this.destroy(this.#blame.named(toFtpError(error)));
    }
  }

  /** Nothing may follow the 234 in clear: it would be taken for a reply under TLS (CVE-2021-22947). */
  #checkBare(replies: Reply[]): void {
    if (replies[0]!.code !== 234 && replies[0]!.code !== 334) return;
    this.#control.hold();
    if (replies.length > 1 || this.#decoder.unfinished) {
      throw new FtpError('malformed', 'the server sent more text in clear behind its answer to AUTH TLS', {
        phase: 'tls',
        advice: 'Somebody may be injecting replies: do not log in over this line.',
      });
    }
  }

  #onReply(reply: Reply): void {
    if (this.#options.onDialogue) for (const line of reply.lines) this.#note('<', line);
    if (!this.#greeting.settled) {
      if (reply.code >= 200) this.#greeting.resolve(reply);
      return;
    }
    if (this.#abort) {
      this.#onAbortReply(reply);
      return;
    }
    const exchange = this.#queue.match(reply);
    if (!exchange) {
      if (reply.code === 421) this.#goodbye = reply;
      this.#note('*', 'stray reply, dropped');
      return;
    }
    if (reply.code < 200) {
      exchange.begun = true;
      exchange.sink.preliminary?.(reply);
      clearTimeout(exchange.timer);
      if (!exchange.transfer) this.#arm(exchange);
      return;
    }
    this.answered = Date.now();
    this.#queue.settle(exchange, reply);
    if (exchange.transfer && reply.code >= 400 && !concernsFile(reply) && this.#queue.awaitsAhead) {
      // Perhaps the answer to what was asked ahead: nobody knows any more whose the next reply is.
      const text = `${this.name}: ${shownOf(exchange)} failed with a command behind it`;
      this.destroy(new FtpError('closed', text, { site: this.name, retry: 'later' }));
      return;
    }
    this.#pump();
  }

  /**
   * Stop the transfer under way: ABOR, then whatever comes until the answer to a NOOP. Any reply in between belongs to
   * the abort; 226 after ABOR is no success. `unblock` frees a server that waits in accept().
   *
   * @param timeout milliseconds, never more than one command is given.
   * @returns true when the session may be used again; false when it had to be ended.
   */
  async abort(timeout = 5_000, unblock?: () => Promise<void>): Promise<boolean> {
    if (this.#closed) return false;
    const limit = Math.min(timeout, this.commandTimeout);
    const abort = new Deferred<void>();
    this.#abort = abort;
    this.#queue.disarm();
    this.#raw('ABOR');
    const timer = setTimeout(() => abort.reject(new Error('late')), limit);
    try {
      await unblock?.();
      await abort.promise;
      if (!this.endsAtAbort) return true;
      this.destroy(new FtpError('closed', `${this.name}: ended after ABOR`, { retry: 'later' }));
      return false;
    } catch {
      this.destroy(
        new FtpError('timeout', `${this.name}: no answer to ABOR within ${limit / 1000} s`, {
          site: this.name,
          command: 'ABOR',
          retry: 'later',
        }),
      );
      return false;
    } finally {
      clearTimeout(timer);
      this.#abort = undefined;
      this.#sentinel = false;
      if (!this.#closed) this.#pump();
    }
  }

  #raw(verb: string): void {
    this.#note('>', verb);
    this.#control.write(encodeCommand(verb));
  }

  #sentinel = false;

  /** While aborting: the first final reply goes to the transfer and asks for the sentinel; the sentinel's 200 ends it. */
  #onAbortReply(reply: Reply): void {
    if (reply.code < 200) return;
    if (this.#sentinel && reply.code === 200) {
      this.#queue.failSent(
        (exchange) =>
          new FtpError('closed', `${this.name}: ${shownOf(exchange)} was aborted`, { retry: 'later' }),
      );
      this.#abort?.resolve();
      return;
    }
    const transfer = this.#queue.oldestSent;
    if (transfer) this.#queue.settle(transfer, reply);
    if (!this.#sentinel) {
      this.#sentinel = true;
      this.#raw('NOOP');
    }
  }

  /**
   * QUIT, and the end of this side right behind it: the server reads both in order and is not reset. The session is over at once;
   * nobody waits for the answer, and a program that has nothing else to do may end.
   */
  quit(): void {
    if (this.#closed) return;
    this.#raw('QUIT');
    this.#control.end(FAREWELL);
    this.#end(new FtpError('closed', `${this.name}: the session was ended`));
  }

  /** End at once; every waiting command fails with `cause`. */
  destroy(cause: FtpError): void {
    if (this.#closed) return;
    this.#end(this.#blame.named(cause));
    this.#control.destroy(cause);
  }

  /** Run `listener` when the connection is over. */
  onClose(listener: () => void): void {
    if (this.#closed) listener();
    else this.#onClose.push(listener);
  }

  #end(cause: FtpError): void {
    if (this.#closed) return;
    const error = this.#goodbye ? this.#blame.farewell(this.#goodbye) : this.#blame.named(cause);
    this.#closed = error;
    this.#note('*', error.message);
    this.#greeting.reject(error);
    this.#queue.failAll((exchange) => this.#blame.named(error, { command: shownOf(exchange) }));
    this.#abort?.reject(error);
    for (const listener of this.#onClose) listener();
  }

  #note(direction: '>' | '<' | '*', text: string): void {
    this.#options.onDialogue?.(direction, this.#blame.masked(text));
  }
}
