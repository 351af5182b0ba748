/** Repeatable chance, and content that can be checked without keeping it. */
import { createHash } from 'node:crypto';

/** Numbers from 0 up to 1, the same for the same seed: a linear congruence modulo 2^32, of which the upper bits are used. */
export class Chance {
  #state: number;

  constructor(seed: number) {
    // Seeds that follow each other must not begin alike.
    this.#state = Math.imul(seed + 1, 2_654_435_761) >>> 0;
  }

  next(): number {
    this.#state = (Math.imul(this.#state, 1_664_525) + 1_013_904_223) >>> 0;
    return (this.#state >>> 8) / 2 ** 24;
  }

  /** A whole number from 0 up to, without, `limit`. */
  below(limit: number): number {
    return Math.floor(this.next() * limit);
  }

  isTrue(probability: number): boolean {
    return this.next() < probability;
  }

  pick<T>(values: readonly T[]): T {
    const value = values[this.below(values.length)];
    if (value === undefined) throw new Error('nothing to pick from');
    return value;
  }
}

const BLOCK = 1 << 20;

/** One block of octets that do not repeat, of which every content is a window. */
const block = ((): Buffer => {
  const parts: Buffer[] = [];
  for (let n = 0; n < (2 * BLOCK) / 32; n++) parts.push(createHash('sha256').update(`${n}`).digest());
  return Buffer.concat(parts);
})();

/** Content number `id`: at most 1 MiB. Two numbers give different windows. */
export function contentOf(id: number, size: number): Buffer {
  const from = (id * 977) % BLOCK;
  return block.subarray(from, from + Math.min(size, BLOCK));
}
