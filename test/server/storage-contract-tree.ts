/** The part of the contract of all storages that is about trees: directories, names, and optional abilities. */
import { createHash } from 'node:crypto';
import { expect, test } from 'vitest';
import type { Storage } from '../../src/server/storage/types.js';
import { codeOf, feed, get, names, put, STOR } from './storage-help.js';

/** Directories and what they list. */
export function listing(storage: () => Storage): void {
  test('a listing has every entry once, in batches of a few hundred, as stat tells them', async () => {
    await storage().mkdir('/d');
    await storage().mkdir('/d/sub');
    for (let i = 0; i < 600; i += 1) await put(storage(), `/d/f${i}`, 'x'.repeat(i % 7));
    const all = [];
    for await (const batch of storage().list('/d')) {
      expect(batch.length).toBeGreaterThan(0);
      expect(batch.length).toBeLessThanOrEqual(300);
      all.push(...batch);
    }
    expect(all.length).toBe(601);
    expect(new Set(all.map(({ name }) => name)).size).toBe(601);
    for (const name of ['sub', 'f0', 'f599'])
      expect(all.find((facts) => facts.name === name)).toEqual(await storage().stat(`/d/${name}`));
    expect(await names(storage(), '/')).toEqual(['d']);
  });

  test('a listing that is given up, and one whose directory changes under it', async () => {
    for (let i = 0; i < 700; i += 1) await put(storage(), `/f${i}`, '');
    for await (const batch of storage().list('/')) {
      expect(batch.length).toBeGreaterThan(0);
      break;
    }
    const seen = new Set<string>();
    for await (const batch of storage().list('/')) {
      for (const { name } of batch) seen.add(name);
      await storage().remove(`/${batch[0]!.name}`);
    }
    expect(seen.size).toBeGreaterThan(690);
  });
}

/** Directories made and removed, names changed. */
export function changing(storage: () => Storage): void {
  test('directories are made and removed when empty', async () => {
    await storage().mkdir('/d');
    expect(await codeOf(storage().mkdir('/d'))).toBe('exists');
    expect(await codeOf(storage().mkdir('/'))).toBe('exists');
    await put(storage(), '/d/f', 'x');
    expect(await codeOf(storage().rmdir('/d'))).toBe('not-empty');
    await storage().remove('/d/f');
    await storage().rmdir('/d');
    expect(await codeOf(storage().rmdir('/'))).toBe('denied');
    expect(await names(storage(), '/')).toEqual([]);
  });

  test('rename moves files and directories, replaces files only', async () => {
    await storage().mkdir('/d');
    await storage().mkdir('/e');
    await put(storage(), '/d/f', 'content');
    await put(storage(), '/old', 'old');
    await storage().rename('/d/f', '/old');
    expect(await get(storage(), '/old')).toBe('content');
    await storage().rename('/d', '/e/d');
    expect(await names(storage(), '/')).toEqual(['e', 'old']);
    await storage().rename('/old', '/old');
    expect(await codeOf(storage().rename('/old', '/e'))).toBe('exists');
    expect(await codeOf(storage().rename('/e/d', '/old'))).toBe('exists');
    await storage().mkdir('/empty');
    expect(await codeOf(storage().rename('/e', '/empty'))).toBe('exists');
    expect(await codeOf(storage().rename('/e', '/e/d/x'))).toBe('bad-name');
    expect(await codeOf(storage().rename('/', '/x'))).toBe('denied');
    expect(await codeOf(storage().rename('/old', '/'))).toBe('exists');
    expect(await codeOf(storage().rename('/old', '/none/x'))).toBe('not-found');
    expect(await get(storage(), '/old')).toBe('content');
  });
}

/** Which names there can be. */
export function naming(storage: () => Storage): void {
  const kept = [
    'é',
    'e\u0301',
    '日本',
    '\u{1f600}',
    '\udcff\udc80',
    'a\udce9b',
    ' ',
    ' x',
    'x ',
    '~',
    '-la',
    '*',
    'a;b=c',
    '"',
  ];
  test('names are octets: all that can be a name come back as they were', async () => {
    for (const name of kept) await put(storage(), `/${name}`, name);
    expect(await names(storage(), '/')).toEqual([...kept].sort());
    for (const name of kept) {
      expect((await storage().stat(`/${name}`)).name).toBe(name);
      await storage().rename(`/${name}`, '/moved');
      await storage().mkdir(`/${name}`);
      await storage().rename('/moved', `/${name}/${name}`);
      expect(await names(storage(), `/${name}`)).toEqual([name]);
    }
  });

  test('names that no file may have are refused, whatever is asked', async () => {
    await storage().mkdir('/d');
    const bad = [
      '..',
      '.',
      '',
      '\0',
      'a\0b',
      'a\r\nb',
      '\n',
      '\x7f',
      '\x1b[2J',
      '\ud800',
      '\udc00',
      'x'.repeat(256),
      'é'.repeat(128),
      '.jackstay-in.x',
      '\udcc3\udca9',
    ];
    for (const name of bad) {
      for (const path of [`/${name}/`, `/d/${name}/x`, `/${name}/../x`]) await refuses(storage(), path);
      if (name !== '') await refuses(storage(), `/d/${name}`);
    }
    for (const path of ['', 'd', './d', '//', '/d/', '//d', 'C:\\', `/${'d/'.repeat(300)}x`])
      await refuses(storage(), path);
    expect(await names(storage(), '/')).toEqual(['d']);
    expect(await names(storage(), '/d')).toEqual([]);
  });
}

