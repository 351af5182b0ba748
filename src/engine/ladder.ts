import type { SiteFacts } from '../client/facts.js';
import type { EventSink } from './events.js';
import { type CommandOrder, ORDERS, type RememberedOrder } from './route-memory.js';

/** Files in a row that must stumble before a step is given up that is no trial: a session that is lost once is no reason. */
const PATIENCE = 2;

/** One file by which the next step is tried; further files of that site go on with the step that is proven. */
export interface Trial {
  /** What was sent behind the transfer was answered as it should be. */
  answered(): void;
  /** The file arrived whole, and was compared. */
  arrived(): void;
  /** The server stumbled: the step is not tried again. */
  failed(reason: string): void;
  /** Nothing was learned. */
  abandon(): void;
}

/**
 * The order of commands that one server stands, from `plain` over `burst` to `ahead`: the step that holds, and the one that
 * may still be tried. It starts with what the login showed, with what is known of the program, or with what an earlier run
 * learned; a step that went wrong once is remembered and never tried again.
 */
export class Ladder {
  readonly #site: string;
  readonly #emit: EventSink;
  readonly #keep: (order: RememberedOrder) => void;
  #step: CommandOrder;
  #most: CommandOrder;
  #trying = false;
  /** The present step has carried a file in this run. */
  #worked = false;
  #stumbles = 0;

  constructor(
    facts: SiteFacts,
    known: RememberedOrder | undefined,
    report: { emit: EventSink; keep: (order: RememberedOrder) => void },
  ) {
    this.#site = facts.site;
    this.#emit = report.emit;
    this.#keep = report.keep;
    const start = startOf(facts, known);
    this.#step = start.order;
    this.#most = start.most;
    this.#emit({ event: 'order', site: facts.site, order: start.order, reason: start.reason });
    // Found at this login, at the price of a timeout: the next run need not pay it.
    if (start.order === 'plain' && known?.order !== 'plain' && facts.behaviour.lockstep !== true)
      this.#remember(start.reason);
  }

  get step(): CommandOrder {
    return this.#step;
  }

  /** True when this step may be used. */
  stands(order: CommandOrder): boolean {
    return ORDERS.indexOf(this.#step) >= ORDERS.indexOf(order);
  }

  /** The right to try `ahead` with one file; undefined where that is no question any more, or another file tries it now. */
  tryAhead(): Trial | undefined {
    if (this.#trying || this.#step !== 'burst' || this.#most !== 'ahead' || !this.#worked) return undefined;
    this.#trying = true;
    const seen = { answered: false, arrived: false };
    // What is told late of this trial says nothing of the next one.
    let open = true;
    const settle = (act: () => void): void => {
      if (!open) return;
      open = false;
      this.#trying = false;
      act();
    };
    const both = (): void => {
      if (seen.answered && seen.arrived)
        settle(() => this.#set('ahead', 'PASV behind a transfer was answered, and the file arrived whole'));
    };
    return {
      answered: () => {
        seen.answered = true;
        both();
      },
      arrived: () => {
        seen.arrived = true;
        both();
      },
      failed: (reason) => settle(() => this.#lower('burst', reason)),
      abandon: () => settle(() => {}),
    };
  }

  /** A file went in that order. */
  worked(order: CommandOrder): void {
    if (order !== this.#step) return;
    this.#worked = true;
    this.#stumbles = 0;
  }

  /** A file failed in that order, and not for its own sake. @returns true when the order may have been the reason. */
  stumbled(order: CommandOrder, reason: string): boolean {
    if (order === 'plain') return false;
    // Other files were under way when the step was given up.
    if (order !== this.#step) return !this.stands(order);
    if (this.#worked && order === 'burst') return false;
    if (++this.#stumbles < PATIENCE) return true;
    this.#lower(order === 'ahead' ? 'burst' : 'plain', reason);
    return true;
  }

  /** What was asked ahead was refused, or not answered: no bad luck. */
  disproven(reason: string): void {
    if (this.#step === 'ahead') this.#lower('burst', reason);
  }

  #lower(order: CommandOrder, reason: string): void {
    this.#most = order;
    this.#stumbles = 0;
    this.#set(order, reason);
  }

  #set(order: CommandOrder, reason: string): void {
    const before = this.#step;
    this.#step = order;
    this.#worked = true;
    this.#emit({ event: 'order', site: this.#site, order, before, reason });
    this.#remember(reason);
  }

  #remember(reason: string): void {
    this.#keep({ order: this.#step, most: this.#most, reason, since: Date.now() });
  }
}

/** Where to begin. What an earlier run learned is newer than what is known of the program. */
function startOf(
  { queues, behaviour, quirk }: SiteFacts,
  known: RememberedOrder | undefined,
): Omit<RememberedOrder, 'since'> {
  if (queues !== true) {
    const reason = behaviour.lockstep
      ? `known of ${quirk.name}`
      : known?.order === 'plain'
        ? known.reason
        : 'what came behind a command in one segment was not answered';
    return { order: 'plain', most: 'plain', reason };
  }
  if (known) return known;
  if (behaviour.ahead) return { order: 'ahead', most: 'ahead', reason: `known of ${quirk.name}` };
  const reason = 'several commands in one segment were answered in order';
  return { order: 'burst', most: behaviour.ahead === false ? 'burst' : 'ahead', reason };
}

/** The ladders of both sites of a run. */
export interface Ladders {
  source: Ladder;
  destination: Ladder;
}
