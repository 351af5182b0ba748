/** What the copies were built to reach, beside what the last results say. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { markdownTable, REPOSITORY } from '../harness.js';
import { fastestOf, rateOf, ratioOf, type Spread, spreadIn, spreadOf } from './statistics.js';
import { toldRatio } from './tables.js';
import type { Result } from './types.js';

interface Target {
  /** The result that it is about. */
  readonly name: string;
  readonly what: string;
  readonly settings: readonly string[];
  /** At least so much. */
  readonly aim: number;
  readonly reached: (result: Result, setting: string) => Spread | undefined;
}

/** Ratios to the fastest of the others. */
const against =
  (of: string, ...others: string[]): Target['reached'] =>
  ({ samples }, setting) => {
    const other = fastestOf(samples, setting, others);
    return other === undefined ? undefined : ratioOf(samples, setting, of, other);
  };

/** Rates as parts of a bound, in files a second. */
const part =
  (of: string, bound: (setting: string) => number): Target['reached'] =>
  ({ samples }, setting) =>
    spreadIn(samples, setting, of, (sample) => rateOf(sample) / bound(setting));

const OURS = 'jackstay';
const PROVEN = 'jackstay, DCPA';
const PAIRS = ['ProFTPD to ProFTPD', 'ProFTPD to vsftpd'];
const stock = (security: string, ...lines: string[]): string[] =>
  PAIRS.flatMap((pair) =>
    lines.flatMap((line) => [1, 4].map((n) => `${pair} | ${security} | ${line} | ${n}`)),
  );
const LFTP = ['lftp', 'lftp, sync-mode off'];
const lanes = (line: string, sessions: readonly number[]): string[] =>
  ['1,000', '10,000'].flatMap((files) => sessions.map((n) => `${files} | ${line} | ${n}`));
const sessionsOf = (setting: string): number => Number(setting.split(' | ').at(-1));

/** Files a second and session at 50 ms, when a file costs one round trip. */
const ONE_TRIP = 20;
const FAST_LANE = 1500;

export const TARGETS: readonly Target[] = [
  {
    ...{
      name: 'small-files',
      what: 'stock servers, plain, 50 ms: part of the limit of one round trip a file',
    },
    ...{ settings: stock('plain', '50 ms'), aim: 0.9 },
    reached: part(OURS, (setting) => ONE_TRIP * sessionsOf(setting)),
  },
  {
    ...{ name: 'small-files', what: 'stock servers, plain, 50 ms: ratio to lftp' },
    ...{ settings: stock('plain', '50 ms'), aim: 3, reached: against(OURS, LFTP[0]!) },
  },
  {
    ...{ name: 'small-files', what: 'stock servers, plain, 0 ms: ratio to the faster lftp' },
    ...{ settings: stock('plain', '0 ms'), aim: 2, reached: against(OURS, ...LFTP) },
  },
  {
    ...{ name: 'small-files', what: 'stock servers, TLS: ratio to lftp' },
    ...{ settings: stock('TLS', '0 ms', '50 ms'), aim: 1.5, reached: against(OURS, ...LFTP) },
  },
  ...[OURS, PROVEN].flatMap((of): Target[] => [
    {
      ...{ name: 'fast', what: `two of ours, ${of}, 50 ms, 4 sessions: part of ${FAST_LANE} files a second` },
      ...{ settings: lanes('50 ms', [4]), aim: 1, reached: part(of, () => FAST_LANE) },
    },
    {
      ...{ name: 'fast', what: `two of ours, ${of}, 0 ms: ratio to globus-url-copy -pp` },
      ...{ settings: lanes('0 ms', [1, 4]), aim: 1.2, reached: against(of, 'globus -pp') },
    },
  ]),
  ...[OURS, `${OURS} --verify size`].flatMap((of): Target[] => [
    {
      ...{ name: 'big-file', what: `one big file, ${of}, plain: ratio to the fastest globus-url-copy` },
      ...{ settings: ['plain'], aim: 1 },
      reached: against(of, 'globus, MODE S', 'globus -fast', 'globus -p 4'),
    },
    {
      ...{ name: 'big-file', what: `one big file, ${of}, plain: ratio to lftp between two vsftpd` },
      ...{ settings: ['plain'], aim: 1, reached: against(of, 'lftp, vsftpd') },
    },
  ]),
  ...[PROVEN, `${PROVEN} --verify size`].map(
    (of): Target => ({
      ...{ name: 'big-file', what: `one big file, ${of}: ratio to one TLS stream` },
      ...{ settings: ['TLS'], aim: 0.9 },
      reached: against(of, 'one TLS stream, Python', 'one TLS stream, Node'),
    }),
  ),
];

/** Of several settings the worst median, with the least and the most of all of them. */
function worst(spreads: readonly (Spread | undefined)[]): Spread | undefined {
  const known = spreads.filter((spread) => spread !== undefined);
  const all = spreadOf(known.flatMap(({ least, most }) => [least, most]));
  return all && { ...all, middle: Math.min(...known.map(({ middle }) => middle)) };
}

/** A row for each target: its worst setting; bold where it is missed. */
export function targetTable(resultOf: (name: string) => Result | undefined): string {
  const rows = TARGETS.map(({ name, what, settings, aim, reached }) => {
    const result = resultOf(name);
    const spreads = settings.map((setting) => (result === undefined ? undefined : reached(result, setting)));
    const least = worst(spreads);
    const text = toldRatio(least);
    const met = spreads.filter((spread) => spread !== undefined && spread.middle >= aim).length;
    const missed = least !== undefined && least.middle < aim;
    const of = least === undefined ? '-' : `${met} of ${spreads.filter((each) => each !== undefined).length}`;
    return [what, `${aim}`, missed ? `**${text}**` : text, of];
  });
  const head = [
    '',
    'at least',
    'reached in the worst setting (least to most of all)',
    'settings that reach it',
  ];
  return markdownTable([head, ...rows]);
}

/** The file of bench/results, where it is one of a comparison in rounds. */
export function savedResult(name: string): Result | undefined {
  const file = join(REPOSITORY, 'bench', 'results', `${name}.json`);
  if (!existsSync(file)) return undefined;
  const value = JSON.parse(readFileSync(file, 'utf8')) as Partial<Result>;
  return value.loadBefore !== undefined && value.samples !== undefined ? (value as Result) : undefined;
}
