/**
 * One big file, server to server: what the client costs while two ProFTPD servers move the data between them. Every
 * client runs in turns in the same minutes; every copy is compared by size and by the digest of its content.
 *
 *   npx tsx bench/big-file.ts [--runs 3] [--mebibytes 2048]
 *
 * CPU seconds and peak memory are those the operating system accounts to the finished client process.
 */
import { createHash } from 'node:crypto';
import { closeSync, createReadStream, openSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { workFolder } from '../test/peers/host.js';
import { type Peer, SYSTEM_PYTHON } from '../test/peers/peer.js';
import { startProftpd } from '../test/peers/real/proftpd.js';
import { BIG_FILE_CLIENTS, type Client } from './clients.js';
import { markdownTable, median, numericOptions, saveResult, timedRun } from './harness.js';

const RUN_LIMIT_MS = 300_000;
const MIB = 1024 * 1024;
const options = numericOptions({ runs: 3, mebibytes: 2048 });

/** Runs the command behind it and says what it cost: the rusage of its child. */
const ACCOUNTANT = [
  'import resource, subprocess, sys',
  'code = subprocess.call(sys.argv[1:], stdout=subprocess.DEVNULL)',
  'use = resource.getrusage(resource.RUSAGE_CHILDREN)',
  'print("cost", use.ru_utime + use.ru_stime, use.ru_maxrss)',
  'sys.exit(code)',
].join('\n');

interface Run {
  readonly client: string;
  readonly seconds: number;
  readonly cpu: number;
  readonly mebibytes: number;
  readonly good: boolean;
}

function plant(peer: Peer): string {
  const path = join(peer.home, 'big.bin');
  const chunk = Buffer.alloc(MIB, 'a big file ');
  const file = openSync(path, 'w');
  for (let n = 0; n < options.mebibytes; n++) {
    chunk.writeUInt32LE(n);
    writeSync(file, chunk);
  }
  closeSync(file);
  peer.own();
  return path;
}

async function digestOf(path: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(path, { highWaterMark: MIB })) hash.update(chunk as Buffer);
  return hash.digest('hex');
}

async function measure(client: Client, source: Peer, sink: Peer, digest: string): Promise<Run> {
  const state = workFolder('bench');
  const target = join(sink.home, 'copy.bin');
  rmSync(target, { force: true });
  try {
    const task = { source, sink, from: '/big.bin', to: '/copy.bin', parallel: 1, state };
    const command = [SYSTEM_PYTHON, '-c', ACCOUNTANT, ...client.command(task)];
    const { status, seconds, output } = await timedRun(command, client.env(task), RUN_LIMIT_MS);
    const [, cpu = '0', kibibytes = '0'] = /cost ([\d.]+) (\d+)/.exec(output) ?? [];
    const good = status === 0 && (await digestOf(target)) === digest;
    if (!good) process.stderr.write(`${client.name}: status ${status}\n${output.slice(-2000)}\n`);
    return { client: client.name, seconds, cpu: Number(cpu), mebibytes: Number(kibibytes) / 1024, good };
  } finally {
    rmSync(state, { recursive: true, force: true });
    rmSync(target, { force: true });
  }
}

function summarize(runs: readonly Run[]): string {
  const names = [...new Set(runs.map((run) => run.client))];
  const row = (name: string): string[] => {
    const good = runs.filter((run) => run.client === name && run.good);
    const of = `${good.length} of ${runs.filter((run) => run.client === name).length}`;
    if (good.length === 0) return [name, '-', '-', '-', '-', of];
    const middle = (pick: (run: Run) => number): number => median(good.map(pick));
    const rate = options.mebibytes / middle((run) => run.seconds);
    const peak = Math.max(...good.map((run) => run.mebibytes));
    return [
      ...[name, middle((run) => run.seconds).toFixed(1), rate.toFixed(0)],
      ...[middle((run) => run.cpu).toFixed(2), peak.toFixed(0), of],
    ];
  };
  return markdownTable([
    [
      'client',
      'seconds, median',
      'MiB/s',
      'client CPU s, median',
      'client memory MiB, peak',
      'runs identical',
    ],
    ...names.map(row),
  ]);
}

async function main(): Promise<void> {
  const taking = BIG_FILE_CLIENTS.filter((client) => client.missing === undefined);
  const source = await startProftpd();
  const sink = await startProftpd();
  const runs: Run[] = [];
  try {
    const digest = await digestOf(plant(source));
    for (let n = 0; n < options.runs; n++) {
      // Each round begins with another client, so that none is always the first behind the digest of the round before.
      for (let k = 0; k < taking.length; k++) {
        const client = taking[(n + k) % taking.length];
        if (client !== undefined) runs.push(await measure(client, source, sink, digest));
      }
    }
  } finally {
    await source.stop();
    await sink.stop();
  }
  process.stdout.write(
    `one file of ${options.mebibytes} MiB, ProFTPD to ProFTPD, plain\n\n${summarize(runs)}\n`,
  );
  saveResult('big-file', { options, runs });
  if (runs.some((run) => !run.good)) process.exitCode = 1;
}

await main();
