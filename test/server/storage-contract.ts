import { createHash } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Storage, WriteHow } from '../../src/server/storage/types.js';
import { codeOf, feed, get, names, put, STOR } from './storage-help.js';

/** A storage to be tested, empty, and how it goes away. */
export interface Made {
  storage: Storage;
  remove: () => Promise<void> | void;
}

/** What every storage must do, whatever it keeps its files in. */
export function storageContract(title: string, make: () => Promise<Made>): void {
  describe(title, () => {
    let made: Made;
    let storage: Storage;
    beforeEach(async () => {
      made = await make();
      storage = made.storage;
    });
    afterEach(() => made.remove());
    const use = () => storage;
    reading(use);
    replacing(use);
    inPlace(use);
    listing(use);
    changing(use);
    naming(use);
    abilities(use);
  });
}

function reading(storage: () => Storage): void {
  test('stat tells type, size, time and a fact that is the same for the same file', async () => {
    const before = Date.now();
    await put(storage(), '/a', 'hello');
    const facts = await storage().stat('/a');
    expect(facts).toMatchObject({ name: 'a', type: 'file', size: 5 });
    expect(Math.abs(facts.modify - before)).toBeLessThan(60_000);
    expect(facts.unique).toMatch(/^[!-:<-~]+$/);
    await put(storage(), '/b', 'other');
    await storage().rename('/a', '/c');
    expect((await storage().stat('/c')).unique).toBe(facts.unique);
    expect((await storage().stat('/b')).unique).not.toBe(facts.unique);
    expect(await storage().stat('/')).toMatchObject({ name: '', type: 'directory', size: 0 });
  });

  test('what is not there is not found', async () => {
    expect(await codeOf(storage().stat('/none'))).toBe('not-found');
    expect(await codeOf(storage().stat('/none/below'))).toBe('not-found');
    expect(await codeOf(storage().read('/none', { start: 0 }))).toBe('not-found');
    expect(await codeOf(names(storage(), '/none'))).toBe('not-found');
    expect(await codeOf(storage().remove('/none'))).toBe('not-found');
    expect(await codeOf(storage().rmdir('/none'))).toBe('not-found');
    expect(await codeOf(storage().rename('/none', '/x'))).toBe('not-found');
    expect(await codeOf(storage().write('/none/x', STOR))).toBe('not-found');
    expect(await codeOf(storage().admit('/none/x', STOR))).toBe('not-found');
    expect(await codeOf(storage().mkdir('/none/x'))).toBe('not-found');
  });

  test('a path through a file, and a directory where a file must be', async () => {
    await put(storage(), '/f', 'x');
    await storage().mkdir('/d');
    expect(await codeOf(storage().stat('/f/x'))).toBe('not-directory');
    expect(await codeOf(storage().write('/f/x', STOR))).toBe('not-directory');
    expect(await codeOf(names(storage(), '/f'))).toBe('not-directory');
    expect(await codeOf(storage().rmdir('/f'))).toBe('not-directory');
    for (const path of ['/d', '/']) {
      expect(await codeOf(storage().read(path, { start: 0 }))).toBe('is-directory');
      expect(await codeOf(storage().write(path, STOR))).toBe('is-directory');
      expect(await codeOf(storage().admit(path, STOR))).toBe('is-directory');
      expect(await codeOf(storage().remove(path))).toBe('is-directory');
    }
  });

  test('ranges begin and end where they say', async () => {
    await put(storage(), '/a', '0123456789');
    expect(await get(storage(), '/a', { start: 3 })).toBe('3456789');
    expect(await get(storage(), '/a', { start: 3, end: 5 })).toBe('34');
    expect(await get(storage(), '/a', { start: 0, end: 99 })).toBe('0123456789');
    expect(await get(storage(), '/a', { start: 10 })).toBe('');
    expect(await get(storage(), '/a', { start: 5, end: 2 })).toBe('');
    expect(await codeOf(storage().read('/a', { start: 11 }))).toBe('bad-offset');
    const source = await storage().read('/a', { start: 4 });
    expect(source.size).toBe(6);
    await source.close();
  });

  test('a file that grows is sent as it was; one that becomes shorter fails', async () => {
    await put(storage(), '/a', 'abcdef');
    const source = await storage().read('/a', { start: 0 });
    const buffer = Buffer.alloc(4);
    expect(await source.read(buffer)).toBe(4);
    await put(storage(), '/a', 'XYZ', { mode: 'append' });
    expect(await source.read(buffer)).toBe(2);
    expect(await source.read(buffer)).toBe(0);
    await source.close();
    const cut = await storage().read('/a', { start: 0 });
    await put(storage(), '/a', '', { mode: 'resume', offset: 2 });
    expect(await cut.read(buffer)).toBe(2);
    expect(await codeOf(async () => cut.read(buffer))).toBe('io');
    await cut.close();
  });

  test('a file that is replaced or removed while it is read is sent to its end', async () => {
    await put(storage(), '/a', 'old content');
    const first = await storage().read('/a', { start: 0 });
    const second = await storage().read('/a', { start: 0 });
    await put(storage(), '/a', 'new', { temporary: 'always' });
    const buffer = Buffer.alloc(64);
    expect(buffer.toString('latin1', 0, await first.read(buffer))).toBe('old content');
    await storage().remove('/a');
    expect(buffer.toString('latin1', 0, await second.read(buffer))).toBe('old content');
    await first.close();
    await second.close();
    await second.close();
  });
}

