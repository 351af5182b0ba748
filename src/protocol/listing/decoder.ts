import type { Entry } from '../entry.js';
import { FtpError } from '../errors.js';
import { type Charset, decodeText } from '../text.js';
import { ListingLines } from './detect.js';
import type { ListingFormat } from './format.js';

/** What a listing may cost. */
export interface ListingLimits {
  /** Octets of the whole listing. */
  bytes: number;
  /** Entries. */
  entries: number;
  /** Octets of one line, LF not counted. */
  line: number;
}

/** 50 MiB, a million entries, lines of 16 KiB: threats are endless listings and endless lines. */
export const LISTING_LIMITS: ListingLimits = { bytes: 50 * 1024 * 1024, entries: 1_000_000, line: 16 * 1024 };

/** How to read a listing. */
export interface ListingOptions {
  /** The format, where it is known (MLSD was sent, NLST was sent); else it is detected. */
  format?: ListingFormat;
  /** The directory as it was named to the server: a path in front of names is cut off if it is this one. */
  dir?: string;
  /** Milliseconds since 1970-01-01 UTC against which dates without a year are read. Default: the clock. */
  now?: number;
  /** Default `utf8`, where octets that are no UTF-8 are kept as `decodeText` keeps them. */
  charset?: Charset;
  /** Default `LISTING_LIMITS`. */
  limits?: ListingLimits;
}

const LF = 0x0a;
const CR = 0x0d;

/** The line reader that the options ask for. */
export function linesFor(options: ListingOptions): ListingLines {
  const { format, dir, now = Date.now(), limits = LISTING_LIMITS } = options;
  return new ListingLines(format, dir === undefined ? { now } : { now, dir }, limits.entries);
}

/**
 * Octets of a listing -> entries, chunk by chunk; the same entries for any split into chunks.
 *
 * Lines end with LF; every CR in front of it is dropped (CRLF, and CR CR LF of servers that convert twice).
 * `.` and `..` are left out. Names are as the server sent them: call `checkName` before use.
 */
export class ListingDecoder {
  readonly #lines: ListingLines;
  readonly #limits: ListingLimits;
  readonly #charset: Charset;
  /** The start of a line whose end has not come yet; its first `#held` octets count. */
  #pending = new Uint8Array(256);
  #held = 0;
  #bytes = 0;
  #first = true;
  #failure: FtpError | undefined;

  constructor(options: ListingOptions = {}) {
    this.#lines = linesFor(options);
    this.#limits = options.limits ?? LISTING_LIMITS;
    this.#charset = options.charset ?? 'utf8';
  }

  /** The format asked for or detected; undefined until a line told. */
  get format(): ListingFormat | undefined {
    return this.#lines.format;
  }

  /** Lines that were not understood: noise, error text, entries the server garbled. */
  get rejected(): number {
    return this.#lines.rejected;
  }

  /** Entries whose lines ended in this chunk. @throws FtpError `malformed` past a limit, then on every call. */
  push(chunk: Uint8Array): Entry[] {
    return this.#guard((found) => {
      this.#bytes += chunk.length;
      if (this.#bytes > this.#limits.bytes) this.#fail(`is longer than ${this.#limits.bytes} octets`);
      let start = 0;
      for (let end = chunk.indexOf(LF); end >= 0; end = chunk.indexOf(LF, start)) {
        this.#take(chunk.subarray(start, end), found);
        start = end + 1;
      }
      this.#hold(chunk.subarray(start));
    });
  }

  /** Entries that were waiting for the end; the last line needs no line end. @throws as `push`. */
  end(): Entry[] {
    return this.#guard((found) => {
      if (this.#held > 0) this.#take(new Uint8Array(0), found);
      this.#lines.end();
    });
  }

  #guard(work: (found: Entry[]) => void): Entry[] {
    if (this.#failure) throw this.#failure;
    const found: Entry[] = [];
    try {
      work(found);
    } catch (error) {
      if (error instanceof FtpError) this.#failure = error;
      throw error;
    }
    return found;
  }

  #fail(what: string): never {
    throw new FtpError('malformed', `the listing ${what}`);
  }

  #take(tail: Uint8Array, found: Entry[]): void {
    let line = tail;
    if (this.#held > 0) {
      this.#hold(tail);
      line = this.#pending.subarray(0, this.#held);
      this.#held = 0;
    }
    if (line.length > this.#limits.line) this.#fail(`has a line longer than ${this.#limits.line} octets`);
    const entry = this.#lines.line(this.#text(line));
    if (entry) found.push(entry);
  }

  #hold(part: Uint8Array): void {
    const held = this.#held + part.length;
    if (held > this.#limits.line) this.#fail(`has a line longer than ${this.#limits.line} octets`);
    if (held > this.#pending.length) {
      const larger = new Uint8Array(Math.max(held, this.#pending.length * 2));
      larger.set(this.#pending.subarray(0, this.#held));
      this.#pending = larger;
    }
    this.#pending.set(part, this.#held);
    this.#held = held;
  }

  #text(line: Uint8Array): string {
    let end = line.length;
    while (end > 0 && line[end - 1] === CR) end -= 1;
    const text = decodeText(line.subarray(0, end), this.#charset);
    const marked = this.#first && text.startsWith('\ufeff');
    this.#first = false;
    return marked ? text.slice(1) : text;
  }
}
