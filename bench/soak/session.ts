/** A bare FTP client for the soak: every wait has a deadline, everything can be cut at any moment. */
import { connect, createServer, type Socket } from 'node:net';
import { connect as connectTls, type TLSSocket } from 'node:tls';

/** A wait that the server did not end in time: what was waited for. */
export class Hung extends Error {}

/** The server refused, or the connection ended: what it said. */
export class Refused extends Error {}

export interface SoakTarget {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly password: string;
}

const REPLY = /^(?:(\d{3})-[\s\S]*?^\1 |\d{3} )[^\n]*\n/m;

/** The value, or `Hung` after the deadline. */
export async function before<T>(promise: Promise<T>, ms: number, what: string): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Hung(`${what}: nothing within ${ms / 1000} s`)), ms);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

const connected = (socket: Socket, event: 'connect' | 'secureConnect'): Promise<void> =>
  new Promise((resolve, reject) => {
    socket.once(event, () => resolve());
    socket.once('error', (error) => reject(new Refused(error.message)));
    socket.once('close', () => reject(new Refused('the connection was closed')));
  });

/** All octets up to the end of the connection; what came before an error counts, too. */
function octetsOf(socket: Socket, most = Number.POSITIVE_INFINITY): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  return new Promise((resolve) => {
    socket.on('data', (chunk: Buffer) => {
      chunks.push(chunk);
      size += chunk.length;
      if (size >= most) socket.destroy();
    });
    socket.on('error', () => {});
    // Reset before anyone listened.
    if (socket.closed) resolve(Buffer.alloc(0));
    socket.once('close', () => resolve(Buffer.concat(chunks)));
  });
}

export type DataWay = 'PASV' | 'EPSV' | 'PORT';

export interface Moving {
  readonly way: DataWay;
  readonly offset?: number;
  /** Cut the data connection when this many octets have moved. */
  readonly cutAt?: number;
}

/** One control connection. */
export class SoakSession {
  #socket: Socket;
  #secure: TLSSocket | undefined;
  #text = '';
  #ended = false;
  #wake: () => void = () => {};
  readonly #patience: number;

  private constructor(socket: Socket, patience: number) {
    this.#socket = socket;
    this.#patience = patience;
    this.#listen();
  }