const TEMPORARY = ['never', 'replacing', 'always'] as const;

function replacing(storage: () => Storage): void {
  for (const temporary of TEMPORARY) {
    const how: WriteHow = { ...STOR, temporary };
    test(`temporary ${temporary}: a new file, then another in its place`, async () => {
      await put(storage(), '/a', 'first', how);
      expect(await get(storage(), '/a')).toBe('first');
      await put(storage(), '/a', 'no', how);
      expect(await get(storage(), '/a')).toBe('no');
      await put(storage(), '/a', '', how);
      expect(await get(storage(), '/a')).toBe('');
      expect(await names(storage(), '/')).toEqual(['a']);
    });

    test(`temporary ${temporary}: what shows while an upload runs`, async () => {
      const sink = await storage().write('/new', how);
      await feed(sink, 'part');
      expect(await names(storage(), '/')).toEqual(temporary === 'always' ? [] : ['new']);
      await sink.commit();
      const again = await storage().write('/new', how);
      await feed(again, 'x');
      expect(await get(storage(), '/new')).toBe(temporary === 'never' ? 'x' : 'part');
      expect(await names(storage(), '/')).toEqual(['new']);
      await again.commit();
      expect(await get(storage(), '/new')).toBe('x');
    });

    test(`temporary ${temporary}: what an upload leaves that failed`, async () => {
      const fresh = await storage().write('/new', how);
      await feed(fresh, 'some');
      expect(await fresh.abandon()).toBe(temporary === 'always' ? 'nothing' : 'part');
      expect(await names(storage(), '/')).toEqual(temporary === 'always' ? [] : ['new']);
      await put(storage(), '/old', 'precious');
      const over = await storage().write('/old', how);
      await feed(over, 'some');
      expect(await over.abandon()).toBe(temporary === 'never' ? 'part' : 'old');
      expect(await over.abandon()).toBe(temporary === 'never' ? 'part' : 'old');
      expect(await get(storage(), '/old')).toBe(temporary === 'never' ? 'some' : 'precious');
    });

    test(`temporary ${temporary}: an upload that failed before its first octet changes nothing`, async () => {
      expect(await (await storage().write('/new', how)).abandon()).toBe('nothing');
      await put(storage(), '/old', 'precious');
      expect(await (await storage().write('/old', how)).abandon()).toBe('old');
      expect(await get(storage(), '/old')).toBe('precious');
      expect(await names(storage(), '/')).toEqual(['old']);
    });
  }

  test('two uploads of one name do not mix: the later end wins', async () => {
    await put(storage(), '/a', 'old');
    const one = await storage().write('/a', STOR);
    const two = await storage().write('/a', STOR);
    await feed(one, 'from the first');
    await feed(two, 'second');
    await two.commit();
    await one.commit();
    expect(await get(storage(), '/a')).toBe('from the first');
    expect(await names(storage(), '/')).toEqual(['a']);
  });

  test('an upload ends once', async () => {
    const sink = await storage().write('/a', STOR);
    await feed(sink, 'x');
    await sink.commit();
    await sink.commit();
    expect(await codeOf(async () => sink.write(Buffer.from('y')))).toBe('io');
    expect(await codeOf(async () => sink.abandon())).toBe('io');
    expect(await get(storage(), '/a')).toBe('x');
  });

  test('a directory that took the name meanwhile is not replaced', async () => {
    const sink = await storage().write('/a', { ...STOR, temporary: 'always' });
    await feed(sink, 'x');
    await storage().mkdir('/a');
    expect(await codeOf(async () => sink.commit())).toBe('is-directory');
    expect(await sink.abandon()).toBe('nothing');
    expect(await names(storage(), '/')).toEqual(['a']);
    expect(await names(storage(), '/a')).toEqual([]);
  });

  test('permission bits: asked for, and kept when a file is replaced', async () => {
    await put(storage(), '/a', 'x', { fileMode: 0o666 });
    expect((await storage().stat('/a')).mode).toBe(0o666);
    await put(storage(), '/a', 'y', { fileMode: 0o600 });
    expect((await storage().stat('/a')).mode).toBe(0o666);
    await put(storage(), '/b', 'y', { fileMode: 0o7640, temporary: 'always' });
    expect((await storage().stat('/b')).mode).toBe(0o640);
  });
}

