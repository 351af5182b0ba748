/** A bare FTP client for tests of the servers themselves: sends lines, hands out whole replies. No policy, no pipelining. */
import { connect, type Socket } from 'node:net';
import { connect as connectTls, type TLSSocket } from 'node:tls';

/** A reply: its code, its lines, and all of them joined by LF. */
export interface RawReply {
  readonly code: number;
  readonly lines: readonly string[];
  readonly text: string;
}

interface Place {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly password: string;
}

export class RawClient {
  /** Resume the newest TLS session of this client on data connections. */
  resumes = false;
  private session: Buffer | undefined;
  private lines: string[] = [];
  private rest = '';
  private readonly replies: RawReply[] = [];
  private readonly waiting: ((reply: RawReply) => void)[] = [];
  /** Resolves when the server has closed. */
  readonly closed: Promise<void>;
  private setClosed: () => void = () => {};

  constructor(public socket: Socket) {
    this.closed = new Promise((resolve) => {
      this.setClosed = resolve;
    });
    this.listen(socket);
  }

  private listen(socket: Socket): void {
    socket.on('data', (chunk: Buffer) => this.feed(chunk.toString('utf8')));
    socket.on('error', () => socket.destroy());
    socket.on('close', () => this.setClosed());
  }

  private feed(text: string): void {
    const lines = (this.rest + text).split('\r\n');
    this.rest = lines.pop() ?? '';
    for (const line of lines) {
      this.lines.push(line);
      const first = this.lines[0]?.slice(0, 3) ?? '';
      if (line.startsWith(`${first} `)) this.hand(Number(first));
    }
  }

  private hand(code: number): void {
    const lines = this.lines;
    this.lines = [];
    const reply = { code, lines, text: lines.join('\n') };
    const taker = this.waiting.shift();
    if (taker === undefined) this.replies.push(reply);
    else taker(reply);
  }

  /** The next reply. */
  next(): Promise<RawReply> {
    const reply = this.replies.shift();
    return reply === undefined
      ? new Promise((resolve) => this.waiting.push(resolve))
      : Promise.resolve(reply);
  }

  /** Replies that have come and were not taken. */
  pending(): number {
    return this.replies.length;
  }

  /** Writes text as it is, in one packet. */
  write(text: string): void {
    this.socket.write(text);
  }

  /** Sends one command and gives its first reply. */
  send(command: string): Promise<RawReply> {
    this.write(`${command}\r\n`);
    return this.next();
  }

  /** RFC 4217: AUTH TLS and the handshake. */
  async secure(mechanism = 'TLS'): Promise<void> {
    const { code } = await this.send(`AUTH ${mechanism}`);
    if (code !== 234) throw new Error(`AUTH: ${code}`);
    this.socket.removeAllListeners('data');
    const socket = await handshake(this.socket);
    socket.on('session', (session: Buffer) => {
      this.session = session;
    });
    this.socket = socket;
    this.listen(socket);
  }

  /** Connects to the address of a PASV, EPSV or CPSV reply and reads to the end, or writes `content`. */
  async data(endpoint: RawReply, host: string, isPrivate: boolean, content?: Buffer): Promise<Buffer> {
    const raw = await open(host, portOf(endpoint));
    const socket = isPrivate ? await handshake(raw, this.resumes ? this.session : undefined) : raw;
    const chunks: Buffer[] = [];
    const ended = new Promise<void>((resolve) => socket.once('close', () => resolve()));
    socket.on('data', (chunk: Buffer) => chunks.push(chunk));
    socket.on('error', () => {});
    if (content !== undefined) socket.end(content);
    await ended;
    return Buffer.concat(chunks);
  }

  close(): void {
    this.socket.destroy();
  }
}

function open(host: string, port: number): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host, port, localAddress: '127.0.0.1' });
    socket.once('error', reject);
    socket.once('connect', () => resolve(socket));
  });
}

function handshake(raw: Socket, session?: Buffer): Promise<TLSSocket> {
  return new Promise((resolve, reject) => {
    const socket = connectTls({ socket: raw, rejectUnauthorized: false, ...(session && { session }) });
    socket.once('error', reject);
    socket.once('secureConnect', () => resolve(socket));
  });
}

/** The port of a 227 or 229 reply. */
export function portOf(reply: RawReply): number {
  const extended = /\|(\d+)\|\)/.exec(reply.text);
  if (extended !== null) return Number(extended[1]);
  const numbers = sextetOf(reply).split(',').map(Number);
  return (numbers[4] ?? 0) * 256 + (numbers[5] ?? 0);
}

/** The six numbers of a 227 reply, ready for PORT. */
export function sextetOf(reply: RawReply): string {
  return /(\d+,){5}\d+/.exec(reply.lines.at(-1) ?? '')?.[0] ?? '';
}

/** Connects and takes the greeting. */
export async function rawConnect(place: Place): Promise<RawClient> {
  const client = new RawClient(await open(place.host, place.port));
  await client.next();
  return client;
}

/** Connects and logs in; by default over TLS with PROT P and TYPE I. */
export async function rawLogin(place: Place, isPrivate = true): Promise<RawClient> {
  const client = await rawConnect(place);
  if (isPrivate) await client.secure();
  await client.send(`USER ${place.user}`);
  await client.send(`PASS ${place.password}`);
  if (isPrivate) {
    await client.send('PBSZ 0');
    await client.send('PROT P');
  }
  await client.send('TYPE I');
  return client;
}
