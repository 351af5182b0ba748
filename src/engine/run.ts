import type { TrafficMeter } from '../client/connection.js';
import type { RateLimiter } from '../net/data.js';
import type { Security } from '../protocol/site.js';
import type { EventSink } from './events.js';
import type { Filter } from './filter.js';
import type { Side } from './findings.js';
import type { FileJob, Sent } from './job.js';
import type { Ladders } from './ladder.js';
import type { Lane } from './lane.js';
import type { Monitor } from './monitor.js';
import type { OnExists, RelayPolicy, VerifyPolicy } from './options.js';
import type { Router } from './router.js';

/** Options with every default filled in. */
export interface Settings {
  security: Security;
  relay: RelayPolicy;
  verify: VerifyPolicy;
  onExists: OnExists;
  parallel: number;
  /** Most transfers at once where the number finds itself; absent: `parallel` is fixed. */
  mostParallel?: number;
  filter: Filter;
  dryRun: boolean;
  times: boolean;
  modes: boolean;
  delete: boolean;
  maxAttempts: number;
  /** Milliseconds. */
  stallTimeout: number;
}

/** What everything in one run shares. */
export interface Run {
  settings: Settings;
  emit: EventSink;
  signal: AbortSignal;
  meter: TrafficMeter;
  names: Record<Side, string>;
  /** Sessions that both sites grant now. */
  sessionLimit?: () => number;
  rate: RateLimiter | undefined;
  monitors: Partial<Record<Side, Monitor>>;
  router: Router | undefined;
  /** The order of commands that the two servers stand; absent: one command after the other. */
  ladders?: Ladders;
  /** The destination takes no temporary names or cannot rename: files are written under their own name. */
  direct: { value: boolean };
  /** Are there files waiting to be sent? */
  more: () => boolean;
  /** Moves the data of one file; throws what it cannot mend itself. */
  send: (run: Run, lane: Lane, job: FileJob) => Promise<Sent>;
}
