/** A bare control connection from any loopback address: octets out, whole replies in, clear or TLS. No policy. */
import { connect, type Socket } from 'node:net';
import { type ConnectionOptions, connect as connectTls, type TLSSocket } from 'node:tls';

/** A reply: code, lines as they came, and the octets of all of them. */
export interface Reply {
  readonly code: number;
  readonly lines: readonly string[];
  readonly text: string;
}

/** Where a control connection goes, and from which address. */
export interface WireTarget {
  host: string;
  port: number;
  /** Own address [that of the system's choice]. */
  from?: string | undefined;
}

/** Connected, or the error. */
export function dial(target: WireTarget): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const { host, port, from } = target;
    const socket = connect({ host, port, ...(from === undefined ? {} : { localAddress: from }) });
    socket.once('error', reject);
    socket.once('connect', () => {
      socket.removeListener('error', reject);
      socket.on('error', () => {});
      resolve(socket);
    });
  });
}

/** TLS as client over a connection, certificate unseen. @param more ALPN, server name, session. */
export function shake(raw: Socket, more: ConnectionOptions = {}): Promise<TLSSocket> {
  return new Promise((resolve, reject) => {
    const socket = connectTls({ ...more, socket: raw, rejectUnauthorized: false });
    socket.once('error', reject);
    socket.once('close', () => reject(new Error('closed in the handshake')));
    socket.once('secureConnect', () => {
      socket.removeAllListeners('close');
      socket.on('error', () => {});
      resolve(socket);
    });
  });
}

/** Everything that comes until the end, and how it ended. */
export function drain(socket: Socket): Promise<{ octets: Buffer; error: Error | undefined }> {
  const chunks: Buffer[] = [];
  let error: Error | undefined;
  return new Promise((resolve) => {
    socket.on('data', (chunk: Buffer) => chunks.push(chunk));
    socket.on('error', (cause) => {
      error = cause;
    });
    if (socket.closed) resolve({ octets: Buffer.alloc(0), error });
    socket.on('close', () => resolve({ octets: Buffer.concat(chunks), error }));
  });
}

export class Wire {
  /** Everything that the server has said, as it came. */
  heard = '';
  /** Telnet options that the server refused. */
  refusals = 0;
  /** Newest TLS session of the control connection. */
  session: Buffer | undefined;
  /** Resolves when the connection is over. */
  readonly closed: Promise<void>;
  private rest = '';
  private lines: string[] = [];
  private readonly replies: Reply[] = [];
  private readonly waiting: { resolve: (reply: Reply) => void; reject: (error: Error) => void }[] = [];
  private over = false;
  private setClosed: () => void = () => {};

  constructor(public socket: Socket) {
    this.closed = new Promise((resolve) => {
      this.setClosed = resolve;
    });
    this.listen();
  }

  /** Connects and takes the greeting. */
  static async open(target: WireTarget): Promise<Wire> {
    const wire = new Wire(await dial(target));
    await wire.next();
    return wire;
  }

  private listen(): void {
    const { socket } = this;
    socket.on('data', (chunk: Buffer) => this.feed(chunk.toString('latin1')));
    socket.on('error', () => socket.destroy());
    socket.on('close', () => this.end());
  }

  private end(): void {
    this.over = true;
    this.setClosed();
    for (const { reject } of this.waiting.splice(0)) reject(this.gone());
  }

  private gone(): Error {
    return new Error(`the connection ended; last heard: ${JSON.stringify(this.heard.slice(-200))}`);
  }

  private feed(text: string): void {
    this.heard = (this.heard + text).slice(-100_000);
    // Telnet options refused (RFC 1123 4.1.2.12) are no part of a reply.
    const plain = (this.rest + text).replace(/\xff(?:\xff|[\xfc\xfe].)/gs, (sequence) => {
      if (sequence === '\xff\xff') return sequence;
      this.refusals += 1;
      return '';
    });
    const lines = plain.split('\r\n');
    this.rest = lines.pop() ?? '';
    for (const line of lines) {
      this.lines.push(line);
      const code = this.lines[0]!.slice(0, 3);
      if (!line.startsWith(`${code} `)) continue;
      const reply = { code: Number(code), lines: this.lines, text: this.lines.join('\n') };
      this.lines = [];
      const taker = this.waiting.shift();
      if (taker) taker.resolve(reply);
      else this.replies.push(reply);
    }
  }

