import { FtpError } from '../protocol/errors.js';
import { resumeLine } from './argv.js';
import { Exit } from './exit.js';
import { type Io, say } from './io.js';

/** What an interruptible piece of work gets. */
export interface Interruption {
  signal: AbortSignal;
  /** Run before a second signal ends the process at once, for example to give the terminal back. */
  beforeExit(tidy: () => void): void;
}

/**
 * Run `work` so that SIGINT and SIGTERM stop it in order: the first aborts its signal and lets it end, the second ends the
 * process with 130. Interrupted work gives 130, whether it ended by a result or an error, and with `resumable` the command
 * that goes on from there is printed, passwords masked.
 */
export async function interruptible(
  io: Io,
  resumable: boolean,
  work: (interruption: Interruption) => Promise<number>,
): Promise<number> {
  const controller = new AbortController();
  const tidies: (() => void)[] = [];
  const onSignal = (): void => {
    if (controller.signal.aborted) {
      for (const tidy of tidies) tidy();
      io.exitNow(Exit.interrupted);
      return;
    }
    say(io.stderr, 'stopping in order; once more to stop at once');
    controller.abort(new FtpError('aborted', 'interrupted'));
  };
  io.signals.on('SIGINT', onSignal);
  io.signals.on('SIGTERM', onSignal);
  try {
    const code = await work({ signal: controller.signal, beforeExit: (tidy) => tidies.push(tidy) });
    if (!controller.signal.aborted) return code;
  } catch (error) {
    if (!controller.signal.aborted) throw error;
  } finally {
    io.signals.off('SIGINT', onSignal);
    io.signals.off('SIGTERM', onSignal);
  }
  say(io.stderr, resumable ? 'interrupted; what has arrived stays. To go on:' : 'interrupted');
  if (resumable) say(io.stderr, `  ${resumeLine(io.argv)}`);
  return Exit.interrupted;
}
