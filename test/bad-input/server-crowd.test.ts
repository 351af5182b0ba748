/** Thousands at once, and those that never end: memory and descriptors stay bounded, a session at work does not notice. */
import { type ChildProcess, execFileSync, fork } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import type { Socket } from 'node:net';
import { join, resolve } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { allocateHost, isRoot } from '../peers/host.js';
import { folder, PASSWORD, target, USER } from '../threats/kit.js';
import { drain, Wire } from '../threats/wire.js';
import type { Held } from './server-process.js';

const MIB = 1024 ** 2;

interface Served {
  host: string;
  port: number;
  home: string;
  ask<T>(question: string): Promise<T>;
}

/** The server in a process of its own, which ends with the test. */
async function served(): Promise<Served> {
  const host = allocateHost();
  const home = folder();
  const child = fork(resolve(import.meta.dirname, 'server-process.ts'), [host, home], {
    execArgv: ['--expose-gc', '--import', 'tsx'],
  });
  const gone = new Promise<void>((end) => child.once('exit', () => end()));
  onTestFinished(async () => {
    child.kill('SIGKILL');
    await gone;
  });
  const { port } = await message<{ port: number }>(child);
  return {
    host,
    port,
    home,
    ask: (question) => {
      const answer = message<never>(child);
      child.send(question);
      return answer;
    },
  };
}

function message<T>(child: ChildProcess): Promise<T> {
  return new Promise((resolve, reject) => {
    const exit = (code: number | null): void => reject(new Error(`the server ended with ${code}`));
    child.once('exit', exit);
    child.once('message', (value) => {
      child.removeListener('exit', exit);
      resolve(value as T);
    });
  });
}

const sum = (octets: Uint8Array): string => createHash('sha256').update(octets).digest('hex');

/** A session that downloads until it is told to stop; every file must arrive whole. */
async function canary(at: Served): Promise<() => Promise<number>> {
  const content = randomBytes(200_000);
  writeFileSync(join(at.home, 'canary'), content);
  const wire = await Wire.open({ ...at, from: '127.0.0.8' });
  await wire.login(USER, PASSWORD);
  let over = false;
  const singing = (async () => {
    let rounds = 0;
    while (!over) {
      const { final, octets } = await wire.retrieve('canary');
      expect(final.code).toBe(226);
      expect(sum(octets)).toBe(sum(content));
      rounds += 1;
      await new Promise((next) => setTimeout(next, 20));
    }
    wire.close();
    return rounds;
  })();
  singing.catch(() => {});
  return () => {
    over = true;
    return singing;
  };
}

/** Waits until only the canary is there. */
async function emptied(at: Served): Promise<Held> {
  await expect
    .poll(async () => (await at.ask<Held>('held')).sessions, { timeout: 20_000 })
    .toBeLessThanOrEqual(1);
  return at.ask<Held>('held');
}

test('2,000 connections, logged in or not: 20 KiB each at most, and all is given back', async () => {
  const at = await served();
  const stop = await canary(at);
  const before = await at.ask<Held>('held');
  const wires: Wire[] = [];
  for (let batch = 0; batch < 20; batch++) {
    const opened = await Promise.all(
      Array.from({ length: 100 }, async (_, i) => {
        const wire = await Wire.open({ ...at, from: `127.0.9.${i + 1}` });
        return i % 2 === 0 ? wire.login(USER, PASSWORD) : wire;
      }),
    );
    wires.push(...opened);
  }
  const during = await at.ask<Held>('held');
  expect(during.sessions).toBe(2_001);
  const each = (during.heap + during.outside - before.heap - before.outside) / 2_000;
  expect(each).toBeLessThan(20 * 1024);
  for (const [i, wire] of wires.entries()) {
    if (i % 3 === 0) wire.socket.resetAndDestroy();
    else wire.close();
  }
  const after = await emptied(at);
  expect(await stop()).toBeGreaterThan(1);
  expect(after.heap + after.outside).toBeLessThan(before.heap + before.outside + 8 * MIB);
  expect(after.descriptors).toBeLessThan(before.descriptors + 20);
  expect(await at.ask('problems')).toEqual([]);
});

