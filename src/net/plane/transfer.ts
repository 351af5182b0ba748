import type net from 'node:net';
import type { BufferPool } from './buffers.js';
import type { Trial } from './contest.js';
import { Course, onFile } from './course.js';
import { Passing } from './digest.js';
import { wasReset } from './ends.js';
import { asFailure, Failure } from './failure.js';
import type { Arrival } from './gate.js';
import { Inlet } from './inlet.js';
import { type Link, linger, rawLink, secureLink } from './link.js';
import { Outlet, type PumpParts } from './outlet.js';
import { Pace, StallWatch } from './pace.js';
import { accepted, type Credentials } from './secure.js';
import { PackedSource, Unpacker } from './squeeze.js';
import type {
  DataPeer,
  DataTransfer,
  Opener,
  Remains,
  Sink,
  Source,
  TransferListener,
  TransferOrder,
  TransferResult,
  TransferState,
} from './types.js';

/** What a transfer gets from its plane. */
export interface TransferParts<F, P> {
  order: TransferOrder<F, P>;
  listener: TransferListener;
  opener: Opener<F>;
  buffers: BufferPool;
  credentials(): Credentials | undefined;
  /** A connection that stood its trial: the handshake, where there is one. */
  connect(course: Course, trial: Trial<Link>): Promise<Link>;
  /** The endpoint is used up. */
  close(): void;
  /** Sockets that are being closed politely. */
  leaving: Set<net.Socket>;
}

/** One transfer: file, connection, TLS, octets, close. It ends exactly once, and by then has let go of everything. */
export class Transfer<F, P> implements DataTransfer {
  readonly finished: Promise<TransferResult>;
  readonly #parts: TransferParts<F, P>;
  readonly #course = new Course();
  readonly #pace: Pace;
  readonly #passing: Passing | undefined;
  #bytes = 0;
  #begun = 0;
  #peer: DataPeer | undefined;
  #link: Link | undefined;
  #granted: ((bytes: number) => void) | undefined;

  constructor(parts: TransferParts<F, P>) {
    this.#parts = parts;
    this.#pace = new Pace(parts.order.rate);
    this.#passing = Passing.of(parts.order);
    this.finished = this.#run();
  }

  progress(): Promise<TransferState> {
    return Promise.resolve({ bytes: this.#bytes });
  }

  abort(): void {
    this.#course.fail(new Failure('aborted', 'ABOR', 'the transfer was aborted'));
  }

  setRate(bytesPerSecond: number): void {
    this.#pace.rate = bytesPerSecond;
  }

  grant(bytes: number): void {
    this.#granted?.(bytes);
  }

  async #run(): Promise<TransferResult> {
    const { order } = this.#parts;
    let failure: Failure | undefined;
    let remains: Remains | undefined;
    try {
      if (order.direction === 'send') await this.#send();
      else remains = await this.#receive();
    } catch (error) {
      failure = asFailure('transfer', error);
      if (error instanceof Unfinished) {
        failure = error.failure;
        remains = error.remains;
      }
    }
    this.#parts.close();
    this.#leave(failure);
    const digest = failure ? undefined : this.#passing?.hex;
    return {
      bytes: this.#bytes,
      seconds: this.#begun === 0 ? 0 : (performance.now() - this.#begun) / 1000,
      ...(digest === undefined ? {} : { digest }),
      ...(this.#peer ? { peer: this.#peer } : {}),
      ...(failure ? { failure: failure.facts() } : {}),
      ...(remains ? { remains } : {}),
    };
  }

  /** The source is opened first: that a file is missing is told without a data connection. */
  async #send(): Promise<void> {
    const { order, opener, buffers } = this.#parts;
    const course = this.#course;
    const opened = await course.value(
      onFile(() => opener.source(order.file)),
      (late) => void closeQuietly(late),
    );
    const { deflate, type } = order;
    const packed = deflate !== undefined;
    const watched = this.#passing?.source(opened) ?? opened;
    const source = packed ? new PackedSource(watched, deflate, type, this.#count) : watched;
    try {
      const link = await this.#connect();
      // Octets of the peer are dropped; under TLS its close_notify and what belongs to the session must be read.
      if (link.secured) link.socket.resume();
      this.#open();
      const parts = this.#pump(link, buffers);
      await new Outlet(source, packed ? { ...parts, type: 'I', count: () => {} } : parts).run();
    } finally {
      await closeQuietly(source);
    }
  }

  /** Nothing is created before the connection is proven. */
  async #receive(): Promise<undefined> {
    const { order, opener } = this.#parts;
    const course = this.#course;
    await course.value(
      onFile(() => opener.admit(order.file)),
      () => {},
    );
    const link = await this.#connect();
    if (link.secured && order.tls?.pins) await accepted(course, link.secured, order.timeouts.stall);
    const sink = await course.value(
      onFile(() => opener.sink(order.file)),
      (late) => void Promise.resolve(late.abandon()).catch(() => {}),
    );
    this.#open();
    try {
      await this.#fill(link, this.#passing?.sink(sink) ?? sink);
      this.#passing?.check(this.#bytes);
      await onFile(() => sink.commit());
    } catch (error) {
      const remains = await Promise.resolve()
        .then(() => sink.abandon())
        .catch(() => undefined);
      throw new Unfinished(asFailure('transfer', error), remains);
    }
    return undefined;
  }

  async #fill(link: Link, sink: Sink): Promise<void> {
    const { order, buffers } = this.#parts;
    const { grant, deflate, tls } = order;
    const unpacker = deflate === undefined ? undefined : new Unpacker();
    const quota = grant === undefined ? undefined : { left: grant, more: () => this.#more() };
    try {
      await new Inlet({
        ...this.#pump(link, buffers),
        sink,
        quota,
        unpack: unpacker && ((chunk, store) => unpacker.unpack(chunk, store)),
        // Under TLS close_notify tells the end from a cut, and a reset behind it harms nothing.
        wasReset: () => link.secured === undefined && wasReset(link.raw),
        complete: () => {
          if (tls?.closeNotify === 'required' && link.secured?.ended() === 'cut') {
            throw new Failure(
              'truncated',
              'NO_CLOSE_NOTIFY',
              'the TLS connection was cut: no close_notify came',
            );
          }
        },
      }).run();
    } finally {
      unpacker?.close();
    }
  }

  #pump({ socket, secured }: Link, buffers: BufferPool): PumpParts {
    const { stall } = this.#parts.order.timeouts;
    const message = `no octet moved for ${stall / 1000} s`;
    return {
      socket,
      course: this.#course,
      buffers,
      pace: this.#pace,
      stall: new StallWatch(stall, () => this.#course.fail(new Failure('stall', 'ETIMEDOUT', message))),
      type: this.#parts.order.type,
      tls: secured !== undefined,
      count: this.#count,
    };
  }

  readonly #count = (bytes: number): void => {
    this.#bytes += bytes;
  };

