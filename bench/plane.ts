/**
 * The data plane alone: no commands, no other servers. One process holds a data host with one thread, a second one is the
 * peer of every data connection. The yardstick is the least that Node needs for the same: a bare socket, one buffer, the same
 * file.
 *
 *   npx tsx bench/plane.ts [--runs 5] [--mebibytes 512] [--files 1000] [--only receive]
 *
 * Put the files on a tmpfs (TMPDIR) to leave the disk out.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { closeSync, mkdirSync, openSync, readSync, rmSync, writeFileSync, writeSync } from 'node:fs';
import net from 'node:net';
import { join } from 'node:path';
import tls from 'node:tls';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { readInto } from '../src/net/plane/onread.js';
import type { TransferOrder } from '../src/net/plane/types.js';
import { startDataHost } from '../src/server/data/host.js';
import type { DataHost, FileOrder } from '../src/server/data/types.js';
import type { PeerOrder } from '../src/server/policy.js';
import type { StorageSpec } from '../src/server/storage/types.js';
import { issueCertificate } from '../test/peers/certs.js';
import { workFolder } from '../test/peers/host.js';
import { markdownTable, median } from './harness.js';

const HOST = '127.0.0.1';
const MIB = 1024 * 1024;
const SMALL_FILE = 10_240;
const CHUNK = MIB / 2;
const VERSION = 'TLSv1.3';

/** One data connection, as the peer is told of it. */
interface Task {
  port: number;
  tls: boolean;
  /** Octets to send; 0 = read to the end. */
  send: number;
}

/** The peer: carries out tasks, one at a time, and says the octets that moved. */
function bePeer(): void {
  const buffer = Buffer.alloc(MIB);
  process.on('message', (task: Task) => {
    let moved = 0;
    const onread = {
      buffer,
      callback: (count: number): boolean => {
        moved += count;
        return true;
      },
    };
    const where = { port: task.port, host: HOST, onread };
    const socket = task.tls
      ? tls.connect({ ...where, rejectUnauthorized: false, minVersion: VERSION })
      : net.connect(where);
    let left = task.send;
    const push = (): void => {
      if (left <= 0) {
        socket.end();
        return;
      }
      const count = Math.min(left, CHUNK);
      left -= count;
      moved += count;
      socket.write(buffer.subarray(0, count), push);
    };
    if (task.send > 0) socket.once(task.tls ? 'secureConnect' : 'connect', push);
    socket.resume();
    socket.on('end', () => socket.end());
    socket.once('close', () => process.send?.(moved));
  });
}

