/** What jsfuzz calls: a target, counted, timed and watched. Settings come by the environment. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import type { FuzzReport } from './report.js';

const { FUZZ_TARGET = '', FUZZ_INPUTS = '0', FUZZ_FOLDER = '.' } = process.env;
const LIMIT = Number(FUZZ_INPUTS);
/** Milliseconds that one input may take. */
const LONGEST = 2_000;

const target = createRequire(__filename)(`./targets/${FUZZ_TARGET}.js`) as {
  fuzz: (octets: Buffer) => Promise<void>;
};

let inputs = 0;
let slowest = 0;
let current: Buffer = Buffer.alloc(0);
/** Memory at a tenth of the way, when everything has been loaded and compiled. */
let early = 0;

function crash(error: unknown): void {
  const folder = join(FUZZ_FOLDER, 'crashes');
  mkdirSync(folder, { recursive: true });
  const name = join(folder, `${FUZZ_TARGET}-${inputs}`);
  writeFileSync(name, current);
  const cause = error instanceof Error && error.cause ? `\n${String((error.cause as Error).stack)}` : '';
  writeFileSync(`${name}.txt`, `${error instanceof Error ? error.stack : String(error)}${cause}\n`);
}

for (const event of ['uncaughtException', 'unhandledRejection'] as const) {
  process.on(event, (error: unknown) => {
    crash(error);
    process.exit(1);
  });
}

type Counts = { s: Record<string, number>; b: Record<string, number[]>; f: Record<string, number> };

function coverage(): FuzzReport['files'] {
  const all = (globalThis as { __coverage__?: Record<string, Counts> }).__coverage__ ?? {};
  return Object.entries(all).map(([path, { s, b, f }]) => {
    const statements = Object.values(s);
    const branches = Object.values(b).flat();
    const functions = Object.values(f);
    const hit = (counts: number[]): number => counts.filter((count) => count > 0).length;
    return {
      path: path.replace(/^.*\/build\//, ''),
      statements: [hit(statements), statements.length],
      branches: [hit(branches), branches.length],
      functions: [hit(functions), functions.length],
    };
  });
}

function finish(): void {
  const memory = process.memoryUsage().rss;
  const report: FuzzReport = { target: FUZZ_TARGET, inputs, slowest, early, memory, files: coverage() };
  writeFileSync(join(FUZZ_FOLDER, `${FUZZ_TARGET}.json`), JSON.stringify(report));
  process.exit(0);
}

export async function fuzz(octets: Buffer): Promise<void> {
  current = octets;
  inputs += 1;
  const began = performance.now();
  try {
    await target.fuzz(octets);
    const took = performance.now() - began;
    slowest = Math.max(slowest, took);
    if (took > LONGEST) throw new Error(`one input took ${Math.round(took)} ms`);
  } catch (error) {
    crash(error);
    throw error;
  }
  if (inputs === Math.ceil(LIMIT / 10)) early = process.memoryUsage().rss;
  if (LIMIT > 0 && inputs >= LIMIT) finish();
}
