import type { Readable } from 'node:stream';
import { asFailure, Failure } from './failure.js';
import { LinesIn } from './lines.js';
import { readInto } from './onread.js';
import { brokenFailure, type PumpParts } from './outlet.js';
import type { Sink } from './types.js';

/** Under TLS octets come in records of 16 KiB; less room than this and the buffer is written out. */
const RECORD = 16 * 1024;

/** A quota that is granted in pieces. */
export interface Quota {
  /** Octets that may still be stored without asking. */
  left: number;
  /** Asks for more and resolves with it; 0 ends the transfer. */
  more(): Promise<number>;
}

/** What an upload needs beyond `PumpParts`. */
export interface InletParts extends PumpParts {
  sink: Sink;
  quota?: Quota | undefined;
  /** MODE Z: takes packed octets, hands out plain ones through `store`; '' at the end. */
  unpack?: ((chunk: Buffer, store: Store) => Promise<void>) | undefined;
  /** Asked at the end of the stream: was the connection reset? */
  wasReset(): boolean;
  /** At the end of the stream: was it complete? @throws Failure */
  complete(): void;
}

/** A buffer that fills up: `from` to `to` are not handed over yet. */
interface Fill {
  buffer: Buffer;
  from: number;
  to: number;
  /** Not to be used again: a larger one follows. */
  last?: boolean;
}

/** Writes octets to the file; undefined when done at once. */
export type Store = (chunk: Buffer) => Promise<void> | undefined;

/** From a socket to a sink: the system reads into pooled buffers, which are written synchronously where the sink can. */
export class Inlet {
  readonly #parts: InletParts;
  readonly #lines: LinesIn | undefined;
  /** Where the system reads into. */
  #fill: Fill | undefined;
  /** Full buffers that wait while the sink is busy; what was read before reading stopped, 64 KiB or so. */
  #waiting: Fill[] = [];
  #busy = false;
  #large = false;
  #over = false;
  #eof = false;
  #flushing: NodeJS.Immediate | undefined;
  #pause: NodeJS.Timeout | undefined;
  #resolve: () => void = () => {};
  #reject: (error: Failure) => void = () => {};

  constructor(parts: InletParts) {
    this.#parts = parts;
    this.#lines = parts.type === 'A' ? new LinesIn() : undefined;
  }

