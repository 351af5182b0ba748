/** Octets of a buffer for small files, listings and slow links. */
export const SMALL = 64 * 1024;
/** Octets of a buffer for the rest: larger ones gain nothing, smaller ones cost system calls (docs/performance.md). */
export const LARGE = 1024 * 1024;

/** Large buffers of one thread in use at the same time; beyond that transfers get small ones: memory stays bounded. */
export const LARGE_AT_ONCE = 32;
/** Buffers kept of each size when nobody uses them. */
const KEPT = 8;

/** Buffers used again and again by the transfers of one thread. */
export class BufferPool {
  readonly #smallOnes: Buffer[] = [];
  readonly #largeOnes: Buffer[] = [];
  readonly #most: number;
  #large = 0;

  /** @param most large buffers at the same time. */
  constructor(most = LARGE_AT_ONCE) {
    this.#most = most;
  }

  /** A buffer of `LARGE` octets when `large` and the budget allows it, else of `SMALL`. */
  take(large: boolean): Buffer {
    if (!large || this.#large >= this.#most) return this.#smallOnes.pop() ?? Buffer.allocUnsafeSlow(SMALL);
    this.#large += 1;
    return this.#largeOnes.pop() ?? Buffer.allocUnsafeSlow(LARGE);
  }

  /**
   * Gives a buffer back. `mayBeWritten`: the system may still read or write it, so it is left to the garbage collector.
   */
  give(buffer: Buffer, mayBeWritten = false): void {
    const isLarge = buffer.length === LARGE;
    if (isLarge) this.#large -= 1;
    const free = isLarge ? this.#largeOnes : this.#smallOnes;
    if (!mayBeWritten && free.length < KEPT) free.push(buffer);
  }
}
