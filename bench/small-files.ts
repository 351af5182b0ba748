/**
 * Many small files, server to server, over a distance: n files between two ProFTPD servers, or with `--vsftpd 1` from ProFTPD
 * to vsftpd, plain FXP, with a delay on both control connections. Every client runs in the same minutes, in turns; every copy is compared
 * byte for byte.
 *
 *   npx tsx bench/small-files.ts [--runs 5] [--files 200] [--size 10240] [--delay 25] [--parallel 4] [--vsftpd 0]
 *
 * --delay is for each direction, in ms; 0 leaves the proxies out.
 */
import { randomBytes } from 'node:crypto';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { startDelayProxy } from '../test/peers/delay-proxy.js';
import { workFolder } from '../test/peers/host.js';
import type { Peer } from '../test/peers/peer.js';
import { startProftpd } from '../test/peers/real/proftpd.js';
import { startVsftpd } from '../test/peers/real/vsftpd.js';
import { CLIENTS, type Client, type Site } from './clients.js';
import { differences, markdownTable, median, numericOptions, saveResult, timedRun } from './harness.js';

const RUN_LIMIT_MS = 300_000;

interface Run {
  readonly client: string;
  readonly seconds: number;
  readonly filesPerSecond: number;
  /** Names that are missing, extra or different; a run with any of them does not count. */
  readonly wrong: readonly string[];
  readonly status: number | null;
}

interface Ground {
  readonly source: Peer;
  readonly sink: Peer;
  readonly sites: { readonly source: Site; readonly sink: Site };
  stop(): Promise<void>;
}

const options = numericOptions({ runs: 5, files: 200, size: 10_240, delay: 25, parallel: 4, vsftpd: 0 });

async function layGround(): Promise<Ground> {
  const peers = [await startProftpd(), await (options.vsftpd ? startVsftpd() : startProftpd())] as const;
  const [source, sink] = peers;
  const near = options.delay > 0;
  const proxies = near
    ? await Promise.all(peers.map((target) => startDelayProxy({ target, delayMs: options.delay })))
    : [];
  const site = (peer: Peer, index: number): Site => {
    const { host, port } = proxies[index] ?? peer;
    return { host, port, user: peer.user, password: peer.password };
  };
  const stop = async (): Promise<void> => {
    for (const one of [...proxies, ...peers]) await one.stop();
  };
  return { source, sink, sites: { source: site(source, 0), sink: site(sink, 1) }, stop };
}

function plantFiles(peer: Peer): string {
  const folder = join(peer.home, 'tree');
  mkdirSync(folder);
  for (let n = 0; n < options.files; n++) {
    writeFileSync(join(folder, `file-${String(n).padStart(5, '0')}.bin`), randomBytes(options.size));
  }
  peer.own();
  return folder;
}

async function measure(client: Client, ground: Ground, tree: string, label: string): Promise<Run> {
  const state = workFolder('bench');
  const target = join(ground.sink.home, label);
  try {
    const task = { ...ground.sites, from: '/tree', to: `/${label}`, parallel: options.parallel, state };
    const { status, seconds, output } = await timedRun(client.command(task), client.env(task), RUN_LIMIT_MS);
    const wrong = differences(tree, target);
    if (status !== 0 || wrong.length > 0)
      process.stderr.write(`${client.name}: status ${status}\n${output.slice(-2000)}\n`);
    return { client: client.name, seconds, filesPerSecond: options.files / seconds, wrong, status };
  } finally {
    rmSync(state, { recursive: true, force: true });
    rmSync(target, { recursive: true, force: true });
  }
}

function summarize(runs: readonly Run[]): string {
  const speeds = (name: string): number[] =>
    runs
      .filter((run) => run.client === name && run.wrong.length === 0 && run.status === 0)
      .map((run) => run.filesPerSecond);
  const names = [...new Set(runs.map((run) => run.client))];
  const base = median(speeds(names[0] ?? ''));
  const row = (name: string): string[] => {
    const good = speeds(name);
    const of = `${good.length} of ${runs.filter((run) => run.client === name).length}`;
    if (good.length === 0) return [name, '-', '-', '-', of];
    const middle = median(good);
    const range = `${Math.min(...good).toFixed(1)} to ${Math.max(...good).toFixed(1)}`;
    return [name, middle.toFixed(1), range, (middle / base).toFixed(2), of];
  };
  return markdownTable([
    ['client', 'files/s, median', 'range', `ratio to ${names[0] ?? ''}`, 'runs identical'],
    ...names.map(row),
  ]);
}

async function main(): Promise<void> {
  const taking = CLIENTS.filter((client) => client.missing === undefined);
  for (const { name, missing } of CLIENTS)
    if (missing !== undefined) process.stderr.write(`${name}: left out, ${missing}\n`);
  const ground = await layGround();
  const runs: Run[] = [];
  try {
    const tree = plantFiles(ground.source);
    for (let n = 0; n < options.runs; n++) {
      // Each round begins with another client, so that none is always the first on cold caches.
      for (let k = 0; k < taking.length; k++) {
        const client = taking[(n + k) % taking.length];
        if (client !== undefined) runs.push(await measure(client, ground, tree, `run-${n}-${k}`));
      }
    }
  } finally {
    await ground.stop();
  }
  const { files, size, delay, parallel, vsftpd } = options;
  process.stdout.write(
    `${files} files of ${size} bytes, ${2 * delay} ms round trip, ${parallel} sessions per site, ProFTPD to ${vsftpd ? 'vsftpd' : 'ProFTPD'}\n\n`,
  );
  process.stdout.write(`${summarize(runs)}\n`);
  saveResult(`small-files-${2 * delay}ms-${parallel}-sessions${vsftpd ? '-vsftpd' : ''}`, { options, runs });
  if (runs.some((run) => run.wrong.length > 0 || run.status !== 0)) process.exitCode = 1;
}

await main();
