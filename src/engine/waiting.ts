import type { FileJob } from './job.js';

/** Octets from which a file counts as big: it holds its sessions for long. */
export const BIG_SIZE = 16 * 1024 * 1024;

export const isBig = (job: FileJob): boolean => (job.size ?? 0) >= BIG_SIZE;

interface Numbered {
  job: FileJob;
  number: number;
}

/** First in, first out, without moving the rest at every step. */
class Line {
  #entries: Numbered[] = [];
  #head = 0;

  get length(): number {
    return this.#entries.length - this.#head;
  }

  get first(): number {
    return this.#entries[this.#head]?.number ?? Number.POSITIVE_INFINITY;
  }

  push(entry: Numbered): void {
    this.#entries.push(entry);
  }

  unshift(entry: Numbered): void {
    // A burst that broke puts hundreds back, one by one, where they were.
    if (this.#head > 0) this.#entries[--this.#head] = entry;
    else this.#entries.unshift(entry);
  }

  shift(): FileJob | undefined {
    const entry = this.#entries[this.#head];
    if (!entry) return undefined;
    this.#head += 1;
    if (this.#head > 1_000 && this.#head * 2 > this.#entries.length) {
      this.#entries = this.#entries.slice(this.#head);
      this.#head = 0;
    }
    return entry.job;
  }
}

/**
 * Files that wait to be sent, big ones and small ones in a line each. While both wait, one lane at least sends small files
 * and one at least a big one, so that neither holds up the other; between these bounds the order is that of their coming.
 */
export class WaitingFiles {
  readonly #small = new Line();
  readonly #big = new Line();
  #next = 0;
  #front = -1;

  get length(): number {
    return this.#small.length + this.#big.length;
  }

  push(job: FileJob): void {
    this.#lineOf(job).push({ job, number: this.#next++ });
  }

  /** A file that is tried again goes before all others of its kind. */
  unshift(job: FileJob): void {
    this.#lineOf(job).unshift({ job, number: this.#front-- });
  }

  /**
   * The file to send next.
   *
   * @param underWay big files that are being sent now.
   * @param lanes lanes at work, the asking one included.
   * @param proven false while all others wait for the route to be proven: by a small one then.
   */
  shift(underWay = 0, lanes = 1, proven = true): FileJob | undefined {
    return this.#choose(underWay, lanes, proven).shift();
  }

  #choose(underWay: number, lanes: number, proven: boolean): Line {
    if (this.#big.length === 0) return this.#small;
    if (this.#small.length === 0) return this.#big;
    if (!proven) return this.#small;
    if (lanes > 1 && underWay >= lanes - 1) return this.#small;
    if (lanes > 1 && underWay === 0) return this.#big;
    return this.#big.first < this.#small.first ? this.#big : this.#small;
  }

  /** All of them, in the order of their coming; none waits any more. */
  drain(): FileJob[] {
    const jobs: FileJob[] = [];
    for (let job = this.shift(); job; job = this.shift()) jobs.push(job);
    return jobs;
  }

  #lineOf(job: FileJob): Line {
    return isBig(job) ? this.#big : this.#small;
  }
}
