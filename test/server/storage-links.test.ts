/** No path leads out of the root of a disk storage, whatever links and files lie in it. */
import { execFileSync } from 'node:child_process';
import {
  constants,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { DiskStorage } from '../../src/server/storage/disk.js';
import { setMode } from '../../src/server/storage/disk-mode.js';
import { openRegular } from '../../src/server/storage/disk-read.js';
import type { Storage } from '../../src/server/storage/types.js';
import { walk } from '../../src/server/storage/walk.js';

import { codeOf, get, names, put, STOR } from './storage-help.js';

let base: string;
let root: string;
let storage: Storage;
const at = (...path: string[]) => join(root, ...path);

beforeEach(() => {
  base = mkdtempSync(join(tmpdir(), 'jackstay-disk-'));
  root = join(base, 'root');
  mkdirSync(root);
  mkdirSync(join(base, 'out'));
  writeFileSync(join(base, 'out', 'secret'), 'SECRET');
  storage = new DiskStorage(root);
});
afterEach(() => rmSync(base, { recursive: true, force: true }));

/** What every operation answers for a path; none may succeed. */
async function answers(path: string, on: Storage = storage): Promise<Record<string, string>> {
  const works: Record<string, () => Promise<unknown>> = {
    read: () => on.read(path, { start: 0 }),
    list: () => names(on, path),
    replace: () => on.write(path, STOR),
    always: () => on.write(path, { ...STOR, temporary: 'always' }),
    append: () => on.write(path, { ...STOR, mode: 'append' }),
    resume: () => on.write(path, { ...STOR, mode: 'resume' }),
    unique: () => on.write(path, { ...STOR, mode: 'unique' }),
    admit: () => on.admit(path, STOR),
    mkdir: () => on.mkdir(path),
    rmdir: () => on.rmdir(path),
    setTimes: async () => on.setTimes?.(path, { modify: 0 }),
    chmod: async () => on.chmod?.(path, 0o777),
    available: async () => on.available?.(path),
    usage: async () => on.usage?.(path),
    digest: async () => on.digest?.(path, 'MD5', { start: 0 }),
  };
  const found: Record<string, string> = {};
  for (const [name, work] of Object.entries(works)) found[name] = await codeOf(work);
  return found;
}

const outside = () =>
  readdirSync(join(base, 'out')).map((name) => {
    const { mode, mtimeMs, size } = lstatSync(join(base, 'out', name));
    return { name, mode, mtimeMs, size, text: readFileSync(join(base, 'out', name), 'utf8') };
  });

describe('links (threat 22)', () => {
  test('one that leads out is never followed, by nothing', async () => {
    const before = outside();
    symlinkSync(join(base, 'out'), at('absolute'));
    symlinkSync('../out', at('relative'));
    symlinkSync('../out/secret', at('file'));
    symlinkSync('/', at('top'));
    symlinkSync(`${root}/../out`, at('tricky'));
    symlinkSync(`${root}x/../out`, at('prefix'));
    mkdirSync(at('d'));
    symlinkSync('../../out', at('d', 'up'));
    symlinkSync('d/up', at('two'));
    for (const link of ['absolute', 'relative', 'file', 'tricky', 'prefix', 'd/up', 'two', 'top']) {
      expect(await storage.stat(`/${link}`)).toMatchObject({ type: 'link' });
      for (const path of [`/${link}`, `/${link}/secret`, `/${link}/new`]) {
        const codes = await answers(path);
        expect(Object.entries(codes).filter(([, code]) => code === 'done')).toEqual([]);
      }
      expect(await codeOf(storage.stat(`/${link}/secret`))).toBe('denied');
      expect(await codeOf(storage.rename('/d', `/${link}/d`))).toBe('denied');
      expect(await codeOf(storage.rename(`/${link}/secret`, '/got'))).toBe('denied');
      expect(await codeOf(storage.remove(`/${link}/secret`))).toBe('denied');
    }
    expect(outside()).toEqual(before);
  });

  test('one that stays inside is followed, but not to write at its end', async () => {
    mkdirSync(at('d'));
    mkdirSync(at('d', 'e'));
    writeFileSync(at('d', 'f'), 'content');
    symlinkSync('d', at('dir'));
    symlinkSync('./dir//e/../f', at('file'));
    symlinkSync(at('d', 'f'), at('absolute'));
    symlinkSync(`${realpathSync(root)}`, at('whole'));
    symlinkSync('e/..', at('d', 'back'));
    for (const path of ['/file', '/absolute', '/dir/f', '/whole/d/f', '/d/back/f', '/whole/whole/file'])
      expect({ path, text: await get(storage, path) }).toEqual({ path, text: 'content' });
    expect(await storage.stat('/file')).toMatchObject({ name: 'file', type: 'file', size: 7 });
    expect(await storage.stat('/whole')).toMatchObject({ name: 'whole', type: 'directory' });
    expect(await names(storage, '/d/back')).toEqual(['back', 'e', 'f']);
    expect(await codeOf(storage.write('/file', STOR))).toBe('denied');
    expect(await codeOf(storage.rmdir('/dir'))).toBe('not-directory');
    await put(storage, '/dir/new', 'x');
    expect(readFileSync(at('d', 'new'), 'utf8')).toBe('x');
    await storage.chmod?.('/file', 0o600);
    expect(lstatSync(at('d', 'f')).mode & 0o777).toBe(0o600);
    await storage.setTimes?.('/dir', { modify: 5000 });
    expect(lstatSync(at('d')).mtimeMs).toBe(5000);
    await storage.chmod?.('/whole', 0o750);
    expect(lstatSync(root).mode & 0o777).toBe(0o750);
  });

  test('listings show what a link points at, or that it is one; it is removed and renamed itself', async () => {
    writeFileSync(at('f'), 'content');
    symlinkSync('f', at('good'));
    symlinkSync('none', at('dangling'));
    symlinkSync('../out', at('out'));
    symlinkSync('loop', at('loop'));
    const types = new Map<string, string>();
    for await (const batch of storage.list('/')) for (const { name, type } of batch) types.set(name, type);
    expect(Object.fromEntries(types)).toEqual({
      f: 'file',
      good: 'file',
      dangling: 'link',
      out: 'link',
      loop: 'link',
    });
    expect(await storage.stat('/dangling')).toMatchObject({ type: 'link', size: 0 });
    await storage.rename('/good', '/better');
    expect(lstatSync(at('better')).isSymbolicLink()).toBe(true);
    for (const name of ['better', 'dangling', 'out', 'loop']) await storage.remove(`/${name}`);
    expect(await get(storage, '/f')).toBe('content');
    expect(existsSync(join(base, 'out', 'secret'))).toBe(true);
  });

  test('a link is an error where links are switched off', async () => {
    const strict = new DiskStorage(root, { links: 'never' });
    mkdirSync(at('d'));
    writeFileSync(at('d', 'f'), 'content');
    symlinkSync('d', at('dir'));
    symlinkSync('d/f', at('file'));
    expect(await strict.stat('/file')).toMatchObject({ type: 'link' });
    for (const path of ['/file', '/dir/f', '/dir'])
      expect(Object.values(await answers(path, strict))).not.toContain('done');
    expect(await codeOf(strict.stat('/dir/f'))).toBe('denied');
    expect(await get(strict, '/d/f')).toBe('content');
  });

  test('a chain of links has an end', async () => {
    writeFileSync(at('l0'), 'x');
    for (let i = 1; i <= 17; i += 1) symlinkSync(`l${i - 1}`, at(`l${i}`));
    expect(await get(storage, '/l16')).toBe('x');
    expect(await codeOf(storage.read('/l17', { start: 0 }))).toBe('denied');
  });
});

describe('what was swapped between the look and the act', () => {
  const place = (pinned: boolean) => walk({ root, links: 'inside', pinned }, ['f'], true);

  test('a link in the place of the file is not opened, nor its bits changed', () => {
    const before = outside();
    writeFileSync(at('f'), 'x');
    const looked = [place(true), place(false)];
    rmSync(at('f'));
    symlinkSync('../out/secret', at('f'));
    for (const each of looked) {
      expect(() => openRegular(each, constants.O_RDWR)).toThrow('ELOOP');
      expect(() => setMode(each, 0o777)).toThrow(/ELOOP|changed/);
      each.dir.release();
    }
    expect(outside()).toEqual(before);
  });

  test('without descriptors another file in its place is found out', () => {
    writeFileSync(at('f'), 'x');
    const looked = place(false);
    writeFileSync(at('g'), 'y');
    renameSync(at('g'), at('f'));
    expect(() => openRegular(looked, constants.O_RDONLY)).toThrow('changed');
    looked.dir.release();
  });
});

describe('what is no regular file', () => {
  test('pipes, devices and sockets are shown, renamed and removed, but never opened', async () => {
    execFileSync('mknod', [at('pipe'), 'p']);
    const made = ['pipe'];
    const server = createServer().listen(at('socket'));
    await new Promise((resolve) => server.once('listening', resolve));
    made.push('socket');
    try {
      // Needs root; the pipe and the socket say the same where it is not.
      execFileSync('mknod', [at('device'), 'c', '1', '3'], { stdio: 'ignore' });
      made.push('device');
    } catch {
      expect(existsSync(at('device'))).toBe(false);
    }
    for (const name of made) {
      expect(await storage.stat(`/${name}`)).toMatchObject({ type: 'other', size: 0 });
      const codes = await answers(`/${name}`);
      expect(codes).toMatchObject({ read: 'denied', replace: 'denied', always: 'denied', append: 'denied' });
      expect(Object.values(codes)).not.toContain('done');
    }
    for (const name of made) {
      await storage.rename(`/${name}`, `/${name}2`);
      await storage.remove(`/${name}2`);
    }
    server.close();
  });
});

describe('path traversal (threat 21): 200 paths, every operation', () => {
  const parts = [
    '..',
    '.',
    '',
    '...',
    '..\\..',
    '..%2f',
    '%2e%2e',
    '..\0',
    '\u002e\u002e',
    '\udcc0\udcae\udcc0\udcae',
    '..;',
    '.. ',
    ' ..',
    '..\u200b',
  ];
  const tails = ['out/secret', 'secret', 'etc/passwd', '', 'root/../../out/secret'];
  const corpus = parts.flatMap((part) =>
    tails.flatMap((tail) => [
      `/${part}/${tail}`,
      `/d/${part}/${part}/${tail}`,
      `${part}/${tail}`,
      `/${part}${part}/${tail}`,
    ]),
  );

  test('nothing outside is read or changed', async () => {
    const before = outside();
    mkdirSync(at('d'));
    expect(new Set(corpus).size).toBeGreaterThanOrEqual(200);
    const more = [
      '~',
      '/~',
      '~root',
      'C:',
      'C:/',
      '\\\\host\\share',
      '/d\\..\\..\\out\\secret',
      'file:///etc/passwd',
    ];
    const absolute = [
      `${base}/out/secret`,
      `/${base}/out/secret`,
      `${root}/../out/secret`,
      '/proc/self/root/etc/passwd',
    ];
    for (const path of new Set([...corpus, ...more, ...absolute])) {
      for (const work of [storage.read(path, { start: 0 }), storage.digest?.(path, 'MD5', { start: 0 })])
        expect({ path, code: await codeOf(async () => work) }).not.toMatchObject({ code: 'done' });
      for (const work of [
        storage.rename(path, '/stolen'),
        storage.rename('/d', `${path}/x`),
        storage.remove(path),
        storage.rmdir(path),
        storage.mkdir(path),
      ])
        await codeOf(work);
      if (!existsSync(at('d'))) mkdirSync(at('d'));
      const sink = await storage.write(path, STOR).catch(() => undefined);
      await sink?.abandon();
    }
    expect(outside()).toEqual(before);
    expect(readdirSync(base).sort()).toEqual(['out', 'root']);
    expect(existsSync(at('stolen', 'secret'))).toBe(false);
  });
});
