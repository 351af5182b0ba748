/** Seconds of the limit that may pass in one go. */
const BURST = 0.1;
const LEAST = 1024;

/** Octets per second of one transfer; can be changed while it runs. */
export class Pace {
  #rate: number;
  /** Milliseconds on the clock when the next octet is due. */
  #due = 0;

  /** @param rate octets per second; 0 = no limit. */
  constructor(rate: number) {
    this.#rate = rate;
  }

  set rate(rate: number) {
    this.#rate = rate;
    this.#due = 0;
  }

  /** Octets to be moved at most before asking again. */
  get most(): number {
    return this.#rate > 0 ? Math.max(LEAST, Math.floor(this.#rate * BURST)) : Number.POSITIVE_INFINITY;
  }

  /** Octets have passed. @returns milliseconds to wait before the next. */
  passed(bytes: number): number {
    if (this.#rate <= 0) return 0;
    const now = performance.now();
    this.#due = Math.max(this.#due, now - BURST * 1000) + (bytes / this.#rate) * 1000;
    return Math.max(0, this.#due - now);
  }
}

/** Waits of ours (rate, quota, a slow disk) do not count against the peer. */
export class StallWatch {
  readonly #after: number;
  readonly #late: () => void;
  #timer: NodeJS.Timeout | undefined;

  /** @param after milliseconds without an octet; 0 = for ever. */
  constructor(after: number, late: () => void) {
    this.#after = after;
    this.#late = late;
  }

  /** The peer's turn: from now on it must move. Called again on progress. */
  watch(): void {
    if (this.#timer) this.#timer.refresh();
    else if (this.#after > 0) this.#timer = setTimeout(this.#late, this.#after);
  }

  /** Our turn, or the end. */
  rest(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }
}
