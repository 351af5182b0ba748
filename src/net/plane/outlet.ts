import type net from 'node:net';
import { type BufferPool, SMALL } from './buffers.js';
import type { Course } from './course.js';
import { asFailure, codeOf, Failure } from './failure.js';
import { LinesOut } from './lines.js';
import type { Pace, StallWatch } from './pace.js';
import type { Source } from './types.js';

/** Buffers of one transfer that wait in the system: while one is sent the next is read. */
const AHEAD = 2;

/** What every pump works with. */
export interface PumpParts {
  socket: net.Socket;
  course: Course;
  buffers: BufferPool;
  pace: Pace;
  stall: StallWatch;
  type: 'A' | 'I';
  tls: boolean;
  /** Octets of the file have moved. */
  count(bytes: number): void;
}

/**
 * From a source to a socket: large pooled buffers, read synchronously where the source can, two of them under way.
 * Under TLS the socket is ended behind the last octet.
 */
export class Outlet {
  readonly #source: Source;
  readonly #parts: PumpParts;
  readonly #lines: LinesOut | undefined;
  readonly #large: boolean;
  /** Octets to come; Infinity = until the source says so. */
  #left: number;
  #underWay = 0;
  #reading = false;
  #ended = false;
  #pause: NodeJS.Timeout | undefined;
  #yield: NodeJS.Immediate | undefined;
  #resolve: () => void = () => {};
  #reject: (error: Failure) => void = () => {};

  constructor(source: Source, parts: PumpParts) {
    this.#source = source;
    this.#parts = parts;
    this.#lines = parts.type === 'A' ? new LinesOut() : undefined;
    this.#left = source.size ?? Number.POSITIVE_INFINITY;
    this.#large = this.#left > SMALL;
  }

  /** Resolves when the system has taken everything. @throws Failure */
  run(): Promise<void> {
    const { course, socket, stall } = this.#parts;
    return course.wait<void>((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
      const broken = (error: Error): void => reject(brokenFailure(error));
      const closed = (): void => reject(brokenFailure(undefined));
      socket.on('error', broken);
      socket.on('close', closed);
      if (socket.destroyed) reject(brokenFailure(socket.errored ?? undefined));
      else this.#step();
      return () => {
        this.#ended = true;
        clearTimeout(this.#pause);
        clearImmediate(this.#yield);
        stall.rest();
        socket.removeListener('error', broken);
        socket.removeListener('close', closed);
      };
    });
  }

  /** Reads and writes until the system has enough. */
  readonly #step = (): void => {
    while (!this.#ended && !this.#reading && !this.#pause && this.#underWay < AHEAD) {
      if (this.#left <= 0) {
        this.#finish();
        return;
      }
      if (!this.#read()) return;
    }
  };

  /** @returns true when the next buffer may follow at once. */
  #read(): boolean {
    const { buffers, pace } = this.#parts;
    const buffer = buffers.take(this.#large);
    const room = this.#lines ? buffer.length / 2 : buffer.length;
    const into = buffer.subarray(0, Math.min(room, this.#left, pace.most));
    let count: number | Promise<number>;
    try {
      count = this.#source.read(into);
    } catch (error) {
      buffers.give(buffer);
      this.#reject(asFailure('file', error));
      return false;
    }
    if (typeof count === 'number') return this.#send(buffer, count);
    this.#reading = true;
    this.#parts.stall.rest();
    count.then(
      (late) => {
        this.#reading = false;
        if (this.#ended) buffers.give(buffer);
        else if (this.#send(buffer, late)) this.#step();
      },
      (error: unknown) => {
        buffers.give(buffer);
        this.#reject(asFailure('file', error));
      },
    );
    return false;
  }

  #send(buffer: Buffer, count: number): boolean {
    const { socket, pace, stall } = this.#parts;
    if (count === 0) {
      this.#parts.buffers.give(buffer);
      this.#left = 0;
      return true;
    }
    this.#left -= count;
    this.#parts.count(count);
    this.#underWay += 1;
    const { chunk, spare } = this.#encoded(buffer, count);
    socket.write(chunk, (error) => this.#sent(buffer, spare, error));
    if (socket.writableLength > 0) stall.watch();
    const pause = pace.passed(count);
    if (pause > 0) {
      this.#pause = setTimeout(() => {
        this.#pause = undefined;
        this.#step();
      }, pause);
    }
    // The system took all of it at once: the others of this thread get their turn before the next one.
    if (this.#left > 0 && socket.writableLength === 0 && this.#large) {
      this.#yield = setImmediate(() => {
        this.#yield = undefined;
        this.#step();
      });
      return false;
    }
    return true;
  }

  #encoded(buffer: Buffer, count: number): { chunk: Buffer; spare: Buffer | undefined } {
    const text = buffer.subarray(0, count);
    if (!this.#lines) return { chunk: text, spare: undefined };
    const spare = this.#parts.buffers.take(this.#large);
    // The pool may be out of large buffers for one of the two.
    const into = spare.length >= 2 * count ? spare : Buffer.allocUnsafe(2 * count);
    return { chunk: into.subarray(0, this.#lines.encode(text, into)), spare };
  }

  #sent(buffer: Buffer, spare: Buffer | undefined, error: Error | null | undefined): void {
    const failed = error !== null && error !== undefined;
    this.#parts.buffers.give(buffer, failed);
    if (spare) this.#parts.buffers.give(spare, failed);
    this.#underWay -= 1;
    if (failed) return;
    if (this.#ended) {
      if (this.#underWay === 0 && !this.#parts.tls) this.#resolve();
      return;
    }
    if (this.#underWay > 0) this.#parts.stall.watch();
    else this.#parts.stall.rest();
    if (this.#yield === undefined) this.#step();
  }

  /** All is written. A plain connection ends by being closed, one under TLS says close_notify first. */
  #finish(): void {
    const { socket, stall, tls } = this.#parts;
    this.#ended = true;
    if (!tls && socket.writableLength === 0) {
      this.#resolve();
      return;
    }
    stall.watch();
    if (tls) socket.end(this.#resolve);
  }
}

/** The data connection broke while octets moved. */
export function brokenFailure(error: Error | undefined): Failure {
  const code = codeOf(error) || (error ? 'ERROR' : 'ECONNRESET');
  const what = error ? code : 'the peer closed the connection';
  return new Failure('transfer', code, `the data connection broke: ${what}`, error ? { cause: error } : {});
}
