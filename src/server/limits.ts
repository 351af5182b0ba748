import { octetsOf } from '../protocol/addresses.js';

/**
 * Counts of what there may be only so many of. Several processes can share one: then the answers are promises, and what a
 * process holds goes back when it ends.
 */
export interface Counters {
  /** One more under `key`, when that leaves it within `limit`; 0 = no limit, counted all the same. */
  acquire(key: string, limit: number): boolean | Promise<boolean>;
  /** One less. */
  release(key: string): void;
  /** A login failed here: tell those who share these counters. */
  failed?(address: string, name: string): void;
  /** Hears of logins that failed elsewhere. */
  onFailed?(hear: (address: string, name: string) => void): void;
}

/** Counters of this process. */
export function localCounters(): Counters {
  const counts = new Map<string, number>();
  return {
    acquire(key, limit) {
      const count = counts.get(key) ?? 0;
      if (limit > 0 && count >= limit) return false;
      counts.set(key, count + 1);
      return true;
    },
    release(key) {
      const left = (counts.get(key) ?? 0) - 1;
      if (left > 0) counts.set(key, left);
      else counts.delete(key);
    },
  };
}

/** Who an address is for limits: IPv4 itself, IPv6 its /64, of which every host has all (RFC 4291 2.5.4). */
export function addressKey(address: string): string {
  const octets = octetsOf(address.split('%', 1)[0] ?? '');
  if (!octets) return address;
  return octets.length === 4 ? octets.join('.') : Buffer.from(octets.slice(0, 8)).toString('hex');
}

interface Bucket {
  level: number;
  at: number;
}

/** Token buckets by name: full at first, filled up again at a steady rate. The least recently used are forgotten. */
export class Buckets {
  readonly #buckets = new Map<string, Bucket>();

  /** @param most how many are remembered. @param now milliseconds. */
  constructor(
    private readonly most: number,
    private readonly now: () => number,
  ) {}

  /** Tokens that are left; below 1 is empty. */
  level(key: string, perMinute: number): number {
    const bucket = this.#buckets.get(key);
    if (!bucket) return perMinute;
    const filled = ((this.now() - bucket.at) / 60_000) * perMinute;
    return Math.min(perMinute, bucket.level + filled);
  }

  /** Below nothing is debt: who tries many at once waits the longer, at most about an hour. */
  take(key: string, perMinute: number): void {
    const level = Math.max(this.level(key, perMinute) - 1, -60 * perMinute);
    this.#buckets.delete(key);
    if (this.#buckets.size >= this.most) this.#buckets.delete(this.#buckets.keys().next().value!);
    this.#buckets.set(key, { level, at: this.now() });
  }

  get size(): number {
    return this.#buckets.size;
  }
}

/** How many names and addresses are remembered. */
const MOST = 10_000;
/** A user may be tried from several addresses: that is guessing too, and so many times the limit of one address. */
const USER_FACTOR = 5;

/**
 * Failed logins by address and by user (threats.md row 26). An address from which a user has logged in has a count of its own
 * for that user: nobody else's wrong passwords, behind the same address or against the same name, lock it out.
 */
export class FailedLogins {
  readonly #failed: Buckets;
  readonly #known = new Map<string, true>();

  constructor(now: () => number = () => performance.now()) {
    // Addresses, names and pairs share the room.
    this.#failed = new Buckets(3 * MOST, now);
  }

  /** @param perMinute failures of one address [0 = never]. @returns true when a login must not even be tried. */
  mustWait(address: string, name: string, perMinute: number): boolean {
    if (perMinute <= 0) return false;
    return this.#keys(address, name, perMinute).some(([key, rate]) => this.#failed.level(key, rate) < 1);
  }

  failed(address: string, name: string, perMinute: number): void {
    if (perMinute <= 0) return;
    for (const [key, rate] of this.#keys(address, name, perMinute)) this.#failed.take(key, rate);
  }

  succeeded(address: string, name: string): void {
    const pair = pairOf(address, name);
    this.#known.delete(pair);
    if (this.#known.size >= MOST) this.#known.delete(this.#known.keys().next().value!);
    this.#known.set(pair, true);
  }

  #keys(address: string, name: string, perMinute: number): [key: string, perMinute: number][] {
    const pair = pairOf(address, name);
    if (this.#known.has(pair)) return [[`pair ${pair}`, perMinute]];
    return [
      [`address ${addressKey(address)}`, perMinute],
      [`user ${name}`, perMinute * USER_FACTOR],
    ];
  }
}

function pairOf(address: string, name: string): string {
  return `${addressKey(address)} ${name}`;
}
