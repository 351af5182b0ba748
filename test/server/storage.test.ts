import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { type DiskOptions, DiskStorage } from '../../src/server/storage/disk.js';
import { memoryStorage } from '../../src/server/storage/memory.js';
import { openStorage } from '../../src/server/storage/open.js';
import { type Made, storageContract } from './storage-contract.js';
import { codeOf, feed, get, put, STOR } from './storage-help.js';

async function disk(options: DiskOptions): Promise<Made> {
  const root = await mkdtemp(join(tmpdir(), 'jackstay-disk-'));
  return {
    storage: new DiskStorage(root, options),
    remove: async () => {
      // Every upload has ended: no temporary may be left.
      const left = (await readdir(root, { recursive: true })).filter((name) =>
        name.includes('.jackstay-in.'),
      );
      await rm(root, { recursive: true });
      expect(left).toEqual([]);
    },
  };
}

storageContract('disk, links followed inside', () => disk({ links: 'inside' }));
storageContract('disk, links never followed', () => disk({ links: 'never' }));
storageContract('disk, as on systems without /proc/self/fd', () => disk({ pinned: false }));
storageContract('disk, slow: the thread pool reads and writes', () => disk({ patience: -1 }));
storageContract('memory', async () => ({ storage: memoryStorage(), remove: () => {} }));

describe('memory storage', () => {
  test('octets are bounded, and come back when files go', async () => {
    const storage = memoryStorage({ bytes: 10 });
    await put(storage, '/a', '12345');
    const sink = await storage.write('/b', STOR);
    expect(await codeOf(feed(sink, '123456'))).toBe('no-space');
    expect(await sink.abandon()).toBe('part');
    expect(await storage.available?.('/')).toBe(0);
    await storage.remove('/b');
    expect(await storage.available?.('/')).toBe(5);
    await put(storage, '/a', '12345');
    expect(await storage.available?.('/')).toBe(5);
    const writing = await storage.write('/a', { ...STOR, mode: 'append' });
    await storage.remove('/a');
    await feed(writing, '1');
    expect(await storage.available?.('/')).toBe(4);
    await writing.commit();
    expect(await storage.available?.('/')).toBe(10);
  });

  test('entries are bounded', async () => {
    const storage = memoryStorage({ entries: 2 });
    await storage.mkdir('/a');
    await put(storage, '/b', '');
    expect(await codeOf(storage.mkdir('/c'))).toBe('no-space');
    expect(await codeOf(storage.write('/c', STOR))).toBe('no-space');
    await storage.rmdir('/a');
    await storage.mkdir('/c');
  });
});

describe('openStorage', () => {
  test('an object is found by its number, and only where it is', async () => {
    const storage = memoryStorage();
    expect(openStorage({ kind: 'object', id: 3 }, new Map([[3, storage]]))).toBe(storage);
    expect(await codeOf(() => openStorage({ kind: 'object', id: 3 }))).toBe('unsupported');
  });

  test('a root that is missing, or no directory, is told at the first call', async () => {
    const made = await disk({});
    await put(made.storage, '/file', 'x');
    expect(await get(made.storage, '/file')).toBe('x');
    const at = (root: string) => openStorage({ kind: 'disk', root, links: 'inside' });
    expect(await codeOf(at('/nonexistent/jackstay').stat('/'))).toBe('io');
    expect(await codeOf(at('/dev/null').stat('/'))).toBe('not-directory');
    await made.remove();
  });
});
