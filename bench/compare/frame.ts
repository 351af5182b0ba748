/** Runs a comparison: rounds in turns, the result as JSON, its tables in the page. */
import { mkdirSync } from 'node:fs';
import { loadavg } from 'node:os';
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { machineFacts, saveResult } from '../harness.js';
import { writePlots } from '../plots/write.js';
import { intoPage } from './page.js';
import { summarizeProfiles } from './profile.js';
import { grouped } from './statistics.js';
import { savedResult, targetTable } from './targets.js';
import type { Cell, Comparison, Measured, Result, Sample, Scale } from './types.js';

const RUNS = 3;

export interface Flags {
  /** Undefined: as many as the comparison has by itself, one where all is quick. */
  readonly runs: number | undefined;
  readonly quick: boolean;
  /** Only cells whose `setting contender` it matches. */
  readonly match: RegExp | undefined;
  /** No new round begins when it would end later than after so many minutes. */
  readonly minutes: number;
  readonly profile: string | undefined;
  /** Only the table of the last result, into the page. */
  readonly render: boolean;
  /** Only what it would take. */
  readonly estimate: boolean;
}

const OPTIONS = {
  runs: { type: 'string' },
  quick: { type: 'boolean', default: false },
  match: { type: 'string' },
  minutes: { type: 'string', default: '120' },
  profile: { type: 'string' },
  render: { type: 'boolean', default: false },
  estimate: { type: 'boolean', default: false },
} as const;

export const USAGE =
  '[--runs 3] [--quick] [--match REGEXP] [--minutes 120] [--profile FOLDER] [--render] [--estimate]';

function positive(name: string, text: string): number {
  const value = Number(text);
  if (!(value > 0)) throw new Error(`--${name} must be a number above 0, not ${text}; ${USAGE}`);
  return value;
}

/** Throws for a flag that does not exist and a number that is none. */
export function readFlags(argv: readonly string[]): Flags {
  const { values } = parseArgs({ args: [...argv], options: OPTIONS });
  const { quick, match, minutes, profile, render, estimate } = values;
  return {
    runs: values.runs === undefined ? undefined : Math.ceil(positive('runs', values.runs)),
    ...{ quick, render, estimate },
    match: match === undefined ? undefined : new RegExp(match),
    minutes: positive('minutes', minutes),
    profile: profile === undefined ? undefined : resolve(profile),
  };
}

const say = (text: string): void => void process.stderr.write(`${text}\n`);

/** Everything between two runs: the comparison of the files and the end of the sessions. */
const BETWEEN = 0.3;

const secondsOf = (cells: readonly Cell[]): number =>
  cells.reduce((sum, { expected }) => sum + expected + BETWEEN, 0);

/** About how many seconds the whole takes. */
export function estimated(comparison: Comparison, cells: readonly Cell[], runs: number): number {
  return comparison.opening + runs * secondsOf(cells);
}

export const clock = (seconds: number): string =>
  seconds < 90 ? `${Math.ceil(seconds)} s` : `${Math.ceil(seconds / 60)} min`;

/** The comparisons whose names, or their beginnings, are in the list; all without a list. Throws for a name that none has. */
export function chosenOf(all: readonly Comparison[], list: string | undefined): readonly Comparison[] {
  if (list === undefined) return all;
  const wanted = list.split(',').map((name) => name.trim());
  const unknown = wanted.filter((name) => name === '' || !all.some((one) => one.name.startsWith(name)));
  if (unknown.length > 0)
    throw new Error(`not known: ${unknown.join(', ')}; there are ${all.map(({ name }) => name).join(', ')}`);
  return all.filter(({ name }) => wanted.some((each) => name.startsWith(each)));
}

/** The cells that were asked for. Throws when none is left. */
export function cellsOf(comparison: Comparison, flags: Flags): readonly Cell[] {
  const { match, quick, profile } = flags;
  const all = comparison.cells({ quick, profile });
  const cells = all.filter(({ setting, contender }) => match?.test(`${setting} | ${contender}`) ?? true);
  if (cells.length === 0) {
    const names = all.map(({ setting, contender }) => `${setting} | ${contender}`);
    throw new Error(`--match ${match} leaves nothing of\n${names.join('\n')}`);
  }
  return cells;
}

/** The cells of a round: setting after setting, each beginning with another contender than in the round before. */
export function turns(cells: readonly Cell[], round: number): Cell[] {
  const settings = grouped(cells, ({ setting }) => setting);
  return [...settings.values()].flatMap((of) => of.map((_, k) => of[(round + k) % of.length]!));
}

