import type { Entry } from '../protocol/entry.js';
import type { Security } from '../protocol/site.js';
import type { Proof, RouteInfo } from './events.js';

/** One file to be copied. */
export interface FileJob {
  /** Path relative to the source, for events and filters. */
  relative: string;
  /** Absolute paths on both sides. */
  source: string;
  target: string;
  /** Octets and time (milliseconds since 1970 UTC) as listed; absent where the listing does not tell. */
  size: number | undefined;
  modified: number | undefined;
  /** The listing tells the time to the minute or day only: MDTM is asked before the target gets it. */
  coarse: boolean;
  mode: number | undefined;
  /** What stands at the target now. */
  existing: Entry | undefined;
  /** The existing target may be a beginning of the source. */
  continues: boolean;
  /** Octets of this version that an earlier run left under the temporary name; 'unknown' before a retry. */
  partial: number | 'unknown';
  /** Temporary files of older versions, to be removed when this one is done. */
  stale: string[];
  /** Written under its own name: the destination refused the temporary one. */
  direct: boolean;
  /** A server said that a transfer of it failed: what is there counts as complete only with the same digest. */
  suspect: boolean;
  /** Tries so far. */
  attempts: number;
}

/** How a file went. */
export interface FileResult {
  bytes: number;
  route: RouteInfo;
  security: Security;
  proof: Proof;
  algorithm?: string;
}

/** A file whose data are there; `finish` verifies it and gives it its name. */
export interface Sent {
  finish(): Promise<FileResult>;
}
