/** The figures of docs/performance/plots, from the results in bench/results. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { distinct, spreadIn, spreadOf } from '../compare/statistics.js';
import { savedResult } from '../compare/targets.js';
import type { Result } from '../compare/types.js';
import { REPOSITORY } from '../harness.js';
import type { Bar, Colour, Figure, Group, Panel } from './figure.js';

/** One sample of bench/server.ts. */
interface ServerSample {
  readonly section: string;
  readonly kase: string;
  readonly server: string;
  readonly values: Readonly<Record<string, number>>;
}

interface ServerResult {
  readonly date: string;
  readonly samples: readonly ServerSample[];
}

/** Colours stay with who it is. */
export function colourOf(contender: string): Colour {
  if (/^(?:jackstay|jackstay, DCPA)$/.test(contender)) return 'ours';
  if (/^(?:jackstay|ours)/.test(contender)) return 'ours-other';
  if (contender.startsWith('lftp')) return 'lftp';
  if (contender.startsWith('globus')) return 'globus';
  return contender.startsWith('one TLS stream') ? 'yardstick' : 'peer';
}

function groupOf({ samples }: Result, setting: string, label: string, limit?: number): Group {
  const contenders = distinct(
    samples.filter((one) => one.setting === setting).map(({ contender }) => contender),
  ).sort();
  const order: Colour[] = ['lftp', 'globus', 'peer', 'yardstick', 'ours-other', 'ours'];
  const bars = contenders.flatMap((contender): Bar[] => {
    const spread = spreadIn(samples, setting, contender);
    return spread === undefined ? [] : [{ label: contender, colour: colourOf(contender), ...spread }];
  });
  bars.sort((a, b) => order.indexOf(a.colour) - order.indexOf(b.colour));
  return { label, bars, ...(limit === undefined ? {} : { limit }) };
}

const settingsOf = ({ samples }: Result): string[] => distinct(samples.map(({ setting }) => setting));

const counted = (sessions: string): string => (sessions === '1' ? '1 session' : `${sessions} sessions`);

const noteOf = ({ date, runs }: { date: string; runs?: number }): string =>
  `${runs === undefined || runs > 1 ? 'Medians; the lines reach from the least to the most of the runs.' : 'One run each.'} Measured on ${date.slice(0, 10)}.`;

function smallFiles(result: Result): Figure {
  const settings = settingsOf(result).map((id) => id.split(' | '));
  const panels = distinct(settings.map(([, security, line]) => `${security} | ${line}`)).map(
    (kind): Panel => {
      const [security = '', line = ''] = kind.split(' | ');
      const within = settings.filter((parts) => parts[1] === security && parts[2] === line);
      const trip = Number.parseFloat(line);
      const groups = within.map((parts) => {
        const limit = trip > 0 && security === 'plain' ? { limit: (1000 * Number(parts[3])) / trip } : {};
        return { ...groupOf(result, parts.join(' | '), `${parts[0]}, ${counted(parts[3] ?? '')}`), ...limit };
      });
      return { title: `${security}, ${line} round trip`, unit: 'files a second', groups };
    },
  );
  const title = 'Many small files between stock servers';
  return { name: 'small-files', title, note: `Files of 10 KB. ${noteOf(result)}`, panels };
}

function fast(result: Result): Figure {
  const settings = settingsOf(result).map((id) => id.split(' | '));
  const panels = distinct(settings.map(([files, line]) => `${files} | ${line}`)).map((kind): Panel => {
    const within = settings.filter((parts) => `${parts[0]} | ${parts[1]}` === kind);
    const groups = within.map((parts) => groupOf(result, parts.join(' | '), counted(parts[2] ?? '')));
    const [files, line] = kind.split(' | ');
    return { title: `${files} files, ${line} round trip`, unit: 'files a second', groups };
  });
  const title = 'The fast lane: many small files between two servers of one kind';
  return { name: 'fast', title, note: `Files of 10 KB. ${noteOf(result)}`, panels };
}

function bigFile(result: Result): Figure {
  const panels = settingsOf(result).map((setting) => ({
    ...{ title: setting, unit: 'MiB a second' },
    groups: [groupOf(result, setting, '')],
  }));
  const amount = Math.max(...result.samples.map((one) => one.amount));
  const title = `One file of ${amount.toLocaleString('en')} MiB, server to server`;
  return { name: 'big-file', title, note: noteOf(result), panels };
}

/** What of a tree is told: title, unit, and where it stands in a sample. */
const OF_TREE = [
  ['files a second', 'files a second', undefined],
  ['first file', 'seconds until it is there', 'firstFile'],
  ['all listed', 'seconds until the client has seen all names', 'listed'],
  ['memory of the client', 'MiB at its peak', 'clientMebibytes'],
] as const;

function tree(result: Result): Figure {
  const { samples } = result;
  const [setting = ''] = settingsOf(result);
  const panels = OF_TREE.map(([title, unit, key]): Panel => {
    const bars = distinct(samples.map(({ contender }) => contender)).flatMap((label): Bar[] => {
      const pick = key === undefined ? undefined : (one: Result['samples'][number]) => one.values[key];
      const spread = spreadIn(samples, setting, label, pick);
      return spread === undefined ? [] : [{ label, colour: colourOf(label), ...spread }];
    });
    return { title, unit, groups: [{ label: '', bars }] };
  });
  return { name: 'tree', title: setting, note: noteOf(result), panels };
}

/** The cases of bench/server.ts that are drawn, with the value and its unit. */
const OF_SERVERS = [
  ['throughput', 'megabytesPerSecond', 'MB a second'],
  ['small files', 'filesPerSecond', 'files a second'],
  ['server to server', 'megabytesPerSecond', 'MB a second'],
] as const;

function servers({ samples, date }: ServerResult): Figure {
  const names = distinct(samples.map(({ server }) => server));
  const panels = OF_SERVERS.flatMap(([section, value, unit]) => {
    const within = samples.filter((one) => one.section === section);
    return distinct(within.map(({ kase }) => kase)).map((kase): Panel => {
      const of = within.filter((one) => one.kase === kase);
      const bars = names.flatMap((label): Bar[] => {
        const values = of.filter(({ server }) => server === label).flatMap((one) => one.values[value] ?? []);
        const spread = spreadOf(values);
        return spread === undefined ? [] : [{ label, colour: colourOf(label), ...spread }];
      });
      const title = section === 'throughput' ? kase : `${section}, ${kase}`;
      return { title, unit, groups: [{ label: '', bars }] };
    });
  });
  return { name: 'server', title: 'The server beside others', note: noteOf({ date }), panels };
}

const DRAWN: Readonly<Record<string, (result: Result) => Figure>> = {
  'small-files': smallFiles,
  fast,
  'big-file': bigFile,
  tree,
};

function servedResult(): ServerResult | null {
  const file = join(REPOSITORY, 'bench', 'results', 'server.json');
  return existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as ServerResult) : null;
}

/** All figures that there are results for. */
export function figures(resultOf = savedResult, served = servedResult()): Figure[] {
  const drawn = Object.entries(DRAWN).flatMap(([name, draw]) => {
    const result = resultOf(name);
    return result === undefined ? [] : [draw(result)];
  });
  return served === null ? drawn : [...drawn, servers(served)];
}
