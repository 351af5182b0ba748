/** Samples as tables: medians, the spread, and ratios to vsftpd and to the best of the others. */
import { markdownTable, median } from '../harness.js';
import type { Sample } from './arena.js';

/** How one value is told: its name, decimals, and whether less of it is better. */
interface Column {
  readonly value: string;
  readonly title: string;
  readonly digits: number;
  readonly less?: boolean;
}

const SPEED: Column = { value: 'megabytesPerSecond', title: 'MB/s', digits: 0 };
const CPU: Column = { value: 'cpuPerGibibyte', title: 'CPU s/GiB', digits: 2, less: true };

/** The columns of each section; the first is the one that ratios are made of. */
const COLUMNS: Readonly<Record<string, readonly Column[]>> = {
  throughput: [SPEED, CPU, { value: 'memoryMebibytes', title: 'memory MiB', digits: 0, less: true }],
  'small files': [
    { value: 'filesPerSecond', title: 'files/s', digits: 0 },
    { value: 'cpuMicroseconds', title: 'CPU µs a file', digits: 0, less: true },
  ],
  latency: [
    { value: 'p99', title: 'p99 ms', digits: 2, less: true },
    { value: 'p50', title: 'p50 ms', digits: 3, less: true },
    SPEED,
  ],
  'server to server': [SPEED, CPU],
  sessions: [
    { value: 'loginsPerSecond', title: 'logins/s', digits: 0 },
    { value: 'cpuMicrosecondsPerLogin', title: 'CPU µs a login', digits: 0, less: true },
    { value: 'kibibytesPerSession', title: 'KiB a session', digits: 1, less: true },
    { value: 'sessions', title: 'sessions', digits: 0 },
  ],
  listing: [
    { value: 'milliseconds', title: 'ms', digits: 0, less: true },
    { value: 'cpuMilliseconds', title: 'CPU ms', digits: 0, less: true },
  ],
};

/** The server that ratios are told to. */
const REFERENCE = 'vsftpd';

const distinct = <T>(values: readonly T[]): T[] => [...new Set(values)];

function valuesOf(samples: readonly Sample[], server: string, value: string): number[] {
  return samples
    .filter((one) => one.server === server)
    .map((one) => one.values[value])
    .filter((one) => one !== undefined);
}

/** `median (least to most)`. */
function cell(values: readonly number[], { digits }: Column): string {
  if (values.length === 0) return '-';
  const middle = median(values).toFixed(digits);
  if (values.length === 1) return middle;
  return `${middle} (${Math.min(...values).toFixed(digits)} to ${Math.max(...values).toFixed(digits)})`;
}

/** How many times better `server` is than `other`: above 1 is better, whether more or less of the value is. */
function ratio(samples: readonly Sample[], column: Column, server: string, other: string): number {
  const mine = median(valuesOf(samples, server, column.value));
  const theirs = median(valuesOf(samples, other, column.value));
  return column.less === true ? theirs / mine : mine / theirs;
}

const shown = (value: number): string => (Number.isFinite(value) ? value.toFixed(2) : '-');

/** One case: a row for each server. */
function caseTable(samples: readonly Sample[], columns: readonly Column[]): string {
  const servers = distinct(samples.map((one) => one.server));
  const present = columns.filter(({ value }) => samples.some((one) => one.values[value] !== undefined));
  const [first] = present;
  if (first === undefined) return '';
  const row = (server: string): string[] => {
    const toReference = ratio(samples, first, server, REFERENCE);
    const toBest = Math.min(...servers.map((other) => ratio(samples, first, server, other)));
    return [
      server,
      ...present.map((column) => cell(valuesOf(samples, server, column.value), column)),
      shown(toReference),
      shown(toBest),
    ];
  };
  return markdownTable([
    ['', ...present.map(({ title }) => title), `ratio to ${REFERENCE}`, 'ratio to the best'],
    ...servers.map(row),
  ]);
}

/** All sections as Markdown. */
export function renderServerResults(samples: readonly Sample[]): string {
  const parts: string[] = [];
  for (const section of distinct(samples.map((one) => one.section))) {
    parts.push(`### ${section[0]?.toUpperCase()}${section.slice(1)}`);
    const within = samples.filter((one) => one.section === section);
    for (const kase of distinct(within.map((one) => one.kase))) {
      const table = caseTable(
        within.filter((one) => one.kase === kase),
        COLUMNS[section] ?? [],
      );
      if (table !== '') parts.push(`${kase}\n\n${table}`);
    }
  }
  return parts.join('\n\n');
}