/** Serves one connection the shortest way. @returns its port, and the octets when it is over. */
async function bare(
  direction: 'send' | 'receive',
  path: string,
): Promise<{ port: number; over: Promise<void> }> {
  const server = net.createServer({ noDelay: true, pauseOnConnect: true });
  const over = new Promise<void>((resolve) => {
    server.once('connection', (socket) => {
      server.close();
      const fd = openSync(path, direction === 'send' ? 'r' : 'w');
      const buffer = Buffer.allocUnsafeSlow(CHUNK);
      socket.once('close', () => {
        closeSync(fd);
        resolve();
      });
      if (direction === 'receive') {
        const taken = (count: number): boolean => writeSync(fd, buffer, 0, count) > 0;
        readInto(socket, { next: () => buffer, taken });
        socket.resume();
        return;
      }
      const next = (): void => {
        const count = readSync(fd, buffer, 0, CHUNK, null);
        if (count > 0) socket.write(buffer.subarray(0, count), next);
        else socket.destroySoon();
      };
      next();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, HOST, resolve));
  return { port: (server.address() as net.AddressInfo).port, over };
}

/** How often and how much. */
interface Scale {
  runs: number;
  mebibytes: number;
  files: number;
  only: string;
}

/** What every case works with. */
interface Ground {
  host: DataHost;
  peer: ChildProcess;
  folder: string;
  storage: StorageSpec;
}

const judged: PeerOrder = {
  control: HOST,
  policy: { mode: 'off', peers: [], direction: 'both', requireTls: false, minPort: 1024, deny: [] },
  protected: false,
  pinned: false,
};

function orderFor(file: FileOrder, protectedBy: boolean): TransferOrder<FileOrder, PeerOrder> {
  return {
    direction: file.what === 'upload' ? 'receive' : 'send',
    file,
    peer: judged,
    ...(protectedBy && {
      tls: { role: 'server', resumption: 'offered', sessionContext: 'bench', closeNotify: 'required' },
    }),
    type: 'I',
    rate: 0,
    timeouts: { connect: 10_000, handshake: 10_000, stall: 10_000 },
  };
}

const answer = (peer: ChildProcess, task: Task): Promise<number> =>
  new Promise((resolve) => {
    peer.once('message', (moved: number) => resolve(moved));
    peer.send(task);
  });

/** One file over one data connection of the plane. */
async function carry(
  ground: Ground,
  name: string,
  send: number,
  secure: boolean,
  small: boolean,
): Promise<void> {
  const path = `/${name}`;
  const { host, peer, storage } = ground;
  const file: FileOrder =
    send > 0
      ? { what: 'upload', storage, path, how: { mode: 'replace', offset: 0, temporary: 'never' } }
      : { what: 'content', storage, path, range: { start: 0 } };
  const endpoint = await host.plane.passive({ host: HOST, peer: judged, lifetime: 10_000, small }, () => {});
  const moved = answer(peer, { port: endpoint.port, tls: secure, send });
  const { finished } = endpoint.transfer(orderFor(file, secure), {
    onOpen: () => {},
    onMore: () => {},
  });
  const { failure, bytes } = await finished;
  if (failure || bytes !== (await moved)) throw new Error(failure?.message ?? 'octets were lost');
}

async function carryBare(ground: Ground, name: string, send: number): Promise<void> {
  const { port, over } = await bare(send > 0 ? 'receive' : 'send', join(ground.folder, name));
  await answer(ground.peer, { port, tls: false, send });
  await over;
}

/** Seconds and CPU seconds of this process. */
async function timed(act: () => Promise<void>): Promise<Cost> {
  const cpu = process.cpuUsage();
  const begun = performance.now();
  await act();
  const used = process.cpuUsage(cpu);
  return { seconds: (performance.now() - begun) / 1000, cpu: (used.user + used.system) / 1e6 };
}

async function repeated(count: number, act: () => Promise<void>): Promise<void> {
  for (let n = 0; n < count; n++) await act();
}

type Cost = { seconds: number; cpu: number };
type Case = [name: string, act: () => Promise<void>];

function casesOf(ground: Ground, { mebibytes, files }: Scale): { big: Case[]; many: Case[] } {
  const bytes = mebibytes * MIB;
  const big: Case[] = [
    ['bare send', () => carryBare(ground, 'big', 0)],
    ['send', () => carry(ground, 'big', 0, false, false)],
    ['send TLS 1.3', () => carry(ground, 'big', 0, true, false)],
    ['bare receive', () => carryBare(ground, 'in', bytes)],
    ['receive', () => carry(ground, 'in', bytes, false, false)],
    ['receive TLS 1.3', () => carry(ground, 'in', bytes, true, false)],
  ];
  const small = (secure: boolean, here: boolean) => () =>
    repeated(files, () => carry(ground, 'small', 0, secure, here));
  const many: Case[] = [
    ['bare small files', () => repeated(files, () => carryBare(ground, 'small', 0))],
    ['small files, a thread', small(false, false)],
    ['small files, here', small(false, true)],
    ['small files TLS 1.3, a thread', small(true, false)],
    ['small files TLS 1.3, here', small(true, true)],
  ];
  return { big, many };
}

/** One line of a table, with the yardstick of its kind. */
function row(name: string, unit: string, amount: number, per: string, taken: Map<string, Cost[]>): string[] {
  const of = (one: string, what: keyof Cost): number =>
    median((taken.get(one) ?? []).map((cost) => cost[what]));
  const kind = ['small files', 'send', 'receive'].find((word) => name.includes(word));
  const seconds = of(name, 'seconds');
  const ratio = of(`bare ${kind}`, 'seconds') / seconds;
  const rate = `${(amount / seconds).toFixed(0)} ${unit}`;
  const cpu = unit === 'MB/s' ? (of(name, 'cpu') / amount) * 1073.74 : (of(name, 'cpu') / amount) * 1e6;
  return [name, rate, `${cpu.toFixed(unit === 'MB/s' ? 2 : 0)} ${per}`, ratio.toFixed(2)];
}

async function measure(ground: Ground, scale: Scale): Promise<void> {
  const { big, many } = casesOf(ground, scale);
  const wanted = [...big, ...many].filter(([name]) => name.includes(scale.only));
  const taken = new Map<string, Cost[]>(wanted.map(([name]) => [name, []]));
  for (let run = 0; run <= scale.runs; run++) {
    for (const [name, act] of wanted) {
      const cost = await timed(act);
      // The first run warms up.
      if (run > 0) taken.get(name)?.push(cost);
    }
  }
  const rows = wanted.map(([name]) =>
    name.includes('small')
      ? row(name, 'files/s', scale.files, 'us a file', taken)
      : row(name, 'MB/s', (scale.mebibytes * MIB) / 1e6, 's/GiB', taken),
  );
  console.log(markdownTable([['', 'speed', 'CPU', 'ratio to bare'], ...rows]));
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      runs: { type: 'string' },
      mebibytes: { type: 'string' },
      files: { type: 'string' },
      only: { type: 'string', default: '' },
    },
  });
  const folder = workFolder('plane');
  mkdirSync(folder, { recursive: true });
  const mebibytes = Number(values.mebibytes ?? 512);
  const block = randomBytes(MIB);
  const fd = openSync(join(folder, 'big'), 'w');
  for (let n = 0; n < mebibytes; n++) writeSync(fd, block);
  closeSync(fd);
  writeFileSync(join(folder, 'small'), block.subarray(0, SMALL_FILE));
  const { cert, key } = issueCertificate(HOST);
  const host = await startDataHost({ threads: 1 });
  host.plane.setTls({ cert, key, ticketKeys: randomBytes(48), minVersion: 'TLSv1.2' });
  const peer = fork(fileURLToPath(import.meta.url), ['peer']);
  const storage: StorageSpec = { kind: 'disk', root: folder, links: 'inside' };
  try {
    const scale = { runs: Number(values.runs ?? 5), mebibytes, files: Number(values.files ?? 1000) };
    await measure({ host, peer, folder, storage }, { ...scale, only: values.only });
  } finally {
    peer.disconnect();
    await host.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

if (process.argv[2] === 'peer') bePeer();
else await main();
