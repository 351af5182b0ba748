import type { StreamOptions } from '../client/transfer.js';
import type { FileJob } from './job.js';
import type { Lane } from './lane.js';
import type { Run } from './run.js';

/** Options of a transfer that crosses this client: the run's limits, and an event for every chunk from `offset` on. */
export function streamOptions(run: Run, lane: Lane, job: FileJob, offset: number): StreamOptions {
  const { meter, rate, signal, settings } = run;
  let bytes = offset;
  return {
    offset,
    meter,
    rate,
    signal,
    stallTimeout: settings.stallTimeout,
    onBytes: (more) => {
      bytes += more;
      const size = job.size ?? 0;
      run.emit({ event: 'progress', path: job.relative, bytes, size, slot: lane.slot, live: true });
    },
  };
}
