import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { withLock } from '../../src/cli/lock.js';
import { readJson, stateDirs, updateJson, writeJson } from '../../src/cli/state.js';
import { fileRoutes, fileTrust } from '../../src/cli/stores.js';
import { memoryTrust, trustKey } from '../../src/client/trust.js';
import { memoryRoutes, type RememberedRoute } from '../../src/engine/route-memory.js';
import { temporaryFolder } from './harness.js';

const counter = z.strictObject({ n: z.number() });
const script = fileURLToPath(new URL('./state-writer.ts', import.meta.url));
const child = (...words: string[]) =>
  spawn(process.execPath, ['--import', 'tsx', script, ...words], { stdio: ['ignore', 'pipe', 'inherit'] });

describe('stateDirs', () => {
  it.each([
    [{}, '/h/.config/jackstay', '/h/.local/state/jackstay'],
    [{ XDG_CONFIG_HOME: '/c', XDG_STATE_HOME: '/s' }, '/c/jackstay', '/s/jackstay'],
    [{ XDG_CONFIG_HOME: 'relative' }, '/h/.config/jackstay', '/h/.local/state/jackstay'],
    [{ JACKSTAY_HOME: '/j', XDG_CONFIG_HOME: '/c' }, '/j', '/j'],
  ])('%j', (env, config, state) => {
    expect(stateDirs(env, '/h', 'linux')).toEqual({ config, state });
  });
});

describe('writeJson and readJson', () => {
  it('writes mode 0600 in a directory 0700 and leaves nothing beside it', async () => {
    const folder = join(await temporaryFolder(), 'new', 'deep');
    await writeJson(join(folder, 'a.json'), { n: 1 });
    expect((await stat(join(folder, 'a.json'))).mode & 0o777).toBe(0o600);
    expect((await stat(folder)).mode & 0o777).toBe(0o700);
    expect(await readdir(folder)).toEqual(['a.json']);
    expect(await readJson(join(folder, 'a.json'), counter)).toEqual({ n: 1 });
  });

  it('keeps the old file whole when the new one cannot be written', async () => {
    const folder = await temporaryFolder();
    const file = join(folder, 'a.json');
    await writeJson(file, { n: 1 });
    await expect(writeJson(file, { toJSON: () => BigInt(1) })).rejects.toMatchObject({ kind: 'local' });
    expect(await readFile(file, 'utf8')).toBe('{\n  "n": 1\n}\n');
    expect(await readdir(folder)).toEqual(['a.json']);
  });

  it('names the file and every fault, and quotes nothing of a file that is no JSON', async () => {
    const file = join(await temporaryFolder(), 'a.json');
    await writeFile(file, '{"n":"x","more":1}');
    await expect(readJson(file, counter)).rejects.toThrow(/a\.json is not valid:\n {2}n: .*\n.*more/);
    await writeFile(file, '{"password": "hidden');
    const error: Error = await readJson(file, counter).then(
      () => new Error('accepted'),
      (e: Error) => e,
    );
    expect(error.message).toBe(`${file} is not JSON`);
  });
});

describe('several processes', () => {
  it('no change is lost when three processes and this one write at once', async () => {
    const file = join(await temporaryFolder(), 'count.json');
    const children = [1, 2, 3].map(() => child('count', file, '15'));
    const ends = children.map((c) => once(c, 'exit'));
    for (let i = 0; i < 15; i++) await updateJson(file, counter, (old) => ({ n: (old?.n ?? 0) + 1 }));
    expect((await Promise.all(ends)).map(([code]) => code)).toEqual([0, 0, 0]);
    expect(await readJson(file, counter)).toEqual({ n: 60 });
    expect(await readdir(join(file, '..'))).toEqual(['count.json']);
  });

  it('the lock of a killed process is broken, also by several at once', async () => {
    const file = join(await temporaryFolder(), 'count.json');
    const holder = child('hold', file);
    await once(holder.stdout, 'data');
    holder.kill('SIGKILL');
    await once(holder, 'exit');
    await writeFile(`${file}.4711.tmp`, '{"left by a crash');
    await Promise.all([1, 2, 3, 4].map(() => updateJson(file, counter, (old) => ({ n: (old?.n ?? 0) + 1 }))));
    expect(await readJson(file, counter)).toEqual({ n: 4 });
    expect(await readdir(join(file, '..'))).toEqual(['count.json']);
  });

  it('a lock of a number that is used again is broken too', async () => {
    const file = join(await temporaryFolder(), 'x.lock');
    const stale = { pid: process.pid, started: 'an-older-boot:1', host: hostname(), token: 'abc123' };
    await writeFile(file, JSON.stringify(stale));
    expect(await withLock(file, async () => 'in')).toBe('in');
  });

  it('a lock that stays held is an error that names its process', async () => {
    const file = join(await temporaryFolder(), 'x.lock');
    const waiting = withLock(file, () => withLock(file, async () => 'never', { timeout: 0, pause: 1 }));
    await expect(waiting).rejects.toThrow(`held by process ${process.pid}`);
    expect(await readdir(join(file, '..'))).toEqual([]);
  });

  it('the lock goes when the work fails', async () => {
    const file = join(await temporaryFolder(), 'x.lock');
    await expect(withLock(file, () => Promise.reject(new Error('broken')))).rejects.toThrow('broken');
    expect(await withLock(file, async () => 1, { timeout: 0 })).toBe(1);
  });
});

const remembered: RememberedRoute = {
  route: { kind: 'fxp', passive: 'destination', technique: 'PASV', family: 4 },
  security: 'clear',
  attempt: 'STOR-first PASV@dst',
  since: 5,
};
const key = { pin: 'ab'.repeat(32), since: 7 };

describe.each(['memory', 'file'])('trust and routes in %s', (kind) => {
  it('remember, replace and forget', async () => {
    const folder = join(await temporaryFolder(), 'state');
    const dirs = { config: folder, state: folder };
    const trust = kind === 'memory' ? memoryTrust() : fileTrust(dirs);
    expect(await trust.get('h', 21)).toBeUndefined();
    await trust.set('H.example', 21, key);
    await trust.set('::1', 990, { ...key, since: 8 });
    expect(await trust.get('h.EXAMPLE', 21)).toEqual(key);
    expect(await trust.get('h.example', 22)).toBeUndefined();
    expect(await trust.get('::1', 990)).toEqual({ ...key, since: 8 });
    await trust.forget('h.example', 21);
    expect(await trust.get('h.example', 21)).toBeUndefined();
    const routes = kind === 'memory' ? memoryRoutes() : fileRoutes(dirs);
    expect(await routes.get('constructor')).toBeUndefined();
    await routes.set('a > b', remembered);
    expect(await routes.get('a > b')).toEqual(remembered);
    await routes.forget('a > b');
    expect(await routes.get('a > b')).toBeUndefined();
    if (kind === 'file') expect((await readdir(folder)).sort()).toEqual(['routes.json', 'trust.json']);
  });
});

it('an edited trust file with a bad pin is refused', async () => {
  const folder = await temporaryFolder();
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, 'trust.json'), '{"version":1,"keys":{"h:21":{"pin":"zz","since":1}}}');
  await expect(fileTrust({ config: folder, state: folder }).get('h', 21)).rejects.toThrow('keys.h:21.pin');
});

it('trustKey brackets IPv6', () => {
  expect([trustKey('H', 21), trustKey('FE80::1', 990)]).toEqual(['h:21', '[fe80::1]:990']);
});