  #listen(): void {
    this.#socket.on('error', () => {});
    this.#socket.on('close', () => {
      this.#ended = true;
      this.#wake();
    });
    this.#socket.on('data', (chunk: Buffer) => {
      this.#text += chunk.toString('latin1');
      this.#wake();
    });
  }

  /** Connects and logs in; `patience` is the deadline of every wait in milliseconds. */
  static async open(target: SoakTarget, tls: boolean, patience: number): Promise<SoakSession> {
    const session = new SoakSession(connect(target.port, target.host), patience);
    try {
      await session.reply('the greeting');
      if (tls) await session.#protect();
      await session.must('331', `USER ${target.user}`);
      await session.must('230', `PASS ${target.password}`);
      if (tls) {
        await session.must('200', 'PBSZ 0');
        await session.must('200', 'PROT P');
      }
      await session.must('200', 'TYPE I');
      return session;
    } catch (error) {
      session.kill();
      throw error;
    }
  }

  async #protect(): Promise<void> {
    await this.must('234', 'AUTH TLS');
    this.#socket.removeAllListeners();
    this.#socket.on('error', () => {});
    this.#secure = connectTls({ socket: this.#socket, rejectUnauthorized: false });
    this.#socket = this.#secure;
    await before(connected(this.#secure, 'secureConnect'), this.#patience, 'the TLS handshake');
    this.#socket.removeAllListeners('close').removeAllListeners('error');
    this.#listen();
  }

  async reply(what: string): Promise<string> {
    const until = performance.now() + this.#patience;
    for (;;) {
      const found = REPLY.exec(this.#text);
      if (found !== null) {
        this.#text = this.#text.slice(found.index + found[0].length);
        return found[0];
      }
      if (this.#ended) throw new Refused(`${what}: the control connection ended`);
      const woken = new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
      await before(woken, Math.max(1, until - performance.now()), what);
    }
  }

  send(line: string): void {
    this.#socket.write(`${line}\r\n`);
  }

  command(line: string): Promise<string> {
    this.send(line);
    return this.reply(line);
  }

  async must(code: string, line: string): Promise<string> {
    const reply = await this.command(line);
    if (!new RegExp(`^(?:${code})`).test(reply)) throw new Refused(`${line}: ${reply.trim()}`);
    return reply;
  }

  /** The data connection's socket, once the transfer command was sent. */
  async #connection(way: DataWay, offset: number, line: string): Promise<Socket> {
    const rest = async (): Promise<void> => void (offset > 0 && (await this.must('350', `REST ${offset}`)));
    const host = this.#socket.remoteAddress ?? '127.0.0.1';
    if (way !== 'PORT') {
      const reply = way === 'PASV' ? await this.must('227', 'PASV') : await this.must('229', 'EPSV');
      const numbers = /(\d+),(\d+)\)/.exec(reply);
      const port =
        numbers === null
          ? Number(/\|(\d+)\|\)/.exec(reply)?.[1])
          : Number(numbers[1]) * 256 + Number(numbers[2]);
      const data = connect(port, host);
      data.on('error', () => {});
      await before(connected(data, 'connect'), this.#patience, `connecting after ${way}`);
      await rest();
      this.send(line);
      return data;
    }
    const listener = createServer();
    const own = this.#socket.localAddress ?? '127.0.0.1';
    try {
      await new Promise<void>((resolve) => listener.listen(0, own, resolve));
      const arrived = new Promise<Socket>((resolve) =>
        listener.once('connection', (data) => resolve(data.on('error', () => {}))),
      );
      const address = listener.address();
      const port = address !== null && typeof address === 'object' ? address.port : 0;
      await this.must('200', `PORT ${[...own.split('.'), port >> 8, port & 255].join(',')}`);
      await rest();
      this.send(line);
      return await before(arrived, this.#patience, `${line}: the server's connection`);
    } finally {
      listener.close();
    }
  }

  /** The handshake of a data connection, behind the 150 as most clients do it. */
  async #protected(data: Socket, line: string): Promise<Socket> {
    if (this.#secure === undefined) return data;
    const session = this.#secure.getSession();
    const secured = connectTls({ socket: data, rejectUnauthorized: false, ...(session && { session }) });
    secured.on('error', () => {});
    await before(connected(secured, 'secureConnect'), this.#patience, `${line}: the data handshake`);
    return secured;
  }

  async #opened(line: string, moving: Moving): Promise<Socket> {
    const data = await this.#connection(moving.way, moving.offset ?? 0, line);
    try {
      const opening = await this.reply(line);
      if (!opening.startsWith('1')) throw new Refused(`${line}: ${opening.trim()}`);
      return await this.#protected(data, line);
    } catch (error) {
      data.destroy();
      throw error;
    }
  }

  /** RETR, LIST, MLSD, NLST: the octets and the final reply. */
  async receive(line: string, moving: Moving): Promise<{ octets: Buffer; reply: string }> {
    const data = await this.#opened(line, moving);
    const octets = await before(octetsOf(data, moving.cutAt), this.#patience, `${line}: the octets`);
    return { octets, reply: await this.reply(`${line}: its end`) };
  }

  /** STOR, APPE: the final reply. With `cutAt` the connection is broken off there. */
  async give(line: string, content: Buffer, moving: Moving): Promise<string> {
    const data = await this.#opened(line, moving);
    data.resume();
    const closed = data.closed
      ? Promise.resolve()
      : new Promise<void>((resolve) => data.once('close', () => resolve()));
    if (moving.cutAt === undefined) data.end(content);
    else data.write(content.subarray(0, moving.cutAt), () => data.destroy());
    const reply = await this.reply(`${line}: its end`);
    data.destroySoon();
    await before(closed, this.#patience, `${line}: the end of the data connection`);
    return reply;
  }

  /** Begins a transfer and goes away from it: the data socket, for the caller to end. */
  leave(line: string, moving: Moving): Promise<Socket> {
    return this.#opened(line, moving);
  }

  /** The connection breaks off: RST, where the system can. */
  kill(): void {
    if (this.#secure === undefined && !this.#socket.destroyed) this.#socket.resetAndDestroy();
    this.#socket.destroy();
  }

  async quit(): Promise<void> {
    await this.must('221', 'QUIT');
    this.#socket.destroy();
  }
}
