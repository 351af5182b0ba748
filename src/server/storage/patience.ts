/** Late answers in a row that are the medium's: a single one is mostly a thread that others kept from running. */
const LATE = 2;

/** How long a medium may hold the thread before the thread pool waits for it instead. */
export class Patience {
  readonly #milliseconds: number;
  #late = 0;

  /** @param milliseconds that one answer may take; below 0 it is over after the first. */
  constructor(milliseconds: number) {
    this.#milliseconds = milliseconds;
  }

  get isOver(): boolean {
    return this.#late >= LATE;
  }

  /** An answer came. @param asked when, `performance.now()`. */
  answered(asked: number): void {
    if (performance.now() - asked <= this.#milliseconds) this.#late = 0;
    else this.#late += this.#milliseconds < 0 ? LATE : 1;
  }
}
