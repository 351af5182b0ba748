/** Can two lists of times be told apart? */

/** A comparison of two samples. */
export interface Comparison {
  /** Chance that a value of the first is greater than one of the second (Mann and Whitney); 0.5 = not to be told apart. */
  readonly auc: number;
  /** Standard deviation of that figure where both come from one source. */
  readonly sigma: number;
}

/** The rank test of Mann and Whitney. Values that are equal count half. */
export function compareRanks(first: readonly number[], second: readonly number[]): Comparison {
  const all = [
    ...first.map((value) => ({ value, mine: true })),
    ...second.map((value) => ({ value, mine: false })),
  ];
  all.sort((a, b) => a.value - b.value);
  let sum = 0;
  for (let at = 0; at < all.length; ) {
    let end = at;
    while (end < all.length && all[end]!.value === all[at]!.value) end += 1;
    const rank = (at + 1 + end) / 2;
    sum += rank * all.slice(at, end).filter(({ mine }) => mine).length;
    at = end;
  }
  const [n, m] = [first.length, second.length];
  const auc = (sum - (n * (n + 1)) / 2) / (n * m);
  return { auc, sigma: Math.sqrt((n + m + 1) / (12 * n * m)) };
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}
