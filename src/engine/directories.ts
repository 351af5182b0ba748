import { toFtpError } from '../protocol/errors.js';
import { type DirectoryTask, type Expansion, expand } from './expand.js';
import type { Lane } from './lane.js';
import { connectLane, IN_A_RUN } from './reconnect.js';
import type { Run } from './run.js';
import type { Tally } from './tally.js';

const RECONNECTS = 3;
/** Listings that one session asks for at once, where they need no data connection. */
const MOST_AT_ONCE = 16;
/** Entries that the listings asked for at once should hold together: they lie in memory until they are looked at. */
const ENTRIES_AT_ONCE = 4_000;

/** Directories that wait to be opened, the deepest first, so that few wait however large the tree. */
export class WaitingDirectories {
  readonly #run: Run;
  readonly #tally: Tally;
  readonly #take: (found: Expansion) => void;
  #waiting: DirectoryTask[] = [];
  #opening = 0;
  /** Entries of a listing, the last ones weighing most. */
  #usual = ENTRIES_AT_ONCE / 4;

  /** @param take called with what each directory holds. */
  constructor(run: Run, tally: Tally, take: (found: Expansion) => void) {
    this.#run = run;
    this.#tally = tally;
    this.#take = take;
  }

  get length(): number {
    return this.#waiting.length;
  }

  push(task: DirectoryTask): void {
    this.#waiting.push(task);
  }

  pop(): DirectoryTask | undefined {
    return this.#waiting.pop();
  }

  /** As many as a lane opens at once. */
  batch(lane: Lane): DirectoryTask[] {
    const most = lane.tree('source').atOnce ? Math.min(MOST_AT_ONCE, ENTRIES_AT_ONCE / this.#usual) : 1;
    return this.#waiting.splice(-Math.max(1, Math.floor(most))).reverse();
  }

  /** All that wait; none waits any more. */
  drain(): DirectoryTask[] {
    return this.#waiting.splice(0);
  }

  /** Open directories, all at once: their commands share segments. @throws FtpError when there are no sessions; `aborted`. */
  async open(lane: Lane, tasks: readonly DirectoryTask[]): Promise<void> {
    this.#opening += 1;
    try {
      let left = tasks;
      for (let tries = 1; left.length > 0; tries++) {
        await connectLane(lane, IN_A_RUN, this.#run.signal);
        const again: DirectoryTask[] = [];
        const tried = left.map(async (task) => {
          if (!(await this.#tryOpen(lane, task, tries))) again.push(task);
        });
        // A failure waits for the others: they are under way on the same sessions.
        for (const one of await Promise.allSettled(tried)) if (one.status === 'rejected') throw one.reason;
        left = again;
      }
    } finally {
      this.#opening -= 1;
    }
    if (this.#opening === 0 && this.#waiting.length === 0) this.#tally.scanned();
  }

  /** @returns false when it is to be tried again. */
  async #tryOpen(lane: Lane, task: DirectoryTask, tries: number): Promise<boolean> {
    try {
      const found = await expand(this.#run, lane, task);
      this.#usual = (3 * this.#usual + found.files.length + found.directories.length) / 4;
      this.#tally.directory(task, found);
      this.#take(found);
      return true;
    } catch (error) {
      const failure = toFtpError(error);
      if (failure.kind === 'aborted') throw failure;
      if (failure.retry === 'later' && tries < RECONNECTS) return false;
      this.#tally.failed(task.relative === '' ? task.source : `${task.relative}/`, failure, tries);
      return true;
    }
  }
}
