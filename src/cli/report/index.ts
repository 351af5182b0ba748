import type { CommonFlags } from '../flags.js';
import { type Io, say } from '../io.js';
import { jsonReporter } from './json.js';
import { linesReporter } from './lines.js';
import type { Reporter } from './reporter.js';
import { dialogueLine } from './text.js';

export type { Reporter } from './reporter.js';

/** The renderer for these flags and this terminal. With `-v` the dialogue goes to stderr, and no bars are drawn over it. */
export async function makeReporter(io: Io, flags: CommonFlags): Promise<Reporter> {
  const inner = await pick(io, flags);
  return {
    ...inner,
    event: (event) => {
      if (event.event !== 'dialogue') inner.event(event);
      else if (flags.verbose) say(io.stderr, dialogueLine(event));
    },
  };
}

async function pick(io: Io, flags: CommonFlags): Promise<Reporter> {
  const now = (): number => performance.now();
  if (flags.json) return jsonReporter(io.stdout, now);
  if (!io.stdout.isTTY || flags.verbose || io.env.TERM === 'dumb')
    return linesReporter(io.stdout, io.stderr, now);
  const { ttyReporter } = await import('./tty.js');
  return ttyReporter(io.stdout, now);
}
