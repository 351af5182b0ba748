import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  closeSync,
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { cachedDigest } from '../../src/server/storage/digest.js';
import { DiskStorage } from '../../src/server/storage/disk.js';
import { sweep } from '../../src/server/storage/disk-tree.js';
import type { Storage } from '../../src/server/storage/types.js';
import { Dir, isAlias } from '../../src/server/storage/walk.js';

import { codeOf, feed, get, names, put, STOR } from './storage-help.js';

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

describe('what is no regular file', () => {
  test('pipes, devices and sockets are shown, renamed and removed, but never opened', async () => {
    execFileSync('mkfifo', [at('pipe')]);
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

describe('names', () => {
  test('octets that are no UTF-8 come and go as they are', async () => {
    const octets = Buffer.from([0x61, 0xe9, 0xff, 0x62]);
    const path = Buffer.concat([Buffer.from(`${root}/`), octets]);
    writeFileSync(path, 'x');
    const [name] = await names(storage, '/');
    expect(name).toBe('a\udce9\udcffb');
    expect(await get(storage, `/${name}`)).toBe('x');
    await storage.rename(`/${name}`, '/plain');
    expect(existsSync(path)).toBe(false);
    await storage.mkdir('/\udcff');
    await put(storage, '/\udcff/\udce9', 'y');
    expect(
      readFileSync(Buffer.concat([Buffer.from(`${root}/`), Buffer.from([0xff, 0x2f, 0xe9])]), 'utf8'),
    ).toBe('y');
    expect(await storage.usage?.('/')).toEqual({ bytes: 2, files: 2 });
  });

  test('where the file system folds names, only the spelling of the directory counts', () => {
    /** Finds names in any case, as such a file system does; the files are real. */
    class Folding extends Dir {
      override at(name: string): string | Buffer {
        return super.at(name.toLowerCase().normalize('NFC'));
      }
    }
    mkdirSync(at('private'));
    mkdirSync(at('é'));
    mkdirSync(at('123'));
    const dir = new Folding(root, -1);
    const alias = (name: string) => isAlias(dir, name, () => lstatSync(dir.at(name)));
    expect(['private', 'Private', 'PRIVATE'].map(alias)).toEqual([false, true, true]);
    expect(['é', 'e\u0301', 'É', '123'].map(alias)).toEqual([false, true, true, false]);
    linkSync(join(base, 'out', 'secret'), at('same'));
    linkSync(join(base, 'out', 'secret'), at('SAME'));
    const real = new Dir(root, -1);
    expect(['same', 'SAME'].map((name) => isAlias(real, name, () => lstatSync(real.at(name))))).toEqual([
      false,
      false,
    ]);
  });
});

describe('the root', () => {
  test('another directory in its place is found at once', async () => {
    await put(storage, '/a', 'old');
    renameSync(root, join(base, 'moved'));
    expect(await codeOf(storage.stat('/'))).toBe('io');
    mkdirSync(root);
    writeFileSync(at('a'), 'new');
    expect(await get(storage, '/a')).toBe('new');
    rmSync(root, { recursive: true });
    symlinkSync('moved', root);
    expect(await get(storage, '/a')).toBe('old');
  });

  test('every operation gives its descriptors back, also when it fails', async () => {
    mkdirSync(at('d'));
    await put(storage, '/d/f', 'x');
    symlinkSync('../out', at('d', 'out'));
    const count = () => readdirSync('/proc/self/fd').length;
    const once = async () => {
      for (const path of ['/d/f', '/d/none', '/d/out', '/d/out/x', '/d/f/x', '/', '/d', '/..']) {
        for (const mode of ['replace', 'append', 'unique', 'resume'] as const) {
          const sink = await storage.write(path, { ...STOR, mode }).catch(() => undefined);
          await sink?.abandon();
        }
        const source = await storage.read(path, { start: 0 }).catch(() => undefined);
        await source?.close();
        await codeOf(storage.read(path, { start: 99 }));
        const works = [
          storage.stat(path),
          names(storage, path),
          storage.mkdir(path),
          storage.rename(path, '/d/out/y'),
          storage.chmod?.(path, 0o700),
          storage.setTimes?.(path, { modify: 1 }),
          storage.available?.(path),
          storage.usage?.(path),
          storage.digest?.(path, 'CRC32', { start: 0 }),
          storage.digest?.(path, 'CRC32', { start: 99 }),
        ];
        await Promise.all(works.map((work) => codeOf(async () => work)));
      }
    };
    await once();
    const before = count();
    await once();
    expect(count()).toBe(before);
  });
});

describe('temporaries', () => {
  test('they are in no listing, cannot be named, and are swept when they are old', async () => {
    mkdirSync(at('d'));
    symlinkSync('../out', at('out'));
    for (const name of [
      '.jackstay-in.aaaaaaaaaaaa',
      'd/.jackstay-in.bbbbbbbbbbbb',
      'd/.jackstay-in.cccccccccccc',
      'f',
    ])
      writeFileSync(at(name), 'x');
    writeFileSync(join(base, 'out', '.jackstay-in.dddddddddddd'), 'x');
    const old = Date.now() / 1000 - 100_000;
    for (const name of ['.jackstay-in.aaaaaaaaaaaa', 'd/.jackstay-in.bbbbbbbbbbbb', 'f'])
      utimesSync(at(name), old, old);
    utimesSync(join(base, 'out', '.jackstay-in.dddddddddddd'), old, old);
    expect(await names(storage, '/')).toEqual(['d', 'f', 'out']);
    expect(await names(storage, '/d')).toEqual([]);
    expect(await codeOf(storage.remove('/d/.jackstay-in.bbbbbbbbbbbb'))).toBe('bad-name');
    expect(await codeOf(sweep(root, { most: 2 }))).toBe('unsupported');
    expect(await sweep(root)).toBe(2);
    expect(readdirSync(at('d'))).toEqual(['.jackstay-in.cccccccccccc']);
    expect(readdirSync(join(base, 'out')).length).toBe(2);
    expect(await codeOf(sweep(at('none')))).toBe('io');
  });
});

describe('digests', () => {
  test('one is kept for a file that did not change, and only then', async () => {
    writeFileSync(at('f'), 'content');
    let computed = 0;
    const later = Date.now() + 60_000;
    const digest = (now: number, range = { start: 0 }) =>
      cachedDigest(
        openSync(at('f'), 'r'),
        range,
        'MD5',
        async (fd) => {
          computed += 1;
          const text = readFileSync(fd, 'utf8');
          closeSync(fd);
          return text;
        },
        now,
      );
    expect([await digest(lstatSync(at('f')).ctimeMs), computed]).toEqual(['content', 1]);
    expect([await digest(later), computed]).toEqual(['content', 2]);
    expect([await digest(later), computed]).toEqual(['content', 2]);
    expect([await digest(later, { start: 1 }), computed]).toEqual(['content', 3]);
    const { atime, mtime } = lstatSync(at('f'));
    writeFileSync(at('f'), 'CONTENT');
    utimesSync(at('f'), atime, mtime);
    expect([await digest(later), computed]).toEqual(['CONTENT', 4]);
  });
});

const mounted = canMount();

function canMount(): boolean {
  const folder = mkdtempSync(join(tmpdir(), 'jackstay-mount-'));
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'none', folder], { stdio: 'ignore' });
    execFileSync('umount', [folder]);
    return true;
  } catch {
    return false;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

describe.skipIf(!mounted)('a file system that is full or read-only (needs the right to mount)', () => {
  beforeEach(() => execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=64k,nr_inodes=20', 'none', root]));
  afterEach(() => execFileSync('umount', [root]));
  const big = 'x'.repeat(100_000);
  const whole = Buffer.from(big);

  for (const patience of [10, -1]) {
    test(`disk full, ${patience < 0 ? 'through the thread pool' : 'synchronous'}`, async () => {
      const disk = new DiskStorage(root, { patience });
      const fresh = await disk.write('/new', STOR);
      await fresh.write(whole.subarray(0, 1000));
      expect(await codeOf(async () => fresh.write(whole))).toBe('no-space');
      expect(await fresh.abandon()).toBe('part');
      expect((await disk.stat('/new')).size).toBeGreaterThan(1000);
      await disk.remove('/new');
      await put(disk, '/old', 'precious');
      const over = await disk.write('/old', STOR);
      expect(await codeOf(async () => over.write(whole))).toBe('no-space');
      expect(await over.abandon()).toBe('old');
      expect(await get(disk, '/old')).toBe('precious');
      expect(readdirSync(root)).toEqual(['old']);
      expect(await disk.available?.('/')).toBeGreaterThan(0);
    });
  }

  test('no inode left, read-only', async () => {
    const disk = new DiskStorage(root);
    let code = 'done';
    for (let i = 0; i < 30 && code === 'done'; i += 1) code = await codeOf(disk.mkdir(`/d${i}`));
    expect(code).toBe('no-space');
    expect(await codeOf(disk.write('/f', STOR))).toBe('no-space');
    execFileSync('mount', ['-o', 'remount,ro', root]);
    expect(await codeOf(disk.rmdir('/d0'))).toBe('denied');
    expect(await codeOf(disk.write('/f', STOR))).toBe('denied');
    expect(await codeOf(disk.admit('/f', STOR))).toBe('denied');
    expect(await codeOf(async () => disk.chmod?.('/d0', 0o700))).toBe('denied');
  });
});

test('errors name no path of this machine', async () => {
  chmodSync(root, 0o755);
  const messages: string[] = [];
  for (const path of ['/none', '/none/x', '/..', '/']) {
    for (const work of [
      storage.read(path, { start: 0 }),
      storage.write(`${path}/x`, STOR),
      storage.rename(path, '/x'),
      new DiskStorage(at('missing')).stat('/'),
    ])
      await work.catch((error: Error) => messages.push(error.message));
  }
  expect(messages.length).toBeGreaterThan(12);
  expect(messages.filter((text) => text.includes(base) || text.includes('/proc'))).toEqual([]);
});

test('what is fed comes out, in chunks of any size', async () => {
  const text = Array.from({ length: 5000 }, (_, i) => String(i)).join(',');
  for (const patience of [10, -1]) {
    const disk = new DiskStorage(root, { patience });
    const sink = await disk.write('/a', STOR);
    await feed(sink, text);
    await sink.commit();
    for (const length of [1000, 4096, 100_000])
      expect(await get(disk, '/a', { start: 0 }, length)).toBe(text);
    const source = await disk.read('/a', { start: 10 });
    let got = '';
    for (const length of [10, 2000, 30, 5, 100_000]) {
      const buffer = Buffer.alloc(length);
      let count = await source.read(buffer);
      while (length === 100_000 && count > 0) {
        got += buffer.toString('latin1', 0, count);
        count = await source.read(buffer);
      }
      got += buffer.toString('latin1', 0, count);
    }
    await source.close();
    expect(got).toBe(text.slice(10));
  }
});
