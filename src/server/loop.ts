import { FileError } from '../net/plane/types.js';
import type { CommandLine } from '../protocol/command-lines.js';
import { fileReply } from './failures.js';
import { type Answer, farewell, Refusal, reply, type Say, type ServerReply } from './reply.js';
import type { Session } from './session.js';
import type { VerbRow } from './verbs/row.js';
import { rowOf } from './verbs/table.js';

/** Commands held back while one is carried out; beyond it the connection is not read. */
const QUEUE_HIGH = 64;
/** Nonsense before login that is answered; a browser or a mail client is not an FTP client (threats.md row 12). */
const NONSENSE = 5;

const FOREIGN_PROTOCOLS = new Set([
  'GET',
  'POST',
  'PUT',
  'HEAD',
  'OPTIONS',
  'CONNECT',
  'PRI',
  'PATCH',
  'TRACE',
  'EHLO',
  'HELO',
]);

/** What the loop needs of the connection. */
export interface LoopPort {
  write(answer: ServerReply): void;
  /** Part of a reply. Resolves when the client has taken it, or when the connection is over. */
  pass(octets: Buffer): Promise<void>;
  pause(): void;
  resume(): void;
  /** Called after a reply that closes. */
  finish(why: string): void;
}

/**
 * One command after the other, replies in order (RFC 959 4.2). While one is carried out, ABOR is heard at once, STAT and NOOP
 * when nothing waits before them; the others wait their turn.
 */
export class CommandLoop {
  readonly #session: Session;
  readonly #port: LoopPort;
  readonly #tell: Say = (answer) => {
    if (!this.#over) this.#port.write(answer);
  };
  #queue: CommandLine[] = [];
  #busy = false;
  /** A command is answered beside the transfer. */
  #aside = false;
  #paused = false;
  #over = false;
  #inputEnded = false;

  constructor(session: Session, port: LoopPort) {
    this.#session = session;
    this.#port = port;
  }

  /** True while a command is carried out. */
  get busy(): boolean {
    return this.#busy;
  }

