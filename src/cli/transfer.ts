import type { Place } from '../engine/options.js';
import { toFtpError } from '../protocol/errors.js';
import type { Cli } from './backend.js';
import { exitCodeOfSummary } from './exit.js';
import { type TransferFlags, toCopyOptions } from './flags.js';
import { interruptible } from './interrupt.js';
import { makeReporter } from './report/index.js';
import { fileRoutes, fileTrust } from './stores.js';

/** Run copy or sync between two places and show it; gives the exit code. Throws FtpError when nothing could be done. */
export function runTransfer(
  cli: Cli,
  verb: 'copy' | 'sync',
  flags: TransferFlags,
  [source, destination]: [Place, Place],
): Promise<number> {
  const { io } = cli;
  return interruptible(io, true, async ({ signal, beforeExit }) => {
    const backend = await cli.backend();
    const reporter = await makeReporter(io, flags);
    beforeExit(() => reporter.close());
    try {
      const summary = await backend[verb](source, destination, {
        ...toCopyOptions(flags),
        onEvent: reporter.event,
        dialogue: flags.verbose === true,
        signal,
        trust: fileTrust(io.dirs),
        routes: fileRoutes(io.dirs),
      });
      return exitCodeOfSummary(summary);
    } catch (error) {
      reporter.failure(toFtpError(error));
      throw error;
    } finally {
      reporter.close();
    }
  });
}
