/** A change of the number of transfers at once, and why. */
export interface PaceChange {
  sessions: number;
  before: number;
  reason: string;
}

/** What holds when a file is done. */
export interface PaceView {
  /** Octets of that file. */
  bytes: number;
  /** Milliseconds from any fixed point. */
  now: number;
  /** Files that wait. */
  waiting: number;
  /** Sessions that both sites grant now. */
  limit: number;
}

/** Octets that weigh as much as the round trips of one file. */
const OCTETS_PER_FILE = 1024 * 1024;
/** Milliseconds and files a session that one measurement takes at least. */
const WINDOW_TIME = 400;
const WINDOW_FILES = 4;
/** Milliseconds after a change that do not count: new sessions log in meanwhile. */
const SETTLING_TIME = 1_000;
/** Share of the new sessions that must be gained for them to stay. */
const WORTHWHILE = 0.3;
/** Measurements before more is tried again after it was no use; doubled each time. */
const PATIENCE = 8;

interface Measured {
  sessions: number;
  /** Work units a second. */
  rate: number;
  shown: string;
}

/**
 * How many transfers at once: climbs while more sessions give more files and octets a second, goes back where they do not,
 * and never beyond what both sites grant. Decides only; times come from outside.
 */
export class Pacer {
  readonly #most: number;
  readonly #fixed: boolean;
  #sessions: number;
  #base: Measured | undefined;
  #files = 0;
  #bytes = 0;
  #since: number | undefined;
  /** Files of the old number that are still to come, and when the new one may be measured. */
  #settling = 0;
  #settled = 0;
  #rest = 0;
  #patience = PATIENCE;

  /** @param most equal to `first`: the number is fixed. */
  constructor(first: number, most: number) {
    this.#sessions = first;
    this.#most = Math.max(first, most);
    this.#fixed = most <= first;
  }

  get sessions(): number {
    return this.#sessions;
  }

  /** One more file is done. @returns the change that follows from it, if any. */
  done(view: PaceView): PaceChange | undefined {
    if (this.#fixed) return undefined;
    if (view.limit < this.#sessions) return this.#limited(view);
    // The file that opens a measurement does not count in it.
    if (this.#settling > 0 || view.now < this.#settled || this.#since === undefined) {
      this.#settling = Math.max(0, this.#settling - 1);
      this.#since = view.now;
      return undefined;
    }
    this.#files += 1;
    this.#bytes += view.bytes;
    const passed = view.now - this.#since;
    if (passed < WINDOW_TIME || this.#files < WINDOW_FILES * this.#sessions) return undefined;
    const measured = this.#measure(passed);
    this.#restart(view.now);
    return this.#judge(measured, view);
  }

  #measure(milliseconds: number): Measured {
    const seconds = milliseconds / 1000;
    const files = this.#files / seconds;
    const octets = this.#bytes / seconds;
    const shown =
      octets > files * OCTETS_PER_FILE
        ? `${(octets / OCTETS_PER_FILE).toFixed(0)} MiB/s`
        : `${files.toFixed(0)} files/s`;
    return { sessions: this.#sessions, rate: files + octets / OCTETS_PER_FILE, shown };
  }

  #judge(measured: Measured, view: PaceView): PaceChange | undefined {
    const base = this.#base;
    if (!base || measured.sessions === base.sessions) {
      this.#base = measured;
      if (this.#rest > 0) {
        this.#rest -= 1;
        return undefined;
      }
      return this.#climb(measured, view, `${measured.shown} with ${measured.sessions}`);
    }
    const compared = `${measured.shown} with ${measured.sessions}, ${base.shown} with ${base.sessions}`;
    const share = (measured.sessions - base.sessions) / base.sessions;
    if (measured.rate >= base.rate * (1 + WORTHWHILE * share)) {
      this.#base = measured;
      this.#patience = PATIENCE;
      return this.#climb(measured, view, compared);
    }
    this.#rest = this.#patience;
    this.#patience *= 2;
    return this.#set(base.sessions, `${compared}: more is no gain`, view.now);
  }

  #climb(measured: Measured, { limit, waiting, now }: PaceView, seen: string): PaceChange | undefined {
    const wanted = measured.sessions + Math.max(1, measured.sessions >> 1);
    const sessions = Math.min(wanted, this.#most, limit);
    // Few files left: a login would cost more than it gives.
    if (sessions <= measured.sessions || waiting < WINDOW_FILES * sessions) return undefined;
    return this.#set(sessions, `${seen}: more is tried`, now);
  }

  #limited({ limit, now }: PaceView): PaceChange {
    this.#base = undefined;
    return this.#set(Math.max(1, limit), 'a site grants no more sessions', now);
  }

  #set(sessions: number, reason: string, now: number): PaceChange {
    const before = this.#sessions;
    this.#sessions = sessions;
    this.#settling = Math.max(before, sessions);
    this.#settled = now + SETTLING_TIME;
    this.#restart(now);
    return { sessions, before, reason };
  }

  #restart(now: number): void {
    this.#files = 0;
    this.#bytes = 0;
    this.#since = now;
  }
}
