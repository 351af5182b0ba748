/** What the benchmarks share: options, a timed process, statistics, tables, results on disk. */
import { spawn } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const REPOSITORY = fileURLToPath(new URL('..', import.meta.url));

export interface Finished {
  /** Exit status; null when a signal ended the process. */
  readonly status: number | null;
  /** From the start of the process to its end. */
  readonly seconds: number;
  /** Standard output and standard error together. */
  readonly output: string;
}

/** Runs a program to its end, or kills it after `limitMs`. */
export function timedRun(
  command: readonly string[],
  env: Readonly<Record<string, string>>,
  limitMs: number,
): Promise<Finished> {
  const [program = '', ...args] = command;
  return new Promise((resolve, reject) => {
    const begun = performance.now();
    const child = spawn(program, args, {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { PATH: process.env.PATH ?? '', LANG: 'C.UTF-8', ...env },
      timeout: limitMs,
      killSignal: 'SIGKILL',
    });
    const chunks: Buffer[] = [];
    child.stdout.on('data', (chunk: Buffer) => chunks.push(chunk));
    child.stderr.on('data', (chunk: Buffer) => chunks.push(chunk));
    child.once('error', reject);
    child.once('close', (status) => {
      const seconds = (performance.now() - begun) / 1000;
      resolve({ status, seconds, output: Buffer.concat(chunks).toString('utf8') });
    });
  });
}

/** The middle value; of an even count the mean of the two middle ones. NaN of none. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? Number.NaN) + upper) / 2;
}

/** A Markdown table; the first row is the head. */
export function markdownTable(rows: readonly (readonly string[])[]): string {
  const [head = [], ...body] = rows;
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...body.map(line)].join('\n');
}

/** Where two folders differ, by name and by every byte; empty when they are equal. Plain files only, not nested. */
export function differences(expected: string, actual: string): string[] {
  const names = (folder: string): string[] => {
    try {
      return readdirSync(folder);
    } catch {
      return [];
    }
  };
  const wanted = new Set(names(expected));
  const found = new Set(names(actual));
  const differs = (name: string): boolean =>
    !found.has(name) || !readFileSync(join(expected, name)).equals(readFileSync(join(actual, name)));
  return [...[...wanted].filter(differs), ...[...found].filter((name) => !wanted.has(name))];
}

/** Writes a result with the facts of the machine under bench/results and returns its path. */
export function saveResult(name: string, result: object): string {
  const folder = join(REPOSITORY, 'bench', 'results');
  mkdirSync(folder, { recursive: true });
  const file = join(folder, `${name}.json`);
  writeFileSync(file, `${JSON.stringify({ ...machineFacts(), ...result }, null, 2)}\n`);
  return file;
}

/** When and on what something is measured. */
export function machineFacts(): { date: string; machine: { cores: number; cpu: string; node: string } } {
  const machine = { cores: cpus().length, cpu: cpus()[0]?.model ?? '', node: process.version };
  return { date: new Date().toISOString(), machine };
}

/** Numeric options of the form `--name 5`, over defaults. Throws on a name without default or a value that is no number. */
export function numericOptions<T extends Record<string, number>>(
  defaults: T,
  argv = process.argv.slice(2),
): T {
  const options: Record<string, number> = { ...defaults };
  for (let n = 0; n < argv.length; n += 2) {
    const name = (argv[n] ?? '').replace(/^--/, '');
    const value = Number(argv[n + 1]);
    if (!(name in defaults) || !Number.isFinite(value)) {
      throw new Error(
        `usage: ${Object.entries(defaults)
          .map(([key, standard]) => `[--${key} ${standard}]`)
          .join(' ')}`,
      );
    }
    options[name] = value;
  }
  return options as T;
}
