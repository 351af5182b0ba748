/** Octets up to which a file is small: what a worker thread saves is less than the messages to it cost (docs/performance.md). */
const SMALL = 256 * 1024;
/** Milliseconds that the control thread may spend on opening a file. */
const PATIENCE = 5;
/** Works within which a second slow one tells of the medium; one alone was a thread that waited for its processor. */
const SOON = 16;
/** Milliseconds for which a medium that was slow is left to the worker threads: at most two such waits a second are met here. */
const LEFT = 1_000;

/**
 * Whether the control thread may carry small transfers itself: only while the medium answers at once, since the replies of all
 * sessions would wait for it.
 */
export class Near {
  #slowUntil = 0;
  /** Works to come within which the next slow one counts. */
  #doubted = 0;

  /** @param now milliseconds of `performance.now()`. */
  allows(now = performance.now()): boolean {
    return now >= this.#slowUntil;
  }

  isSmall(bytes: number): boolean {
    return bytes <= SMALL;
  }

  /** Does work on a file in this thread and notes when that took too long. */
  timed<T>(work: () => T): T {
    const begun = performance.now();
    try {
      return work();
    } finally {
      const end = performance.now();
      if (end - begun <= PATIENCE) this.#doubted = Math.max(0, this.#doubted - 1);
      else if (this.#doubted === 0) this.#doubted = SOON;
      else this.#slowUntil = end + LEFT;
    }
  }
}
