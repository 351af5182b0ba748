/** A control connection without a socket; beside it, the same octets read once more, to know what had to be answered. */
import { setImmediate } from 'node:timers/promises';
import type { ControlTlsFacts, ServedHandlers } from '../../../src/net/server-control.js';
import { CommandDecoder } from '../../../src/protocol/command-lines.js';
import { FtpError } from '../../../src/protocol/errors.js';
import { type Reply, ReplyDecoder } from '../../../src/protocol/replies.js';
import type { ControlPort } from '../../../src/server/connection.js';

/** Turns of the event loop after which something that makes no step is said to hang. */
const PATIENCE = 400;

export class ScriptedControl implements ControlPort {
  readonly peerAddress = '198.51.100.4';
  readonly peerPort = 50_000;
  readonly localAddress = '198.51.100.1';
  readonly localPort = 21;
  tls: ControlTlsFacts | undefined;
  /** Verbs of the command lines that were sent and have to be answered. */
  readonly sent: string[] = [];
  /** Replies, the greeting included. */
  readonly replies: Reply[] = [];
  /** Octets of commands were dropped where TLS began. */
  over = false;
  ended = false;
  paused = false;
  readonly #shadow = new CommandDecoder();
  readonly #replies = new ReplyDecoder();
  readonly #failsTls: boolean;
  /** Octets of a reply that is not whole yet. */
  #begun = Buffer.alloc(0);
  #handlers: ServedHandlers | undefined;

  constructor({ failsTls }: { failsTls: boolean }) {
    this.#failsTls = failsTls;
  }

  get overlong(): boolean {
    return this.#shadow.overlong;
  }

  /** Replies that are final for their command; the greeting is none. */
  get answered(): number {
    return this.replies.filter(({ code }) => code >= 200).length - 1;
  }

  attach(handlers: ServedHandlers): void {
    this.#handlers = handlers;
  }

  write(octets: Uint8Array): void {
    if (this.over || this.ended || isRefusal(octets)) return;
    this.#begun = Buffer.concat([this.#begun, octets]);
    // A listing comes in pieces, which end with its last line.
    if (this.#begun.subarray(0, 12).toString() === '250-Listing:' && !/^250 /m.test(this.#begun.toString()))
      return;
    checkReply(this.#begun);
    const read = this.#replies.push(this.#begun);
    this.#begun = Buffer.alloc(0);
    if (read.length !== 1 || this.#replies.unfinished)
      throw new Error(`${read.length} replies in one write: ${Buffer.from(octets).toString('latin1')}`);
    this.replies.push(...read);
  }

  async drained(): Promise<void> {}

  pause(): void {
    this.paused = true;
  }

  resume(): void {
    this.paused = false;
  }

  async startTls(): Promise<ControlTlsFacts> {
    if (this.tls) throw new FtpError('usage', 'the control connection is under TLS already');
    // What came behind AUTH in clear is no command (CVE-2011-1575).
    this.#shadow.clear();
    this.sent.length = Math.max(0, this.answered);
    await setImmediate();
    if (this.over || this.ended) throw new FtpError('closed', 'the connection is over');
    if (this.#failsTls) throw new FtpError('tls', 'the handshake failed');
    this.tls = facts();
    return this.tls;
  }

  end(): void {
    if (this.ended) return;
    this.ended = true;
    void setImmediate().then(() => this.destroy());
  }

  destroy(): void {
    this.ended = true;
    if (this.over) return;
    this.over = true;
    this.#handlers?.onClose(undefined);
  }

  /** Octets of the client, once it may send. */
  async feed(octets: Uint8Array, stuck: () => void): Promise<void> {
    for (let turns = 0; this.paused && !this.ended; turns++) {
      if (turns === PATIENCE / 2) stuck();
      if (turns > PATIENCE) throw new Error('reading was paused and never went on');
      await setImmediate();
    }
    if (this.ended) return;
    this.sent.push(...this.#shadow.push(octets).map(({ verb }) => verb));
    this.#handlers?.onData(Buffer.from(octets));
  }

  finish(): void {
    if (!this.ended) this.#handlers?.onEnd?.();
  }

  /** Resolves when the connection is over. @param stuck called half way. */
  async closed(stuck: () => void): Promise<void> {
    for (let turns = 0; !this.over; turns++) {
      if (turns === PATIENCE / 2) stuck();
      if (turns > PATIENCE) throw new Error('the session did not end');
      await setImmediate();
    }
  }
}

/** Telnet options that are refused (RFC 854): IAC WONT or IAC DONT, and the option. */
export function isRefusal(octets: Uint8Array): boolean {
  if (octets[0] !== 255 || octets.length % 3 !== 0) return false;
  return octets.every((octet, at) =>
    at % 3 === 0 ? octet === 255 : at % 3 === 1 ? octet === 252 || octet === 254 : true,
  );
}

export function facts(): ControlTlsFacts {
  return {
    contextId: 'context',
    protocol: 'TLSv1.3',
    cipher: 'TLS_AES_256_GCM_SHA384',
    alpn: 'ftp',
    servername: undefined,
    pin: undefined,
    dropped: 0,
  };
}

/** One complete reply by the letter of RFC 959 4.2, without any control character. */
export function checkReply(octets: Buffer): void {
  const text = octets.toString('latin1');
  const wrong = (what: string): Error => new Error(`${what}: ${JSON.stringify(text.slice(0, 400))}`);
  if (!text.endsWith('\r\n')) throw wrong('a reply without its end');
  const lines = text.slice(0, -2).split('\r\n');
  if (lines.some((line) => /[\x00-\x1f\x7f]/.test(line))) throw wrong('a control character in a reply');
  const code = /^[1-5][0-5]\d(?=[ -])/.exec(lines[0]!)?.[0];
  if (code === undefined) throw wrong('no code');
  if (lines.length === 1 ? lines[0]![3] !== ' ' : lines[0]![3] !== '-') throw wrong('the wrong mark');
  if (lines.length > 1 && !lines.at(-1)!.startsWith(`${code} `)) throw wrong('the wrong last line');
  if (lines.slice(1, -1).some((line) => /^\d/.test(line))) throw wrong('a middle line begins with a digit');
}
