import type { TrustStore } from '../client/trust.js';
import type { Security, SiteSettings } from '../protocol/site.js';
import type { EventSink } from './events.js';
import type { RouteMemory } from './route-memory.js';

/** One end of a copy: a path on a server, or on this machine. */
export type Place = { kind: 'site'; site: SiteSettings; path: string } | { kind: 'local'; path: string };

/** Whether data may cross this client: not at all, where the servers cannot, or always. */
export type RelayPolicy = 'never' | 'fallback' | 'always';
/** How arrival is proven: by digest where possible and size always, by digest or not at all, by size, by nothing. */
export type VerifyPolicy = 'auto' | 'digest' | 'size' | 'none';
/** What to do when the target exists: keep it, replace it when the source is newer, continue it, replace it, or fail. */
export type OnExists = 'skip' | 'newer' | 'resume' | 'overwrite' | 'fail';

/** Everything a run can be told. Defaults are in brackets. */
export interface CopyOptions {
  /** Lowest security of the data connection [clear if either site is clear, else encrypted]. */
  security?: Security;
  /** Whether data may cross this client [never]. */
  relay?: RelayPolicy;
  /** How arrival is proven [auto: digest where both sides have a common one and it costs little, size always]. */
  verify?: VerifyPolicy;
  /** [resume: same size and not older is the same file, a shorter one is continued where that is safe, others replaced] */
  onExists?: OnExists;
  /**
   * Files at once; never more than the sites' session limits [auto: begins with 4, more while that gives more files and octets
   * a second, 12 at most].
   */
  parallel?: number | 'auto';
  /** Globs over the path relative to the source; `**` crosses directories. A file must match an include, if any is given. */
  include?: string[];
  exclude?: string[];
  /** Plan and report, change nothing. */
  dryRun?: boolean;
  /** Keep modification times [true] and, where both tell them, modes [false]. */
  preserve?: { times?: boolean; modes?: boolean };
  /** Octets per second over all files; only data that this client carries can be limited. */
  limitRate?: number;
  /** Remove what the source does not have (sync only). */
  delete?: boolean;
  /** Tries for one file before it is called failed [4]. */
  maxAttempts?: number;
  /** A transfer without progress for this long is given up, milliseconds [30000]. */
  stallTimeout?: number;
  /** One command's reply, milliseconds [30000]. */
  commandTimeout?: number;
  onEvent?: EventSink;
  /** `dialogue` events, one a line of every control connection [true]; without them a small file costs less. */
  dialogue?: boolean;
  signal?: AbortSignal;
  /** Remembered control certificates [in memory only]. */
  trust?: TrustStore;
  /** Remembered routes [in memory only]. */
  routes?: RouteMemory;
}
