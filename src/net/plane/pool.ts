import type { InlinePlane } from './inline.js';
import type { ThreadPlane } from './remote.js';
import type {
  ActiveOrder,
  DataEndpoint,
  DataPlane,
  OnStranger,
  PassiveOrder,
  PlaneChoice,
  TlsMaterial,
} from './types.js';

/** Small transfers in the control side's thread at the same time; more of them are work for threads. */
const SMALL_AT_ONCE = 4;

/** Planes of several threads as one: every endpoint goes to the one with least to do. */
export class PlanePool<F, P> implements DataPlane<F, P> {
  readonly #here: InlinePlane<F, P>;
  readonly #threads = new Set<ThreadPlane<F, P>>();
  #material: TlsMaterial | undefined;

  /** @param here takes orders with `where: 'here'`, and all of them while there is no thread. */
  constructor(here: InlinePlane<F, P>) {
    this.#here = here;
  }

  add(thread: ThreadPlane<F, P>): void {
    if (this.#material) thread.setTls(this.#material);
    this.#threads.add(thread);
  }

  /** The thread is gone; the caller has told its plane (`lose`). */
  remove(thread: ThreadPlane<F, P>): void {
    this.#threads.delete(thread);
  }

  #choose(where: PlaneChoice | undefined, small: boolean | undefined): DataPlane<F, P> {
    if (where === 'here' || (small && this.#here.load < SMALL_AT_ONCE)) return this.#here;
    let best: ThreadPlane<F, P> | undefined;
    for (const thread of this.#threads) if (!best || thread.load < best.load) best = thread;
    return best ?? this.#here;
  }

  passive(order: PassiveOrder<P>, onStranger: OnStranger): Promise<DataEndpoint<F, P>> {
    return this.#choose(order.where, order.small).passive(order, onStranger);
  }

  active(order: ActiveOrder<P>): DataEndpoint<F, P> {
    return this.#choose(order.where, order.small).active(order);
  }

  setTls(material: TlsMaterial): void {
    this.#material = material;
    this.#here.setTls(material);
    for (const thread of this.#threads) thread.setTls(material);
  }

  async close(): Promise<void> {
    await Promise.all([this.#here.close(), ...[...this.#threads].map((thread) => thread.close())]);
  }
}
