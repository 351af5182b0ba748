import type { Readable } from 'node:stream';
import { BlockDecoder, type BlockHeader } from '../../../protocol/mode-e.js';
import type { BufferPool } from '../buffers.js';
import { asFailure, type Failure } from '../failure.js';
import type { Link } from '../link.js';
import { readInto } from '../onread.js';
import { brokenFailure } from '../outlet.js';

/** Who takes the blocks of one file. What it throws ends the connection, not the file. */
export interface LaneUser {
  block(lane: Lane, header: BlockHeader): void;
  /** The chunk may be used again when the promise is kept. */
  octets(lane: Lane, chunk: Buffer, offset: number): Promise<void> | undefined;
  /** The connection has said its last of this file, and all of it was taken. */
  end(lane: Lane): void;
  /** It ended, broke, or what came is no block. */
  gone(lane: Lane, failure: Failure): void;
}

/** Octets that one connection may bring in one turn of a thread that has other things to do. */
const GENTLE = 256 * 1024;

interface Fill {
  buffer: Buffer;
  from: number;
  to: number;
  /** Of the pool. */
  pooled: boolean;
}

/**
 * One incoming connection of MODE E. Behind the end of a file it is read on until something of the next one comes, which waits
 * for its user.
 */
export class Lane {
  readonly link: Link;
  /** It had a part in a file before this one. */
  kept = false;
  /** Octets of this file, or its end, came from here. */
  brought = false;
  /** It has said its last of this file. */
  done = false;
  readonly #buffers: BufferPool;
  readonly #decoder = new BlockDecoder();
  readonly #onIdle: (lane: Lane) => void;
  readonly #gentle: boolean;
  /** Octets of this turn; what comes beyond `GENTLE` waits for the next one. */
  #turn = 0;
  #rest: NodeJS.Immediate | undefined;
  #user: LaneUser | undefined;
  /** What the system reads into. */
  #spare: Buffer | undefined;
  #queue: Fill[] = [];
  #large = false;
  #begun = false;
  #busy = false;
  /** The block that is being read is the last one. */
  #last = false;
  #failure: Failure | undefined;
  #over = false;

  /** @param onIdle the connection went while it had no user. @param gentle as in `PlaneParts`. */
  constructor(link: Link, buffers: BufferPool, onIdle: (lane: Lane) => void, gentle: boolean) {
    this.link = link;
    this.#buffers = buffers;
    this.#onIdle = onIdle;
    this.#gentle = gentle;
  }

  /** The next file is on its way already. */
  get waiting(): boolean {
    return this.#queue.length > 0;
  }

