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
  renameSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
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
    utimesSync(at('f'), 1000, 1000);
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
    writeFileSync(at('f'), 'CONTENT');
    utimesSync(at('f'), 1000, 1000);
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

test('a descriptor is not closed under a read that is on its way', async () => {
  const disk = new DiskStorage(root, { patience: -1 });
  await put(disk, '/a', 'x'.repeat(100));
  const source = await disk.read('/a', { start: 0 });
  await source.read(Buffer.alloc(10));
  const reading = source.read(Buffer.alloc(10));
  const closing = source.close();
  expect([reading, closing].map((each) => each instanceof Promise)).toEqual([true, true]);
  expect(await reading).toBe(10);
  await closing;
});
