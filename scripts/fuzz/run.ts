/** Builds the targets, runs jsfuzz, and thins out what it found. */
import { type ChildProcess, execFileSync, fork, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import type { FuzzReport } from '../../test/fuzz/report.js';
import { SEEDS, type Target } from '../../test/fuzz/seeds.js';

const ROOT = join(import.meta.dirname, '../..');
const FOLDER = join(ROOT, '.cache/fuzz');
const BUILD = join(FOLDER, 'build');
const CORPUS = join(ROOT, 'test/fuzz/corpus');
const require = createRequire(import.meta.url);
const JSFUZZ = require.resolve('jsfuzz');
const WORKER = join(JSFUZZ, '../worker.js');
/** Inputs of more octets are not kept: the corpus belongs to the repository. */
const LONGEST_KEPT = 1536;

/** CommonJS, which is what jsfuzz can put its counters into; file by file, so that the coverage has names. */
export function compile(): void {
  rmSync(BUILD, { recursive: true, force: true });
  mkdirSync(BUILD, { recursive: true });
  const folders = ['src/protocol', 'src/net', 'src/server', 'src/cli/serve', 'test/fuzz'];
  const files = [
    ...folders.flatMap((folder) => sources(folder)),
    ...sources('src/cli', false).filter((one) => !/main\.ts$/.test(one)),
  ];
  const options = ['--format=cjs', '--platform=node', '--target=node20', '--outbase=.', `--outdir=${BUILD}`];
  const quiet = ['--log-level=error', '--log-override:empty-import-meta=silent'];
  execFileSync(join(ROOT, 'node_modules/.bin/esbuild'), [...files, ...options, ...quiet], { cwd: ROOT });
  writeFileSync(join(BUILD, 'package.json'), '{ "type": "commonjs" }\n');
}

function sources(folder: string, recursive = true): string[] {
  return readdirSync(join(ROOT, folder), { recursive, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts') && !name.endsWith('.test.ts'))
    .map((name) => join(folder, name));
}

const working = (target: Target): string => join(FOLDER, 'corpus', target);
const nameOf = (octets: Uint8Array): string => createHash('sha256').update(octets).digest('hex').slice(0, 16);
const filesIn = (folder: string): Buffer[] =>
  existsSync(folder) ? readdirSync(folder).map((name) => readFileSync(join(folder, name))) : [];

const environment = (target: Target, inputs: number): NodeJS.ProcessEnv => ({
  ...process.env,
  FUZZ_TARGET: target,
  FUZZ_INPUTS: String(inputs),
  FUZZ_FOLDER: FOLDER,
});

/** @throws Error with what the target said when an input broke an invariant. */
export async function run(target: Target, inputs: number): Promise<FuzzReport> {
  const corpus = working(target);
  mkdirSync(corpus, { recursive: true });
  for (const octets of [...SEEDS[target](), ...filesIn(join(CORPUS, target))])
    writeFileSync(join(corpus, nameOf(octets)), octets);
  const report = join(FOLDER, `${target}.json`);
  rmSync(report, { force: true });
  // Loading a target counts as part of its first input, and single inputs are timed by the entry.
  // The versifier of jsfuzz 1.0 needs memory without bounds for inputs of many lines: it is left out.
  const options = ['--rss-limit-mb=700', '--timeout=60', '--no-versifier'];
  const child = spawn(process.execPath, [JSFUZZ, 'test/fuzz/entry.js', corpus, ...options], {
    cwd: BUILD,
    env: environment(target, inputs),
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let said = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    said = (said + text).slice(-4000);
  });
  await once(child, 'close');
  if (!existsSync(report))
    throw new Error(`${target} failed; ${join(FOLDER, 'crashes')} has the input\n${said}`);
  return JSON.parse(readFileSync(report, 'utf8')) as FuzzReport;
}

/** Coverage after each input, in a worker of jsfuzz. */
class Meter {
  readonly #worker: ChildProcess;

  constructor(target: Target) {
    this.#worker = fork(WORKER, ['test/fuzz/entry.js'], {
      cwd: BUILD,
      env: environment(target, 0),
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    });
  }

  async coverage(octets: Buffer): Promise<number> {
    this.#worker.send({ type: 0, buf: octets });
    const [message] = (await once(this.#worker, 'message')) as [{ type: number; coverage: number }];
    if (message.type !== 0) throw new Error(`an input of the corpus fails: ${octets.toString('hex')}`);
    return message.coverage;
  }

  end(): void {
    this.#worker.kill();
  }
}

/** Those that cover something that the ones before them do not. */
async function needed(target: Target, candidates: readonly Buffer[]): Promise<Buffer[]> {
  const meter = new Meter(target);
  const kept: Buffer[] = [];
  let best = 0;
  try {
    for (const octets of candidates) {
      const coverage = await meter.coverage(octets);
      if (coverage <= best) continue;
      best = coverage;
      kept.push(octets);
    }
  } finally {
    meter.end();
  }
  return kept;
}

/** Keeps short inputs, and of those only what the longer ones leave over. */
export async function distill(target: Target): Promise<{ kept: number; octets: number }> {
  const candidates = filesIn(working(target)).filter(({ length }) => length <= LONGEST_KEPT);
  candidates.sort((a, b) => a.length - b.length || Buffer.compare(a, b));
  const kept = await needed(target, (await needed(target, candidates)).reverse());
  const folder = join(CORPUS, target);
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  for (const octets of kept) writeFileSync(join(folder, nameOf(octets)), octets);
  return { kept: kept.length, octets: kept.reduce((sum, { length }) => sum + length, 0) };
}
