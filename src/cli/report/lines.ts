import { bytes } from '../format.js';
import { type Output, say } from '../io.js';
import type { Clock, Reporter } from './reporter.js';
import { linesOf, safe } from './text.js';

/** Pause between two lines of progress, milliseconds: a log of a long transfer shows life and stays short. */
const PROGRESS_PAUSE = 30_000;

/** Plain lines for logs and pipes: problems on stderr, everything else on stdout. */
export function linesReporter(out: Output, err: Output, now: Clock): Reporter {
  let lastProgress = now();
  return {
    event: (event) => {
      for (const line of linesOf(event)) say(line.problem ? err : out, line.text);
      if (event.event !== 'progress' || now() - lastProgress < PROGRESS_PAUSE) return;
      lastProgress = now();
      say(out, `moving ${safe(event.path)}  ${bytes(event.bytes)} of ${bytes(event.size)}`);
    },
    failure: () => {},
    close: () => {},
  };
}
