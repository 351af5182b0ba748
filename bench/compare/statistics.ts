/** Medians, spreads and ratios of samples. A run that failed or differed counts nowhere but among the failures. */
import { median } from '../harness.js';
import type { Sample } from './types.js';

/** A value told by its median and its extremes. */
export interface Spread {
  readonly middle: number;
  readonly least: number;
  readonly most: number;
  readonly count: number;
}

/** Files or MiB a second. */
export const rateOf = (sample: Sample): number => sample.amount / sample.seconds;

const counts = (sample: Sample): boolean => sample.failure === undefined && sample.identical;

export function samplesOf(samples: readonly Sample[], setting: string, contender: string): Sample[] {
  return samples.filter((one) => one.setting === setting && one.contender === contender);
}

/** Undefined of no values. */
export function spreadOf(values: readonly number[]): Spread | undefined {
  if (values.length === 0) return undefined;
  return {
    ...{ middle: median(values), least: Math.min(...values), most: Math.max(...values) },
    count: values.length,
  };
}

/** The spread of what `pick` takes of the runs that count; runs that lack it are left out. */
export function spreadIn(
  samples: readonly Sample[],
  setting: string,
  contender: string,
  pick: (sample: Sample) => number | undefined = rateOf,
): Spread | undefined {
  const values = samplesOf(samples, setting, contender).filter(counts).map(pick);
  return spreadOf(values.filter((value) => value !== undefined));
}

/** Rates of one against another, round by round, so that what else the machine did in that minute counts for both. */
export function ratioOf(
  samples: readonly Sample[],
  setting: string,
  contender: string,
  other: string,
  otherSetting = setting,
): Spread | undefined {
  const others = samplesOf(samples, otherSetting, other).filter(counts);
  const values = samplesOf(samples, setting, contender)
    .filter(counts)
    .flatMap((mine) => {
      const theirs = others.find(({ round }) => round === mine.round);
      return theirs === undefined ? [] : [rateOf(mine) / rateOf(theirs)];
    });
  return spreadOf(values);
}

/** The one of these with the highest median rate, or undefined when none has any. */
export function fastestOf(
  samples: readonly Sample[],
  setting: string,
  contenders: readonly string[],
): string | undefined {
  const rate = (name: string): number => spreadIn(samples, setting, name)?.middle ?? -1;
  const [best] = [...contenders].sort((a, b) => rate(b) - rate(a));
  return best === undefined || rate(best) < 0 ? undefined : best;
}

/** `2 of 3`: the runs that count. */
export function countOf(samples: readonly Sample[], setting: string, contender: string): string {
  const all = samplesOf(samples, setting, contender);
  return `${all.filter(counts).length} of ${all.length}`;
}

export const distinct = <T>(values: readonly T[]): T[] => [...new Set(values)];

/** In the order in which the keys come first. */
export function grouped<T>(values: readonly T[], keyOf: (value: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const value of values) groups.set(keyOf(value), [...(groups.get(keyOf(value)) ?? []), value]);
  return groups;
}
