import type net from 'node:net';
import { BufferPool } from './buffers.js';
import type { Course } from './course.js';
import { dial } from './dial.js';
import { asFailure, Failure } from './failure.js';
import { type Arrival, Gate } from './gate.js';
import { Credentials } from './secure.js';
import { Transfer } from './transfer.js';
import type {
  ActiveOrder,
  DataEndpoint,
  DataPlane,
  DataTransfer,
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
}

/** A data plane of this thread. */
export class InlinePlane<F, P> implements DataPlane<F, P> {
  readonly #opener: Opener<F>;
  readonly #judge: PeerJudge<P>;
  readonly #buffers = new BufferPool();
  readonly #endpoints = new Set<DataEndpoint<F, P>>();
  readonly #transfers = new Set<DataTransfer>();
  readonly #leaving = new Set<net.Socket>();
  #credentials: Credentials | undefined;

  constructor({ opener, judge }: PlaneParts<F, P>) {
    this.#opener = opener;
    this.#judge = judge;
  }

  setTls(material: TlsMaterial): void {
    this.#credentials = new Credentials(material);
  }

  async passive(order: PassiveOrder<P>, onStranger: (address: string) => void): Promise<DataEndpoint<F, P>> {
    return this.claim(await Gate.open(order.host, order.ports), order, onStranger, 0);
  }

  /** An endpoint on a listener that was opened before; `since` as for `Gate.claim`. */
  claim(
    gate: Gate,
    order: PassiveOrder<P>,
    onStranger: (address: string) => void,
    since: number,
  ): DataEndpoint<F, P> {
    gate.claim(
      { judge: (address) => this.#judge(order.peer, address, undefined), onStranger },
      order.lifetime,
      since,
    );
    return this.#endpoint(
      'passive',
      gate,
      (transfer, course) =>
        gate.take(
          course,
          (address) => this.#judge(transfer.peer, address, undefined),
          transfer.timeouts.connect,
        ),
      () => gate.close(),
    );
  }

  active(order: ActiveOrder<P>): DataEndpoint<F, P> {
    return this.#endpoint(
      'active',
      order,
      async (transfer, course) => {
        const verdict = this.#judge(transfer.peer, order.host, order.port);
        if (!verdict.allow) throw new Failure('connect', 'REFUSED', verdict.why);
        const socket = await dial(course, order, transfer.timeouts.connect);
        return { socket, address: order.host, foreign: verdict.foreign };
      },
      () => {},
    );
  }

  #endpoint(
    kind: 'passive' | 'active',
    { host, port }: { host: string; port: number },
    connect: (order: TransferOrder<F, P>, course: Course) => Promise<Arrival>,
    shut: () => void,
  ): DataEndpoint<F, P> {
    let running: DataTransfer | undefined;
    const close = (): void => {
      this.#endpoints.delete(endpoint);
      shut();
    };
    const endpoint: DataEndpoint<F, P> = {
      kind,
      host,
      port,
      transfer: (order, listener) => {
        if (running) throw new Error('an endpoint serves one transfer');
        running = this.#start(order, listener, (course) => connect(order, course), close);
        return running;
      },
      close: () => {
        if (running) running.abort();
        else close();
      },
    };
    this.#endpoints.add(endpoint);
    return endpoint;
  }

  #start(
    order: TransferOrder<F, P>,
    listener: TransferListener,
    connect: (course: Course) => Promise<Arrival>,
    close: () => void,
  ): DataTransfer {
    const transfer = new Transfer<F, P>({
      order,
      listener,
      opener: this.#opener,
      buffers: this.#buffers,
      credentials: () => this.#credentials,
      connect: (course) =>
        connect(course).catch((error: unknown) => Promise.reject(asFailure('connect', error))),
      close,
      leaving: this.#leaving,
    });
    this.#transfers.add(transfer);
    void transfer.finished.then(() => this.#transfers.delete(transfer));
    return transfer;
  }

  async close(): Promise<void> {
    const running = [...this.#transfers];
    for (const endpoint of [...this.#endpoints]) endpoint.close();
    for (const transfer of running) transfer.abort();
    await Promise.all(running.map(({ finished }) => finished));
    for (const socket of this.#leaving) socket.destroy();
  }
}
