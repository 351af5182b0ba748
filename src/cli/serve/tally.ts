/**
 * Counts that several processes share: each key has a limit, each count an owner. What a process held goes back when it
 * dies.
 */
export class Tally {
  readonly #totals = new Map<string, number>();
  readonly #held = new Map<number, Map<string, number>>();

  /** One more for `owner` under `key`, when that leaves it within `limit`; 0 = no limit. */
  acquire(owner: number, key: string, limit: number): boolean {
    const total = this.#totals.get(key) ?? 0;
    if (limit > 0 && total >= limit) return false;
    this.#totals.set(key, total + 1);
    const mine = this.#held.get(owner) ?? new Map<string, number>();
    this.#held.set(owner, mine.set(key, (mine.get(key) ?? 0) + 1));
    return true;
  }

  /** One less; nothing when the owner holds none. */
  release(owner: number, key: string): void {
    const mine = this.#held.get(owner);
    const held = mine?.get(key) ?? 0;
    if (!mine || held === 0) return;
    if (held === 1) mine.delete(key);
    else mine.set(key, held - 1);
    this.#lower(key, 1);
  }

  /** The owner is gone. */
  drop(owner: number): void {
    for (const [key, held] of this.#held.get(owner) ?? []) this.#lower(key, held);
    this.#held.delete(owner);
  }

  /** How many there are under a key. */
  count(key: string): number {
    return this.#totals.get(key) ?? 0;
  }

  #lower(key: string, by: number): void {
    const left = this.count(key) - by;
    if (left > 0) this.#totals.set(key, left);
    else this.#totals.delete(key);
  }
}
