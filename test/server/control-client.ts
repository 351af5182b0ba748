/** A control connection of which every octet is the test's: lines as they are, replies read by the letter of RFC 959 4.2. */
import net from 'node:net';
import tls from 'node:tls';
import { epsvPort, pasvPort, ReplyReader, type StrictReply } from './strict-replies.js';

export type { StrictReply } from './strict-replies.js';

/** How a data connection is set up. */
export type Way = 'PASV' | 'EPSV' | 'PORT' | 'EPRT' | 'CPSV';

/** What may be asked of one transfer. */
export interface TransferHow {
  /** [EPSV] */
  way?: Way;
  /** Octets to send (STOR); absent = receive. */
  body?: Buffer | string;
  /** TLS role of this end [client]; `none` stays clear under PROT P. */
  role?: 'client' | 'server' | 'none';
  /** The control connection's TLS session is resumed [true]. */
  resume?: boolean;
  /** End of an upload without close_notify. */
  cut?: boolean;
  /** Local address of the data connection. */
  localAddress?: string;
}

/** How a transfer went. */
export interface Transferred {
  /** Preliminary reply; absent when the command was refused. */
  opening: StrictReply | undefined;
  final: StrictReply;
  /** What was received. */
  octets: Buffer;
  /** The TLS session of the data connection was resumed. */
  resumed: boolean | undefined;
  /** The data connection ended without a reset. */
  clean: boolean;
}

/** Keys of this end when it is the TLS server of a data connection. */
export interface ClientIdentity {
  cert: string;
  key: string;
}

const PATIENCE = 15_000;

/** A data connection on its way. */
export interface DataLink {
  /** The TCP connection, once it is there. */
  socket: Promise<net.Socket>;
  close(): void;
}

export class ControlClient {
  socket: net.Socket | tls.TLSSocket;
  /** Replies that nobody has read yet. */
  readonly unread: StrictReply[] = [];
  readonly host: string;
  readonly port: number;
  identity: ClientIdentity | undefined;
  /** Data connections are made under TLS. */
  protectedData = false;
  readonly #cleanups = new Set<() => void>();
  #reader = new ReplyReader();
  #waiters: (() => void)[] = [];
  #over: Error | undefined;
  #ended = false;
  #sessions: Buffer[] = [];
  #lastSent = '';
  /** Of the handshake of the control connection: the data connections' are alike. */
  #versions: Pick<tls.ConnectionOptions, 'minVersion' | 'maxVersion'> = {};

  constructor(socket: net.Socket, host: string, port: number) {
    this.socket = socket;
    this.host = host;
    this.port = port;
    this.#listen(socket);
  }

  /** Connected; the greeting is not read yet. */
  static async connect(host: string, port: number, localAddress?: string): Promise<ControlClient> {
    const socket = net.connect({ host, port, ...(localAddress === undefined ? {} : { localAddress }) });
    const client = new ControlClient(socket, host, port);
    await new Promise<void>((resolve, reject) => {
      socket.once('connect', () => resolve());
      socket.once('error', reject);
    });
    return client;
  }

  #listen(socket: net.Socket): void {
    socket.on('data', (chunk: Buffer) => {
      try {
        this.unread.push(...this.#reader.push(chunk));
      } catch (error) {
        this.#end(error as Error);
      }
      this.#wake();
    });
    socket.on('error', (error) => this.#end(error));
    socket.on('end', () => {
      this.#ended = true;
      this.#wake();
    });
    socket.on('close', () => this.#end(new Error('the server closed the control connection')));
  }

  #end(error: Error): void {
    this.#over ??= error;
    this.#wake();
  }

  #wake(): void {
    const waiters = this.#waiters;
    this.#waiters = [];
    for (const wake of waiters) wake();
  }