  /** Resolves when everything is written to the sink, up to the end of the stream. @throws Failure */
  run(): Promise<void> {
    const { course, socket, stall } = this.#parts;
    return course.wait<void>((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
      const broken = (error?: Error): void => {
        // Behind the end of the stream nothing can be lost.
        if (!this.#eof) reject(brokenFailure(error));
      };
      const ended = (): void => {
        if (this.#parts.wasReset()) broken();
        else this.#end();
      };
      const data = (chunk: Buffer): void => this.#copied(chunk);
      socket.on('error', broken);
      const gone = (): void => broken();
      socket.on('close', gone);
      socket.on('end', ended);
      stall.watch();
      this.#begin(data);
      // It may have ended or broken while the file was opened.
      if (socket.destroyed) broken(socket.errored ?? undefined);
      else if (socket.readableEnded) ended();
      return () => {
        this.#over = true;
        clearImmediate(this.#flushing);
        clearTimeout(this.#pause);
        stall.rest();
        socket.removeListener('error', broken);
        socket.removeListener('close', gone);
        socket.removeListener('end', ended);
        socket.removeListener('data', data);
        this.#drop();
      };
    });
  }

  #begin(data: (chunk: Buffer) => void): void {
    const { socket } = this.#parts;
    // What came together with the end of the handshake.
    for (let chunk: unknown = socket.read(); chunk !== null; chunk = socket.read())
      this.#copied(chunk as Buffer);
    const direct = readInto(socket, { next: () => this.#next(), taken: (count) => this.#taken(count) });
    if (!direct) (socket as Readable).on('data', data);
    if (!this.#busy) socket.resume();
  }

  /** Memory for the next octets; the system keeps it until it asks again. */
  #next(): Buffer {
    const { buffers, pace } = this.#parts;
    const last = this.#fill;
    if (last && !this.#busy && last.from === last.to) last.from = last.to = 0;
    if (last && last.to >= last.buffer.length) {
      if (last.from < last.to) this.#waiting.push(last);
      this.#fill = undefined;
    }
    this.#fill ??= { buffer: buffers.take(this.#large), from: 0, to: 0 };
    const { buffer, to } = this.#fill;
    const limit = Math.min(buffer.length, to + pace.most);
    return to === 0 && limit === buffer.length ? buffer : buffer.subarray(to, limit);
  }

  /** The system has put octets into the memory of `#next`. @returns false to stop reading. */
  #taken(count: number): boolean {
    const fill = this.#fill;
    if (this.#over || !fill) return false;
    fill.to += count;
    if (this.#busy) return false;
    const nearlyFull = fill.to > fill.buffer.length - RECORD;
    if (nearlyFull && !this.#large) {
      // There is more where this came from.
      this.#large = true;
      fill.last = true;
    }
    if (nearlyFull || !this.#parts.tls) {
      this.#parts.stall.watch();
      return this.#flush(true);
    }
    this.#flushing ??= setImmediate(() => {
      this.#flushing = undefined;
      if (!this.#busy && !this.#over) this.#parts.stall.watch();
      if (!this.#over && !this.#busy && !this.#flush(false)) this.#parts.socket.pause();
    });
    return true;
  }

  /** Octets in memory of Node's: where `readInto` does not work, and what was read before. */
  #copied(chunk: Buffer): void {
    for (let from = 0; from < chunk.length; ) {
      const count = chunk.copy(this.#next(), 0, from);
      this.#fill!.to += count;
      from += count;
    }
    this.#parts.stall.watch();
    if (!this.#busy && !this.#flush(false)) this.#parts.socket.pause();
  }

  /**
   * Hand over what is there, oldest first.
   *
   * @param exchange the system asks for memory after this: the buffer may be exchanged for another one.
   * @returns true when all was done at once.
   */
  #flush(exchange: boolean): boolean {
    let fill = this.#waiting.shift() ?? this.#fill;
    while (fill && fill.from < fill.to) {
      const { buffer, from, to } = fill;
      fill.from = to;
      let done: Promise<void> | undefined;
      try {
        done = this.#digest(buffer.subarray(from, to));
      } catch (error) {
        this.#reject(asFailure('file', error));
        return false;
      }
      if (fill === this.#fill && exchange && (done || fill.last)) this.#fill = undefined;
      if (done) {
        this.#await(done, fill);
        return false;
      }
      if (fill !== this.#fill) this.#parts.buffers.give(buffer);
      fill = this.#waiting.shift() ?? this.#fill;
    }
    return true;
  }

  /** The sink is busy with a buffer. */
  #await(done: Promise<void>, fill: Fill): void {
    this.#busy = true;
    this.#parts.stall.rest();
    done.then(
      () => {
        if (fill !== this.#fill) this.#parts.buffers.give(fill.buffer);
        this.#busy = false;
        if (!this.#over) this.#goOn();
      },
      (error: unknown) => this.#reject(asFailure('file', error)),
    );
  }

  #goOn(): void {
    if (!this.#flush(false)) return;
    if (this.#eof) {
      this.#end();
      return;
    }
    this.#parts.stall.watch();
    this.#parts.socket.resume();
  }

  #digest(chunk: Buffer): Promise<void> | undefined {
    const { unpack } = this.#parts;
    return unpack ? unpack(chunk, (plain) => this.#lined(plain)) : this.#lined(chunk);
  }

  #lined(chunk: Buffer): Promise<void> | undefined {
    if (!this.#lines) return this.#store(chunk);
    const { before, text } = this.#lines.decode(chunk);
    const first = before && this.#store(before);
    return first ? first.then(() => this.#store(text)) : this.#store(text);
  }

  /** To the sink, within quota and rate. */
  #store(chunk: Buffer): Promise<void> | undefined {
    const { sink, quota, pace } = this.#parts;
    if (chunk.length === 0) return undefined;
    if (quota && chunk.length > quota.left) return this.#ration(chunk, quota);
    if (quota) quota.left -= chunk.length;
    const written = sink.write(chunk);
    this.#parts.count(chunk.length);
    const pause = pace.passed(chunk.length);
    if (pause <= 0) return written instanceof Promise ? written : undefined;
    return Promise.resolve(written).then(
      () =>
        new Promise((resolve) => {
          if (!this.#over) this.#pause = setTimeout(resolve, pause);
        }),
    );
  }

  /** More came than was granted: the part that fits, then ask. */
  async #ration(chunk: Buffer, quota: Quota): Promise<void> {
    const fits = chunk.subarray(0, quota.left);
    if (fits.length > 0) await this.#store(fits);
    quota.left = await quota.more();
    if (quota.left <= 0) throw new Failure('quota', 'quota', 'the quota is used up');
    await this.#store(chunk.subarray(fits.length));
  }

  /** The peer has ended. */
  #end(): void {
    this.#eof = true;
    if (this.#busy || this.#over) return;
    if (!this.#flush(false)) return;
    this.#last().then(
      () => this.#resolve(),
      (error: unknown) => this.#reject(asFailure('file', error)),
    );
  }

  async #last(): Promise<void> {
    this.#busy = true;
    const { unpack, complete } = this.#parts;
    complete();
    if (unpack) await unpack(Buffer.alloc(0), (plain) => this.#lined(plain));
    const rest = this.#lines?.end();
    if (rest) await this.#store(rest);
  }

  /** At the end: nothing is read any more after the end of the stream, else the system may still write to the buffers. */
  #drop(): void {
    const { buffers } = this.#parts;
    const mayBeWritten = !this.#eof;
    if (this.#fill) buffers.give(this.#fill.buffer, mayBeWritten);
    for (const { buffer } of this.#waiting) buffers.give(buffer, mayBeWritten);
    this.#fill = undefined;
    this.#waiting = [];
  }
}
