/** A TCP server whose every octet is written by the test: for what no well-meant server sends. */
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { onTestFinished } from 'vitest';
import { allocateHost } from '../peers/host.js';
import { type Identity, identityFor, secureControl } from '../peers/scripted/tls.js';

/** One connection, as the answers see it. */
export interface Line {
  /** Number of the connection, from 1. */
  readonly number: number;
  /** The text as it is; a CRLF is added unless it ends with a line feed. */
  say(...lines: string[]): void;
  /** The octets as they are. */
  write(text: string): void;
  /** TLS from here on; what came in before is thrown away. */
  secure(): void;
  end(): void;
}

/** A reply, or what to do instead; undefined is silence. */
export type Answer =
  | string
  | undefined
  | ((line: Line, argument: string) => string | undefined | Promise<string | undefined>);

export interface Script {
  /** Said at once; undefined says nothing. Default `220 ready`. */
  greeting?: Answer;
  /** By verb; the others are those of a plain server. */
  answers?: Readonly<Record<string, Answer>>;
  tls?: 'explicit' | 'implicit';
}

export interface ScriptServer {
  readonly host: string;
  readonly port: number;
  readonly pin: string;
  /** Commands received on all connections, in order. */
  readonly commands: string[];
  /** Commands that came in each read from the socket: those of one element shared a segment. */
  readonly segments: string[][];
  /** Connections open now. */
  readonly open: () => number;
  /** Says something on every connection, whatever is under way. */
  say(text: string): void;
  /** Cuts every connection. */
  cut(): void;
}

const PLAIN: Record<string, Answer> = {
  USER: '331 Password required',
  PASS: '230 Logged in',
  FEAT: '211-Features:\r\n UTF8\r\n SIZE\r\n211 End',
  OPTS: '200 ok',
  SYST: '215 UNIX Type: L8',
  TYPE: '200 ok',
  PWD: '257 "/" is the current directory',
  NOOP: '200 ok',
  PBSZ: '200 ok',
  PROT: '200 ok',
  AUTH: (line) => {
    line.say('234 go ahead');
    line.secure();
    return undefined;
  },
  QUIT: '221 bye',
};

class Connection implements Line {
  #socket: Socket;
  #buffer = '';

  constructor(
    readonly number: number,
    socket: Socket,
    readonly identity: Identity,
    readonly take: (connection: Connection, commands: string[]) => void,
  ) {
    this.#socket = socket;
    this.#listen();
  }

  #listen(): void {
    this.#socket.on('error', () => {});
    this.#socket.on('data', (chunk: Buffer) => {
      const lines = (this.#buffer + chunk.toString('latin1')).split('\r\n');
      this.#buffer = lines.pop() ?? '';
      if (lines.length > 0) this.take(this, lines);
    });
  }

  say(...lines: string[]): void {
    this.write(lines.map((line) => (line.endsWith('\n') ? line : `${line}\r\n`)).join(''));
  }

  write(text: string): void {
    if (!this.#socket.destroyed) this.#socket.write(Buffer.from(text, 'latin1'));
  }

  secure(): void {
    this.#socket.removeAllListeners('data');
    this.#buffer = '';
    this.#socket = secureControl(this.#socket, this.identity);
    this.#listen();
  }

  end(): void {
    this.#socket.end();
  }
}

async function answer(line: Line, reply: Answer, argument: string): Promise<void> {
  const text = typeof reply === 'function' ? await reply(line, argument) : reply;
  if (text !== undefined) line.say(text);
}

/** Starts a server for the test at hand, on an address of its own. */
export async function script(options: Script = {}): Promise<ScriptServer> {
  const host = allocateHost();
  const identity = identityFor(host);
  const answers = { ...PLAIN, ...options.answers };
  const commands: string[] = [];
  const segments: string[][] = [];
  const lines = new Set<Connection>();
  const sockets = new Set<Socket>();
  let count = 0;
  const take = async (line: Connection, words: string[]): Promise<void> => {
    segments.push(words);
    for (const word of words) {
      commands.push(word);
      const verb = (word.split(' ', 1)[0] ?? '').toUpperCase();
      const reply = verb in answers ? answers[verb] : '500 what?';
      await answer(line, reply, word.slice(verb.length + 1));
    }
  };
  const server = createServer((socket) => {
    sockets.add(socket);
    const line = new Connection(++count, socket, identity, (from, words) => void take(from, words));
    lines.add(line);
    socket.on('close', () => {
      sockets.delete(socket);
      lines.delete(line);
    });
    if (options.tls === 'implicit') line.secure();
    void answer(line, 'greeting' in options ? options.greeting : '220 ready', '');
  });
  const port = await listen(server, host);
  const cut = (): void => {
    for (const socket of sockets) socket.destroy();
  };
  onTestFinished(async () => {
    cut();
    await new Promise((resolve) => server.close(resolve));
  });
  const say = (text: string): void => {
    for (const line of lines) line.say(text);
  };
  return { host, port, pin: identity.pin, commands, segments, open: () => sockets.size, say, cut };
}

function listen(server: Server, host: string): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, host, () => resolve((server.address() as AddressInfo).port));
  });
}
