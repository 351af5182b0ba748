import type { FtpError } from '../../protocol/errors.js';
import type { ListenAddress } from '../../server/options.js';
import type { Serving } from './serving.js';
import type { Snapshot } from './snapshot.js';
import type { Start } from './start.js';

/** All that serves, in this process or in others. */
export interface Fleet {
  readonly addresses: readonly ListenAddress[];
  /** Processes that serve now. */
  readonly running: number;
  /** @returns what went wrong, one for each process that kept the old. */
  reload(start: Start): Promise<FtpError[]>;
  snapshots(): Promise<Snapshot[]>;
  /** Let transfers end for `grace` milliseconds, then close; called again, it shortens the first call's. */
  stop(grace: number): Promise<void>;
  /** At once. */
  kill(): void;
}

/** The fleet of one: this process. */
export function fleetOfOne(serving: Serving): Fleet {
  return {
    addresses: serving.addresses,
    running: 1,
    // Users, certificate and options were checked before: what fails here is a fault of ours.
    reload: async (start) => {
      await serving.reload(start);
      return [];
    },
    snapshots: async () => [await serving.snapshot()],
    stop: (grace) => serving.stop(grace),
    kill: () => {},
  };
}
