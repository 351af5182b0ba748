import { BLOCK_HEADER, writeBlockHeader } from '../../../protocol/mode-e.js';
import { type BufferPool, SMALL } from '../buffers.js';
import { Course, onFile } from '../course.js';
import { Passing } from '../digest.js';
import { asFailure, Failure } from '../failure.js';
import type { Link } from '../link.js';
import { brokenFailure } from '../outlet.js';
import { Pace, StallWatch } from '../pace.js';
import type {
  DataTransfer,
  Opener,
  Source,
  TransferListener,
  TransferOrder,
  TransferResult,
  TransferState,
} from '../types.js';

/** Blocks of one connection that wait in the system. */
const AHEAD = 2;

/** One outgoing connection of MODE E. */
export class OutLane {
  readonly link: Link;
  underWay = 0;
  #onGone: (failure: Failure) => void = () => {};
  #failure: Failure | undefined;

  constructor(link: Link) {
    this.link = link;
    const { socket } = link;
    const gone = (error?: Error): void => {
      this.#failure ??= brokenFailure(error);
      this.#onGone(this.#failure);
    };
    socket.on('error', gone);
    socket.on('end', () => gone());
    socket.on('close', () => gone());
    // Octets of the peer are dropped; its end must be seen.
    socket.resume();
  }

  /** Who hears, now or later, that the connection is gone. */
  set onGone(hear: (failure: Failure) => void) {
    this.#onGone = hear;
    if (this.#failure) hear(this.#failure);
  }
}

/** What sends from its group. */
export interface SendingParts<F, P> {
  order: TransferOrder<F, P>;
  listener: TransferListener;
  opener: Opener<F>;
  buffers: BufferPool;
  /** Connections of files before, or new ones. @throws Failure */
  connect(course: Course): Promise<readonly OutLane[]>;
  /** Told before `finished`. */
  over(result: TransferResult): void;
}

/** One file that goes in blocks: each to the connection that has least to do, and an end on every one of them. */
export class BlockSending<F, P> implements DataTransfer {
  readonly finished: Promise<TransferResult>;
  readonly #parts: SendingParts<F, P>;
  readonly #course = new Course();
  readonly #pace: Pace;
  readonly #passing: Passing | undefined;
  readonly #stall: StallWatch;
  readonly #pieces: { file: F; offset: number }[];
  #lanes: readonly OutLane[] = [];
  #source: Source | undefined;
  #left = 0;
  #offset = 0;
  #large = false;
  #bytes = 0;
  #begun = 0;
  #underWay = 0;
  #reading = false;
  #over = false;
  #saidEnd = false;
  #pause: NodeJS.Timeout | undefined;
  #yield: NodeJS.Immediate | undefined;
  #resolve: () => void = () => {};

  constructor(parts: SendingParts<F, P>) {
    this.#parts = parts;
    const { rate, timeouts, blocks, file } = parts.order;
    this.#pieces = [...(blocks?.pieces ?? [{ file, offset: 0 }])];
    this.#pace = new Pace(rate);
    this.#passing = Passing.of(parts.order);
    const message = `no octet moved for ${timeouts.stall / 1000} s`;
    this.#stall = new StallWatch(timeouts.stall, () =>
      this.#fail(new Failure('stall', 'ETIMEDOUT', message)),
    );
    this.finished = this.#run();
  }

  progress(): Promise<TransferState> {
    return Promise.resolve({ bytes: this.#bytes });
  }

  abort(): void {
    this.#fail(new Failure('aborted', 'ABOR', 'the transfer was aborted'));
  }

  setRate(bytesPerSecond: number): void {
    this.#pace.rate = bytesPerSecond;
  }

  grant(): void {}

  #fail(failure: Failure): void {
    this.#course.fail(failure);
  }

  async #run(): Promise<TransferResult> {
    let failure: Failure | undefined;
    try {
      await this.#openPiece();
      this.#lanes = await this.#parts.connect(this.#course);
      this.#begun = performance.now();
      const [first] = this.#lanes;
      if (first) this.#parts.listener.onOpen(first.link.peer);
      await this.#pump();
    } catch (error) {
      failure = asFailure('transfer', error);
    } finally {
      await closed(this.#source);
    }
    const peer = this.#lanes[0]?.link.peer;
    const digest = failure ? undefined : this.#passing?.hex;
    const result: TransferResult = {
      bytes: this.#bytes,
      seconds: this.#begun === 0 ? 0 : (performance.now() - this.#begun) / 1000,
      ...(digest === undefined ? {} : { digest }),
      ...(peer ? { peer } : {}),
      ...(failure ? { failure: failure.facts() } : {}),
    };
    this.#parts.over(result);
    return result;
  }

  /** The next piece of the file, where there is one. */
  async #openPiece(): Promise<void> {
    const piece = this.#pieces.shift();
    if (!piece) return;
    const before = this.#source;
    this.#source = undefined;
    await closed(before);
    const source = await this.#course.value(
      onFile(() => this.#parts.opener.source(piece.file)),
      (late) => void closed(late),
    );
    this.#source = this.#passing?.source(source) ?? source;
    this.#left = this.#source.size ?? Number.POSITIVE_INFINITY;
    this.#offset = piece.offset;
    this.#large = this.#left > SMALL - 2 * BLOCK_HEADER;
  }

