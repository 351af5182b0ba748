/**
 * A bare FTP dialogue for tests that must not lean on the code under test: one command, one reply, raw bytes.
 */
import { connect, createServer, type Socket } from 'node:net';
import { connect as connectTls, type TLSSocket } from 'node:tls';

/** Whole of one reply: RFC 959 4.2, lines up to the one that has the code and a blank. */
const REPLY = /^(?:(\d{3})-[\s\S]*?^\1 |\d{3} )[^\n]*\n/m;

export class Dialogue {
  private buffer = '';
  private ended = false;
  private wake: () => void = () => {};

  private constructor(private socket: Socket) {
    this.listen();
  }

  private listen(): void {
    const { socket } = this;
    socket.on('error', () => this.wake());
    socket.on('close', () => {
      this.ended = true;
      this.wake();
    });
    socket.on('data', (data) => {
      this.buffer += data.toString('latin1');
      this.wake();
    });
  }

  /** Connects, reads the greeting and, where an account is given, logs in. */
  static async open(at: { host: string; port: number; user?: string; password?: string }): Promise<Dialogue> {
    const dialogue = new Dialogue(connect(at.port, at.host));
    await dialogue.reply();
    if (at.user !== undefined) await dialogue.login(at.user, at.password ?? '');
    return dialogue;
  }

  /** USER, PASS and TYPE I. */
  async login(user: string, password: string): Promise<void> {
    await this.must('331', `USER ${user}`);
    await this.must('230', `PASS ${password}`);
    await this.must('200', 'TYPE I');
  }

  /** The next reply, all its lines. Rejects when the connection has ended. */
  async reply(): Promise<string> {
    for (;;) {
      const found = REPLY.exec(this.buffer);
      if (found !== null) {
        this.buffer = this.buffer.slice(found.index + found[0].length);
        return found[0];
      }
      if (this.ended) throw new Error(`the connection ended after: ${this.buffer}`);
      await new Promise<void>((resolve) => {
        this.wake = resolve;
      });
    }
  }

  send(line: string): void {
    this.socket.write(`${line}\r\n`);
  }

  command(line: string): Promise<string> {
    this.send(line);
    return this.reply();
  }

  /** The command's reply, which must begin with the code, or any of several (`'150|125'`). */
  async must(code: string, line: string): Promise<string> {
    const reply = await this.command(line);
    if (!new RegExp(`^(?:${code})`).test(reply)) throw new Error(`${line}: ${reply}`);
    return reply;
  }

  /** PASV, and a connection to the address that it names. */
  async passive(): Promise<Socket> {
    const { host, port } = parsePassive(await this.must('227', 'PASV'));
    return connect(port, host);
  }

  /** Uploads by PASV; returns the final reply. */
  async store(path: string, content: Buffer): Promise<string> {
    const data = await this.passive();
    await this.must('150|125', `STOR ${path}`);
    data.end(content);
    return this.reply();
  }

  async retrieve(path: string): Promise<Buffer> {
    const received = collect(await this.passive());
    await this.must('150|125', `RETR ${path}`);
    const content = await received;
    const end = await this.reply();
    if (!end.startsWith('226')) throw new Error(`RETR ${path}: ${end}`);
    return content;
  }

  /** Downloads by PORT: the server connects to a listener of ours. */
  async retrieveActive(path: string): Promise<Buffer> {
    const listener = createServer();
    const host = this.socket.localAddress ?? '127.0.0.1';
    await new Promise<void>((resolve) => listener.listen(0, host, resolve));
    const received = new Promise<Buffer>((resolve, reject) => {
      listener.once('connection', (data) => collect(data).then(resolve, reject));
    });
    const address = listener.address();
    const port = address !== null && typeof address === 'object' ? address.port : 0;
    await this.must('200', `PORT ${[...host.split('.'), port >> 8, port & 255].join(',')}`);
    await this.must('150|125', `RETR ${path}`);
    const content = await received;
    listener.close();
    await this.reply();
    return content;
  }

  /** AUTH TLS, with the server's certificate checked against the authority (PEM). */
  async secure(host: string, ca: string): Promise<TLSSocket> {
    await this.must('234', 'AUTH TLS');
    this.socket.removeAllListeners();
    const secured = connectTls({ socket: this.socket, host, ca });
    await new Promise<void>((resolve, reject) => {
      secured.once('secureConnect', resolve);
      secured.once('error', reject);
    });
    this.socket = secured;
    this.listen();
    return secured;
  }

  close(): void {
    this.socket.destroy();
  }
}

/** Host, port and the six numbers of a 227 reply (RFC 959 4.1.2). */
export function parsePassive(reply: string): { host: string; port: number; numbers: string } {
  const numbers = /\d+(?:,\d+){5}/.exec(reply)?.[0];
  if (numbers === undefined) throw new Error(`no address in: ${reply}`);
  const [a, b, c, d, high, low] = numbers.split(',').map(Number);
  return { host: `${a}.${b}.${c}.${d}`, port: (high ?? 0) * 256 + (low ?? 0), numbers };
}

function collect(socket: Socket): Promise<Buffer> {
  const chunks: Buffer[] = [];
  return new Promise((resolve, reject) => {
    socket.on('data', (chunk) => chunks.push(chunk));
    socket.once('error', reject);
    socket.once('end', () => resolve(Buffer.concat(chunks)));
  });
}
