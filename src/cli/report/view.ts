import { bytes, count, rate, span } from '../format.js';
import type { Clock } from './reporter.js';
import { safe } from './text.js';
import { leftBytes, movedBytes, type Running, type Totals } from './totals.js';

/** Span over which the rate is taken, milliseconds. */
const WINDOW = 10_000;
const SAMPLE = 250;

/** Octets per second over the last seconds. */
export class RateMeter {
  readonly #samples: { at: number; bytes: number }[] = [];
  readonly #now: Clock;

  constructor(now: Clock) {
    this.#now = now;
  }

  /** Note the number of octets moved so far and get the rate; 0 until two samples are apart. */
  measure(total: number): number {
    const at = this.#now();
    const samples = this.#samples;
    const last = samples.at(-1);
    if (!last || at - last.at >= SAMPLE) samples.push({ at, bytes: total });
    while (samples.length > 2 && at - samples[0]!.at > WINDOW) samples.shift();
    const first = samples[0]!;
    return at > first.at ? Math.max(0, (total - first.bytes) / ((at - first.at) / 1000)) : 0;
  }
}

/** The lines at the foot of the terminal: one for each running transfer in order of slots, and the total. */
export function view(totals: Totals, perSecond: number, columns: number): string[] {
  const slots = [...totals.running].sort(([a], [b]) => a - b);
  return [...slots.map(([, running]) => barLine(running, columns)), totalLine(totals, perSecond, columns)];
}

function barLine({ path, size, bytes: have }: Running, columns: number): string {
  const share = size > 0 ? Math.min(1, have / size) : 1;
  const width = columns >= 100 ? 24 : 12;
  const filled = Math.floor(share * width);
  const bar = '='.repeat(filled) + ' '.repeat(width - filled);
  const head = `${String(Math.floor(share * 100)).padStart(3)}% [${bar}] ${bytes(have)} of ${bytes(size)}  `;
  return head + cutLeft(safe(path), columns - head.length - 1);
}

function totalLine(t: Totals, perSecond: number, columns: number): string {
  const parts = [`${t.files}${t.found.done ? ` of ${count(t.found.files, 'file')}` : ' files'}`];
  parts.push(bytes(movedBytes(t)), rate(perSecond));
  const left = leftBytes(t);
  if (left !== undefined && perSecond > 0) parts.push(`${span(left / perSecond)} left`);
  if (t.failed > 0) parts.push(`${t.failed} failed`);
  if (t.route !== null) parts.push(`${t.route.kind}, ${t.security ?? 'clear'}`);
  return cutRight(parts.join('  '), columns - 1);
}

// The end of a path tells more than its beginning.
function cutLeft(text: string, width: number): string {
  const points = [...text];
  if (points.length <= width) return text;
  return width < 2 ? '' : `…${points.slice(points.length - width + 1).join('')}`;
}

function cutRight(text: string, width: number): string {
  return text.length <= width ? text : text.slice(0, Math.max(0, width));
}