  #more(): Promise<number> {
    return new Promise((resolve) => {
      this.#granted = (bytes) => {
        this.#granted = undefined;
        resolve(bytes);
      };
      this.#parts.listener.onMore();
    });
  }

  #open(): void {
    if (this.#begun !== 0) return;
    this.#begun = performance.now();
    this.#parts.listener.onOpen(this.#peer!);
  }

  async #connect(): Promise<Link> {
    const asked = performance.now();
    const link = await this.#parts.connect(this.#course, (arrival, course) =>
      this.#try(arrival, course, asked),
    );
    this.#link = link;
    this.#peer = link.peer;
    return link;
  }

  /** @param asked when the connection was begun to be made, `performance.now()`. */
  async #try(arrival: Arrival, course: Course, asked: number): Promise<Link> {
    const { order, credentials } = this.#parts;
    const { tls, early } = order;
    const link = rawLink(arrival);
    // One of several that may be the peer's is let go of by its trial.
    if (course === this.#course) {
      this.#link = link;
      this.#peer = link.peer;
    }
    if (tls && early && !link.foreign && !tls.pins && credentials()) this.#open();
    return secureLink(link, { order, credentials, course, asked });
  }

  /**
   * Closes the connection. A failed download ends with RST: in stream mode a FIN would say that the file is complete
   * (RFC 959 3.4.1).
   */
  #leave(failure: Failure | undefined): void {
    const link = this.#link;
    if (!link) return;
    const { socket, raw, secured } = link;
    if (failure) {
      const { direction, tls } = this.#parts.order;
      // Under TLS the missing close_notify says it; and Node must not reset a connection below a TLS one (it crashes).
      if (direction === 'send' && !tls && !raw.destroyed) raw.resetAndDestroy();
      socket.destroy();
      raw.destroy();
    } else if (!secured) socket.destroy();
    else linger(socket, secured, this.#parts.leaving);
  }
}

/** An upload that failed after its file was opened. */
class Unfinished extends Error {
  readonly failure: Failure;
  readonly remains: Remains | undefined;

  constructor(failure: Failure, remains: Remains | undefined) {
    super(failure.message);
    this.failure = failure;
    this.remains = remains;
  }
}

async function closeQuietly(source: Source): Promise<void> {
  try {
    await source.close();
  } catch {
    // It was read to its end or is given up: nobody needs to know.
  }
}
