/** What servers use while something runs, also those whose sessions are processes that nobody waits for. */
import { cpuSecondsOf, serverProcesses } from '../server/process-tree.js';

/** Milliseconds between two looks at the processes that are known, and how many looks until new ones are searched for. */
const LOOK = 50;
const SEARCH = 10;

/** CPU seconds of servers between its making and `stop`; of a session that ends by itself the last look may miss 50 ms. */
export class CpuWatch {
  readonly #leaders: readonly number[];
  readonly #before: number;
  readonly #timer: NodeJS.Timeout;
  #pids: number[] = [];
  #looks = 0;
  #most: number;

  constructor(leaders: readonly number[]) {
    this.#leaders = leaders;
    this.#search();
    this.#before = cpuSecondsOf(this.#pids);
    this.#most = this.#before;
    this.#timer = setInterval(() => this.#look(), LOOK);
  }

  #search(): void {
    this.#pids = this.#leaders.flatMap(serverProcesses);
  }

  #look(): void {
    if (this.#looks++ % SEARCH === 0) this.#search();
    // A process that is gone counts for its parent, where that has waited for it; else what was seen before stands.
    this.#most = Math.max(this.#most, cpuSecondsOf(this.#pids));
  }

  stop(): number {
    clearInterval(this.#timer);
    this.#looks = 0;
    this.#look();
    return this.#most - this.#before;
  }
}
