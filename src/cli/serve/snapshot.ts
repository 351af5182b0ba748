import type { MetricObjectWithValues, MetricValue } from 'prom-client';

/** The metrics of one process as plain data: they cross processes. */
export type Snapshot = MetricObjectWithValues<MetricValue<string>>[];

/**
 * What stays of processes that are gone: their counts, summed up. Without them the sums over all processes would fall, which
 * reads as a restart.
 */
export async function countsOf(snapshots: readonly Snapshot[]): Promise<Snapshot> {
  const { AggregatorRegistry } = await import('prom-client');
  const sum = await AggregatorRegistry.aggregate([...snapshots]).getMetricsAsJSON();
  return sum.filter(({ type }) => {
    // The declared type is an enumeration of numbers; the objects hold the words.
    const kind: unknown = type;
    return kind === 'counter' || kind === 'histogram';
  });
}
