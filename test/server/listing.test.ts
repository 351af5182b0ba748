/** What the data plane opens: contents, uploads, and listings that are made while they are sent. */
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { parseListing } from '../../src/protocol/listing/index.js';
import { ListingSource, permOf } from '../../src/server/data/listing.js';
import { makeOpener } from '../../src/server/data/opener.js';
import { FACTS, type ListingOrder } from '../../src/server/data/types.js';
import { memoryStorage } from '../../src/server/storage/memory.js';
import { openStorage } from '../../src/server/storage/open.js';
import type { FileFacts, Storage, StorageSpec } from '../../src/server/storage/types.js';
import type { Right } from '../../src/server/users/types.js';
import { codeOf, put, STOR } from './storage-help.js';

const SPEC: StorageSpec = { kind: 'object', id: 1 };
const ORDER: ListingOrder = {
  what: 'listing',
  storage: SPEC,
  path: '/',
  shown: '/',
  format: 'nlst',
  facts: FACTS,
  rules: [],
  extra: [],
  hidden: false,
  prefix: '',
  charset: 'utf8',
};

const openerOf = (storage: Storage) => makeOpener((spec) => openStorage(spec, new Map([[1, storage]])));

async function octets(storage: Storage, order: Partial<ListingOrder>, length = 65536): Promise<Buffer> {
  const source = await openerOf(storage).source({ ...ORDER, ...order });
  const buffer = Buffer.alloc(length);
  const parts: Buffer[] = [];
  for (let count = await source.read(buffer); count > 0; count = await source.read(buffer))
    parts.push(Buffer.from(buffer.subarray(0, count)));
  await source.close();
  return Buffer.concat(parts);
}

async function lines(storage: Storage, order: Partial<ListingOrder>, length?: number): Promise<string[]> {
  const text = (await octets(storage, order, length)).toString();
  expect(text === '' || text.endsWith('\r\n')).toBe(true);
  return text.split('\r\n').slice(0, -1);
}

async function filled(): Promise<Storage> {
  const storage = memoryStorage({ now: () => 1_700_000_000_000 });
  await storage.mkdir('/d');
  await put(storage, '/a', 'hello');
  await put(storage, '/d/b', 'x');
  await put(storage, '/.hidden', 'x');
  return storage;
}

describe('listings', () => {
  test('the three formats of a directory', async () => {
    const storage = await filled();
    expect(await lines(storage, { format: 'nlst' })).toEqual(['d', 'a']);
    expect(await lines(storage, { format: 'nlst', prefix: 'some/', hidden: true })).toEqual([
      'some/d',
      'some/a',
      'some/.hidden',
    ]);
    const mlsd = await lines(storage, { format: 'mlsd', facts: ['type', 'size', 'perm'] });
    expect(mlsd).toEqual([
      'Type=dir;Perm=cdeflmp; d',
      'Type=file;Size=5;Perm=adfrw; a',
      'Type=file;Size=1;Perm=adfrw; .hidden',
    ]);
    const list = await lines(storage, { format: 'list', hidden: true });
    expect(list.map((line) => [line.slice(0, 10), line.split(' 2023 ')[1]])).toEqual([
      ['drwxr-xr-x', 'd'],
      ['-rw-r--r--', 'a'],
      ['-rw-r--r--', '.hidden'],
    ]);
  });

  test('any buffer gives the same octets', async () => {
    const storage = memoryStorage();
    for (let i = 0; i < 900; i += 1) await put(storage, `/файл-${i}`, '');
    const whole = await octets(storage, { format: 'mlsd' });
    for (const length of [1, 17, 1000, 1 << 20])
      expect((await octets(storage, { format: 'mlsd' }, length)).equals(whole)).toBe(true);
    expect(parseListing(whole, { format: 'mlsd', reply: false })).toHaveLength(900);
  });

  test('LIST and NLST of a file give its line, MLSD does not (RFC 3659 7.2.1)', async () => {
    const storage = await filled();
    const file = { path: '/d/b', shown: '/home/d/seen' };
    expect(await lines(storage, { ...file, format: 'nlst', prefix: 'd/seen/' })).toEqual(['d/seen']);
    expect(await lines(storage, { ...file, format: 'nlst', prefix: 'seen/' })).toEqual(['seen']);
    expect(await lines(storage, { path: '/.hidden', shown: '/.hidden', format: 'list' })).toHaveLength(1);
    expect(await codeOf(octets(storage, { ...file, format: 'mlsd' }))).toBe('not-directory');
    expect(await codeOf(octets(storage, { path: '/none' }))).toBe('not-found');
  });

  test('mount points come first and hide what has their name', async () => {
    const extra: FileFacts[] = [{ name: 'a', type: 'directory', size: 0, modify: 0 }];
    expect(await lines(await filled(), { format: 'mlsd', facts: ['type'], extra })).toEqual([
      'Type=dir; a',
      'Type=dir; d',
      'Type=file; .hidden',
    ]);
  });

  test('names that would forge lines, or that no command can name, are left out', async () => {
    const root = mkdtempSync(join(tmpdir(), 'jackstay-listing-'));
    try {
      const bad = ['a\r\nType=file; forged', 'b\nforged', 'c\x1b[2J', 'd\x7f'];
      for (const name of [...bad, 'good']) writeFileSync(join(root, name), '');
      symlinkSync('none', join(root, 'link -> good'));
      const disk = openStorage({ kind: 'disk', root, links: 'inside' });
      expect(await lines(disk, { format: 'nlst' })).toHaveLength(2);
      expect(await lines(disk, { format: 'mlsd', facts: [] })).toHaveLength(2);
      const [line, more] = await lines(disk, { format: 'list' });
      expect([line?.endsWith(' good'), more]).toEqual([true, undefined]);
    } finally {
      rmSync(root, { recursive: true });
    }
  });

  test('a client that reads latin1 gets one octet for each character, or no line', async () => {
    const storage = memoryStorage();
    for (const name of ['plain', 'é', '日', '\udcff']) await put(storage, `/${name}`, '');
    expect((await octets(storage, { charset: 'latin1' })).toString('latin1')).toBe('plain\r\né\r\n');
    expect((await octets(storage, {})).toString('latin1')).toBe(
      'plain\r\n\xc3\xa9\r\n\xe6\x97\xa5\r\n\xff\r\n',
    );
  });
});