  #pump(): Promise<void> {
    return this.#course.wait<void>((resolve, reject) => {
      this.#resolve = resolve;
      for (const lane of this.#lanes) lane.onGone = reject;
      this.#step();
      return () => {
        this.#over = true;
        clearTimeout(this.#pause);
        clearImmediate(this.#yield);
        this.#stall.rest();
      };
    });
  }

  /** Reads and writes until the system has enough. */
  readonly #step = (): void => {
    while (!this.#over && !this.#reading && !this.#pause && !this.#yield && !this.#saidEnd) {
      if (this.#left <= 0) {
        if (this.#pieces.length > 0) this.#follow();
        else this.#finish();
        return;
      }
      const lane = this.#freeLane();
      if (!lane || !this.#read(lane)) return;
    }
  };

  #freeLane(): OutLane | undefined {
    let best: OutLane | undefined;
    for (const lane of this.#lanes)
      if (lane.underWay < AHEAD && lane.underWay < (best?.underWay ?? AHEAD)) best = lane;
    return best;
  }

  #follow(): void {
    this.#reading = true;
    this.#openPiece().then(
      () => {
        this.#reading = false;
        this.#step();
      },
      (error: unknown) => this.#fail(asFailure('file', error)),
    );
  }

  /** @returns true when the next block may follow at once. */
  #read(lane: OutLane): boolean {
    const { buffers } = this.#parts;
    const buffer = buffers.take(this.#large);
    // Behind the block there is room for the header that ends the file.
    const room = Math.min(buffer.length - 2 * BLOCK_HEADER, this.#left, this.#pace.most);
    let count: number | Promise<number> | undefined;
    try {
      count = this.#source?.read(buffer.subarray(BLOCK_HEADER, BLOCK_HEADER + room)) ?? 0;
    } catch (error) {
      buffers.give(buffer);
      this.#fail(asFailure('file', error));
      return false;
    }
    if (typeof count === 'number') return this.#send(lane, buffer, count);
    this.#reading = true;
    this.#stall.rest();
    count.then(
      (late) => {
        this.#reading = false;
        if (this.#over) buffers.give(buffer);
        else if (this.#send(lane, buffer, late)) this.#step();
      },
      (error: unknown) => {
        buffers.give(buffer);
        this.#fail(asFailure('file', error));
      },
    );
    return false;
  }

  #send(lane: OutLane, buffer: Buffer, count: number): boolean {
    if (count === 0) {
      this.#parts.buffers.give(buffer);
      this.#left = 0;
      return true;
    }
    writeBlockHeader(buffer, { count, offset: this.#offset });
    this.#offset += count;
    this.#left -= count;
    this.#bytes += count;
    let length = BLOCK_HEADER + count;
    if (this.#left <= 0 && this.#pieces.length === 0) {
      writeBlockHeader(buffer, { ends: this.#lanes.length, eod: true }, length);
      length += BLOCK_HEADER;
      this.#write(lane, buffer.subarray(0, length), buffer);
      this.#finish(lane);
      return false;
    }
    this.#write(lane, buffer.subarray(0, length), buffer);
    return this.#next(lane, count);
  }

  /** @returns true when the next block may follow at once. */
  #next(lane: OutLane, count: number): boolean {
    const pause = this.#pace.passed(count);
    if (pause > 0) {
      this.#pause = setTimeout(() => {
        this.#pause = undefined;
        this.#step();
      }, pause);
    }
    if (lane.link.socket.writableLength > 0 || !this.#large) return true;
    // The system took all of it at once: the others of this thread get their turn before the next one.
    this.#yield = setImmediate(() => {
      this.#yield = undefined;
      this.#step();
    });
    return false;
  }

  #write(lane: OutLane, octets: Buffer, pooled?: Buffer): void {
    lane.underWay += 1;
    this.#underWay += 1;
    lane.link.socket.write(octets, (error) => {
      const failed = error !== null && error !== undefined;
      if (pooled) this.#parts.buffers.give(pooled, failed);
      lane.underWay -= 1;
      this.#underWay -= 1;
      if (failed) return;
      if (this.#underWay > 0) this.#stall.watch();
      else this.#stall.rest();
      if (this.#saidEnd && this.#underWay === 0) this.#resolve();
      else this.#step();
    });
    if (lane.link.socket.writableLength > 0) this.#stall.watch();
  }

  /** @param said the connection on which the end of the file stands already. */
  #finish(said?: OutLane): void {
    this.#saidEnd = true;
    const [first] = this.#lanes;
    for (const lane of this.#lanes) {
      if (lane === said) continue;
      const end = Buffer.alloc(BLOCK_HEADER);
      const ends = lane === first && !said ? { ends: this.#lanes.length } : {};
      writeBlockHeader(end, { ...ends, eod: true });
      this.#write(lane, end);
    }
  }
}

async function closed(source: Source | undefined): Promise<void> {
  try {
    await source?.close();
  } catch {
    // It was read to its end or is given up: nobody needs to know.
  }
}
