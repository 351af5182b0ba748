import { type Span, SpanSet } from '../../../protocol/markers.js';
import type { BlockHeader } from '../../../protocol/mode-e.js';
import { Contest } from '../contest.js';
import { Course, onFile } from '../course.js';
import { Passing } from '../digest.js';
import { asFailure, Failure } from '../failure.js';
import type { Arrival, GateJudge } from '../gate.js';
import { type Link, rawLink, secureLink } from '../link.js';
import { Pace, StallWatch } from '../pace.js';
import type { Credentials } from '../secure.js';
import {
  type DataPeer,
  type DataTransfer,
  FileError,
  type Opener,
  type Remains,
  type Sink,
  type TransferListener,
  type TransferOrder,
  type TransferResult,
  type TransferState,
} from '../types.js';
import type { Lane, LaneUser } from './lane.js';

/** Connections of one file. */
const MOST_LANES = 64;

/** What receives from its group. */
export interface ReceiptParts<F, P> {
  order: TransferOrder<F, P>;
  listener: TransferListener;
  opener: Opener<F>;
  credentials(): Credentials | undefined;
  /** Connections of files before. */
  lanes: Set<Lane>;
  makeLane(link: Link): Lane;
  judge: GateJudge;
  /** As `Gate.admit` and `Gate.drop`. */
  admit(judge: GateJudge, take: (arrival: Arrival) => void): () => void;
  drop(arrival: Pick<Arrival, 'socket' | 'address'>, why: string): void;
  /** Told before `finished`. */
  over(result: TransferResult): void;
}

/** One file that comes in blocks, over any number of connections and in any order. */
export class BlockReceipt<F, P> implements DataTransfer, LaneUser {
  readonly finished: Promise<TransferResult>;
  readonly #parts: ReceiptParts<F, P>;
  readonly #course = new Course();
  readonly #pace: Pace;
  readonly #passing: Passing | undefined;
  readonly #stall: StallWatch;
  /** Octets that came, and those that are stored: what was there before is in both. */
  readonly #came: SpanSet;
  readonly #stored: SpanSet;
  #bytes = 0;
  #begun = 0;
  #peer: DataPeer | undefined;
  #sink: Sink | undefined;
  #opening: Promise<void> | undefined;
  #contest: Contest<Link> | undefined;
  #patience: NodeJS.Timeout | undefined;
  /** Connections that will say their last, and those that have. */
  #ends: number | undefined;
  #ended = 0;
  #writing = 0;
  #left: number;
  #asking: Promise<number> | undefined;
  #granted: ((bytes: number) => void) | undefined;
  #resolve: () => void = () => {};