async function measureSafely(measure: () => Promise<Measured>): Promise<Measured> {
  try {
    return await measure();
  } catch (error) {
    const failure = error instanceof Error ? error.message : String(error);
    return { seconds: 0, identical: false, failure, values: {} };
  }
}

export const runsOf = (comparison: Comparison, { runs, quick }: Flags): number =>
  runs ?? (quick ? 1 : (comparison.runs ?? RUNS));

async function rounds(comparison: Comparison, cells: readonly Cell[], flags: Flags): Promise<Result> {
  const wanted = runsOf(comparison, flags);
  const scale: Scale = { quick: flags.quick, profile: flags.profile };
  const loadBefore = loadavg()[0] ?? 0;
  const begun = performance.now();
  const ground = await comparison.open(cells, scale);
  const samples: Sample[] = [];
  let runs = 0;
  try {
    for (let longest = 0; runs < wanted; runs++) {
      const roundBegun = performance.now();
      if (roundBegun + longest - begun > flags.minutes * 60_000) break;
      for (const [n, cell] of turns(cells, runs).entries()) {
        const measured = await measureSafely(() => ground.measure(cell, `run-${runs}-${n}`));
        const { setting, contender, amount } = cell;
        samples.push({ setting, contender, round: runs, amount, ...measured });
        const rate = (amount / measured.seconds).toFixed(1);
        const wrong = measured.identical ? '' : ': what arrived is not what was sent';
        const why = measured.failure === undefined ? wrong : `: ${measured.failure}`;
        say(`${runs + 1}/${wanted}  ${setting} | ${contender}  ${rate}/s  ${measured.said ?? ''}${why}`);
      }
      longest = Math.max(longest, performance.now() - roundBegun);
    }
  } finally {
    await ground.close();
  }
  return { ...machineFacts(), loadBefore, runs, versions: ground.versions, samples };
}

/** The section with its plot, the plots, and what was reached, all from the results on disk. */
function publish({ name, section }: Comparison, result: Result): void {
  const plot = writePlots().includes(`${name}.svg`) ? `![${name}](performance/plots/${name}.svg)\n\n` : '';
  intoPage(name, `${plot}${section(result)}`);
  intoPage('targets', targetTable(savedResult));
}

/** One comparison by the flags; everything in it goes to the page and to bench/results, a part of it to the terminal. */
export async function compare(comparison: Comparison, flags: Flags): Promise<void> {
  const { name } = comparison;
  if (flags.render) {
    const saved = savedResult(name);
    if (saved === undefined) throw new Error(`bench/results/${name}.json holds no result to render`);
    publish(comparison, saved);
    return;
  }
  const cells = cellsOf(comparison, flags);
  const runs = runsOf(comparison, flags);
  const what = `${runs} ${runs === 1 ? 'round' : 'rounds'} of ${cells.length} ${cells.length === 1 ? 'cell' : 'cells'}`;
  say(`${name}: ${what}, about ${clock(estimated(comparison, cells, runs))}`);
  if (flags.estimate) return;
  if (flags.profile !== undefined) mkdirSync(flags.profile, { recursive: true });
  const result = await rounds(comparison, cells, flags);
  process.stdout.write(`${comparison.section(result)}\n`);
  if (result.samples.some(({ identical, failure }) => !identical || failure !== undefined))
    process.exitCode = 1;
  if (flags.profile !== undefined) {
    process.stdout.write(`\n${summarizeProfiles(flags.profile)}\n`);
    return;
  }
  // A part of it must not replace the whole.
  if (flags.quick || flags.match !== undefined) return;
  saveResult(name, result);
  publish(comparison, result);
}

/** Files in memory, so that no disk is measured. */
export function useMemory(): void {
  process.env.TMPDIR = '/dev/shm';
}

/** Says on one line what is wrong, and ends with 2. */
export async function orUsage(work: () => Promise<void>, usage: string): Promise<void> {
  try {
    await work();
  } catch (error) {
    say(`${error instanceof Error ? error.message : String(error)}\nusage: ${usage}`);
    process.exitCode = 2;
  }
}

/** What a script that is one comparison does. */
export async function main(comparison: Comparison, argv = process.argv.slice(2)): Promise<void> {
  useMemory();
  const usage = `npx tsx bench/${comparison.name}.ts ${USAGE}`;
  await orUsage(() => compare(comparison, readFlags(argv)), usage);
}
