/**
 * What proof costs: the same files between the same two servers of ours, each a process, once with both keys proven (DCPA), once
 * by CPSV and once by SSCN, where nobody checks who is at the other end. The three take turns in the same minutes; every copy is
 * compared octet for octet.
 *
 *   npm run build && npx tsx bench/dcpa.ts [--runs 7] [--mebibytes 1024] [--files 1000] [--size 10240] [--sessions 4] [--built 1]
 *
 * The servers are those that were built, or with `--built 0` the sources. With these defaults the result goes to
 * bench/results/dcpa.json and into docs/performance.md; with any other to the terminal only.
 */
import { createHash, randomBytes } from 'node:crypto';
import { closeSync, createReadStream, mkdirSync, openSync, rmSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { SitePool } from '../src/client/pool.js';
import { memoryTrust } from '../src/client/trust.js';
import { Lane } from '../src/engine/lane.js';
import { plan } from '../src/engine/plan.js';
import { runAttempt } from '../src/engine/run-attempt.js';
import type { Peer } from '../test/peers/peer.js';
import { notBuilt, startJackstay } from '../test/peers/real/jackstay.js';
import { intoPage } from './compare/page.js';
import { differences, markdownTable, median, numericOptions, saveResult } from './harness.js';

const FULL = { runs: 7, mebibytes: 1024, files: 1000, size: 10_240, sessions: 4, built: 1 };
const options = numericOptions(FULL);
const MIB = 1024 * 1024;
/** The measured one first; the others are what it is compared with. */
const WAYS = ['DCPA PASV@dst', 'CPSV@dst', 'SSCN@dst PASV@dst'] as const;
const LOADS = ['large', 'small'] as const;

type Way = (typeof WAYS)[number];
type Load = (typeof LOADS)[number];

interface Run {
  readonly way: Way;
  readonly load: Load;
  readonly round: number;
  /** From the first command of the first file to the last reply, logins left out. */
  readonly seconds: number;
  readonly identical: boolean;
}

interface Ground {
  readonly source: Peer;
  readonly sink: Peer;
  readonly digest: string;
}

async function digestOf(path: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(path, { highWaterMark: MIB })) hash.update(chunk as Buffer);
  return hash.digest('hex');
}

function plant(home: string): void {
  mkdirSync(join(home, 'small'));
  for (let n = 0; n < options.files; n++)
    writeFileSync(join(home, 'small', `${n}`), randomBytes(options.size));
  const chunk = randomBytes(MIB);
  const file = openSync(join(home, 'large'), 'w');
  for (let n = 0; n < options.mebibytes; n++) {
    chunk.writeUInt32LE(n);
    writeSync(file, chunk);
  }
  closeSync(file);
}

const pool = (peer: Peer, name: string): SitePool => {
  const { host, port, user, password } = peer;
  const settings = {
    name,
    host,
    port,
    user,
    password,
    tls: 'explicit',
    maxSessions: options.sessions,
  } as const;
  return new SitePool(settings, { trust: memoryTrust() });
};

/** Files in turn over one pair of sessions, as a copy sends them on a proven route; sent again where the order stumbled. */
async function work(
  lane: Lane,
  way: Way,
  names: string[],
  target: string,
  more: () => boolean,
): Promise<void> {
  const [source, destination] = [lane.connection('source'), lane.connection('destination')];
  const found = plan(source.facts, destination.facts, 'encrypted').attempts.find(({ id }) => id === way);
  if (!found) throw new Error(`${way} is not possible here`);
  for (let name = names.shift(); name !== undefined; name = names.shift()) {
    const outcome = await runAttempt({
      ...{ source, destination, attempt: found, offset: 0, eager: true },
      ahead: found.technique !== 'CPSV' && more() ? { answered: () => {}, failed: () => {} } : undefined,
      sourcePath: target === '/' ? `/${name}` : `/small/${name}`,
      destinationPath: target === '/' ? '/copy' : `${target}/${name}`,
    });
    if (outcome.kind !== 'done') throw new Error(`${way}: ${name}: ${JSON.stringify(outcome)}`);
  }
}

