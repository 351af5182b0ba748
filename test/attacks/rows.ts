/** What a cell of the table of attacks holds. */

/** How the two servers were joined. */
export type Family = 'plain' | 'CPSV' | 'SSCN' | 'one-sided' | 'DCPA' | 'none';

/** One attack on one technique, as it went. */
export interface Row {
  readonly attack: string;
  readonly family: Family;
  /** `source to destination, technique`. */
  readonly way: string;
  /** Plain octets of the file that the attacker had in its hands. */
  readonly seen: number;
  /** Octets of the stored file that are not the source's, and octets that it lacks, while the destination said 2yz. */
  readonly altered: number;
  /** Final reply of each server; `-` where there was none. */
  readonly source: string;
  readonly destination: string;
  /** What the client said at the end. */
  readonly client: string;
}

/** A cell: what is done, and what must come of it. */
export interface Cell {
  readonly attack: string;
  readonly family: Family;
  readonly way: string;
  /** Why it cannot be had on this machine. */
  absence(): string | undefined;
  run(): Promise<Row>;
  /** What does not agree with the row; empty where all does. */
  complaints(row: Row): string[];
}

/** What must be seen in a row. */
export interface Expected {
  /** `all`: the file; `some`: more than nothing. */
  readonly seen?: 'all' | 'some' | 0;
  readonly altered?: 'some' | 0;
  readonly source?: RegExp;
  readonly destination?: RegExp;
  readonly client?: RegExp;
}

/** Compares a row with what is expected. @param whole octets of the file. */
export function compare(row: Row, expected: Expected, whole: number): string[] {
  const found: string[] = [];
  const { seen, altered } = expected;
  const enough = seen === 'all' ? row.seen === whole : seen === 'some' ? row.seen > 0 : row.seen === 0;
  if (seen !== undefined && !enough)
    found.push(`the attacker saw ${row.seen} of ${whole} octets, not ${seen}`);
  const changed = altered === 'some' ? row.altered > 0 : row.altered === 0;
  if (altered !== undefined && !changed)
    found.push(`${row.altered} altered octets were accepted, not ${altered}`);
  for (const who of ['source', 'destination', 'client'] as const) {
    const pattern = expected[who];
    if (pattern && !pattern.test(row[who])) found.push(`${who}: ${row[who]} does not match ${pattern}`);
  }
  return found;
}
