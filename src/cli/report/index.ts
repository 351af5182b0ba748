import type { CommonFlags } from '../flags.js';
import { type Io, type Output, say } from '../io.js';
import { type GatheredOutput, gathered } from './gather.js';
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
  const out = gathered(io.stdout);
  if (flags.json) return flushing(out, jsonReporter(out, now));
  if (!io.stdout.isTTY || flags.verbose || io.env.TERM === 'dumb')
    return flushing(out, linesReporter(out, behind(out, io.stderr), now));
  const { ttyReporter } = await import('./tty.js');
  return ttyReporter(io.stdout, now);
}

/** A renderer on a gathered output: nothing waits any more when it is closed. */
function flushing(out: GatheredOutput, inner: Reporter): Reporter {
  const close = (): void => {
    inner.close();
    out.flush();
  };
  return { ...inner, close };
}

/** Problems stand where they happened, also when both streams end in one file. */
const behind = (first: GatheredOutput, out: Output): Output => ({
  write: (text, done) => {
    first.flush();
    return out.write(text, done);
  },
});
