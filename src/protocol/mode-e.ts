import { FtpError } from './errors.js';

/** Octets of a block's header: descriptor, count and place (GFD.20 3.4). */
export const BLOCK_HEADER = 17;

/** Bits of the descriptor (GFD.20 3.4). */
export const BLOCK_FLAGS = {
  /** The sender closes this connection behind the block. */
  closes: 4,
  /** The last block of the file on this connection. */
  eod: 8,
  /** A restart marker stands in the block. */
  restart: 16,
  /** The sender doubts the octets of the block. */
  suspect: 32,
  /** The end of the file: the place is the number of connections that will say `eod`. */
  eof: 64,
} as const;

/** Connections that may be named by an end of file. */
const MOST_ENDS = 1024;
const KNOWN = BLOCK_FLAGS.closes | BLOCK_FLAGS.eod | BLOCK_FLAGS.eof;
const DOUBTFUL = BLOCK_FLAGS.restart | BLOCK_FLAGS.suspect;

/** A block without its octets. */
export interface BlockHeader {
  /** Octets that follow the header. */
  count: number;
  /** Where in the file the first of them belongs; 0 with `ends`. */
  offset: number;
  /** End of the file: so many connections say `eod`. */
  ends?: number;
  /** Last block of the file on this connection. */
  eod: boolean;
  /** The sender closes this connection behind the block. */
  closes: boolean;
}

/**
 * Writes a header at `at`.
 *
 * @throws RangeError for a number that is none: a fault of the caller.
 */
export function writeBlockHeader(into: Buffer, header: Partial<BlockHeader>, at = 0): void {
  const { count = 0, offset = 0, ends, eod = false, closes = false } = header;
  for (const value of [count, offset, ends ?? 0])
    if (!Number.isSafeInteger(value) || value < 0) throw new RangeError(`${value} is no number of octets`);
  const { eof, eod: last, closes: goes } = BLOCK_FLAGS;
  into[at] = (ends === undefined ? 0 : eof) | (eod ? last : 0) | (closes ? goes : 0);
  into.writeBigUInt64BE(BigInt(count), at + 1);
  into.writeBigUInt64BE(BigInt(ends ?? offset), at + 9);
}

/**
 * Reads a header of `BLOCK_HEADER` octets.
 *
 * @throws FtpError `malformed` for bits that are not defined or not served (end of record, restart marker, doubtful octets),
 * for numbers beyond 2^53, and for an end of file that has octets or names no connection.
 */
export function readBlockHeader(octets: Buffer, at = 0): BlockHeader {
  const flags = checkDescriptor(octets[at]!);
  const count = uint64(octets, at + 1);
  const place = uint64(octets, at + 9);
  if (!Number.isSafeInteger(count) || !Number.isSafeInteger(place) || !Number.isSafeInteger(count + place)) {
    throw malformed('a block lies beyond 2^53 octets');
  }
  const ends = (flags & BLOCK_FLAGS.eof) !== 0;
  if (ends && count > 0) throw malformed('an end of file carries octets');
  if (ends && (place < 1 || place > MOST_ENDS)) throw malformed(`a file ends on ${place} connections`);
  return {
    count,
    offset: ends ? 0 : place,
    ...(ends && { ends: place }),
    eod: (flags & BLOCK_FLAGS.eod) !== 0,
    closes: (flags & BLOCK_FLAGS.closes) !== 0,
  };
}

function checkDescriptor(flags: number): number {
  if (flags & DOUBTFUL) throw malformed(`blocks with descriptor ${flags} are not taken`);
  if (flags & ~KNOWN) throw malformed(`${flags} is no descriptor of a block`);
  return flags;
}

const uint64 = (octets: Buffer, at: number): number =>
  octets.readUInt32BE(at) * 2 ** 32 + octets.readUInt32BE(at + 4);

const malformed = (why: string): FtpError =>
  new FtpError('malformed', `what came on the data connection is not MODE E: ${why}`);

/** What a piece of the stream begins with: a header, or octets of the file. `next` = where to go on reading. */
export type BlockPart =
  | { is: 'header'; header: BlockHeader; next: number }
  | { is: 'octets'; from: number; next: number; offset: number };

/** One connection's octets -> headers and octets of the file, for any split of the input. Holds at most one header. */
export class BlockDecoder {
  readonly #header = Buffer.alloc(BLOCK_HEADER);
  #held = 0;
  #left = 0;
  #offset = 0;

  /** True inside a block: a connection that ends here was cut. */
  get unfinished(): boolean {
    return this.#held > 0 || this.#left > 0;
  }

  /**
   * The next part of `chunk` between `from` and `to`. The caller may stop behind any part and go on later.
   *
   * @returns undefined when the rest is used up. @throws FtpError as `readBlockHeader`.
   */
  read(chunk: Buffer, from = 0, to = chunk.length): BlockPart | undefined {
    if (from >= to) return undefined;
    if (this.#left > 0) {
      const next = Math.min(to, from + this.#left);
      const offset = this.#offset;
      this.#left -= next - from;
      this.#offset += next - from;
      return { is: 'octets', from, next, offset };
    }
    if (this.#held === 0 && to - from >= BLOCK_HEADER)
      return this.#begun(readBlockHeader(chunk, from), from + BLOCK_HEADER);
    // What is no block is known by its first octet, however little comes.
    if (this.#held === 0) checkDescriptor(chunk[from]!);
    const next = Math.min(to, from + BLOCK_HEADER - this.#held);
    this.#held += chunk.copy(this.#header, this.#held, from, next);
    if (this.#held < BLOCK_HEADER) return undefined;
    this.#held = 0;
    return this.#begun(readBlockHeader(this.#header), next);
  }

  #begun(header: BlockHeader, next: number): BlockPart {
    this.#left = header.count;
    this.#offset = header.offset;
    return { is: 'header', header, next };
  }
}
