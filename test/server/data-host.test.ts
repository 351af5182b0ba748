/** The data host: threads with planes and storages, seen from the control side. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Worker } from 'node:worker_threads';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startDataHost } from '../../src/server/data/host.js';
import type { DataHost, FileOrder } from '../../src/server/data/types.js';
import type { PeerOrder } from '../../src/server/policy.js';
import { memoryStorage } from '../../src/server/storage/memory.js';
import { FileError, type StorageSpec } from '../../src/server/storage/types.js';

const LOCAL = '127.0.0.1';
const peer: PeerOrder = {
  control: LOCAL,
  policy: { mode: 'off', peers: [], direction: 'both', requireTls: true, minPort: 1024, deny: [] },
  protected: false,
  pinned: false,
};
const TIMEOUTS = { connect: 5000, handshake: 5000, stall: 5000 };

let folder: string;
let spec: StorageSpec;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'data-host-'));
  spec = { kind: 'disk', root: folder, links: 'inside' };
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

async function download(
  host: DataHost,
  storage: StorageSpec,
  path: string,
  more: { where?: 'here'; small?: boolean } = {},
): Promise<Buffer> {
  const order = { host: LOCAL, peer, lifetime: 5000, ...more };
  const endpoint = await host.plane.passive(order, () => {});
  const file: FileOrder = { what: 'content', storage, path, range: { start: 0 } };
  const transfer = endpoint.transfer(
    { direction: 'send', file, peer, type: 'I', rate: 0, timeouts: TIMEOUTS },
    { onOpen: () => {}, onMore: () => {} },
  );
  const parts: Buffer[] = [];
  for await (const part of net.connect(endpoint.port, LOCAL)) parts.push(part as Buffer);
  const { failure } = await transfer.finished;
  expect(failure).toBeUndefined();
  return Buffer.concat(parts);
}

describe.each([0, 2])('with %i threads', (threads) => {
  let host: DataHost;
  const memory = memoryStorage();
  const object: StorageSpec = { kind: 'object', id: 7 };
  beforeAll(async () => {
    host = await startDataHost({ threads, objects: new Map([[7, memory]]) });
  });
  afterAll(() => host.close());

  test('a file of the disk goes through a data connection', async () => {
    writeFileSync(join(folder, 'a'), 'octets of the disk');
    expect((await download(host, spec, '/a')).toString()).toBe('octets of the disk');
  });

  test('what is thought to be small and is not arrives whole too', async () => {
    const content = Buffer.alloc(3_000_000, 'not small');
    writeFileSync(join(folder, 'not-small'), content);
    const fetched = Array.from({ length: 4 }, () => download(host, spec, '/not-small', { small: true }));
    for (const one of await Promise.all(fetched)) expect(one.equals(content)).toBe(true);
  });

  test('a file of an object goes through the plane of this thread', async () => {
    const sink = await memory.write('/m', { mode: 'replace', offset: 0, temporary: 'never' });
    await sink.write(Buffer.from('octets in memory'));
    await sink.commit();
    expect((await download(host, object, '/m', { where: 'here' })).toString()).toBe('octets in memory');
  });

  test('operations answer, errors keep their code', async () => {
    const storage = host.storage(spec);
    const name = `sub${threads}`;
    await storage.mkdir(`/${name}`);
    expect(await storage.stat(`/${name}`)).toMatchObject({ name, type: 'directory' });
    writeFileSync(join(folder, name, 'f'), 'abc');
    expect(await storage.digest?.(`/${name}/f`, 'MD5', { start: 0 })).toBe(
      '900150983cd24fb0d6963f7d28e17f72',
    );
    const error = await storage.rmdir(`/${name}`).catch((cause: unknown) => cause);
    expect(error).toBeInstanceOf(FileError);
    expect(error).toMatchObject({ code: 'not-empty' });
    await storage.rename(`/${name}/f`, '/g');
    expect(readFileSync(join(folder, 'g'), 'latin1')).toBe('abc');
  });

  test('a listing comes in batches and may be left early', async () => {
    mkdirSync(join(folder, `many${threads}`));
    for (let i = 0; i < 1500; i++) writeFileSync(join(folder, `many${threads}`, `n${i}`), '');
    const storage = host.storage(spec);
    const names = new Set<string>();
    for await (const batch of storage.list(`/many${threads}`)) for (const { name } of batch) names.add(name);
    expect(names.size).toBe(1500);
    for await (const batch of storage.list(`/many${threads}`)) {
      expect(batch.length).toBeGreaterThan(0);
      break;
    }
    expect(await storage.stat('/')).toMatchObject({ type: 'directory' });
  });

  test('a digest can be given up', async () => {
    writeFileSync(join(folder, 'big'), Buffer.alloc(64 * 1024 * 1024));
    const abort = new AbortController();
    const digest = host.storage(spec).digest?.('/big', 'SHA-512', { start: 0 }, abort.signal);
    abort.abort();
    await expect(digest).rejects.toMatchObject({ code: 'busy' });
  });
});

describe('a thread that dies', () => {
  test('fails what ran in it, is told and replaced', async () => {
    const workers: Worker[] = [];
    const onWorker = (worker: Worker): void => void workers.push(worker);
    process.on('worker', onWorker);
    const faults: string[] = [];
    const host = await startDataHost({ threads: 1, onError: (message) => faults.push(message) });
    try {
      const endpoint = await host.plane.passive({ host: LOCAL, peer, lifetime: 5000 }, () => {});
      writeFileSync(join(folder, 'b'), 'after the fall');
      const file: FileOrder = { what: 'content', storage: spec, path: '/b', range: { start: 0 } };
      const transfer = endpoint.transfer(
        { direction: 'send', file, peer, type: 'I', rate: 0, timeouts: TIMEOUTS },
        { onOpen: () => {}, onMore: () => {} },
      );
      const digest = host.storage(spec).digest?.('/b', 'MD5', { start: 0 });
      await workers[0]!.terminate();
      expect(await transfer.finished).toMatchObject({ failure: { stage: 'transfer', code: 'THREAD' } });
      await digest?.catch((error: unknown) => expect(error).toMatchObject({ code: 'io' }));
      expect(faults).toEqual(['a data thread died and was replaced']);
      expect((await download(host, spec, '/b')).toString()).toBe('after the fall');
      expect(await host.storage(spec).stat('/b')).toMatchObject({ size: 14 });
    } finally {
      process.removeListener('worker', onWorker);
      await host.close();
    }
  });
});