async function measure(ground: Ground, way: Way, load: Load, round: number): Promise<Run> {
  const ends = [pool(ground.source, 'source'), pool(ground.sink, 'sink')].map(
    (each) => ({ kind: 'remote', pool: each }) as const,
  );
  const names = load === 'large' ? ['large'] : Array.from({ length: options.files }, (_, n) => `${n}`);
  const target = load === 'large' ? '/' : '/arrived';
  const arrived = join(ground.sink.home, load === 'large' ? 'copy' : 'arrived');
  if (load === 'small') mkdirSync(arrived);
  ground.sink.own();
  const lanes = Array.from(
    { length: load === 'large' ? 1 : options.sessions },
    (_, slot) => new Lane(slot, ends[0]!, ends[1]!),
  );
  try {
    for (const lane of lanes) await lane.connect();
    const begun = performance.now();
    await Promise.all(lanes.map((lane) => work(lane, way, names, target, () => names.length > 0)));
    const seconds = (performance.now() - begun) / 1000;
    const identical =
      load === 'large'
        ? (await digestOf(arrived)) === ground.digest
        : differences(join(ground.source.home, 'small'), arrived).length === 0;
    return { way, load, round, seconds, identical };
  } finally {
    for (const lane of lanes) lane.release();
    await Promise.all(ends.map((end) => end.pool.close()));
    rmSync(arrived, { recursive: true, force: true });
  }
}

const speedOf = (load: Load, seconds: number): number =>
  (load === 'large' ? options.mebibytes : options.files) / seconds;

/** Ratios round by round, so that what else the machine did in that minute counts for both. */
function ratios(runs: readonly Run[], load: Load, way: Way): number[] {
  const of = (wanted: Way, round: number): number =>
    runs.find((run) => run.way === wanted && run.load === load && run.round === round)?.seconds ?? Number.NaN;
  return Array.from({ length: options.runs }, (_, round) => of(way, round) / of(WAYS[0], round));
}

const range = (values: readonly number[], digits: number): string =>
  `${median(values).toFixed(digits)} (${Math.min(...values).toFixed(digits)} to ${Math.max(...values).toFixed(digits)})`;

function table(runs: readonly Run[]): string {
  const speeds = (load: Load, way: Way): number[] =>
    runs.filter((run) => run.load === load && run.way === way).map(({ seconds }) => speedOf(load, seconds));
  const row = (way: Way): string[] => [
    way,
    ...LOADS.flatMap((load) => [
      range(speeds(load, way), 0),
      way === WAYS[0] ? '1' : range(ratios(runs, load, way), 2),
    ]),
  ];
  const large = `one file of ${options.mebibytes} MiB, MiB/s`;
  const small = `${options.files} files of ${options.size / 1024} KiB, files/s`;
  return markdownTable([
    ['way', large, 'DCPA is so many times as fast', small, 'DCPA is so many times as fast'],
    ...WAYS.map(row),
  ]);
}

async function rounds(ground: Ground): Promise<Run[]> {
  const runs: Run[] = [];
  for (let round = -1; round < options.runs; round++) {
    for (const load of LOADS) {
      for (let k = 0; k < WAYS.length; k++) {
        const way = WAYS[(Math.max(0, round) + k) % WAYS.length]!;
        const run = await measure(ground, way, load, round);
        if (!run.identical) throw new Error(`${way}, ${load}: what arrived is not what was sent`);
        // The first round warms up servers and caches.
        if (round >= 0) runs.push(run);
      }
    }
  }
  return runs;
}

async function main(): Promise<void> {
  const built = options.built === 1 && notBuilt() === undefined;
  if (!built) process.stderr.write('the servers run from the sources\n');
  const source = await startJackstay({ built, quiet: true });
  const sink = await startJackstay({ built, quiet: true });
  try {
    plant(source.home);
    source.own();
    const digest = await digestOf(join(source.home, 'large'));
    const runs = await rounds({ source, sink, digest });
    const shown = table(runs);
    const full = (Object.keys(FULL) as (keyof typeof FULL)[]).every((key) => options[key] === FULL[key]);
    const note = `Measured on ${new Date().toISOString().slice(0, 10)}, median and range of ${options.runs} rounds, all copies identical; the ratio is taken round by round.`;
    process.stdout.write(`${shown}\n\n${note}\n`);
    if (!full || !built) return;
    saveResult('dcpa', { options, runs });
    intoPage('dcpa', `${shown}\n\n${note}`);
  } finally {
    await source.stop();
    await sink.stop();
  }
}

await main();
