import type { Entry } from '../entry.js';

/** The listing formats Jackstay reads. `names` is NLST output; it is never detected, only asked for. */
export type ListingFormat =
  | 'mlsd'
  | 'eplf'
  | 'unix'
  | 'netware'
  | 'dos'
  | 'os2'
  | 'vms'
  | 'as400'
  | 'mvs'
  | 'names';

/** What a line parser has to know besides the line. */
export interface ListingContext {
  /** Milliseconds since 1970-01-01 UTC; dates without a year are placed before `now` plus one day. */
  now: number;
  /** The directory listed, as it was named to the server. */
  dir?: string;
}

/**
 * The verdict on one line: an entry, `known` (surely of this format but not an entry: a header, `cdir`),
 * `skip` (says nothing: blank, `total n`), or undefined (not of this format).
 */
export type LineVerdict = Entry | 'known' | 'skip' | undefined;

/** Reads the lines of one listing in one format. */
export interface LineParser {
  /** Takes one line without its line end. `known` proves the format as an entry does. */
  line(text: string): Entry | 'known' | undefined;
  /** Tells that no line follows. */
  end(): void;
  /** Lines that were neither an entry nor a known decoration. */
  readonly rejected: number;
}

/** A parser whose lines do not depend on each other. */
export function eachLine(parse: (line: string) => LineVerdict): LineParser {
  let rejected = 0;
  return {
    line(text) {
      const verdict = parse(text);
      if (verdict === undefined) rejected += 1;
      return verdict === 'skip' ? undefined : verdict;
    },
    end() {},
    get rejected() {
      return rejected;
    },
  };
}
