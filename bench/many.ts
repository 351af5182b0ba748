/**
 * Many server-to-server copies at once from one process: each of its own folder with its own sessions, between two servers of
 * ours, which are processes of their own. Tells what the client costs: CPU seconds, memory, commands a second and core. Every
 * file is compared octet for octet.
 *
 *   npm run build && npx tsx bench/many.ts [--runs 3] [--quick] [--minutes 120] [--profile FOLDER]
 *   npx tsx bench/many.ts --estimate        what it would take
 *   npx tsx bench/many.ts --render          the table of the last run
 */

import { randomBytes } from 'node:crypto';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { startJackstay } from '../test/peers/real/jackstay.js';
import { runClient } from './compare/client.js';
import { main } from './compare/frame.js';
import { treesEqual } from './compare/ground.js';
import type { ManyReport } from './compare/many-client.js';
import { endProfiled, profileFolder } from './compare/ours.js';
import { spreadIn } from './compare/statistics.js';
import { footnote, told } from './compare/tables.js';
import type { Cell, Comparison, Ground, Measured, Result, Scale } from './compare/types.js';
import { versionsOf } from './compare/versions.js';
import { markdownTable } from './harness.js';

const FILES = 4;
const SIZE = 65_536;
const OURS = 'jackstay';
const LOADER = pathToFileURL(createRequire(import.meta.url).resolve('tsx')).href;
const CLIENT = fileURLToPath(new URL('compare/many-client.ts', import.meta.url));

const copiesOf = ({ quick }: Scale): number => (quick ? 50 : 1000);

function cells(scale: Scale): Cell[] {
  const copies = copiesOf(scale);
  const amount = FILES * copies;
  return [{ setting: `${copies} at once`, contender: OURS, amount, expected: 3 + amount / 300 }];
}

function plant(home: string, copies: number): void {
  for (let copy = 0; copy < copies; copy++) {
    const folder = join(home, `from-${copy}`);
    mkdirSync(folder);
    for (let n = 0; n < FILES; n++) writeFileSync(join(folder, `f${n}`), randomBytes(SIZE));
  }
}

/** Whether every folder arrived; they are gone behind it. */
function arrived(source: string, sink: string, copies: number): boolean {
  let all = true;
  for (let copy = 0; copy < copies; copy++) {
    const folder = join(sink, `to-${copy}`);
    all &&= treesEqual(join(source, `from-${copy}`), folder);
    rmSync(folder, { recursive: true, force: true });
  }
  return all;
}

async function open(_cells: readonly Cell[], scale: Scale): Promise<Ground> {
  const { profile } = scale;
  const copies = copiesOf(scale);
  const start = () =>
    startJackstay({
      ...{ built: true, quiet: true, tls: false, server: { banner: 'ready' } },
      ...(profile !== undefined && { profile: profileFolder(profile) }),
    });
  const [source, sink] = [await start(), await start()];
  plant(source.home, copies);
  source.own();
  const profiling = profile === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${join(profile, 'client')}`];
  const measure = async (cell: Cell): Promise<Measured> => {
    const places = [source, sink].map(({ host, port }) => `${host}:${port}`);
    const words = [...places, source.user, source.password, String(copies)];
    const program = [process.execPath, ...profiling, '--import', LOADER, CLIENT];
    const run = await runClient([...program, ...words], {}, cell.expected);
    const identical = arrived(source.home, sink.home, copies);
    const line = run.output.split('\n').find((each) => each.startsWith('{'));
    if (run.failure !== undefined || line === undefined)
      return { seconds: run.seconds, identical, failure: run.failure ?? run.output, values: {} };
    const { seconds, refused, underWay: _, ...values } = JSON.parse(line) as ManyReport;
    const failure = values.failed > 0 ? `${values.failed} copies failed: ${refused ?? 'files'}` : undefined;
    return { seconds, identical, ...(failure !== undefined && { failure }), values };
  };
  return {
    versions: versionsOf('Jackstay', 'Node'),
    measure,
    close: async () => {
      if (profile !== undefined) await endProfiled([source, sink]);
      await source.stop();
      await sink.stop();
    },
  };
}

/** What is told of a run, from its figures and its seconds. */
const ROWS: readonly (readonly [string, (values: Record<string, number>, seconds: number) => number])[] = [
  ['files under way at the same time, most', ({ most = 0 }) => most],
  ['seconds', (_, seconds) => seconds],
  ['files a second', ({ done = 0 }, seconds) => done / seconds],
  ['client, CPU seconds', ({ cpuSeconds = 0 }) => cpuSeconds],
  ['client, milliseconds of CPU a file', ({ cpuSeconds = 0, done = 0 }) => (1000 * cpuSeconds) / done],
  ['client, memory above the start, MiB', ({ peakMemory = 0 }) => peakMemory / 2 ** 20],
  ['client, KiB a session', ({ peakMemory = 0, logins = 0 }) => peakMemory / 1024 / logins],
  ['commands', ({ commands = 0 }) => commands],
  ['commands a second and core of the client', ({ commands = 0, cpuSeconds = 0 }) => commands / cpuSeconds],
];

function section(result: Result): string {
  const { samples } = result;
  const [{ setting, amount } = { setting: '', amount: 0 }] = samples;
  const rows = ROWS.map(([title, of]) => [
    title,
    told(spreadIn(samples, setting, OURS, ({ values, seconds }) => of({ ...values }, seconds))),
  ]);
  const head = ['copies', `${setting}, ${amount} files of ${SIZE / 1024} KiB`];
  return `${markdownTable([head, ...rows])}\n\n${footnote(result)}`;
}

export const many: Comparison = { name: 'many', opening: 5, cells, open, section };

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) await main(many);
