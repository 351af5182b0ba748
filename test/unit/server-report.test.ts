import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { expect, it } from 'vitest';
import type { Sample } from '../../bench/server/arena.js';
import { cpuSeconds, memoryKibibytes } from '../../bench/server/process-tree.js';
import { renderServerResults } from '../../bench/server/report.js';
import { contentOf } from '../../bench/soak/random.js';
import { faultsOf } from '../../bench/soak/run.js';
import { descriptorsOf, listeningPorts } from '../../bench/soak/sockets.js';

const sample = (server: string, kase: string, values: Record<string, number>): Sample => ({
  ...{ section: 'throughput', kase, server, values },
});

it('tells medians, the spread, and ratios to vsftpd and to the best', () => {
  const table = renderServerResults([
    sample('vsftpd', 'RETR', { megabytesPerSecond: 1000 }),
    sample('vsftpd', 'RETR', { megabytesPerSecond: 1200 }),
    sample('vsftpd', 'RETR', { megabytesPerSecond: 800 }),
    sample('jackstay', 'RETR', { megabytesPerSecond: 1500 }),
    sample('Pure-FTPd', 'RETR', { megabytesPerSecond: 3000 }),
  ]);
  expect(table).toContain('### Throughput');
  expect(table).toContain('| vsftpd | 1000 (800 to 1200) | 1.00 | 0.33 |');
  expect(table).toContain('| jackstay | 1500 | 1.50 | 0.50 |');
  expect(table).toContain('| Pure-FTPd | 3000 | 3.00 | 1.00 |');
});

it('takes less for better where it is: a ratio above 1 is always good', () => {
  const latency = (server: string, p99: number): Sample => ({
    ...{ section: 'latency', kase: 'PWD', server, values: { p99 } },
  });
  const table = renderServerResults([latency('vsftpd', 4), latency('jackstay', 2), latency('ftp-srv', 8)]);
  expect(table).toContain('| jackstay | 2.00 | 2.00 | 1.00 |');
  expect(table).toContain('| ftp-srv | 8.00 | 0.50 | 0.25 |');
});

it('has no ratio to a server that took no part', () => {
  expect(renderServerResults([sample('jackstay', 'STOR', { megabytesPerSecond: 7 })])).toContain(
    '| jackstay | 7 | - | 1.00 |',
  );
});

it('reads CPU time and memory of a process and of its children', async () => {
  const busy =
    'const until = Date.now() + 150; while (Date.now() < until); console.log("done"); setInterval(() => {}, 1e6)';
  const script = `"${process.execPath}" -e '${busy}' & wait`;
  const child = spawn('/bin/sh', ['-c', script], { stdio: ['ignore', 'pipe', 'ignore'], detached: true });
  try {
    await once(child.stdout, 'data');
    expect(cpuSeconds(child.pid ?? 0)).toBeGreaterThan(0.1);
    expect(memoryKibibytes(child.pid ?? 0)).toBeGreaterThan(5000);
  } finally {
    process.kill(-(child.pid ?? 0), 'SIGKILL');
    await once(child, 'close');
  }
});

it('sees a port that a process listens on, and its descriptor', async () => {
  const before = descriptorsOf(process.pid);
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const port = address !== null && typeof address === 'object' ? address.port : 0;
  try {
    expect(listeningPorts(process.pid)).toContain(port);
    expect(descriptorsOf(process.pid)).toBeGreaterThan(before);
  } finally {
    server.close();
    await once(server, 'close');
  }
  expect(listeningPorts(process.pid)).not.toContain(port);
});

it('names every fault of a soak, and none where all is well', () => {
  const held = { descriptors: 30, listeners: 2, sessions: 0, mebibytes: 100 };
  const good = {
    ...{ acts: {}, octets: 1, wrong: [], hung: [], refused: [], seconds: 1, memory: [], slope: 0, end: [] },
    ...{ before: held, after: { ...held, descriptors: 28, mebibytes: 120 } },
  };
  expect(faultsOf(good, 64)).toEqual([]);
  const bad = { descriptors: 31, listeners: 3, sessions: 1, mebibytes: 200 };
  expect(faultsOf({ ...good, wrong: ['a'], hung: ['b'], refused: ['c'], after: bad }, 64)).toEqual([
    ...['wrong octets: a', 'hung: b', 'refused: c', '1 sessions are left'],
    ...['31 descriptors are open, 30 before', '3 ports listen, 2 before', 'the memory grew by 100 MiB'],
  ]);
});

it('makes contents that differ and can be made again', () => {
  expect(contentOf(7, 1000).equals(contentOf(7, 2000).subarray(0, 1000))).toBe(true);
  expect(contentOf(7, 1000).equals(contentOf(8, 1000))).toBe(false);
  expect(contentOf(7, 2 << 20).length).toBe(1 << 20);
});
