import type net from 'node:net';
import { BlockGroup, type GroupParts } from './block/group.js';
import { BufferPool, LARGE_AT_ONCE } from './buffers.js';
import type { Trial } from './contest.js';
import type { Course } from './course.js';
import { dial } from './dial.js';
import { asFailure, Failure } from './failure.js';
import { Gate, type GateJudge } from './gate.js';
import type { Link } from './link.js';
import type { GatePlace } from './messages.js';
import { Credentials } from './secure.js';
import { Shelf } from './shelf.js';
import { Transfer } from './transfer.js';
import type {
  ActiveOrder,
  DataEndpoint,
  DataPlane,
  DataTransfer,
  OnStranger,
  Opener,
  PassiveOrder,
  PeerJudge,
  TlsMaterial,
  TransferListener,
  TransferOrder,
} from './types.js';

/** What a plane is made with. */
export interface PlaneParts<F, P> {
  opener: Opener<F>;
  judge: PeerJudge<P>;
  /** This thread has other things to do: octets move in smaller steps [false]. */
  gentle?: boolean | undefined;
}

/** A data plane of this thread. */
export class InlinePlane<F, P> implements DataPlane<F, P> {
  readonly #opener: Opener<F>;
  readonly #judge: PeerJudge<P>;
  readonly #buffers: BufferPool;
  readonly #gentle: boolean;
  readonly #shelf: Shelf<Gate>;
  readonly #endpoints = new Set<DataEndpoint<F, P>>();
  readonly #transfers = new Set<DataTransfer>();
  readonly #leaving = new Set<net.Socket>();
  #credentials: Credentials | undefined;

  constructor({ opener, judge, gentle = false }: PlaneParts<F, P>) {
    this.#opener = opener;
    this.#judge = judge;
    this.#gentle = gentle;
    this.#buffers = new BufferPool(gentle ? 0 : LARGE_AT_ONCE);
    this.#shelf = new Shelf({
      open: (place) => {
        const { host, ports } = JSON.parse(place) as GatePlace;
        return Gate.open(host, ports);
      },
      close: (gate) => gate.close(),
    });
  }

  /** Endpoints in use. */
  get load(): number {
    return this.#endpoints.size;
  }

  setTls(material: TlsMaterial): void {
    this.#credentials = new Credentials(material);
  }

  async passive(order: PassiveOrder<P>, onStranger: OnStranger): Promise<DataEndpoint<F, P>> {
    const { host, ports } = order;
    const place = Shelf.suits(ports) ? JSON.stringify({ host, ports } satisfies GatePlace) : undefined;
    const ready = place && this.#shelf.take(place);
    const gate = ready || (await Gate.open(host, ports));
    // When the answer to PASV is out: the peer has to do now, not we.
    if (place) setImmediate(() => this.#shelf.fill(place));
    return this.claim(gate, order, onStranger, Date.now());
  }

  /** An endpoint on a listener that was opened before; `since` as for `Gate.claim`. */
  claim(gate: Gate, order: PassiveOrder<P>, onStranger: OnStranger, since: number): DataEndpoint<F, P> {
    gate.claim({ judge: (address) => this.#judge(order.peer, address, undefined), onStranger }, order, since);
    return this.#endpoint(
      'passive',
      gate,
      (transfer, course, trial) => {
        const judge: GateJudge = (address) => this.#judge(transfer.peer, address, undefined);
        const { connect } = transfer.timeouts;
        return transfer.tls?.pins
          ? gate.contest(course, judge, connect, trial)
          : gate.take(course, judge, connect).then((arrival) => trial(arrival, course));
      },
      () => gate.close(),
      { gate },
    );
  }

  active(order: ActiveOrder<P>): DataEndpoint<F, P> {
    return this.#endpoint(
      'active',
      order,
      async (transfer, course, trial) => {
        const verdict = this.#judge(transfer.peer, order.host, order.port);
        if (!verdict.allow) throw new Failure('connect', 'REFUSED', verdict.why);
        const socket = await dial(course, order, transfer.timeouts.connect);
        return trial({ socket, address: order.host, foreign: verdict.foreign }, course);
      },
      () => {},
      { target: order },
    );
  }

  #endpoint(
    kind: 'passive' | 'active',
    { host, port }: { host: string; port: number },
    connect: (order: TransferOrder<F, P>, course: Course, trial: Trial<Link>) => Promise<Link>,
    shut: () => void,
    end: GroupParts<F, P>['end'],
  ): DataEndpoint<F, P> {
    let running: DataTransfer | undefined;
    let group: BlockGroup<F, P> | undefined;
    const close = (): void => {
      this.#endpoints.delete(endpoint);
      shut();
    };
    const endpoint: DataEndpoint<F, P> = {
      kind,
      host,
      port,
      transfer: (order, listener) => {
        if (order.blocks && !running) {
          group ??= this.#group(end, close);
          return this.#noted(group.transfer(order, listener));
        }
        if (running || group) throw new Error('an endpoint serves one transfer');
        running = this.#start(order, listener, (course, trial) => connect(order, course, trial), close);
        return running;
      },
      close: () => {
        if (running) running.abort();
        else if (group) group.close();
        else close();
      },
    };
    this.#endpoints.add(endpoint);
    return endpoint;
  }

  #group(end: GroupParts<F, P>['end'], close: () => void): BlockGroup<F, P> {
    return new BlockGroup<F, P>({
      opener: this.#opener,
      buffers: this.#buffers,
      credentials: () => this.#credentials,
      judge: this.#judge,
      gentle: this.#gentle,
      end,
      close,
      leaving: this.#leaving,
    });
  }

  #noted(transfer: DataTransfer): DataTransfer {
    this.#transfers.add(transfer);
    void transfer.finished.then(() => this.#transfers.delete(transfer));
    return transfer;
  }

  #start(
    order: TransferOrder<F, P>,
    listener: TransferListener,
    connect: (course: Course, trial: Trial<Link>) => Promise<Link>,
    close: () => void,
  ): DataTransfer {
    const transfer = new Transfer<F, P>({
      order,
      listener,
      opener: this.#opener,
      buffers: this.#buffers,
      credentials: () => this.#credentials,
      connect: (course, trial) =>
        connect(course, trial).catch((error: unknown) => Promise.reject(asFailure('connect', error))),
      close,
      leaving: this.#leaving,
    });
    return this.#noted(transfer);
  }

  async close(): Promise<void> {
    this.#shelf.close();
    const running = [...this.#transfers];
    for (const endpoint of [...this.#endpoints]) endpoint.close();
    for (const transfer of running) transfer.abort();
    await Promise.all(running.map(({ finished }) => finished));
    for (const socket of this.#leaving) socket.destroy();
  }
}
