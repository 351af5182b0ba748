/** Somebody with an account on this machine swaps directories and files for links while the server works (threat 22). */
import {
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { DiskStorage } from '../../src/server/storage/disk.js';
import type { Storage, WriteHow } from '../../src/server/storage/types.js';
import { codeOf, get, names, put, STOR } from './storage-help.js';

/** Swaps `a` and `b` until it is told to stop; ends with both where they were. */
const SWAPPER = `
  const { renameSync } = require('node:fs');
  const { parentPort, workerData } = require('node:worker_threads');
  const { pairs, stop } = workerData;
  const flag = new Int32Array(stop);
  const swap = (a, b) => { renameSync(a, a + '~'); renameSync(b, a); renameSync(a + '~', b); };
  parentPort.postMessage('going');
  let odd = false;
  while (Atomics.load(flag, 0) === 0 || odd) {
    for (const [a, b] of pairs) swap(a, b);
    odd = !odd;
  }
`;

let base: string;
let root: string;
let worker: Worker;
const stop = new Int32Array(new SharedArrayBuffer(4));

beforeEach(async () => {
  base = mkdtempSync(join(tmpdir(), 'jackstay-race-'));
  root = join(base, 'root');
  for (const folder of ['root', 'root/dir', 'out', 'out/sub']) mkdirSync(join(base, folder));
  for (const [file, text] of [
    ['root/dir/f', 'inside'],
    ['root/file', 'inside'],
    ['out/f', 'OUTSIDE'],
    ['out/secret', 'OUTSIDE'],
    ['out/sub/x', 'OUTSIDE'],
  ] as const)
    writeFileSync(join(base, file), text);
  symlinkSync('../out', join(root, 'link'));
  symlinkSync('../out/secret', join(root, 'filelink'));
  Atomics.store(stop, 0, 0);
  const pairs = [
    [join(root, 'dir'), join(root, 'link')],
    [join(root, 'file'), join(root, 'filelink')],
  ];
  worker = new Worker(SWAPPER, { eval: true, workerData: { pairs, stop: stop.buffer } });
  await new Promise((resolve) => worker.once('message', resolve));
});

async function halt(): Promise<void> {
  const ended = new Promise((resolve) => worker.once('exit', resolve));
  Atomics.store(stop, 0, 1);
  await ended;
}

afterEach(async () => {
  await worker.terminate();
  rmSync(base, { recursive: true });
});

const outside = () =>
  readdirSync(join(base, 'out'), { recursive: true, encoding: 'utf8' })
    .sort()
    .map((name) => {
      const path = join(base, 'out', name);
      const { mode, mtimeMs, ctimeMs, ino } = lstatSync(path);
      return { name, mode, mtimeMs, ctimeMs, ino, text: name === 'sub' ? '' : readFileSync(path, 'utf8') };
    });

/** What a program sees that opens by path: the proof that the swaps come between. */
function naive(path: string): string {
  try {
    return readFileSync(join(root, path), 'utf8');
  } catch {
    return '';
  }
}

const FEWEST = 300;
const MOST = 30_000;

/** Calls `work` until it was done and refused often, and until opening by path would have led out often. */
async function race(work: (round: number) => Promise<string>): Promise<Record<string, number>> {
  const codes: Record<string, number> = { done: 0, refused: 0, led: 0 };
  for (let round = 0; round < MOST; round += 1) {
    const code = await work(round);
    codes[code === 'done' ? 'done' : 'refused']! += 1;
    if (naive('dir/f') === 'OUTSIDE' || naive('file') === 'OUTSIDE') codes.led! += 1;
    if (round >= FEWEST && Math.min(...Object.values(codes)) >= 20) break;
  }
  expect(Math.min(...Object.values(codes))).toBeGreaterThanOrEqual(20);
  return codes;
}

const kinds: Record<string, (root: string) => Storage> = {
  'links inside': (root) => new DiskStorage(root, { links: 'inside' }),
  'links never': (root) => new DiskStorage(root, { links: 'never' }),
};

for (const [kind, make] of Object.entries(kinds)) {
  describe(kind, () => {
    test('nothing outside is ever read', async () => {
      const storage = make(root);
      await race(async (round) => {
        const path = round % 2 ? '/dir/f' : '/file';
        return codeOf(async () => expect(await get(storage, path)).toBe('inside'));
      });
      await race((round) =>
        codeOf(async () => {
          if (round % 3 === 0) expect(await names(storage, '/dir')).not.toContain('secret');
          else if (round % 3 === 1) expect(await storage.stat('/dir/secret')).toBe('never there');
          else
            expect(await storage.stat('/file')).toMatchObject({ type: expect.stringMatching(/file|link/) });
        }),
      );
      await halt();
    });

    test('nothing outside is ever changed', async () => {
      const before = outside();
      const storage = make(root);
      const hows: WriteHow[] = [
        STOR,
        { ...STOR, temporary: 'always' },
        { ...STOR, temporary: 'never' },
        { ...STOR, mode: 'append' },
        { ...STOR, mode: 'resume' },
      ];
      const works: ((round: number) => Promise<unknown> | undefined)[] = [
        (round) => put(storage, '/dir/f', 'inside', hows[round % hows.length]),
        (round) => put(storage, '/file', 'inside', hows[round % hows.length]),
        (round) => put(storage, `/dir/new${round}`, 'x', hows[round % hows.length]),
        () => storage.setTimes?.('/dir/f', { modify: 1000 }),
        () => storage.setTimes?.('/file', { modify: 1000 }),
        () => storage.chmod?.('/dir/f', 0o666),
        () => storage.chmod?.('/file', 0o666),
        () => storage.remove('/dir/secret'),
        () => storage.rename('/dir/secret', '/stolen'),
        () => storage.rename('/dir/sub', '/stolen-sub'),
        (round) => storage.mkdir(`/dir/made${round}`),
        () => storage.rmdir('/dir/sub'),
      ];
      await race((round) => codeOf(async () => works[round % works.length]!(round)));
      await halt();
      expect(outside()).toEqual(before);
      expect(readdirSync(base).sort()).toEqual(['out', 'root']);
      expect(readdirSync(root).filter((name) => name.startsWith('stolen'))).toEqual([]);
    });
  });
}
