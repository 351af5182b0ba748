/** What an act of the soak gets, and how it tells what it found. */
import { type Chance, contentOf } from './random.js';
import type { DataWay, SoakSession, SoakTarget } from './session.js';

export interface ActorOptions {
  readonly target: SoakTarget;
  /** Folder of the server's disk that is `/` for the account. */
  readonly home: string;
  readonly chance: Chance;
  /** Number of this client, for names of its own. */
  readonly id: number;
  /** Sizes of the shared files `/shared/N`, whose content is `contentOf(N, size)`. */
  readonly shared: readonly number[];
  readonly tls: boolean;
  /** A second server, for copies between the two, and its folder. */
  readonly sink?: { readonly target: SoakTarget; readonly home: string } | undefined;
  /** Ways that the server allows. */
  readonly ways: readonly DataWay[];
  readonly mlsd: boolean;
  /** Deadline of each wait, milliseconds. */
  readonly patience: number;
}

/** What all clients have done and found. */
export interface Tally {
  /** Acts that were done, by name. */
  readonly acts: Record<string, number>;
  octets: number;
  /** Octets that were not those expected. */
  readonly wrong: string[];
  /** Waits that had no end. */
  readonly hung: string[];
  /** Refusals where there should be none, at most a hundred. */
  readonly refused: string[];
}

export type Act = (session: SoakSession, options: ActorOptions, tally: Tally) => Promise<unknown>;

const MOST_TOLD = 100;

/** Notes what was found; the first hundred are enough. */
export const tell = (list: string[], text: string): void => {
  if (list.length < MOST_TOLD) list.push(text);
};

/** Counts the octets, and notes when they are not those expected. */
export function compare(tally: Tally, what: string, found: Buffer, expected: Buffer): void {
  tally.octets += found.length;
  if (!found.equals(expected))
    tell(tally.wrong, `${what}: ${found.length} octets, ${expected.length} expected`);
}

/** One of the shared files at random. */
export function sharedFile({ chance, shared }: ActorOptions): { path: string; content: Buffer } {
  const number = chance.below(shared.length);
  return { path: `/shared/${number}`, content: contentOf(number, shared[number] ?? 0) };
}
