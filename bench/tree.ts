/**
 * A large tree, server to server: n files in d directories between two ProFTPD servers, plain FXP, small files. Tells when the
 * first file was sent, how long all of it took and how much memory the client needed at most; lftp does the same in turns.
 * Every file is compared with its source octet for octet.
 *
 *   npm run build && npx tsx bench/tree.ts [--files 100000] [--directories 1000] [--size 64] [--parallel 4] [--runs 1]
 *   npx tsx bench/tree.ts --quick          2,000 files in 20 directories, result to the terminal only
 */
import { spawn } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { workFolder } from '../test/peers/host.js';
import type { Peer } from '../test/peers/peer.js';
import { startProftpd } from '../test/peers/real/proftpd.js';
import { CLIENTS, type Client } from './clients.js';
import { differences, markdownTable, numericOptions, saveResult } from './harness.js';

const quick = process.argv.includes('--quick');
const options = numericOptions(
  { files: quick ? 2_000 : 100_000, directories: quick ? 20 : 1_000, size: 64, parallel: 4, runs: 1 },
  process.argv.slice(2).filter((word) => word !== '--quick'),
);
const LIMIT_MS = 3_600_000;
/** Milliseconds between two looks at the sink and at the client's memory. */
const LOOK = 20;

interface Run {
  readonly client: string;
  readonly status: number | null;
  /** From the start of the process until the first file has octets at the sink. */
  readonly firstFile: number;
  readonly seconds: number;
  /** Most resident memory of the process, MiB. */
  readonly memory: number;
  readonly wrong: number;
}

const directoryName = (n: number): string => `dir-${String(n).padStart(4, '0')}`;

function plant(peer: Peer): string {
  const folder = join(peer.home, 'tree');
  const each = Math.ceil(options.files / options.directories);
  for (let d = 0; d < options.directories; d++) {
    mkdirSync(join(folder, directoryName(d)), { recursive: true });
    const many = Math.min(each, options.files - d * each);
    for (let n = 0; n < many; n++)
      writeFileSync(join(folder, directoryName(d), `f${n}`), `${d} ${n} `.padEnd(options.size, '.'));
  }
  peer.own();
  return folder;
}

/** Peak resident memory so far, octets; 0 when the process is gone. */
function peakMemory(pid: number): number {
  try {
    const line = /^VmHWM:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'));
    return Number(line?.[1] ?? 0) * 1024;
  } catch {
    return 0;
  }
}

/** A file anywhere below the folder that has octets. */
function hasFile(folder: string): boolean {
  try {
    return readdirSync(folder).some((name) => {
      const path = join(folder, name);
      const stats = statSync(path);
      return stats.isDirectory() ? hasFile(path) : stats.size > 0;
    });
  } catch {
    return false;
  }
}

/** Run the client to its end; its output is read and thrown away, but for the last lines. */
function follow(command: readonly string[], env: Readonly<Record<string, string>>, target: string) {
  const [program = '', ...args] = command;
  const begun = performance.now();
  const passed = (): number => (performance.now() - begun) / 1000;
  const child = spawn(program, args, {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { PATH: process.env.PATH ?? '', LANG: 'C.UTF-8', ...env },
    timeout: LIMIT_MS,
    killSignal: 'SIGKILL',
  });
  let tail = '';
  const keep = (chunk: Buffer): void => {
    tail = (tail + chunk.toString('utf8')).slice(-2_000);
  };
  child.stdout.on('data', keep);
  child.stderr.on('data', keep);
  let [memory, firstFile] = [0, 0];
  const timer = setInterval(() => {
    memory = Math.max(memory, peakMemory(child.pid ?? 0));
    if (firstFile === 0 && hasFile(target)) firstFile = passed();
  }, LOOK);
  return new Promise<Pick<Run, 'status' | 'seconds' | 'memory' | 'firstFile'> & { tail: string }>(
    (resolve, reject) => {
      child.once('error', reject);
      child.once('close', (status) => {
        clearInterval(timer);
        resolve({ status, seconds: passed(), memory: memory / 2 ** 20, firstFile, tail });
      });
    },
  );
}

async function measure(client: Client, source: Peer, sink: Peer, label: string): Promise<Run> {
  const state = workFolder('bench');
  const target = join(sink.home, label);
  try {
    const { parallel } = options;
    const task = { source, sink, from: '/tree', to: `/${label}`, parallel, state };
    const { tail, ...run } = await follow(client.command(task), client.env(task), target);
    if (run.status !== 0) process.stderr.write(`${client.name}: status ${run.status}\n${tail}\n`);
    const tree = join(source.home, 'tree');
    const wrong = readdirSync(tree).flatMap((name) => differences(join(tree, name), join(target, name)));
    return { client: client.name, ...run, wrong: wrong.length };
  } finally {
    rmSync(state, { recursive: true, force: true });
    rmSync(target, { recursive: true, force: true });
  }
}

function table(runs: readonly Run[]): string {
  const head = ['client', 'first file after s', 'all after s', 'files/s', 'memory MiB, peak', 'differ'];
  const row = ({ client, firstFile, seconds, memory, wrong }: Run): string[] => {
    const speed = (options.files / seconds).toFixed(0);
    return [client, firstFile.toFixed(2), seconds.toFixed(1), speed, memory.toFixed(0), `${wrong}`];
  };
  return markdownTable([head, ...runs.map(row)]);
}

async function main(): Promise<void> {
  const taking = CLIENTS.filter(({ missing, name }) => missing === undefined && !name.includes('sync-mode'));
  const [source, sink] = [await startProftpd({ tls: false }), await startProftpd({ tls: false })];
  const runs: Run[] = [];
  try {
    plant(source);
    for (let n = 0; n < options.runs; n++)
      for (const client of taking) runs.push(await measure(client, source, sink, `run-${n}-${runs.length}`));
  } finally {
    await source.stop();
    await sink.stop();
  }
  process.stdout.write(`${options.files} files in ${options.directories} directories\n\n${table(runs)}\n`);
  if (!quick) saveResult('tree', { options, runs });
  if (runs.some(({ wrong, status }) => wrong > 0 || status !== 0)) process.exitCode = 1;
}

await main();