  /** Resolves when `condition` holds; it is asked again after each event of the connection. */
  async #until(what: string, condition: () => boolean): Promise<void> {
    let late: NodeJS.Timeout | undefined;
    const deadline = new Promise<never>((_resolve, reject) => {
      late = setTimeout(() => reject(new Error(`${what}: nothing in ${PATIENCE / 1000} s`)), PATIENCE);
    });
    deadline.catch(() => {});
    try {
      while (!condition()) {
        if (this.#over) throw new Error(`${what}: ${this.#over.message}`);
        await Promise.race([new Promise<void>((resolve) => this.#waiters.push(resolve)), deadline]);
      }
    } finally {
      clearTimeout(late);
    }
  }

  raw(octets: string | Uint8Array): void {
    this.#lastSent = JSON.stringify(
      typeof octets === 'string' ? octets.slice(0, 60) : [...octets.slice(0, 20)],
    );
    this.socket.write(octets);
  }

  send(...lines: string[]): void {
    this.raw(lines.map((line) => `${line}\r\n`).join(''));
  }

  /** The next reply. */
  async read(): Promise<StrictReply> {
    await this.#until(`a reply to ${this.#lastSent}`, () => this.unread.length > 0);
    return this.unread.shift()!;
  }

  /** Codes of the next replies. */
  async codes(count: number): Promise<number[]> {
    const codes: number[] = [];
    while (codes.length < count) codes.push((await this.read()).code);
    return codes;
  }

  async command(line: string): Promise<StrictReply> {
    this.send(line);
    return this.read();
  }

  /** Code of the reply. */
  async code(line: string): Promise<number> {
    return (await this.command(line)).code;
  }

  /** @throws when a command is not answered 2yz or 3yz. */
  async ok(...lines: string[]): Promise<StrictReply> {
    let last: StrictReply | undefined;
    for (const line of lines) {
      last = await this.command(line);
      if (last.code < 200 || last.code >= 400) throw new Error(`${line}: ${last.lines.join(' / ')}`);
    }
    return last!;
  }

  async login(user = 'user', password = 'secret'): Promise<this> {
    await this.ok(`USER ${user}`, `PASS ${password}`);
    return this;
  }

  /** No reply is waiting that no command asked for. */
  async inStep(): Promise<boolean> {
    const reply = await this.command('NOOP');
    return reply.code === 200 && this.unread.length === 0 && this.#reader.idle;
  }

  /** Resolves when the server has closed; with what it said before. */
  async closed(): Promise<StrictReply[]> {
    await this.#until('the end of the connection', () => this.#ended || this.#over !== undefined).catch(
      () => {},
    );
    this.socket.end();
    return this.unread.splice(0);
  }

  /** TLS handshake on this connection. */
  async handshake(options: tls.ConnectionOptions = {}): Promise<tls.TLSSocket> {
    const plain = this.socket;
    const { minVersion, maxVersion } = options;
    this.#versions = { ...(minVersion && { minVersion }), ...(maxVersion && { maxVersion }) };
    plain.removeAllListeners('data');
    const secure = tls.connect({ socket: plain, rejectUnauthorized: false, ...options });
    this.socket = secure;
    this.#reader = new ReplyReader();
    secure.on('session', (session: Buffer) => {
      this.#sessions.push(session);
      this.#wake();
    });
    await new Promise<void>((resolve, reject) => {
      secure.once('secureConnect', () => resolve());
      secure.once('error', reject);
      plain.once('close', () => reject(new Error('closed in the handshake')));
    });
    this.#listen(secure);
    return secure;
  }

  /** AUTH TLS, PBSZ 0 and PROT P. */
  async secure(options: tls.ConnectionOptions = {}): Promise<this> {
    const reply = await this.command('AUTH TLS');
    if (reply.code !== 234) throw new Error(`AUTH TLS: ${reply.text}`);
    await this.handshake(options);
    await this.ok('PBSZ 0', 'PROT P');
    this.protectedData = true;
    return this;
  }

  /** The newest TLS session of the control connection. */
  async session(): Promise<Buffer> {
    await this.#until('a TLS session', () => this.#sessions.length > 0);
    return this.#sessions.at(-1)!;
  }

  /** Sets up a data connection; the transfer command is the caller's. */
  async data(way: Way = 'EPSV', localAddress?: string): Promise<DataLink> {
    if (way === 'PORT' || way === 'EPRT') return this.#active(way);
    const reply = await this.ok(way);
    const port = way === 'EPSV' ? epsvPort(reply) : pasvPort(reply);
    return this.#connect(port, localAddress);
  }

  #connect(port: number, localAddress?: string): DataLink {
    const socket = net.connect({
      host: this.host,
      port,
      allowHalfOpen: true,
      ...(localAddress === undefined ? {} : { localAddress }),
    });
    socket.on('error', () => {});
    const close = (): void => {
      socket.destroy();
      this.#cleanups.delete(close);
    };
    this.#cleanups.add(close);
    return { socket: new Promise((resolve) => socket.once('connect', () => resolve(socket))), close };
  }

