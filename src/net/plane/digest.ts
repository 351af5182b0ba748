import { createHash } from 'node:crypto';
import { crc32 } from 'node:zlib';
import type { Algorithm } from '../../protocol/digests.js';
import { Failure } from './failure.js';
import type { Sink, Source, TransferOrder } from './types.js';

const HASHES: Readonly<Record<Exclude<Algorithm, 'CRC32'>, string>> = {
  'SHA-256': 'sha256',
  'SHA-512': 'sha512',
  'SHA-1': 'sha1',
  MD5: 'md5',
};

/** A digest that grows with what it is given. */
export interface Digest {
  update(chunk: Buffer): unknown;
  /** Lower-case hex; called once, at the end. */
  hex(): string;
}

/** A digest of no octets yet. */
export function digestFor(algorithm: Algorithm): Digest {
  if (algorithm !== 'CRC32') {
    const hash = createHash(HASHES[algorithm]);
    return { update: (chunk) => hash.update(chunk), hex: () => hash.digest('hex') };
  }
  let value = 0;
  return {
    update: (chunk) => {
      value = crc32(chunk, value);
    },
    hex: () => value.toString(16).padStart(8, '0'),
  };
}

/** The part of an order that says which digests are wanted. */
type Wanted = Pick<TransferOrder<unknown, unknown>, 'digest' | 'expect' | 'type'>;

/** Digests of the octets of one transfer, made while they pass: none of them is read twice. */
export class Passing {
  readonly #wanted: Wanted;
  readonly #digests = new Map<Algorithm, Digest>();
  readonly #hex = new Map<Algorithm, string>();
  /** Where the next octet belongs at the earliest. */
  #next = 0;
  #disordered = false;

  private constructor(wanted: Wanted, algorithms: Iterable<Algorithm>) {
    this.#wanted = wanted;
    for (const algorithm of algorithms) this.#digests.set(algorithm, digestFor(algorithm));
  }

  /** @returns undefined when the order wants none. In TYPE A the octets of the wire are not those of the file: none then. */
  static of(wanted: Wanted): Passing | undefined {
    if (!wanted.digest && !wanted.expect) return undefined;
    const algorithms = new Set<Algorithm>();
    if (wanted.digest && wanted.type === 'I') algorithms.add(wanted.digest);
    if (wanted.expect?.digest) algorithms.add(wanted.expect.digest.algorithm);
    return new Passing(wanted, algorithms);
  }

  update(chunk: Buffer): void {
    for (const digest of this.#digests.values()) digest.update(chunk);
  }

  /** The same for octets that belong at that place: what is left out is no part of the digest, what comes late spoils it. */
  updateAt(chunk: Buffer, offset: number): void {
    if (offset < this.#next) this.#disordered = true;
    this.#next = offset + chunk.length;
    if (!this.#disordered) this.update(chunk);
  }

  #hexOf(algorithm: Algorithm): string | undefined {
    if (this.#disordered) return undefined;
    const known = this.#hex.get(algorithm) ?? this.#digests.get(algorithm)?.hex();
    if (known !== undefined) this.#hex.set(algorithm, known);
    return known;
  }

  /** What was ordered for the result; undefined where it cannot be told. */
  get hex(): string | undefined {
    return this.#wanted.digest && this.#wanted.type === 'I' ? this.#hexOf(this.#wanted.digest) : undefined;
  }

  /** @param bytes that came. @throws Failure `differs` when they are not what was expected. */
  check(bytes: number): void {
    const { expect } = this.#wanted;
    if (expect?.size !== undefined && expect.size !== bytes)
      throw new Failure('differs', 'SIZE', `${bytes} octets came, and ${expect.size} were announced`);
    if (!expect?.digest) return;
    const { algorithm, hex } = expect.digest;
    const came = this.#hexOf(algorithm);
    if (came === undefined)
      throw new Failure(
        'differs',
        'DISORDER',
        `the octets came out of order, and their ${algorithm} was not compared: use one connection`,
      );
    if (came !== hex)
      throw new Failure('differs', 'DIGEST', `the octets that came have ${algorithm} ${came}, not ${hex}`);
  }

  /** The source, watched. */
  source(source: Source): Source {
    const watched = (count: number, into: Buffer): number => {
      if (count > 0) this.update(into.subarray(0, count));
      return count;
    };
    return {
      size: source.size,
      read: (into) => {
        const count = source.read(into);
        return typeof count === 'number' ? watched(count, into) : count.then((later) => watched(later, into));
      },
      close: () => source.close(),
    };
  }

  /** The sink, watched. */
  sink(sink: Sink): Sink {
    return {
      write: (chunk) => {
        this.update(chunk);
        return sink.write(chunk);
      },
      ...(sink.writeAt && {
        writeAt: (chunk, offset) => {
          this.updateAt(chunk, offset);
          return sink.writeAt?.(chunk, offset);
        },
      }),
      commit: () => sink.commit(),
      abandon: () => sink.abandon(),
    };
  }
}
