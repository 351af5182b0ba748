/** Samples as Markdown. */
import { markdownTable } from '../harness.js';
import { distinct, fastestOf, ratioOf, type Spread, spreadIn } from './statistics.js';
import type { Result, Sample } from './types.js';

/** Three significant digits below a thousand, whole numbers above. */
export function digits(value: number): string {
  if (value === 0) return '0';
  const before = Math.floor(Math.log10(Math.abs(value))) + 1;
  return value.toFixed(Math.max(0, Math.min(3, 3 - before)));
}

/** `median (least to most)`. */
export function told(spread: Spread | undefined, show: (value: number) => string = digits): string {
  if (spread === undefined) return '-';
  const { middle, least, most, count } = spread;
  return count === 1 ? show(middle) : `${show(middle)} (${show(least)} to ${show(most)})`;
}

/** With two decimals, as ratios are told. */
export const toldRatio = (spread: Spread | undefined): string => told(spread, (value) => value.toFixed(2));

/** A column of ratios: how many times as fast `of` is as `to`, or as the fastest of them. */
export interface RatioColumn {
  readonly title: string;
  readonly of: string;
  readonly to: readonly string[];
}

export interface WideTable {
  /** Titles of the parts of a setting. */
  readonly parts: readonly string[];
  readonly contenders: readonly string[];
  readonly ratios: readonly RatioColumn[];
  /** What the amount counts, for cells that moved less than others of the row. */
  readonly unit: string;
  /** What no contender can exceed in this setting, or undefined where nothing is known to limit it. */
  readonly limit?: {
    readonly title: string;
    readonly of: string;
    readonly rate: (setting: string) => number | undefined;
  };
}

function rateCell(samples: readonly Sample[], setting: string, contender: string, unit: string): string {
  const amounts = samples.filter((one) => one.setting === setting).map(({ amount }) => amount);
  const own = samples.find((one) => one.setting === setting && one.contender === contender)?.amount;
  const fewer = own !== undefined && own < Math.max(...amounts) ? `; ${own} ${unit}` : '';
  return `${told(spreadIn(samples, setting, contender))}${fewer}`;
}

/** A row for each setting, a column of rates for each contender, behind them the ratios. */
export function wideTable(samples: readonly Sample[], table: WideTable): string {
  const present = table.contenders.filter((name) => samples.some(({ contender }) => contender === name));
  const { limit } = table;
  const row = (setting: string): string[] => {
    const ratio = ({ of, to }: RatioColumn): string => {
      const other = fastestOf(samples, setting, to);
      return other === undefined ? '-' : toldRatio(ratioOf(samples, setting, of, other));
    };
    const bound = limit?.rate(setting);
    const own = limit && spreadIn(samples, setting, limit.of);
    const share = bound === undefined || own === undefined ? '-' : (own.middle / bound).toFixed(2);
    return [
      ...setting.split(' | '),
      ...present.map((name) => rateCell(samples, setting, name, table.unit)),
      ...table.ratios.map(ratio),
      ...(limit === undefined ? [] : [share]),
    ];
  };
  return markdownTable([
    [
      ...table.parts,
      ...present,
      ...table.ratios.map(({ title }) => title),
      ...(limit === undefined ? [] : [limit.title]),
    ],
    ...distinct(samples.map(({ setting }) => setting)).map(row),
  ]);
}

/** Who compares what, as the contenders are known to do, and what our client said that it did. */
export function proofTable(
  samples: readonly Sample[],
  contenders: readonly { readonly name: string; readonly verifies: string; readonly servers?: string }[],
): string {
  const said = (name: string): string => {
    const ways = samples.filter(({ contender }) => contender === name).map((one) => one.said ?? '-');
    return distinct(ways.map((way) => way.replace(/ \d+/g, ''))).join('; ');
  };
  const withServers = contenders.some(({ servers }) => servers !== undefined);
  const between = (servers: string): string[] => (withServers ? [servers] : []);
  const present = contenders.filter(({ name }) => samples.some(({ contender }) => contender === name));
  return markdownTable([
    ['', ...between('servers'), 'what is compared, and by whom', 'route and proof as reported'],
    ...present.map(({ name, verifies, servers = '-' }) => [name, ...between(servers), verifies, said(name)]),
  ]);
}

/** The sentence under every table. */
export function footnote(result: Result): string {
  const { date, runs, samples, machine, loadBefore } = result;
  const bad = samples.filter((one) => one.failure !== undefined || !one.identical);
  const copies =
    bad.length === 0
      ? `all ${samples.length} copies identical with their sources`
      : `${samples.length - bad.length} of ${samples.length} copies identical with their sources, the others do not count: ${distinct(bad.map((one) => `${one.contender} (${one.setting.replaceAll(' | ', ', ')})`)).join('; ')}`;
  const turns = runs === 1 ? 'one round' : `medians of ${runs} rounds in turns (least to most)`;
  const versions = Object.entries(result.versions).map(([name, version]) => `${name} ${version}`);
  return `Measured on ${date.slice(0, 10)}: ${turns}, ${copies}; ${machine.cores} cores, load in the minute before ${loadBefore.toFixed(1)}. ${versions.join(', ')}.`;
}
