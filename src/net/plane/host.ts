import { codeOf, spoils } from './failure.js';
import { Gate } from './gate.js';
import { InlinePlane, type PlaneParts } from './inline.js';
import { Batch, type GatePlace, type PlaneCommand, type PlaneEvent } from './messages.js';
import type { ActiveOrder, DataEndpoint, DataTransfer, OnStranger, TransferOrder } from './types.js';

type Command<F, P, D> = Extract<PlaneCommand<F, P>, { do: D }>;

/** A plane in a worker thread: carries out what a `ThreadPlane` at the other end of the channel asks. */
export class PlaneHost<F, P> {
  readonly #plane: InlinePlane<F, P>;
  readonly #events: Batch<PlaneEvent>;
  readonly #gates = new Map<number, Gate>();
  readonly #endpoints = new Map<number, DataEndpoint<F, P>>();
  readonly #transfers = new Map<number, DataTransfer>();
  #ending = false;

  /** @param post sends a batch of events to the control side. */
  constructor(parts: PlaneParts<F, P>, post: (events: PlaneEvent[]) => void) {
    this.#plane = new InlinePlane(parts);
    // Microtasks run dry before the queue of the turn ends: the 150 and the 226 of a small file go together.
    this.#events = new Batch(post, (flush) => setImmediate(flush));
  }

  /** Commands of one batch, in order. */
  take(commands: readonly PlaneCommand<F, P>[]): void {
    for (const command of commands) this.#execute(command);
  }

  #execute(command: PlaneCommand<F, P>): void {
    switch (command.do) {
      case 'tls':
        this.#plane.setTls(command.material);
        break;
      case 'open':
        // One that nobody waits for is opened when the work of this turn is done.
        if (command.awaited) void this.#openGate(command);
        else setImmediate(() => void this.#openGate(command));
        break;
      case 'claim':
        this.#claim(command);
        break;
      case 'shut':
        this.#shut(command.gate);
        break;
      case 'transfer':
        this.#transfer(command.id, command.order, command.active);
        break;
      case 'close':
        this.#endpoints.get(command.id)?.close();
        this.#endpoints.delete(command.id);
        break;
      case 'abort':
        this.#transfers.get(command.id)?.abort();
        break;
      case 'rate':
        this.#transfers.get(command.id)?.setRate(command.bytesPerSecond);
        break;
      case 'grant':
        this.#transfers.get(command.id)?.grant(command.bytes);
        break;
      case 'progress':
        void this.#progress(command.id);
        break;
      case 'end':
        void this.#end();
        break;
    }
  }

  async #openGate({ gate, place, awaited }: Command<F, P, 'open'>): Promise<void> {
    const event = await this.#opened(gate, place);
    if (!awaited) {
      this.#events.addLazily(event);
      return;
    }
    this.#events.add(event);
    this.#events.flush();
  }

  async #opened(gate: number, { host, ports }: GatePlace): Promise<PlaneEvent> {
    try {
      const opened = await Gate.open(host, ports);
      if (this.#ending) opened.close();
      else this.#gates.set(gate, opened);
      return { is: 'opened', gate, port: opened.port };
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      return { is: 'unopened', gate, code: codeOf(error), message };
    }
  }

  #claim({ gate, id, order, at }: Command<F, P, 'claim'>): void {
    const opened = this.#gates.get(gate);
    if (!opened) return;
    this.#gates.delete(gate);
    const onStranger: OnStranger = (address, why) => this.#events.add({ is: 'stranger', id, address, why });
    this.#endpoints.set(id, this.#plane.claim(opened, order, onStranger, at));
  }

  #shut(gate: number): void {
    this.#gates.get(gate)?.close();
    this.#gates.delete(gate);
  }

  #transfer(id: number, order: TransferOrder<F, P>, active: ActiveOrder<P> | undefined): void {
    const endpoint = this.#endpoints.get(id) ?? (active ? this.#plane.active(active) : undefined);
    if (endpoint && order.blocks) this.#endpoints.set(id, endpoint);
    else this.#endpoints.delete(id);
    if (!endpoint) {
      const failure = { stage: 'connect', code: 'EXPIRED', message: 'the endpoint is gone' } as const;
      this.#events.add({ is: 'done', id, result: { bytes: 0, seconds: 0, failure } });
      return;
    }
    const transfer = endpoint.transfer(order, {
      onOpen: (peer) => this.#events.add({ is: 'open', id, peer }),
      onMore: () => {
        this.#events.add({ is: 'more', id });
        this.#events.flush();
      },
    });
    this.#transfers.set(id, transfer);
    void transfer.finished.then((result) => {
      this.#transfers.delete(id);
      if (spoils(result.failure)) this.#endpoints.delete(id);
      this.#events.add({ is: 'done', id, result });
      this.#events.flush();
    });
  }

  async #progress(id: number): Promise<void> {
    const state = (await this.#transfers.get(id)?.progress()) ?? { bytes: 0 };
    this.#events.add({ is: 'progress', id, state });
    this.#events.flush();
  }

  async #end(): Promise<void> {
    this.#ending = true;
    for (const gate of [...this.#gates.keys()]) this.#shut(gate);
    await this.#plane.close();
    this.#events.add({ is: 'ended' });
    this.#events.flush();
  }
}
