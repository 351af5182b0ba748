import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Storage, WriteHow } from '../../src/server/storage/types.js';
import { abilities, changing, listing, naming } from './storage-contract-tree.js';
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

  for (const temporary of TEMPORARY) {
    test(`temporary ${temporary}: a file that is complete has the time that was asked for`, async () => {
      const modify = Date.UTC(2001, 1, 3, 4, 5, 6, 789);
      await put(storage(), '/a', 'some', { temporary, modify });
      expect(Math.round((await storage().stat('/a')).modify)).toBe(modify);
      await put(storage(), '/a', '', { temporary, modify: modify + 1 });
      expect(Math.round((await storage().stat('/a')).modify)).toBe(modify + 1);
      await put(storage(), '/a', 'now', { temporary });
      expect(Math.abs((await storage().stat('/a')).modify - Date.now())).toBeLessThan(60_000);
    });
  }

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

  test('octets come in any order, and what lies between them is zeros until it comes', async () => {
    const sink = await storage().write('/a', STOR);
    await sink.writeAt?.(Buffer.from('89'), 8);
    await sink.writeAt?.(Buffer.from('01'), 0);
    expect((await get(storage(), '/a')).length).toBe(10);
    await sink.writeAt?.(Buffer.from('234567'), 2);
    await sink.commit();
    expect(await get(storage(), '/a')).toBe('0123456789');
    const again = await storage().write('/a', { ...STOR, temporary: 'always' });
    await again.writeAt?.(Buffer.from('yz'), 1);
    await again.writeAt?.(Buffer.from('x'), 0);
    expect(await get(storage(), '/a')).toBe('0123456789');
    await again.commit();
    expect(await get(storage(), '/a')).toBe('xyz');
    const part = await storage().write('/b', STOR);
    await part.writeAt?.(Buffer.from('c'), 2);
    expect(await part.abandon()).toBe('part');
    expect(await get(storage(), '/b')).toBe('\0\0c');
  });

  test('holes are filled in place, and the file ends where what was told and what came ends', async () => {
    const how = (offset: number): WriteHow => ({ mode: 'fill', offset, temporary: 'always' });
    await put(storage(), '/a', '01..45..89');
    const sink = await storage().write('/a', how(10));
    await sink.writeAt?.(Buffer.from('67'), 6);
    await sink.writeAt?.(Buffer.from('23'), 2);
    await sink.commit();
    expect(await get(storage(), '/a')).toBe('0123456789');
    const shorter = await storage().write('/a', how(4));
    await shorter.writeAt?.(Buffer.from('X'), 5);
    await shorter.commit();
    expect(await get(storage(), '/a')).toBe('01234X');
    expect(await codeOf(storage().admit('/a', how(7)))).toBe('bad-offset');
    const failed = await storage().write('/a', how(6));
    expect(await failed.abandon()).toBe('old');
    expect(await get(storage(), '/a')).toBe('01234X');
  });

  test('adjust writes over what is there from its offset on, and leaves the rest', async () => {
    const how = (offset: number, holes = false): WriteHow => ({
      mode: 'adjust',
      offset,
      holes,
      temporary: 'always',
    });
    await put(storage(), '/a', '0123456789');
    await put(storage(), '/a', 'AB', how(4));
    expect(await get(storage(), '/a')).toBe('0123AB6789');
    const blocks = await storage().write('/a', how(8));
    await blocks.writeAt?.(Buffer.from('Z'), 3);
    await blocks.writeAt?.(Buffer.from('XXY'), 0);
    await blocks.commit();
    expect(await get(storage(), '/a')).toBe('0123AB67XXYZ');
    expect(await codeOf(storage().admit('/a', how(13)))).toBe('bad-offset');
    expect(await codeOf(storage().write('/new', how(1)))).toBe('bad-offset');
    await storage().admit('/new', how(2, true));
    expect(await names(storage(), '/')).toEqual(['a']);
    await put(storage(), '/new', 'x', how(2, true));
    expect(await get(storage(), '/new')).toBe('\0\0x');
    await put(storage(), '/new', 'w', how(0, true));
    expect(await get(storage(), '/new')).toBe('w\0x');
    const none = await storage().write('/a', how(4));
    expect(await none.abandon()).toBe('old');
    const part = await storage().write('/a', how(4));
    await feed(part, '!');
    expect(await part.abandon()).toBe('part');
    expect(await get(storage(), '/a')).toBe('0123!B67XXYZ');
  });

  test('behind the end of a file octets go in order only', async () => {
    const sink = await storage().write('/a', { ...STOR, mode: 'append' });
    expect(sink.writeAt).toBeUndefined();
    await sink.commit();
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