describe('rights (RFC 3659 7.5.5)', () => {
  test('the perm fact says what the rights allow', () => {
    const all: Right[] = ['read', 'write', 'delete', 'list'];
    expect(all.map((right) => permOf('file', [right]))).toEqual(['r', 'afw', 'd', '']);
    expect(all.map((right) => permOf('directory', [right]))).toEqual(['e', 'cefm', 'dep', 'el']);
    expect([permOf('file', all), permOf('directory', all)]).toEqual(['adfrw', 'cdeflmp']);
    expect([permOf('link', all), permOf('other', all)]).toEqual(['df', 'df']);
  });

  test('entries without any right do not show, unless they lead to one that has', async () => {
    const storage = memoryStorage();
    for (const name of ['secret', 'way', 'open', 'rest']) await storage.mkdir(`/${name}`);
    const rules = [
      { path: '/', rights: [] },
      { path: '/home', rights: ['read', 'list'] as Right[] },
      { path: '/home/secret', rights: [] },
      { path: '/home/way', rights: [] },
      { path: '/home/way/deep/in', rights: ['read'] as Right[] },
      { path: '/home/open', rights: ['read', 'write'] as Right[] },
    ];
    const order = { format: 'mlsd', facts: ['perm'], shown: '/home', rules } as const;
    expect(await lines(storage, order)).toEqual(['Perm=e; way', 'Perm=cefm; open', 'Perm=el; rest']);
    expect(await lines(storage, { ...order, shown: '/other' })).toEqual([]);
    expect(await lines(storage, { ...order, shown: '/' })).toEqual([]);
  });
});

describe('the opener', () => {
  test('contents and uploads; what is neither is refused', async () => {
    const storage = await filled();
    const opener = openerOf(storage);
    const upload = { what: 'upload', storage: SPEC, path: '/new', how: STOR } as const;
    const content = { what: 'content', storage: SPEC, path: '/a', range: { start: 1 } } as const;
    await opener.admit(upload);
    const sink = await opener.sink(upload);
    await sink.write(Buffer.from('new'));
    await sink.commit();
    expect((await storage.stat('/new')).size).toBe(3);
    const source = await opener.source(content);
    const buffer = Buffer.alloc(10);
    expect(buffer.toString('latin1', 0, await source.read(buffer))).toBe('ello');
    expect(await codeOf(async () => opener.source(upload))).toBe('unsupported');
    for (const file of [content, ORDER]) {
      expect(await codeOf(async () => opener.sink(file))).toBe('unsupported');
      expect(await codeOf(async () => opener.admit(file))).toBe('unsupported');
    }
  });

  test('a listing that is given up ends the reading of its directory', async () => {
    let ended = false;
    async function* entries(): AsyncGenerator<readonly FileFacts[]> {
      try {
        for (let i = 0; ; i += 1) yield [{ name: `f${i}`, type: 'file', size: 0, modify: 0 }];
      } finally {
        ended = true;
      }
    }
    const source = new ListingSource(ORDER, entries(), '/');
    const count = await source.read(Buffer.alloc(100));
    expect(count).toBe(100);
    await source.close();
    expect(ended).toBe(true);
    expect(await source.read(Buffer.alloc(0))).toBe(0);
  });
});