  constructor(parts: ReceiptParts<F, P>) {
    this.#parts = parts;
    const { rate, timeouts, blocks, grant } = parts.order;
    this.#pace = new Pace(rate);
    this.#passing = Passing.of(parts.order);
    this.#came = new SpanSet(blocks?.have);
    this.#stored = new SpanSet(blocks?.have);
    this.#left = grant ?? Number.POSITIVE_INFINITY;
    const message = `no octet moved for ${timeouts.stall / 1000} s`;
    this.#stall = new StallWatch(timeouts.stall, () =>
      this.#fail(new Failure('stall', 'ETIMEDOUT', message)),
    );
    this.finished = this.#run();
  }

  progress(): Promise<TransferState> {
    return Promise.resolve({ bytes: this.#bytes, spans: this.#spans() });
  }

  #spans(): Span[] {
    return this.#stored.spans.map((span) => ({ ...span }));
  }

  abort(): void {
    this.#fail(new Failure('aborted', 'ABOR', 'the transfer was aborted'));
  }

  setRate(bytesPerSecond: number): void {
    this.#pace.rate = bytesPerSecond;
  }

  grant(bytes: number): void {
    this.#granted?.(bytes);
  }

  #fail(failure: Failure): void {
    this.#course.fail(failure);
  }

  async #run(): Promise<TransferResult> {
    const { order, opener } = this.#parts;
    const course = this.#course;
    let failure: Failure | undefined;
    let remains: Remains | undefined;
    try {
      // A file that is here already is opened at once, and that says the same.
      if (![...this.#parts.lanes].some((lane) => lane.waiting)) {
        await course.value(
          onFile(() => opener.admit(order.file)),
          () => {},
        );
      }
      await this.#gather();
      await this.#opening;
      await this.#commit();
    } catch (error) {
      failure = asFailure('transfer', error);
      this.#fail(failure);
      await this.#opening?.catch(() => {});
      remains = this.#sink && (await abandoned(this.#sink));
    }
    const digest = failure ? undefined : this.#passing?.hex;
    const result: TransferResult = {
      bytes: this.#bytes,
      seconds: this.#begun === 0 ? 0 : (performance.now() - this.#begun) / 1000,
      ...(digest === undefined ? {} : { digest }),
      spans: this.#spans(),
      ...(this.#peer ? { peer: this.#peer } : {}),
      ...(failure ? { failure: failure.facts() } : {}),
      ...(remains ? { remains } : {}),
    };
    this.#parts.over(result);
    return result;
  }

  async #commit(): Promise<void> {
    if (!this.#came.whole) {
      throw new Failure(
        'transfer',
        'INCOMPLETE',
        'the sender said that the file is complete, and parts of it are missing',
      );
    }
    this.#passing?.check(this.#bytes);
    const sink = this.#sink;
    if (sink) await onFile(() => sink.commit());
  }

  /** Waits until every connection has said its last. */
  #gather(): Promise<void> {
    const { lanes, judge } = this.#parts;
    return this.#course.wait<void>((resolve) => {
      this.#resolve = resolve;
      for (const lane of [...lanes]) if (!judge(lane.link.address).allow) this.#dismiss(lane);
      const release = this.#listen();
      const kept = [...lanes].find((lane) => lane.kept);
      if (kept) this.#open(kept.link);
      if (kept) this.#stall.watch();
      else this.#patience = setTimeout(() => this.#fail(this.#nobody()), this.#parts.order.timeouts.connect);
      for (const lane of [...lanes]) lane.attach(this);
      return () => {
        release();
        this.#contest?.end();
        clearTimeout(this.#patience);
        this.#stall.rest();
        for (const lane of lanes) lane.detach();
      };
    });
  }

  #dismiss(lane: Lane): void {
    this.#parts.lanes.delete(lane);
    lane.destroy();
  }

  #nobody(): Failure {
    const { connect } = this.#parts.order.timeouts;
    return (
      this.#contest?.failure ??
      new Failure('connect', 'ETIMEDOUT', `no block came within ${connect / 1000} s`)
    );
  }

  /** Connections that come are tried, and taken as they prove themselves. */
  #listen(): () => void {
    const { order, credentials, judge, admit, drop } = this.#parts;
    const asked = performance.now();
    const contest = new Contest<Link>(
      (arrival, course) => secureLink(rawLink(arrival), { order, credentials, course, asked }),
      (arrival, why) => {
        drop(arrival, why);
        const failure = contest.failure;
        // A client whose handshake fails is told so; under a pin it is a stranger.
        if (failure && !arrival.foreign && !order.tls?.pins && this.#parts.lanes.size === 0)
          this.#fail(failure);
      },
      true,
    );
    contest.onProven = (link) => this.#proven(link);
    this.#contest = contest;
    return admit(judge, (arrival) => contest.enter(arrival));
  }

  #proven(link: Link): void {
    const { lanes, makeLane, order } = this.#parts;
    if (lanes.size >= MOST_LANES) {
      const idle = [...lanes].find((lane) => !lane.brought && !lane.kept);
      if (!idle) {
        this.#parts.drop({ socket: link.raw, address: link.address }, 'too many connections');
        return;
      }
      this.#dismiss(idle);
    }
    // Under TLS 1.3 a client is done before its certificate was looked at: its first block says that it was taken.
    if (!order.tls?.pins) this.#open(link);
    const lane = makeLane(link);
    lanes.add(lane);
    lane.attach(this);
  }

  #open({ peer }: Link): void {
    this.#peer ??= peer;
    if (this.#begun !== 0) return;
    this.#begun = performance.now();
    this.#parts.listener.onOpen(peer);
  }

  block(lane: Lane, { count, offset, ends }: BlockHeader): void {
    if (this.#opening && this.#peer?.address !== lane.link.address)
      throw refused('another address sends this file');
    if (ends !== undefined) {
      if (this.#ends !== undefined) throw refused('the file ends twice');
      lane.brought = true;
      this.#ends = ends;
    } else if (this.#came.touches({ start: offset, end: offset + count })) {
      throw refused('octets that are there already');
    }
    clearTimeout(this.#patience);
    if (!this.#opening) {
      this.#peer = lane.link.peer;
      this.#open(lane.link);
      this.#opening = this.#openSink();
    }
    if (this.#writing === 0) this.#stall.watch();
  }

  async #openSink(): Promise<void> {
    try {
      this.#sink = await onFile(() => this.#parts.opener.sink(this.#parts.order.file));
    } catch (error) {
      this.#fail(asFailure('file', error));
    }
  }

  octets(lane: Lane, chunk: Buffer, offset: number): Promise<void> | undefined {
    if (this.#course.cause) return undefined;
    if (!this.#sink) return this.#opening?.then(() => this.octets(lane, chunk, offset));
    const holes = this.#came.end;
    if (!this.#came.add({ start: offset, end: offset + chunk.length }))
      throw refused('octets that are there already');
    lane.brought = true;
    const growth = Math.max(0, offset + chunk.length - holes);
    try {
      if (growth > this.#left) return this.#ration(chunk, offset, growth);
      this.#left -= growth;
      return this.#store(this.#sink, chunk, offset);
    } catch (error) {
      this.#fail(asFailure('file', error));
      return undefined;
    }
  }

  /** The file grows by more than was granted: a hole counts as what will fill it. */
  async #ration(chunk: Buffer, offset: number, growth: number): Promise<void> {
    try {
      while (growth > this.#left) {
        this.#asking ??= this.#more().finally(() => {
          this.#asking = undefined;
        });
        if ((await this.#asking) <= 0) throw new Failure('quota', 'quota', 'the quota is used up');
      }
      this.#left -= growth;
      if (this.#sink && !this.#course.cause) await this.#store(this.#sink, chunk, offset);
    } catch (error) {
      this.#fail(asFailure('file', error));
    }
  }

  #more(): Promise<number> {
    return new Promise((resolve) => {
      this.#granted = (bytes) => {
        this.#granted = undefined;
        this.#left += bytes;
        resolve(bytes);
      };
      this.#parts.listener.onMore();
    });
  }

  #store(sink: Sink, chunk: Buffer, offset: number): Promise<void> | undefined {
    this.#passing?.updateAt(chunk, offset);
    const written = sink.writeAt ? sink.writeAt(chunk, offset) : this.#inOrder(sink, chunk, offset);
    const pause = this.#pace.passed(chunk.length);
    if (written instanceof Promise || pause > 0) return this.#later(written, chunk.length, { offset, pause });
    this.#moved(chunk.length, offset);
    return undefined;
  }

  #inOrder(sink: Sink, chunk: Buffer, offset: number): void | Promise<void> {
    if (offset !== this.#stored.end)
      throw new FileError('unsupported', 'this storage takes octets in order only');
    return sink.write(chunk);
  }

  async #later(
    written: void | Promise<void>,
    count: number,
    { offset, pause }: { offset: number; pause: number },
  ): Promise<void> {
    this.#writing += 1;
    this.#stall.rest();
    try {
      await written;
      if (pause > 0) await new Promise((resolve) => setTimeout(resolve, pause));
      this.#writing -= 1;
      this.#moved(count, offset);
    } catch (error) {
      this.#fail(asFailure('file', error));
    }
  }

  #moved(count: number, offset: number): void {
    this.#bytes += count;
    this.#stored.add({ start: offset, end: offset + count });
    if (this.#writing === 0 && !this.#course.cause) this.#stall.watch();
  }

  end(): void {
    this.#ended += 1;
    this.#settle();
  }

  #settle(): void {
    if (this.#ends === undefined || this.#ended < this.#ends) return;
    const unfinished = [...this.#parts.lanes].some((lane) => lane.brought && !lane.done);
    if (this.#ended > this.#ends || unfinished) {
      this.#fail(
        new Failure('transfer', 'TOO_MANY', 'more connections sent parts of the file than its end named'),
      );
    } else this.#resolve();
  }

  /** One that brought nothing is nobody's; without one that did, or that served files before, the file is not whole. */
  gone(lane: Lane, failure: Failure): void {
    this.#parts.lanes.delete(lane);
    if (lane.done) return;
    if (lane.brought || lane.kept) this.#fail(failure);
    else this.#parts.drop({ socket: lane.link.raw, address: lane.link.address }, failure.message);
  }
}

const refused = (why: string): Failure => new Failure('transfer', 'BLOCK', `a block was not taken: ${why}`);

const abandoned = (sink: Sink): Promise<Remains | undefined> =>
  Promise.resolve()
    .then(() => sink.abandon())
    .catch(() => undefined);
