import type { Counters } from '../../server/limits.js';
import type { FromServing } from './messages.js';

/** Counters that the first process keeps for all of them. */
export class SharedCounters implements Counters {
  readonly #tell: (message: FromServing) => void;
  readonly #asked = new Map<number, (granted: boolean) => void>();
  #ids = 0;
  #hear: ((address: string, name: string) => void) | undefined;

  constructor(tell: (message: FromServing) => void) {
    this.#tell = tell;
  }

  acquire(key: string, limit: number): Promise<boolean> {
    const id = ++this.#ids;
    return new Promise((resolve) => {
      this.#asked.set(id, resolve);
      this.#tell({ kind: 'acquire', id, key, limit });
    });
  }

  release(key: string): void {
    this.#tell({ kind: 'release', key });
  }

  failed(address: string, name: string): void {
    this.#tell({ kind: 'login-failed', address, name });
  }

  onFailed(hear: (address: string, name: string) => void): void {
    this.#hear = hear;
  }

  /** A login failed in another process. */
  failedElsewhere(address: string, name: string): void {
    this.#hear?.(address, name);
  }

  /** An answer has come. */
  granted(id: number, granted: boolean): void {
    this.#asked.get(id)?.(granted);
    this.#asked.delete(id);
  }
}
