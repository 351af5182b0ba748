import { MultiBar, type SingleBar } from 'cli-progress';
import type { Output } from '../io.js';
import type { Clock, Reporter } from './reporter.js';
import { linesOf } from './text.js';
import { addEvent, movedBytes, newTotals } from './totals.js';
import { RateMeter, view } from './view.js';

/** Bars at the foot of a terminal, what is worth keeping in lines above them. */
export function ttyReporter(out: Output & NodeJS.WritableStream, now: Clock): Reporter {
  const totals = newTotals();
  const meter = new RateMeter(now);
  const bars: SingleBar[] = [];
  const lineAt = (index: number): string => {
    return view(totals, meter.measure(movedBytes(totals)), out.columns ?? 80)[index] ?? '';
  };
  const screen = new MultiBar({
    stream: out,
    hideCursor: true,
    clearOnComplete: true,
    // Lines above the bars move them down: every frame draws them again.
    forceRedraw: true,
    format: (_options, _params, payload: { index: number }) => lineAt(payload.index),
  });
  const grow = (): void => {
    while (bars.length < totals.running.size + 1) bars.push(screen.create(1, 0, { index: bars.length }));
  };
  grow();
  return {
    event: (event) => {
      addEvent(totals, event);
      grow();
      // The summary comes at the end; thousands of files that are there already are only counted.
      if (event.event === 'summary' || event.event === 'file-skipped') return;
      for (const line of linesOf(event)) screen.log(`${line.text}\n`);
    },
    failure: () => {},
    close: () => {
      // Lines that wait for the next frame are printed by it; stop() alone would drop them.
      screen.update();
      screen.stop();
      for (const line of totals.summary ? linesOf(totals.summary) : []) out.write(`${line.text}\n`);
    },
  };
}
