/**
 * FTP servers side by side: throughput, small files, control latency under load, server-to-server copies, the cost of
 * sessions, and listings. All servers run in one go, on a tmpfs, in turns; every transfer is counted in octets.
 *
 *   npx tsx bench/server.ts [--runs 5] [--only throughput,listing] [--servers vsftpd,jackstay] [--quick] [--render]
 *
 * --quick makes everything small, to see that it works; --render only prints the tables of the last run.
 */
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { markdownTable, REPOSITORY, saveResult } from './harness.js';
import { type Case, type Entrant, enter, MIB, type Sample, type Scale } from './server/arena.js';
import { CASES } from './server/cases.js';
import { CONTENDERS, type Contender } from './server/contenders.js';
import { renderServerResults } from './server/report.js';

const FULL: Scale = {
  runs: 5,
  mebibytes: 1024,
  files: 1000,
  seconds: 2,
  sessions: 5000,
  tlsSessions: 2000,
  forkedSessions: 200,
  entries: 100_000,
};
const QUICK: Scale = {
  runs: 1,
  mebibytes: 64,
  files: 100,
  seconds: 0.5,
  sessions: 100,
  tlsSessions: 40,
  forkedSessions: 20,
  entries: 1000,
};

interface Result {
  readonly versions: Readonly<Record<string, string>>;
  readonly scale: Scale;
  readonly samples: readonly Sample[];
}

const { values: flags } = parseArgs({
  options: {
    runs: { type: 'string' },
    only: { type: 'string' },
    servers: { type: 'string' },
    quick: { type: 'boolean', default: false },
    render: { type: 'boolean', default: false },
  },
});

/** Those whose name is in the list; all without a list. Throws for a name that none has. */
function chosen<T>(all: readonly T[], nameOf: (one: T) => string, list: string | undefined): readonly T[] {
  if (list === undefined) return all;
  const names = list.split(',').map((name) => name.trim().toLowerCase());
  const known = new Set(all.map((one) => nameOf(one).toLowerCase()));
  const unknown = names.filter((name) => !known.has(name));
  if (unknown.length > 0)
    throw new Error(`not known: ${unknown.join(', ')}; there are ${[...known].join(', ')}`);
  return all.filter((one) => names.includes(nameOf(one).toLowerCase()));
}

async function measure(one: Case, entrant: Entrant, scale: Scale, samples: Sample[]): Promise<void> {
  const { section, kase } = one;
  const server = entrant.contender.name;
  if (entrant.contender.cannot?.[`${section}, ${kase}`] !== undefined) return;
  try {
    const values = await one.measure(entrant, scale);
    if (Object.keys(values).length > 0) samples.push({ section, kase, server, values });
  } catch (error) {
    process.exitCode = 1;
    const why = error instanceof Error ? error.message : String(error);
    process.stderr.write(`${server}, ${section}, ${kase}: ${why}\n`);
  }
}

/** Every case in turns: each round of a case begins with another server, so that none is always the first. */
async function runAll(entrants: readonly Entrant[], cases: readonly Case[], scale: Scale): Promise<Sample[]> {
  const samples: Sample[] = [];
  for (const one of cases) {
    process.stderr.write(`${one.section}, ${one.kase}\n`);
    if (one.rehearsed) for (const entrant of entrants) await measure(one, entrant, scale, []);
    for (let n = 0; n < scale.runs; n++)
      for (let k = 0; k < entrants.length; k++) {
        const entrant = entrants[(n + k) % entrants.length];
        if (entrant !== undefined) await measure(one, entrant, scale, samples);
      }
  }
  return samples;
}

function taking(): readonly Contender[] {
  const wanted = chosen(CONTENDERS, (one) => one.name, flags.servers);
  for (const { name, missing } of wanted)
    if (missing !== undefined) process.stderr.write(`${name}: left out, ${missing}\n`);
  return wanted.filter((one) => one.missing === undefined);
}

async function run(): Promise<Result> {
  const base = flags.quick ? QUICK : FULL;
  const scale = { ...base, runs: flags.runs === undefined ? base.runs : Number(flags.runs) };
  const cases = chosenCases(flags.only);
  const entrants: Entrant[] = [];
  const block = randomBytes(MIB);
  try {
    for (const contender of taking()) entrants.push(await enter(contender, scale, block));
    const samples = await runAll(entrants, cases, scale);
    const versions = entrants.map(({ contender }) => [contender.name, contender.version()]);
    return { versions: Object.fromEntries(versions) as Record<string, string>, scale, samples };
  } finally {
    for (const { peer, second } of entrants) {
      await peer.stop();
      await second.stop();
    }
  }
}

/** The cases of the sections that are named. */
function chosenCases(list: string | undefined): readonly Case[] {
  const sections = [...new Set(CASES.map((one) => one.section))];
  const wanted = chosen(sections, (one) => one, list);
  return CASES.filter((one) => wanted.includes(one.section));
}

function print({ versions, samples }: Result): void {
  const rows = Object.entries(versions);
  process.stdout.write(`${markdownTable([['server', 'version'], ...rows])}\n\n`);
  process.stdout.write(`${renderServerResults(samples)}\n`);
}

async function main(): Promise<void> {
  if (flags.render) {
    const saved = readFileSync(join(REPOSITORY, 'bench', 'results', 'server.json'), 'utf8');
    print(JSON.parse(saved) as Result);
    return;
  }
  // Folders of the servers and all their files: memory, so that no disk is measured.
  process.env.TMPDIR = '/dev/shm';
  const result = await run();
  print(result);
  // A part of it must not replace the whole.
  const whole = !flags.quick && flags.only === undefined && flags.servers === undefined;
  if (whole) saveResult('server', result);
}

await main();