function inPlace(storage: () => Storage): void {
  test('resume cuts at the offset and writes on; beyond the end is refused', async () => {
    const how = (offset: number): WriteHow => ({ mode: 'resume', offset, temporary: 'always' });
    await put(storage(), '/a', '0123456789');
    await put(storage(), '/a', 'AB', how(4));
    expect(await get(storage(), '/a')).toBe('0123AB');
    await put(storage(), '/a', 'C', how(6));
    expect(await get(storage(), '/a')).toBe('0123ABC');
    expect(await codeOf(storage().write('/a', how(8)))).toBe('bad-offset');
    expect(await codeOf(storage().admit('/a', how(8)))).toBe('bad-offset');
    expect(await codeOf(storage().write('/new', how(1)))).toBe('bad-offset');
    await put(storage(), '/new', 'x', how(0));
    expect(await get(storage(), '/new')).toBe('x');
    await put(storage(), '/a', '', how(3));
    expect(await get(storage(), '/a')).toBe('012');
  });

  test('a resume that failed leaves the part it reached, or the old file when nothing came', async () => {
    await put(storage(), '/a', '0123456789');
    const none = await storage().write('/a', { mode: 'resume', offset: 4, temporary: 'replacing' });
    expect(await none.abandon()).toBe('old');
    expect(await get(storage(), '/a')).toBe('0123456789');
    const some = await storage().write('/a', { mode: 'resume', offset: 4, temporary: 'replacing' });
    await feed(some, 'X');
    expect(await some.abandon()).toBe('part');
    expect(await get(storage(), '/a')).toBe('0123X');
  });

  test('a file cut shorter between open and first octet is not filled with zeros', async () => {
    await put(storage(), '/a', '0123456789');
    const late = await storage().write('/a', { mode: 'resume', offset: 8, temporary: 'replacing' });
    await put(storage(), '/a', '', { mode: 'resume', offset: 2 });
    expect(await codeOf(async () => late.write(Buffer.from('x')))).toBe('bad-offset');
    expect(await late.abandon()).toBe('old');
    expect(await get(storage(), '/a')).toBe('01');
  });

  test('append adds at the end, wherever that is, and makes the file', async () => {
    await put(storage(), '/a', 'one', { mode: 'append' });
    const one = await storage().write('/a', { ...STOR, mode: 'append' });
    await feed(one, 'two');
    await put(storage(), '/a', 'three', { mode: 'append' });
    await feed(one, 'four');
    await one.commit();
    expect(await get(storage(), '/a')).toBe('onetwothreefour');
  });

  for (const temporary of TEMPORARY) {
    test(`unique, temporary ${temporary}: never another's name`, async () => {
      const how: WriteHow = { mode: 'unique', offset: 0, temporary };
      await put(storage(), '/a', 'x', how);
      expect(await codeOf(storage().write('/a', how))).toBe('exists');
      expect(await codeOf(storage().admit('/a', how))).toBe('exists');
      const sink = await storage().write('/b', how);
      await feed(sink, 'mine');
      if (temporary === 'always') {
        await put(storage(), '/b', 'theirs');
        expect(await codeOf(async () => sink.commit())).toBe('exists');
        expect(await sink.abandon()).toBe('nothing');
      } else {
        expect(await codeOf(storage().write('/b', how))).toBe('exists');
        await sink.commit();
      }
      expect(await get(storage(), '/b')).toBe(temporary === 'always' ? 'theirs' : 'mine');
      expect(await names(storage(), '/')).toEqual(['a', 'b']);
    });
  }

  test('admit creates nothing', async () => {
    for (const mode of ['replace', 'append', 'unique', 'resume'] as const)
      await storage().admit('/a', { ...STOR, mode });
    expect(await names(storage(), '/')).toEqual([]);
  });
}

function listing(storage: () => Storage): void {
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

function changing(storage: () => Storage): void {
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

function naming(storage: () => Storage): void {
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

function abilities(storage: () => Storage): void {
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
