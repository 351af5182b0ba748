/**
 * All comparisons with other clients and servers, one after the other, each a process of its own.
 *
 *   npm run bench                             all of it
 *   npm run bench -- --only fast,big          a part: names or how they begin
 *   npm run bench -- --estimate               what it would take
 *
 * The other flags are those of the comparisons and go to each: --runs, --quick, --match, --profile, --render; --minutes is for all
 * of them together.
 */
import { spawn } from 'node:child_process';
import { createRequire } from 'node:module';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { bigFile } from './big-file.js';
import { cellsOf, chosenOf, clock, estimated, orUsage, readFlags, runsOf, USAGE } from './compare/frame.js';
import type { Comparison } from './compare/types.js';
import { fast } from './fast.js';
import { many } from './many.js';
import { smallFiles } from './small-files.js';
import { tree } from './tree.js';

const ALL: readonly Comparison[] = [smallFiles, fast, bigFile, many, tree];
const LOADER = pathToFileURL(createRequire(import.meta.url).resolve('tsx')).href;

/** The words without the flag and its value, and the value. */
function taken(argv: readonly string[], flag: string): { value: string | undefined; rest: string[] } {
  const at = argv.indexOf(flag);
  if (at < 0) return { value: undefined, rest: [...argv] };
  return { value: argv[at + 1] ?? '', rest: argv.toSpliced(at, 2) };
}

function run(script: string, args: readonly string[]): Promise<number> {
  const file = fileURLToPath(new URL(`${script}.ts`, import.meta.url));
  const child = spawn(process.execPath, ['--import', LOADER, file, ...args], { stdio: 'inherit' });
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (status) => resolve(status ?? 1));
  });
}

async function main(): Promise<void> {
  const { value: only, rest } = taken(process.argv.slice(2), '--only');
  const flags = readFlags(rest);
  const chosen = chosenOf(ALL, only);
  if (!flags.render) {
    const of = (one: Comparison): number => estimated(one, cellsOf(one, flags), runsOf(one, flags));
    const total = chosen.reduce((sum, one) => sum + of(one), 0);
    for (const one of chosen) process.stderr.write(`${one.name.padEnd(12)} about ${clock(of(one))}\n`);
    process.stderr.write(`${'all'.padEnd(12)} about ${clock(total)}\n`);
    if (flags.estimate) return;
  }
  const begun = performance.now();
  const { rest: others } = taken(rest, '--minutes');
  for (const { name } of chosen) {
    const left = flags.minutes - (performance.now() - begun) / 60_000;
    if (left <= 0) {
      process.stderr.write(`${name}: left out, the ${flags.minutes} minutes are over\n`);
      process.exitCode = 1;
      continue;
    }
    process.stdout.write(`\n## ${name}\n\n`);
    if ((await run(name, [...others, '--minutes', String(left)])) !== 0) process.exitCode = 1;
  }
}

await orUsage(main, `npm run bench -- [--only NAMES] ${USAGE}`);