/** Every operation refuses the path. */
async function refuses(storage: Storage, path: string): Promise<void> {
  const all = [
    storage.stat(path),
    names(storage, path),
    storage.read(path, { start: 0 }),
    storage.admit(path, STOR),
    storage.write(path, STOR),
    storage.mkdir(path),
    storage.rmdir(path),
    storage.remove(path),
    storage.rename(path, '/ok'),
    storage.rename('/d', path),
    storage.setTimes?.(path, { modify: 0 }),
    storage.chmod?.(path, 0o644),
    storage.available?.(path),
    storage.usage?.(path),
    storage.digest?.(path, 'MD5', { start: 0 }),
  ].filter((work) => work !== undefined);
  expect({ path, codes: new Set(await Promise.all(all.map((work) => codeOf(work)))) }).toEqual({
    path,
    codes: new Set(['bad-name']),
  });
}

/** What a storage may leave out. */
export function abilities(storage: () => Storage): void {
  test('times and permission bits, where they can be set', async () => {
    await put(storage(), '/a', 'x');
    await storage().mkdir('/d');
    for (const path of ['/a', '/d']) {
      for (const modify of [0, 1_000_000_000_123, 1_700_000_000_999]) {
        await storage().setTimes?.(path, { modify });
        if (storage().setTimes) expect((await storage().stat(path)).modify).toBe(modify);
      }
      await storage().chmod?.(path, 0o7711);
      if (storage().chmod) expect((await storage().stat(path)).mode).toBe(0o711);
    }
    expect(await codeOf(async () => storage().setTimes?.('/none', { modify: 0 }))).toMatch(/not-found|done/);
    expect(await codeOf(async () => storage().chmod?.('/none', 0))).toMatch(/not-found|done/);
  });

  test('usage counts files and octets below a path, space is known', async () => {
    await storage().mkdir('/d');
    await storage().mkdir('/d/e');
    await put(storage(), '/a', '12345');
    await put(storage(), '/d/b', '123');
    await put(storage(), '/d/e/c', '1');
    const running = await storage().write('/d/e/c', STOR);
    await feed(running, 'uncounted');
    expect((await storage().usage?.('/d')) ?? { bytes: 4, files: 2 }).toEqual({ bytes: 4, files: 2 });
    expect((await storage().usage?.('/')) ?? { bytes: 9, files: 3 }).toEqual({ bytes: 9, files: 3 });
    await running.abandon();
    expect((await storage().available?.('/d')) ?? 1).toBeGreaterThan(0);
  });

  test('digests of files and of ranges', async () => {
    if (!storage().digest) return;
    const text = 'The quick brown fox jumps over the lazy dog';
    await put(storage(), '/a', text);
    const of = (algorithm: 'SHA-256' | 'SHA-512' | 'SHA-1' | 'MD5' | 'CRC32', range = { start: 0 }) =>
      storage().digest?.('/a', algorithm, range);
    expect(await of('CRC32')).toBe('414fa339');
    expect(await of('MD5')).toBe('9e107d9d372bb6826bd81d3542a419d6');
    expect(await of('SHA-1')).toBe('2fd4e1c67a2d28fced849ee1bb76e7391b93eb12');
    for (const [algorithm, name] of [
      ['SHA-256', 'sha256'],
      ['SHA-512', 'sha512'],
    ] as const)
      expect(await of(algorithm)).toBe(createHash(name).update(text).digest('hex'));
    const middle = createHash('md5').update(text.slice(4, 9)).digest('hex');
    expect(await storage().digest?.('/a', 'MD5', { start: 4, end: 9 })).toBe(middle);
    expect(await codeOf(async () => of('MD5', { start: 99 }))).toBe('bad-offset');
    const stopped = storage().digest?.('/a', 'MD5', { start: 0 }, AbortSignal.abort());
    expect(await codeOf(async () => stopped)).toBe('busy');
  });
}