  /** Blocks go to `user` from now on. */
  attach(user: LaneUser): void {
    this.#user = user;
    if (this.#begun) this.#goOn();
    else this.#begin();
  }

  /** The file is over; what comes now belongs to the next one. */
  detach(): void {
    this.#user = undefined;
    this.kept ||= this.done;
    this.done = false;
    this.brought = false;
  }

  #begin(): void {
    this.#begun = true;
    const { socket, raw } = this.link;
    const broken = (error?: Error): void => this.#end(brokenFailure(error));
    const closed = (): void => this.#end(brokenFailure(undefined));
    socket.on('error', broken);
    socket.on('end', closed);
    socket.on('close', closed);
    if (raw !== socket) raw.on('error', () => {});
    // What came together with the end of the handshake.
    for (let chunk: unknown = socket.read(); chunk !== null; chunk = socket.read())
      this.#copied(chunk as Buffer);
    const direct = readInto(socket, { next: () => this.#next(), taken: (count) => this.#taken(count) });
    if (!direct) (socket as Readable).on('data', (chunk: Buffer) => this.#copied(chunk));
    if (socket.destroyed || socket.readableEnded) closed();
    else this.#goOn();
  }

  readonly #next = (): Buffer => {
    this.#spare ??= this.#buffers.take(this.#large);
    return this.#spare;
  };

  #taken(count: number): boolean {
    const buffer = this.#spare;
    if (this.#over || !buffer) return false;
    this.#spare = undefined;
    // There is more where this came from.
    this.#large ||= count === buffer.length;
    this.#queue.push({ buffer, from: 0, to: count, pooled: true });
    return this.#drain() && !this.#rests(count);
  }

  /** @returns true when the others of this thread are to have their turn before more is read. */
  #rests(count: number): boolean {
    if (!this.#gentle) return false;
    this.#turn += count;
    this.#rest ??= setImmediate(() => {
      this.#rest = undefined;
      const stopped = this.#turn >= GENTLE;
      this.#turn = 0;
      if (stopped && !this.#over) this.#goOn();
    });
    return this.#turn >= GENTLE;
  }

  #copied(chunk: Buffer): void {
    this.#queue.push({ buffer: chunk, from: 0, to: chunk.length, pooled: false });
    if (!this.#drain()) this.link.socket.pause();
  }

  #goOn(): void {
    if (this.#drain() && !this.#over) this.link.socket.resume();
  }

  /** @returns true when all that came was taken, so that more may come. */
  #drain(): boolean {
    try {
      while (this.#user && !this.done && !this.#busy && !this.#over) {
        const fill = this.#queue[0];
        if (!fill) break;
        if (!this.#part(fill, this.#user)) {
          this.#queue.shift();
          this.#giveBack(fill);
        }
      }
    } catch (error) {
      this.#queue = [];
      this.#end(asFailure('transfer', error));
      this.#lost();
      return false;
    }
    const empty = this.#queue.length === 0 && !this.#busy;
    if (empty && this.#failure) this.#lost();
    return empty && !this.#over;
  }

  /** @returns false when the buffer is used up. */
  #part(fill: Fill, user: LaneUser): boolean {
    const from = fill.from;
    const part = this.#decoder.read(fill.buffer, from, fill.to);
    if (!part) return false;
    fill.from = part.next;
    if (part.is === 'header') {
      this.#last = part.header.eod;
      user.block(this, part.header);
    } else {
      const work = user.octets(this, fill.buffer.subarray(from, part.next), part.offset);
      if (work) this.#await(work);
    }
    if (!this.#busy) this.#ended(user);
    return true;
  }

  #await(work: Promise<void>): void {
    this.#busy = true;
    work.then(
      () => {
        this.#busy = false;
        if (this.#over) return;
        if (this.#user) this.#ended(this.#user);
        this.#goOn();
      },
      (error: unknown) => {
        this.#busy = false;
        this.#queue = [];
        this.#end(asFailure('transfer', error));
      },
    );
  }

  #ended(user: LaneUser): void {
    if (!this.#last || this.#decoder.unfinished) return;
    this.#last = false;
    this.brought = true;
    this.done = true;
    user.end(this);
  }

  #giveBack({ buffer, pooled }: Fill): void {
    if (!pooled) return;
    const fits = this.#spare === undefined && (!this.#large || buffer.length > 64 * 1024);
    if (fits) this.#spare = buffer;
    else this.#buffers.give(buffer);
  }

  /** No more comes; what came before is still taken. */
  #end(failure: Failure): void {
    this.#failure ??= failure;
    if (this.#queue.length === 0 && !this.#busy) this.#lost();
  }

  #lost(): void {
    if (this.#over || !this.#failure) return;
    const user = this.#user;
    this.destroy();
    if (user) user.gone(this, this.#failure);
    else this.#onIdle(this);
  }

  /** Lets go of the connection without a word. */
  destroy(): void {
    if (this.#over) return;
    this.#over = true;
    clearImmediate(this.#rest);
    const { socket, raw } = this.link;
    socket.destroy();
    raw.destroy();
    if (this.#spare) this.#buffers.give(this.#spare, true);
    for (const { buffer, pooled } of this.#queue) if (pooled) this.#buffers.give(buffer, true);
    this.#spare = undefined;
    this.#queue = [];
  }
}
