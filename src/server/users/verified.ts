import { createHmac, randomBytes } from 'node:crypto';

/** How long, in milliseconds, and how many right passwords are known. */
export interface VerifiedOptions {
  /** [5 minutes] */
  lifetime?: number;
  /** [10000] */
  most?: number;
  /** Milliseconds since any start. */
  now?: () => number;
}

/**
 * Right passwords of the last minutes, so that a client that logs in for each file does not cost a hash each time. Kept is
 * an HMAC-SHA-256 of user, password and hash under a key of this process: a new hash makes the old entry useless, and memory
 * holds nothing to guess from without the key. Wrong passwords are never kept.
 */
export class VerifiedLogins {
  readonly #key = randomBytes(32);
  readonly #until = new Map<string, number>();
  readonly #lifetime: number;
  readonly #most: number;
  readonly #now: () => number;

  constructor({ lifetime = 300_000, most = 10_000, now = () => performance.now() }: VerifiedOptions = {}) {
    this.#lifetime = lifetime;
    this.#most = most;
    this.#now = now;
  }

  /** The name under which a login is kept. */
  ticket(user: string, password: string, hash: string): string {
    // NUL is in none of the three, so no two logins give the same octets.
    return createHmac('sha256', this.#key).update(`${user}\0${password}\0${hash}`).digest('base64');
  }

  has(ticket: string): boolean {
    const until = this.#until.get(ticket);
    if (until === undefined) return false;
    if (until > this.#now()) return true;
    this.#until.delete(ticket);
    return false;
  }

  add(ticket: string): void {
    this.#until.delete(ticket);
    // A map keeps the order of entry: the first is the oldest.
    if (this.#until.size >= this.#most) this.#until.delete(this.#until.keys().next().value!);
    this.#until.set(ticket, this.#now() + this.#lifetime);
  }

  clear(): void {
    this.#until.clear();
  }
}
