/** Listeners kept ready per place. */
const READY = 2;
/** Milliseconds without use after which they are closed. */
const IDLE = 10_000;
/** Smaller port ranges are not taken from by what may never be used. */
const LEAST_PORTS = 128;

/** What a shelf holds, as its owner opens and closes it. */
export interface Shelved<K, T> {
  open(place: K): Promise<T>;
  close(item: T): void;
}

/** Listeners opened ahead, so that PASV is answered at once. Each is used once; every use is made up for. */
export class Shelf<T> {
  readonly #owner: Shelved<string, T>;
  readonly #places = new Map<string, { items: T[]; coming: number; idle: NodeJS.Timeout }>();

  constructor(owner: Shelved<string, T>) {
    this.#owner = owner;
  }

  /** Is it worth to keep listeners of that range ready? */
  static suits(ports: { from: number; to: number } | undefined): boolean {
    return !ports || ports.to - ports.from + 1 >= LEAST_PORTS;
  }

  /** One that is ready, or undefined; either way others will be. */
  take(place: string): T | undefined {
    const known = this.#places.get(place);
    if (!known) {
      const idle = setTimeout(() => this.#clear(place), IDLE);
      idle.unref();
      this.#places.set(place, { items: [], coming: 0, idle });
      return undefined;
    }
    known.idle.refresh();
    return known.items.pop();
  }

  /** Open what is missing; to be called when nobody waits. */
  fill(place: string): void {
    const known = this.#places.get(place);
    if (!known || known.items.length + known.coming >= READY) return;
    known.coming += 1;
    this.#owner.open(place).then(
      (item) => {
        known.coming -= 1;
        if (this.#places.get(place) === known) known.items.push(item);
        else this.#owner.close(item);
        this.fill(place);
      },
      () => {
        // None is free now: PASV will open one itself and say so.
        known.coming -= 1;
      },
    );
  }

  #clear(place: string): void {
    const known = this.#places.get(place);
    if (!known) return;
    clearTimeout(known.idle);
    this.#places.delete(place);
    for (const item of known.items) this.#owner.close(item);
  }

  close(): void {
    for (const place of [...this.#places.keys()]) this.#clear(place);
  }
}
