import type net from 'node:net';
import type { BufferPool } from '../buffers.js';
import { Course } from '../course.js';
import { dial } from '../dial.js';
import { asFailure, Failure, spoils } from '../failure.js';
import type { Gate } from '../gate.js';
import { type Link, linger, rawLink, secureLink } from '../link.js';
import type { Credentials } from '../secure.js';
import type {
  ActiveOrder,
  DataTransfer,
  Opener,
  PeerVerdict,
  TransferListener,
  TransferOrder,
  TransferResult,
} from '../types.js';
import { Lane } from './lane.js';
import { BlockReceipt } from './receive.js';
import { BlockSending, OutLane } from './send.js';

/** What a group gets from its plane. */
export interface GroupParts<F, P> {
  opener: Opener<F>;
  buffers: BufferPool;
  credentials(): Credentials | undefined;
  judge(peer: P, address: string, port: number | undefined): PeerVerdict;
  /** Where senders come, or where to send to. */
  end: { gate: Gate } | { target: ActiveOrder<P> };
  /** As in `PlaneParts`. */
  gentle: boolean;
  /** The endpoint is used up. */
  close(): void;
  /** Sockets that are being closed politely. */
  leaving: Set<net.Socket>;
}

/**
 * The connections of one endpoint in MODE E: used for one file after the other until one fails, since nobody knows then to
 * which file the next octets belong. The sender is the active side (GFD.20 3.4).
 */
export class BlockGroup<F, P> {
  readonly #parts: GroupParts<F, P>;
  readonly #lanes = new Set<Lane>();
  #out: readonly OutLane[] = [];
  #running: DataTransfer | undefined;
  #idle: NodeJS.Timeout | undefined;
  #closed = false;

  constructor(parts: GroupParts<F, P>) {
    this.#parts = parts;
  }

  transfer(order: TransferOrder<F, P>, listener: TransferListener): DataTransfer {
    if (this.#running) throw new Error('an endpoint serves one transfer at a time');
    clearTimeout(this.#idle);
    const { end, opener, credentials, buffers, gentle } = this.#parts;
    const over = (result: TransferResult): void => this.#ended(order, result);
    const common = { order, listener, opener, credentials, buffers, over };
    const gate = 'gate' in end ? end.gate : undefined;
    this.#running =
      gate && order.direction === 'receive'
        ? new BlockReceipt<F, P>({
            ...common,
            lanes: this.#lanes,
            makeLane: (link) => new Lane(link, buffers, (lane) => this.#lanes.delete(lane), gentle),
            judge: (address) => this.#parts.judge(order.peer, address, undefined),
            admit: (judge, take) => gate.admit(judge, take),
            drop: (arrival, why) => gate.drop(arrival, why),
          })
        : new BlockSending<F, P>({ ...common, connect: (course) => this.#connect(course, order) });
    return this.#running;
  }

  #ended({ blocks }: TransferOrder<F, P>, { failure }: TransferResult): void {
    this.#running = undefined;
    if (spoils(failure) || this.#closed) this.#drop(failure !== undefined);
    else this.#idle = setTimeout(() => this.close(), blocks?.keep ?? 0);
  }

  /** The connections to the receiver. @throws Failure `connect`, or that of the handshake. */
  async #connect(course: Course, order: TransferOrder<F, P>): Promise<readonly OutLane[]> {
    const { end, judge } = this.#parts;
    if (!('target' in end) || order.direction !== 'send') {
      throw new Failure('connect', 'DIRECTION', 'in MODE E the sender connects and the receiver listens');
    }
    const { target } = end;
    const verdict = judge(order.peer, target.host, target.port);
    if (!verdict.allow) throw new Failure('connect', 'REFUSED', verdict.why);
    if (this.#closed)
      throw new Failure('connect', 'EXPIRED', 'the connections were closed before the transfer began');
    if (this.#out.length === 0)
      this.#out = await this.#dialAll(course, order, { target, foreign: verdict.foreign });
    return this.#out;
  }

  #dialAll(
    course: Course,
    order: TransferOrder<F, P>,
    to: { target: ActiveOrder<P>; foreign: boolean },
  ): Promise<OutLane[]> {
    const courses = Array.from({ length: Math.max(1, order.blocks?.streams ?? 1) }, () => new Course());
    const opened: Link[] = [];
    return course.wait<OutLane[]>((resolve, reject) => {
      const links = courses.map(async (each) => {
        const link = await this.#dial(each, order, to);
        opened.push(link);
        return link;
      });
      void Promise.all(links).then(
        (all) => resolve(all.map((link) => new OutLane(link))),
        (error: unknown) => {
          for (const each of courses) each.fail(asFailure('connect', error));
          void Promise.allSettled(links).then(() => opened.forEach(destroy));
          reject(asFailure('connect', error));
        },
      );
      return () => {
        if (course.cause) for (const each of courses) each.fail(course.cause);
      };
    });
  }

  async #dial(
    course: Course,
    order: TransferOrder<F, P>,
    { target, foreign }: { target: ActiveOrder<P>; foreign: boolean },
  ): Promise<Link> {
    const asked = performance.now();
    const socket = await dial(course, target, order.timeouts.connect);
    const link = rawLink({ socket, address: target.host, foreign });
    try {
      return await secureLink(link, { order, credentials: this.#parts.credentials, course, asked });
    } catch (error) {
      destroy(link);
      throw error;
    }
  }

  /** Gives everything up; a transfer that runs is aborted. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    if (this.#running) this.#running.abort();
    else this.#drop(false);
  }

  /** A failed download ends with RST: the receiver shall not take it for an end (RFC 959 3.4.1). */
  #drop(failed: boolean): void {
    this.#closed = true;
    clearTimeout(this.#idle);
    for (const lane of this.#lanes) lane.destroy();
    this.#lanes.clear();
    for (const { link } of this.#out) {
      const { socket, raw, secured } = link;
      if (failed && !secured && !raw.destroyed) raw.resetAndDestroy();
      else if (failed) destroy(link);
      else if (secured) linger(socket, secured, this.#parts.leaving);
      else socket.destroySoon();
    }
    this.#out = [];
    this.#parts.close();
  }
}

function destroy({ socket, raw }: Link): void {
  socket.destroy();
  raw.destroy();
}
