/** One control connection: reads commands, runs them in order, writes replies. */
import type { Socket } from 'node:net';
import type { Endpoint } from './data.js';
import type { Dialect, Handler, Reply } from './dialect.js';
import type { RunningServer } from './server.js';
import { secureControl } from './tls.js';
import { Transfer } from './transfer.js';

/** Commands that need no login. */
const OPEN = /^(USER|PASS|ACCT|AUTH|PBSZ|PROT|FEAT|OPTS|CLNT|IDNT|HOST|SYST|HELP|NOOP|QUIT)$/;

export class Session {
  user: string | undefined;
  isLoggedIn = false;
  isSecure = false;
  /** PROT P is in force. */
  isPrivate = false;
  /** SSCN ON: TLS client on data connections. */
  sscn = false;
  /** CPSV was the last of the endpoint commands: TLS client on the next data connection. */
  cpsv = false;
  cepr = false;
  /** Character set of names on this connection. */
  charset: 'utf8' | 'latin1';
  epsvAll = false;
  directory = '/';
  type: 'A' | 'I' = 'A';
  restart = 0;
  renameFrom: string | undefined;
  /** What PRET announced. */
  announced: string | undefined;
  endpoint: Endpoint | undefined;
  transfer: Transfer | undefined;
  /** Set by a trap that lets this connection hang: nothing is read or answered any more. */
  isFrozen = false;
  /** The verb that was run before the present one. */
  previousVerb = '';
  /** The verb at hand in the letters it came in. */
  typedVerb = '';

  private buffer = '';
  private readonly queue: string[] = [];
  private isRunning = false;

  constructor(
    readonly server: RunningServer,
    public socket: Socket,
    readonly number: number,
  ) {
    this.charset = server.dialect.charset;
  }

  get dialect(): Dialect {
    return this.server.dialect;
  }

  get isTlsClient(): boolean {
    return this.sscn || this.cpsv;
  }

  /** Address of the client. */
  get peerAddress(): string {
    return this.socket.remoteAddress ?? '';
  }

  /** Greets. With implicit TLS the handshake comes before. */
  start(isImplicit: boolean): void {
    this.listen(this.socket);
    if (this.trap('accept')) return;
    if (isImplicit) this.startTls();
    if (!this.isFrozen && !this.trap('greeting')) this.reply(this.dialect.greeting);
  }

  private listen(socket: Socket): void {
    socket.on('data', (chunk: Buffer) => this.feed(chunk));
    socket.on('error', () => socket.destroy());
    socket.on('close', () => this.end());
  }

  /** RFC 4217 4: TLS from here on. Commands that came in behind AUTH are thrown away. */
  startTls(): void {
    const raw = this.socket;
    raw.removeAllListeners('data');
    this.buffer = '';
    this.queue.length = 0;
    if (this.trap('tls')) return;
    this.isSecure = true;
    this.socket = secureControl(raw, this.server.identity);
    this.listen(this.socket);
  }

  reply(reply: Reply): void {
    const lines = typeof reply === 'string' ? [reply] : reply;
    this.server.record(`${this.number}< `, lines);
    this.raw(lines.map((line) => `${line}\r\n`).join(''));
    if (lines.some((line) => /^421[ -]/.test(line))) this.socket.end();
  }

  /** Writes text as it is. False when the socket's buffer is full. */
  raw(text: string): boolean {
    if (this.socket.destroyed || this.socket.writableEnded) return false;
    return this.socket.write(Buffer.from(text, this.charset));
  }

  trap(point: string): boolean {
    return this.server.hooks.trap?.(point, this) ?? false;
  }

  /** The absolute FTP path of an argument. */
  path(argument: string): string {
    return this.server.tree.resolve(this.directory, argument);
  }

  private feed(chunk: Buffer): void {
    if (this.isFrozen) return;
    // RFC 854: IAC with IP or DM may stand before ABOR.
    this.buffer += chunk.toString('latin1').replace(/\xff[\xf0-\xfe]/g, '');
    for (let at = this.buffer.indexOf('\n'); at >= 0; at = this.buffer.indexOf('\n')) {
      const line = this.buffer.slice(0, at).replace(/\r$/, '');
      this.buffer = this.dialect.reader === 'lines' ? this.buffer.slice(at + 1) : '';
      this.take(Buffer.from(line, 'latin1').toString(this.charset));
    }
  }

  private take(line: string): void {
    this.server.recordCommand(this.number, line);
    this.queue.push(line);
    if (this.transfer === undefined) void this.pump();
    else this.pumpBeside();
  }

  private async pump(): Promise<void> {
    if (this.isRunning) return;
    this.isRunning = true;
    for (let line = this.queue.shift(); line !== undefined; line = this.queue.shift()) {
      await this.run(line);
    }
    this.isRunning = false;
  }

  /** Looks at the commands that wait while data move: ABOR passes the others, they keep their order. */
  private pumpBeside(): void {
    const abort = this.queue.findIndex((line) => /^ABOR$/i.test(line));
    if (abort >= 0) void this.run(this.queue.splice(abort, 1)[0] ?? '');
    while (this.queue.length > 0) {
      const line = this.queue[0] ?? '';
      const rule = this.dialect.busy(verbOf(line), this);
      if (rule === 'queue') return;
      this.queue.shift();
      if (rule === 'now') void this.run(line);
      else this.reply(rule.refuse);
    }
  }

  private async run(line: string): Promise<void> {
    this.typedVerb = line.split(' ', 1)[0] ?? '';
    const verb = this.typedVerb.toUpperCase();
    const argument = line.slice(line.indexOf(' ') < 0 ? line.length : line.indexOf(' ') + 1);
    if (this.isFrozen || this.trap(verb.toLowerCase())) return;
    const reply = line === '' ? this.dialect.emptyLine : await this.answer(verb, argument);
    if (reply !== undefined) this.reply(reply);
    this.previousVerb = verb;
  }

  private async answer(verb: string, argument: string): Promise<Reply | undefined> {
    const action: Handler | Reply | null = this.server.verbs[verb] ?? null;
    if (action === null) return this.dialect.unknown(verb);
    if (!this.isLoggedIn && !OPEN.test(verb)) return this.dialect.notLoggedIn;
    if (typeof action !== 'function') return action;
    return action(this, argument, verb);
  }

  /** Makes the transfer of a command; from now on other commands run beside it. */
  beginTransfer(verb: string, path: string): Transfer {
    this.transfer = new Transfer(verb, path);
    setImmediate(() => this.transfer && this.pumpBeside());
    return this.transfer;
  }

  /** Clears all that holds for one transfer only. */
  endTransfer(): void {
    this.endpoint?.close();
    this.endpoint = undefined;
    this.transfer = undefined;
    this.cpsv = false;
    this.restart = 0;
    this.announced = undefined;
  }

  /** Puts another endpoint in place of the old one. */
  setEndpoint(endpoint: Endpoint | undefined): void {
    this.endpoint?.close();
    this.endpoint = endpoint;
    this.cpsv = false;
    if (this.dialect.forgetsRest) this.restart = 0;
  }

  private end(): void {
    this.transfer?.abort();
    this.endpoint?.close();
    this.server.forget(this);
  }

  /** Ends the connection at once. */
  destroy(): void {
    this.socket.destroy();
  }
}

function verbOf(line: string): string {
  return (line.split(' ', 1)[0] ?? '').toUpperCase();
}
