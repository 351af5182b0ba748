/** Copies between two servers, each with a comparison afterwards and a report. */
import type { EngineEvent, Summary } from '../../engine/events.js';
import { compareTrees } from './compare.js';
import { copyLines, Progress, type Screen } from './report.js';

/** How one copy ended. */
export interface CopyEnd {
  summary?: Summary | undefined;
  /** Why there is none, or why it does not count. */
  failure?: string | undefined;
}

/** One copy of the demonstration. */
export interface Leg {
  title: string;
  /** Words after `jackstay copy`, as a person would type them. */
  words: readonly string[];
  /** Folders of this machine that must be the same afterwards. */
  from: string;
  to: string;
  total: { files: number; bytes: number };
  copy(onEvent: (event: EngineEvent) => void): Promise<CopyEnd>;
}

/** What a demonstration is given. */
export interface LegOptions {
  screen: Screen;
  /** Ends it between two steps; the copy that runs is told by whoever made the leg. */
  signal?: AbortSignal | undefined;
  /** Called with the two folders after a copy and before the comparison. */
  beforeComparison?: ((source: string, destination: string) => void) | undefined;
}

/** Run the legs one after the other. @returns true when every file arrived and every octet is the same. */
export async function runLegs(legs: readonly Leg[], options: LegOptions): Promise<boolean> {
  let good = true;
  for (const leg of legs) {
    options.signal?.throwIfAborted();
    good = (await runLeg(leg, options)) && good;
  }
  return good;
}

async function runLeg(leg: Leg, { screen, signal, beforeComparison }: LegOptions): Promise<boolean> {
  screen.write(`\n${leg.title}\n  command   jackstay copy ${leg.words.map(quoted).join(' ')}\n`);
  const progress = new Progress(screen, leg.total);
  const { summary, failure } = await leg.copy((event) => progress.take(event));
  progress.end();
  signal?.throwIfAborted();
  if (failure !== undefined || summary === undefined) {
    screen.write(`  FAILED    ${failure ?? 'no summary'}\n`);
    return false;
  }
  beforeComparison?.(leg.from, leg.to);
  const found = compareTrees(leg.from, leg.to);
  for (const line of copyLines(summary, found)) screen.write(`${line}\n`);
  return found.differences.length === 0 && found.files === leg.total.files && summary.clientBytes === 0;
}

const quoted = (word: string): string => (word.includes(' ') ? `'${word}'` : word);
