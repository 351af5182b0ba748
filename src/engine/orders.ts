import type { EventSink } from './events.js';
import type { Side } from './findings.js';
import { Ladder, type Ladders } from './ladder.js';
import type { End, Lane } from './lane.js';
import type { RememberedOrder, RouteMemory } from './route-memory.js';
import { SIDES } from './shapes.js';

/** What is remembered of the order of commands at both sites of a run, and what the run adds to it. */
export class Orders {
  readonly #memory: RouteMemory | undefined;
  readonly #keys: Readonly<Record<Side, string>>;
  readonly #known: Partial<Record<Side, RememberedOrder>> = {};
  #notes: Promise<void> = Promise.resolve();

  /** @param keys of the sites in the memory. */
  constructor(memory: RouteMemory | undefined, keys: Readonly<Record<Side, string>>) {
    this.#memory = memory;
    this.#keys = keys;
  }

  /**
   * Read what earlier runs learned; a memory that cannot be read costs a search, nothing more. The login to a site that loses what
   * stands behind a command needs no probe.
   */
  async recall(ends: Readonly<Record<Side, End>>): Promise<void> {
    const asked = SIDES.map(async (side) => {
      const order = await this.#memory?.order?.(this.#keys[side]).catch(() => undefined);
      if (!order) return;
      this.#known[side] = order;
      const end = ends[side];
      if (end.kind === 'remote') end.pool.cautious = order.order === 'plain';
    });
    await Promise.all(asked);
  }

  /** The ladders for a run, by what the logins of its first lane showed. */
  ladders(lane: Lane, emit: EventSink): Ladders {
    const ladder = (side: Side): Ladder =>
      new Ladder(lane.connection(side).facts, this.#known[side], {
        emit,
        keep: (order) => this.#note(side, order),
      });
    return { source: ladder('source'), destination: ladder('destination') };
  }

  /** One write after the other. */
  #note(side: Side, order: RememberedOrder): void {
    const memory = this.#memory;
    if (memory?.setOrder === undefined) return;
    this.#notes = this.#notes.then(() => memory.setOrder?.(this.#keys[side], order)).catch(() => {});
  }

  /** Resolves when what was learned is in the memory. */
  async noted(): Promise<void> {
    await this.#notes;
  }
}