  push(lines: readonly CommandLine[]): void {
    for (const line of lines) {
      if (this.#over) return;
      if (this.#busy) this.#meanwhile(line);
      else if (this.#aside || this.#queue.length > 0) this.#queue.push(line);
      else this.#take(line);
    }
    this.#throttle();
  }

  /**
   * The client sends no more: what it sent is answered, then the connection ends. A transfer goes on only behind a QUIT;
   * without one, this is an ABOR (RFC 959 4.1.1).
   */
  endInput(): void {
    this.#inputEnded = true;
    if (this.#session.running && !this.#queue.some(({ verb }) => verb === 'QUIT')) this.#session.abort();
    this.#drain();
  }

  /** What waits is forgotten (RFC 4217 4: nothing sent before TLS counts after it). */
  clear(): number {
    const waiting = this.#queue.length;
    this.#queue = [];
    return waiting;
  }

  end(): void {
    this.#over = true;
    this.#queue = [];
  }

  #throttle(): void {
    if (this.#over || this.#queue.length > QUEUE_HIGH === this.#paused) return;
    this.#paused = !this.#paused;
    if (this.#paused) this.#port.pause();
    else this.#port.resume();
  }

  #meanwhile(line: CommandLine): void {
    // RFC 959 4.1.3: the service command is answered first (426), then what waits, then ABOR itself (226).
    if (line.verb === 'ABOR') this.#session.abort();
    this.#queue.push(line);
    this.#between();
  }

  /** What may be answered while a transfer runs, as long as it is first in the queue: one at a time, so in order. */
  #between(): void {
    while (this.#busy && !this.#aside && !this.#over && this.#session.running) {
      const line = this.#queue[0];
      const row = line && rowOf(line.verb);
      if (!row?.during || line?.fault || (row.argument === 'none' && line?.argument !== undefined)) return;
      this.#queue.shift();
      this.#answerAside(row, line?.argument ?? '');
    }
  }

  #answerAside(row: VerbRow, argument: string): void {
    let answer: Answer;
    try {
      answer = row.run(this.#session, argument, this.#tell);
    } catch (error) {
      answer = this.#failure(error);
    }
    if ('code' in answer) this.#port.write(answer);
    else {
      this.#aside = true;
      void this.#followAside(answer as Promise<ServerReply>);
    }
  }

  async #followAside(answer: Promise<ServerReply>): Promise<void> {
    const given = await answer.catch((error: unknown) => this.#failure(error));
    this.#aside = false;
    if (this.#over) return;
    this.#port.write(given);
    if (this.#busy) this.#between();
    else this.#drain();
  }

  /** Carry out as many as are answered at once; the first that takes time makes the rest wait. */
  #drain(): void {
    while (!this.#busy && !this.#aside && !this.#over) {
      const line = this.#queue.shift();
      if (!line) break;
      this.#take(line);
    }
    if (this.#inputEnded && !this.#busy && !this.#aside && !this.#over) {
      this.end();
      this.#port.finish('the client closed the connection');
      return;
    }
    this.#throttle();
  }

  #take(line: CommandLine): void {
    const session = this.#session;
    session.lastUsed = Date.now();
    let answer: Answer;
    try {
      answer = this.#dispatch(line);
    } catch (error) {
      answer = this.#failure(error);
    }
    if ('code' in answer) this.#say(line.verb, answer);
    else {
      this.#busy = true;
      // An ABOR that waits is for all that came before it.
      if (this.#queue.some(({ verb }) => verb === 'ABOR')) session.abort();
      void this.#follow(line.verb, answer);
    }
  }

  async #follow(verb: string, answer: Exclude<Answer, ServerReply>): Promise<void> {
    let broken = false;
    try {
      if (!(Symbol.asyncIterator in answer)) this.#say(verb, await answer);
      else {
        for await (const one of answer) {
          broken = 'octets' in one;
          if ('octets' in one) await this.#port.pass(one.octets);
          else this.#say(verb, one);
          if (this.#over) break;
        }
      }
    } catch (error) {
      const failure = this.#failure(error);
      if (broken) this.#breakOff(verb);
      else this.#say(verb, failure);
    }
    this.#session.lastUsed = Date.now();
    this.#session.aborting = false;
    this.#busy = false;
    this.#drain();
  }

  /** A reply of which lines are told cannot become another one: without its last line it is none. */
  #breakOff(verb: string): void {
    if (this.#over) return;
    this.end();
    this.#port.finish(`the reply to ${verb} broke off`);
  }

  #say(verb: string, answer: ServerReply): void {
    if (this.#over) return;
    this.#port.write(answer);
    const { core, facts } = this.#session;
    if (answer.code >= 200) core.emit({ event: 'command', session: facts, verb, code: answer.code });
    if (!answer.close) return;
    this.end();
    this.#port.finish(verb === 'QUIT' ? 'quit' : `${answer.code} to ${verb}`);
  }

  #dispatch(line: CommandLine): Answer {
    const session = this.#session;
    const row = line.fault ? undefined : rowOf(line.verb);
    // RFC 959 4.1.3: RNTO must follow RNFR at once; what only keeps a connection alive may come between.
    if (row?.verb !== 'RNTO' && !row?.during) session.params.renameFrom = undefined;
    if (!row) return this.#unknown(line);
    if (row.when === 'login' && !session.account) {
      return reply(530, 'Log in with USER and PASS first.');
    }
    if (row.argument === 'none' && line.argument) return reply(501, 'This command takes no argument.');
    if (row.argument === 'required' && !line.argument) return reply(501, 'This command needs an argument.');
    return row.run(session, line.argument ?? '', this.#tell);
  }

  #unknown(line: CommandLine): ServerReply {
    const session = this.#session;
    if (!session.account) {
      if (FOREIGN_PROTOCOLS.has(line.verb)) return farewell(421, 'This is an FTP server.');
      if (++session.nonsense >= NONSENSE) return farewell(421, 'Too many unknown commands.');
    }
    if (line.fault === 'control') return reply(500, 'A control character is in that line.');
    return reply(500, 'Unknown command; HELP lists them.');
  }

  #failure(error: unknown): ServerReply {
    if (error instanceof Refusal) return error.answer;
    if (error instanceof FileError) return fileReply(error);
    this.#session.core.emit({ event: 'error', message: 'a command failed', error });
    return reply(451, 'A fault of this server; its log has more.');
  }
}