  /** The next reply. Rejects when the connection ends before it. */
  next(): Promise<Reply> {
    const reply = this.replies.shift();
    if (reply) return Promise.resolve(reply);
    if (this.over) return Promise.reject(this.gone());
    return new Promise((resolve, reject) => this.waiting.push({ resolve, reject }));
  }

  /** Replies that came and were not taken. */
  get unread(): number {
    return this.replies.length;
  }

  /** Octets as they are. */
  write(octets: string | Uint8Array): void {
    this.socket.write(typeof octets === 'string' ? Buffer.from(octets, 'utf8') : octets);
  }

  /** One command, its first reply. */
  send(line: string): Promise<Reply> {
    this.write(`${line}\r\n`);
    return this.next();
  }

  /** One command whose reply must have this code, else an error that shows it. */
  async must(code: number, line: string): Promise<Reply> {
    const reply = await this.send(line);
    if (reply.code !== code) throw new Error(`${line}: ${reply.text}, not ${code}`);
    return reply;
  }

  /** USER, PASS, TYPE I. */
  async login(user: string, password: string): Promise<this> {
    await this.must(331, `USER ${user}`);
    await this.must(230, `PASS ${password}`);
    await this.must(200, 'TYPE I');
    return this;
  }

  /** AUTH TLS and the handshake (RFC 4217 4). */
  async secure(more: ConnectionOptions = {}): Promise<this> {
    await this.must(234, 'AUTH TLS');
    await this.upgrade(more);
    return this;
  }

  /** The handshake alone. */
  async upgrade(more: ConnectionOptions = {}): Promise<void> {
    this.socket.removeAllListeners();
    const raw = this.socket;
    raw.on('error', () => {});
    const socket = await shake(raw, more);
    socket.on('session', (session: Buffer) => {
      this.session = session;
    });
    // TLS 1.2 has it already; that of 1.3 follows in a ticket.
    if (socket.getProtocol() === 'TLSv1.2') this.session = socket.getSession();
    this.socket = socket;
    this.listen();
  }

  /** PBSZ 0 and PROT P. */
  async protect(): Promise<this> {
    await this.must(200, 'PBSZ 0');
    await this.must(200, 'PROT P');
    return this;
  }

  /** PASV (or CPSV, EPSV): the port. */
  async passive(verb = 'PASV'): Promise<number> {
    const { text } = await this.must(verb.startsWith('E') ? 229 : 227, verb);
    return portOf(text);
  }

  /** A data connection to a passive port, from any address. */
  async dataTo(port: number, from?: string): Promise<Socket> {
    return dial({ host: this.socket.remoteAddress!, port, from });
  }

  /** PASV and RETR over clear data: final reply and content. */
  async retrieve(path: string): Promise<{ final: Reply; octets: Buffer }> {
    const data = await this.dataTo(await this.passive(), this.socket.localAddress);
    const received = drain(data);
    await this.must(150, `RETR ${path}`);
    const { octets } = await received;
    return { final: await this.next(), octets };
  }

  /** PASV and STOR (or another verb) over clear data: the final reply. */
  async store(path: string, content: string | Uint8Array, verb = 'STOR'): Promise<Reply> {
    const data = await this.dataTo(await this.passive(), this.socket.localAddress);
    const opening = await this.send(`${verb} ${path}`);
    if (opening.code !== 150) {
      data.destroy();
      return opening;
    }
    data.end(content);
    return this.next();
  }

  close(): void {
    this.socket.destroy();
  }
}

/** The port of a 227 or 229 reply. */
export function portOf(text: string): number {
  const extended = /\|(\d+)\|\)/.exec(text)?.[1];
  if (extended !== undefined) return Number(extended);
  const [, high, low] = /(\d+),(\d+)\)/.exec(text) ?? [];
  return Number(high) * 256 + Number(low);
}

/** The argument of PORT. */
export const sextet = (host: string, port: number): string =>
  `${host.replaceAll('.', ',')},${port >> 8},${port & 255}`;
