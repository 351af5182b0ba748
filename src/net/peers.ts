import { lookup as systemLookup } from 'node:dns/promises';
import { octetsOf, scopeOf } from '../protocol/addresses.js';
import { FtpError } from '../protocol/errors.js';
import { type AddressRange, inRanges, parseRange, rangeOf } from '../protocol/ranges.js';
import { withDeadline } from './deadline.js';

/** How host names of FXP peers become addresses. Times in milliseconds. */
export interface PeerNamesOptions {
  /** Every address of a name [the system's resolver]. */
  lookup?: (name: string) => Promise<readonly string[]>;
  /** How long an answer is used without asking again [60,000]. */
  lifetime?: number;
  /** How long the last answer is used while no other can be had [3,600,000]; then the name is nobody. */
  grace?: number;
  /** How long one question may take [5,000]. */
  timeout?: number;
  /** Milliseconds of any clock that only goes forward. */
  now?: () => number;
  /** A name that could not be used; told again only after it was well in between. */
  onProblem?: (name: string, why: string) => void;
}

/** Addresses of host names, asked for when they are needed and kept for a while. */
export interface PeerNames {
  /** All addresses of all names that are known. Never fails: a name without an answer adds nothing. */
  resolve(names: readonly string[]): Promise<AddressRange[]>;
}

interface Known {
  ranges: AddressRange[];
  /** When the ranges were answered. */
  at: number;
  /** When the question was last asked. */
  asked: number;
  problem: string | undefined;
  pending: Promise<void> | undefined;
}

/** More names than any configuration has: beyond it those that are not used any more are forgotten. */
const MANY = 1000;

const resolver = async (name: string): Promise<string[]> =>
  (await systemLookup(name, { all: true })).map(({ address }) => address);

/** IPv6 with an IPv4 address inside: NAT64 (RFC 6052 2.1), 6to4 (RFC 3056 2). */
const CARRIERS = ['64:ff9b::/96', '2002::/16'].map(parseRange);

/**
 * What an answer may lift the deny list for. Who answers for a name is not who wrote the configuration: loopback,
 * link-local and the like must be listed as addresses (DNS rebinding).
 */
function usable(address: string): boolean {
  const scope = scopeOf(address);
  return (scope === 'public' || scope === 'private') && !inRanges(address, CARRIERS);
}

class Names implements PeerNames {
  readonly #options: Required<Omit<PeerNamesOptions, 'onProblem'>> & Pick<PeerNamesOptions, 'onProblem'>;
  readonly #known = new Map<string, Known>();

  constructor(options: PeerNamesOptions) {
    this.#options = {
      lookup: resolver,
      lifetime: 60_000,
      grace: 3_600_000,
      timeout: 5_000,
      now: () => performance.now(),
      ...options,
    };
  }

  async resolve(names: readonly string[]): Promise<AddressRange[]> {
    this.#forget();
    return (await Promise.all(names.map((name) => this.#rangesOf(name.toLowerCase())))).flat();
  }

  async #rangesOf(name: string): Promise<AddressRange[]> {
    const { now, lifetime, grace } = this.#options;
    let known = this.#known.get(name);
    if (!known) {
      known = { ranges: [], at: -Infinity, asked: -Infinity, problem: undefined, pending: undefined };
      this.#known.set(name, known);
    }
    if (now() - known.asked >= lifetime) known.pending ??= this.#ask(name, known);
    await known.pending;
    return now() - known.at <= grace ? known.ranges : [];
  }

  /** One question at a time for each name. Never rejects. */
  async #ask(name: string, known: Known): Promise<void> {
    const { now, onProblem } = this.#options;
    let problem: string | undefined;
    try {
      const ranges = await this.#lookup(name);
      if (ranges.length === 0) problem = 'its addresses are none that a peer may have by name';
      Object.assign(known, { ranges, at: now() });
    } catch (error) {
      problem = reasonOf(error);
    }
    if (problem !== undefined && known.problem === undefined) onProblem?.(name, problem);
    Object.assign(known, { asked: now(), problem, pending: undefined });
  }

  async #lookup(name: string): Promise<AddressRange[]> {
    const { lookup, timeout } = this.#options;
    const addresses = await withDeadline<readonly string[]>(
      { timeout, what: `the address of ${name}` },
      (resolve, reject) => {
        lookup(name).then(resolve, reject);
        return () => {};
      },
    );
    return addresses.filter(usable).flatMap((address) => {
      const octets = octetsOf(address);
      return octets ? [{ ...rangeOf(octets, octets.length * 8), text: address }] : [];
    });
  }

  #forget(): void {
    if (this.#known.size <= MANY) return;
    const { now, grace } = this.#options;
    for (const [name, { asked, pending }] of this.#known) {
      if (!pending && now() - asked > grace) this.#known.delete(name);
    }
  }
}

function reasonOf(error: unknown): string {
  if (error instanceof FtpError) return error.message;
  if (error instanceof Error && 'code' in error) return String(error.code);
  return error instanceof Error ? error.message : String(error);
}

/** Host names in `[fxp] peers`: looked up at most once a minute each, for as long as they are asked for. */
export function peerNames(options: PeerNamesOptions = {}): PeerNames {
  return new Names(options);
}
