import { spoils } from './failure.js';
import { Batch, type GatePlace, type PlaneCommand, type PlaneEvent } from './messages.js';
import { Shelf } from './shelf.js';
import type {
  ActiveOrder,
  DataEndpoint,
  DataPlane,
  DataTransfer,
  OnStranger,
  PassiveOrder,
  TlsMaterial,
  TransferListener,
  TransferOrder,
  TransferResult,
  TransferState,
} from './types.js';

interface ReadyGate {
  gate: number;
  port: number;
}

interface Running {
  listener: TransferListener;
  finish(result: TransferResult): void;
  asked: ((state: TransferState) => void)[];
}

/** A data plane of another thread, seen from the control side: every method is a message to its `PlaneHost`. */
export class ThreadPlane<F, P> implements DataPlane<F, P> {
  readonly #commands: Batch<PlaneCommand<F, P>>;
  readonly #opening = new Map<number, { resolve(gate: ReadyGate): void; reject(error: Error): void }>();
  readonly #strangers = new Map<number, OnStranger>();
  readonly #running = new Map<number, Running>();
  readonly #shelf: Shelf<ReadyGate>;
  #numbers = 0;
  #load = 0;
  #gone: Error | undefined;
  #ended: (() => void) | undefined;

  /** @param post sends a batch of commands to the thread; its answers go to `take`. */
  constructor(post: (commands: PlaneCommand<F, P>[]) => void) {
    this.#commands = new Batch(post, queueMicrotask);
    this.#shelf = new Shelf({
      open: (place) => this.#openGate(JSON.parse(place) as GatePlace, false),
      close: ({ gate }) => this.#commands.add({ do: 'shut', gate }),
    });
  }

  /** Endpoints in use. */
  get load(): number {
    return this.#load;
  }

  setTls(material: TlsMaterial): void {
    this.#commands.add({ do: 'tls', material });
  }

  #openGate(place: GatePlace, awaited: boolean): Promise<ReadyGate> {
    if (this.#gone) return Promise.reject(this.#gone);
    const gate = ++this.#numbers;
    return new Promise((resolve, reject) => {
      this.#opening.set(gate, { resolve, reject });
      if (awaited) this.#commands.add({ do: 'open', gate, place, awaited });
      else this.#commands.addLazily({ do: 'open', gate, place, awaited });
    });
  }

  async passive(order: PassiveOrder<P>, onStranger: OnStranger): Promise<DataEndpoint<F, P>> {
    const { host, ports } = order;
    const place: GatePlace = { host, ...(ports ? { ports } : {}) };
    const key = Shelf.suits(ports) ? JSON.stringify(place) : undefined;
    this.#load += 1;
    try {
      const { gate, port } = (key && this.#shelf.take(key)) || (await this.#openGate(place, true));
      const id = ++this.#numbers;
      this.#strangers.set(id, onStranger);
      const claim = { do: 'claim', gate, id, order, at: Date.now() } as const;
      // The thread needs to know when the peer comes, and mostly the transfer is ordered by then; but where strangers come in
      // numbers it keeps few of them before it knows.
      if (order.contested) this.#commands.add(claim);
      else this.#commands.addLazily(claim);
      return this.#endpoint('passive', id, host, port, { key });
    } catch (error) {
      this.#load -= 1;
      throw error;
    }
  }

  active(order: ActiveOrder<P>): DataEndpoint<F, P> {
    this.#load += 1;
    return this.#endpoint('active', ++this.#numbers, order.host, order.port, { active: order });
  }

  #endpoint(
    kind: 'passive' | 'active',
    id: number,
    host: string,
    port: number,
    { key, active }: { key?: string | undefined; active?: ActiveOrder<P> },
  ): DataEndpoint<F, P> {
    let used = false;
    let kept = false;
    let closed = false;
    const leave = (): void => {
      if (closed) return;
      closed = true;
      this.#load -= 1;
      this.#strangers.delete(id);
    };
    const over = ({ failure }: TransferResult): void => {
      if (!kept || spoils(failure)) leave();
    };
    return {
      kind,
      host,
      port,
      transfer: (order, listener) => {
        if (used && !kept) throw new Error('an endpoint serves one transfer');
        if (key && !used) this.#shelf.fill(key);
        used = true;
        kept = order.blocks !== undefined;
        // One that has failed is not made anew.
        return this.#start(id, order, listener, closed ? undefined : active, over);
      },
      close: () => {
        if (used && !kept) this.#commands.add({ do: 'abort', id });
        else if (!closed) {
          leave();
          this.#commands.add({ do: 'close', id });
        }
      },
    };
  }

  #start(
    id: number,
    order: TransferOrder<F, P>,
    listener: TransferListener,
    active: ActiveOrder<P> | undefined,
    over: (result: TransferResult) => void,
  ): DataTransfer {
    const running: Running = { listener, finish: () => {}, asked: [] };
    const finished = new Promise<TransferResult>((resolve) => {
      running.finish = (result): void => {
        this.#running.delete(id);
        over(result);
        resolve(result);
      };
      if (this.#gone) running.finish(lost(this.#gone));
      else this.#running.set(id, running);
    });
    this.#commands.add({ do: 'transfer', id, order, ...(active ? { active } : {}) });
    return {
      finished,
      progress: () => this.#progress(id, running, finished),
      abort: () => this.#commands.add({ do: 'abort', id }),
      setRate: (bytesPerSecond) => this.#commands.add({ do: 'rate', id, bytesPerSecond }),
      grant: (bytes) => this.#commands.add({ do: 'grant', id, bytes }),
    };
  }

  #progress(id: number, running: Running, finished: Promise<TransferResult>): Promise<TransferState> {
    if (this.#running.get(id) !== running) return finished;
    this.#commands.add({ do: 'progress', id });
    return Promise.race([finished, new Promise<TransferState>((resolve) => running.asked.push(resolve))]);
  }

  /** Events of one batch, in order. */
  take(events: readonly PlaneEvent[]): void {
    for (const event of events) this.#hear(event);
  }

  #hear(event: PlaneEvent): void {
    switch (event.is) {
      case 'opened':
        this.#opening.get(event.gate)?.resolve({ gate: event.gate, port: event.port });
        this.#opening.delete(event.gate);
        break;
      case 'unopened':
        this.#opening
          .get(event.gate)
          ?.reject(Object.assign(new Error(event.message), event.code ? { code: event.code } : {}));
        this.#opening.delete(event.gate);
        break;
      case 'stranger':
        this.#strangers.get(event.id)?.(event.address, event.why);
        break;
      case 'open':
        this.#running.get(event.id)?.listener.onOpen(event.peer);
        break;
      case 'more':
        this.#running.get(event.id)?.listener.onMore();
        break;
      case 'progress':
        this.#running.get(event.id)?.asked.shift()?.(event.state);
        break;
      case 'done':
        this.#running.get(event.id)?.finish(event.result);
        break;
      case 'ended':
        this.#ended?.();
        break;
    }
  }

  /** The thread is gone: what ran in it fails, what is asked from now on too. */
  lose(cause: Error): void {
    if (this.#gone) return;
    this.#gone = cause;
    this.#shelf.close();
    for (const { reject } of this.#opening.values()) reject(cause);
    this.#opening.clear();
    for (const { finish } of [...this.#running.values()]) finish(lost(cause));
    this.#ended?.();
  }

  async close(): Promise<void> {
    this.#shelf.close();
    if (this.#gone) return;
    await new Promise<void>((resolve) => {
      this.#ended = resolve;
      this.#commands.add({ do: 'end' });
      this.#commands.flush();
    });
    this.lose(new Error('the data plane is closed'));
  }
}

function lost(cause: Error): TransferResult {
  return {
    bytes: 0,
    seconds: 0,
    failure: { stage: 'transfer', code: 'THREAD', message: `the data thread is gone: ${cause.message}` },
  };
}