test('lines that never end, from 300 connections: no more than a line each is held', async () => {
  const at = await served();
  const stop = await canary(at);
  const before = await at.ask<Held>('held');
  const sockets: Socket[] = [];
  for (let i = 0; i < 300; i++) sockets.push((await Wire.open({ ...at })).socket);
  // 4,000 octets in pieces, which is less than a line may have, then what is too much for it.
  for (let piece = 0; piece < 40; piece++) {
    for (const socket of sockets) socket.write(Buffer.alloc(100, 'A'));
    await new Promise((next) => setTimeout(next, 2));
  }
  const during = await at.ask<Held>('held');
  expect(during.sessions).toBe(301);
  expect(during.heap + during.outside - before.heap - before.outside).toBeLessThan(300 * 40 * 1024);
  const ends = sockets.map((socket) => drain(socket));
  for (const socket of sockets) socket.write(Buffer.alloc(100_000, 'A'));
  for (const { octets } of await Promise.all(ends)) expect(octets.toString()).toMatch(/^500 [^\r]*\r\n$/);
  await emptied(at);
  expect(await stop()).toBeGreaterThan(1);
});

test('200 clients that read neither replies nor data: what waits for them is bounded', async () => {
  const at = await served();
  writeFileSync(join(at.home, 'large'), Buffer.alloc(40 * MIB));
  const stop = await canary(at);
  const before = await at.ask<Held>('held');
  const wires: Wire[] = [];
  const data: Socket[] = [];
  for (let i = 0; i < 100; i++) {
    const wire = await Wire.open({ ...at });
    await wire.login(USER, PASSWORD);
    const connection = await wire.dataTo(await wire.passive());
    connection.pause();
    await wire.must(150, 'RETR large');
    wires.push(wire);
    data.push(connection);
  }
  const deaf: Wire[] = [];
  for (let i = 0; i < 100; i++) {
    const wire = await Wire.open({ ...at });
    wire.socket.pause();
    wire.write('HELP\r\n'.repeat(400));
    deaf.push(wire);
  }
  const during = await at.ask<Held>('held');
  expect(during.resident - before.resident).toBeLessThan(400 * MIB);
  expect(during.heap + during.outside - before.heap - before.outside).toBeLessThan(300 * MIB);
  for (const wire of [...wires, ...deaf]) wire.close();
  for (const connection of data) connection.destroy();
  const after = await emptied(at);
  expect(await stop()).toBeGreaterThan(1);
  expect(after.heap + after.outside).toBeLessThan(before.heap + before.outside + 64 * MIB);
  expect(after.descriptors).toBeLessThan(before.descriptors + 20);
});

test('1,000 half-open data connections and ports that nobody uses are given back', async () => {
  const at = await served();
  const stop = await canary(at);
  const before = await at.ask<Held>('held');
  const wire = await (await Wire.open({ ...at })).login(USER, PASSWORD);
  for (let i = 0; i < 250; i++) {
    const port = await wire.passive();
    const held = await Promise.all(Array.from({ length: 4 }, () => wire.dataTo(port).catch(() => undefined)));
    for (const connection of held) connection?.on('error', () => {});
  }
  wire.close();
  await emptied(at);
  expect(await stop()).toBeGreaterThan(0);
  await expect
    .poll(async () => (await at.ask<Held>('held')).descriptors, { timeout: 20_000 })
    .toBeLessThan(before.descriptors + 20);
  expect(await at.ask('problems')).toEqual([]);
});

test.skipIf(!isRoot)('disk full: 452, nothing is left behind, the session and the others go on', async () => {
  const at = await target({ threads: 1, temporary: 'replacing' });
  // Under the home, so that the files of the session beside lie elsewhere.
  const small = join(at.home, 'small');
  mkdirSync(small);
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', small]);
  onTestFinished(() => void execFileSync('umount', ['-l', small]));
  const wire = await at.login();
  const other = await at.login();
  expect((await wire.store('small/old', 'rope')).code).toBe(226);
  const codes: number[] = [];
  for (const verb of ['STOR', 'APPE', 'STOU']) {
    await wire.must(250, 'CWD /small');
    codes.push((await wire.store('big', Buffer.alloc(3 * MIB), verb)).code);
    expect((await other.store('elsewhere', 'tar')).code).toBe(226);
    for (const name of readdirSync(small)) if (name !== 'old') await wire.must(250, `DELE ${name}`);
  }
  // An overwrite that does not fit leaves the old file.
  codes.push((await wire.store('old', Buffer.alloc(3 * MIB))).code);
  expect(codes).toEqual([452, 452, 452, 452]);
  expect(readFileSync(join(small, 'old'), 'utf8')).toBe('rope');
  expect(readdirSync(small)).toEqual(['old']);
  const mkd = await wire.send('ALLO 2000000');
  expect(mkd.code).toBe(452);
  expect((await wire.store('new', 'fits')).code).toBe(226);
});