  async #active(way: 'PORT' | 'EPRT'): Promise<DataLink> {
    const listener = net.createServer({ allowHalfOpen: true });
    const sockets: net.Socket[] = [];
    const local = this.socket.localAddress ?? this.host;
    await new Promise<void>((resolve) => listener.listen(0, local, resolve));
    const { port } = listener.address() as net.AddressInfo;
    const close = (): void => {
      listener.close();
      for (const socket of sockets) socket.destroy();
      this.#cleanups.delete(close);
    };
    this.#cleanups.add(close);
    const socket = new Promise<net.Socket>((resolve) => {
      listener.once('connection', (arrived) => {
        arrived.on('error', () => {});
        sockets.push(arrived);
        listener.close();
        resolve(arrived);
      });
    });
    const host = local.replaceAll('.', ',');
    const family = local.includes(':') ? 2 : 1;
    await this.ok(
      way === 'PORT' ? `PORT ${host},${port >> 8},${port & 255}` : `EPRT |${family}|${local}|${port}|`,
    );
    return { socket, close };
  }

  /** TLS on a data connection, as the client has it. */
  async secureData(raw: net.Socket, how: TransferHow = {}): Promise<tls.TLSSocket> {
    const { role = 'client', resume = true } = how;
    let secure: tls.TLSSocket;
    if (role === 'server') {
      if (!this.identity) throw new Error('the client needs a certificate');
      const secureContext = tls.createSecureContext(this.identity);
      secure = new tls.TLSSocket(raw, { isServer: true, secureContext });
    } else {
      const session = resume ? await this.session() : undefined;
      secure = tls.connect({
        socket: raw,
        rejectUnauthorized: false,
        ...this.#versions,
        ...(session ? { session } : {}),
      });
    }
    secure.on('error', () => {});
    await new Promise<void>((resolve, reject) => {
      secure.once(role === 'server' ? 'secure' : 'secureConnect', () => resolve());
      secure.once('error', reject);
      raw.once('close', () => reject(new Error('closed in the handshake')));
    });
    return secure;
  }

  /** A whole transfer: data connection, command, octets, both replies. */
  async transfer(line: string, how: TransferHow = {}): Promise<Transferred> {
    const link = await this.data(how.way, how.localAddress);
    try {
      return await this.over(link, line, how);
    } finally {
      link.close();
    }
  }

  /** A transfer over a data connection that was set up before. */
  async over(link: DataLink, line: string, how: TransferHow = {}): Promise<Transferred> {
    this.send(line);
    let octets: Buffer = Buffer.alloc(0);
    let resumed: boolean | undefined;
    let clean = true;
    const moved = (async () => {
      const raw = await link.socket;
      let socket: net.Socket = raw;
      if (this.protectedData && how.role !== 'none') {
        const secure = await this.secureData(raw, how);
        resumed = secure.isSessionReused();
        socket = secure;
      }
      if (how.body !== undefined) await upload(socket, raw, Buffer.from(how.body), how.cut ?? false);
      octets = await download(socket);
    })().catch(() => {
      clean = false;
    });
    const first = await this.read();
    if (first.code >= 200) {
      link.close();
      return { opening: undefined, final: first, octets, resumed, clean };
    }
    const final = await this.read();
    if (final.code >= 400) link.close();
    await moved;
    return { opening: first, final, octets, resumed, clean };
  }

  destroy(): void {
    for (const clean of [...this.#cleanups]) clean();
    this.socket.destroy();
  }
}

/** Everything up to the end. @throws when it was reset. */
export function download(socket: net.Socket): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const parts: Buffer[] = [];
    const lost = (): void => reject(new Error('read ECONNRESET'));
    const ended = (): void => {
      if (wasReset(socket)) lost();
      else resolve(Buffer.concat(parts));
      socket.end();
    };
    socket.on('data', (part: Buffer) => parts.push(part));
    socket.once('error', reject);
    socket.once('close', lost);
    socket.once('end', ended);
    if (socket.destroyed) lost();
    else if (socket.readableEnded) ended();
    else socket.resume();
  });
}

/** libuv may take a reset for the end of the stream; only a connection that was reset has no peer any more. */
function wasReset(socket: net.Socket): boolean {
  const handle = (socket as { _handle?: { getpeername?(into: object): number } | null })._handle;
  return !(socket instanceof tls.TLSSocket) && handle?.getpeername?.({}) !== 0;
}

async function upload(socket: net.Socket, raw: net.Socket, body: Buffer, cut: boolean): Promise<void> {
  await new Promise<void>((resolve) => socket.write(body, () => resolve()));
  // A FIN of TCP without close_notify.
  if (cut) raw.end();
  else socket.end();
}
