/** The same random work on memory and on disks gives the same results, step by step. */
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { DiskStorage } from '../../src/server/storage/disk.js';
import { memoryStorage } from '../../src/server/storage/memory.js';
import type { Sink, Storage, WriteHow } from '../../src/server/storage/types.js';
import { codeOf, feed, get } from './storage-help.js';

interface Sides {
  storages: Storage[];
  /** Uploads under way: the same of each storage. */
  sinks: Sink[][];
}

type Step = { text: string; run: (storage: Storage, sinks: Sink[]) => Promise<unknown> };

// Few paths, so that steps meet.
const path = fc.constantFrom('/a', '/b', '/é', '/a', '/b', '/a/\udcff', '/a/b', '/b/a', '/a/b/é', '/');
const how: fc.Arbitrary<WriteHow> = fc.record({
  mode: fc.constantFrom('replace', 'replace', 'resume', 'append', 'unique'),
  offset: fc.nat(8),
  temporary: fc.constantFrom('never', 'replacing', 'always'),
  fileMode: fc.constant(0o644),
});
const text = fc.string({ maxLength: 12 }).map((value) => value.replace(/[^ -~]/g, '?'));
const which = fc.nat(1);

async function outcome(work: () => Promise<unknown>): Promise<unknown> {
  let value: unknown;
  const code = await codeOf(async () => {
    value = await work();
  });
  return code === 'done' ? { value } : code;
}

async function tree(storage: Storage, at = '/'): Promise<string[]> {
  const found: string[] = [];
  for await (const batch of storage.list(at)) {
    for (const { name, type, size, mode } of batch) {
      const full = at === '/' ? `/${name}` : `${at}/${name}`;
      if (type === 'directory') found.push(`${full}/`, ...(await tree(storage, full)));
      else found.push(`${full} ${size} ${mode} ${await get(storage, full)}`);
    }
  }
  return found.sort();
}

const paths = (title: string, run: (storage: Storage, path: string) => Promise<unknown>) =>
  path.map((where): Step => ({ text: `${title} ${where}`, run: (storage) => run(storage, where) }));

const writing = fc.tuple(path, how).map(
  ([where, options]): Step => ({
    text: `write ${where} ${JSON.stringify(options)}`,
    run: async (storage, sinks) => void sinks.push(await storage.write(where, options)),
  }),
);
const feeding = fc.tuple(which, text).map(
  ([index, octets]): Step => ({
    text: `feed ${index} ${octets}`,
    run: async (_, sinks) => sinks[index] && feed(sinks[index], octets),
  }),
);

const step: fc.Arbitrary<Step> = fc.oneof(
  writing,
  writing,
  feeding,
  feeding,
  paths('mkdir', (storage, where) => storage.mkdir(where)),
  paths('rmdir', (storage, where) => storage.rmdir(where)),
  paths('remove', (storage, where) => storage.remove(where)),
  paths('stat', async (storage, where) => {
    const { name, type, size, mode } = await storage.stat(where);
    return type === 'file' ? { name, type, size, mode } : { name, type, size };
  }),
  fc
    .tuple(path, path)
    .map(
      ([from, to]): Step => ({ text: `rename ${from} ${to}`, run: (storage) => storage.rename(from, to) }),
    ),
  fc.tuple(path, fc.nat(10), fc.nat(10)).map(
    ([where, start, end]): Step => ({
      text: `read ${where} ${start} ${end}`,
      run: (storage) => get(storage, where, { start, end }),
    }),
  ),
  which.map(
    (index): Step => ({
      text: `commit ${index}`,
      run: async (_, sinks) => sinks.splice(index, 1)[0]?.commit(),
    }),
  ),
  which.map(
    (index): Step => ({
      text: `abandon ${index}`,
      run: async (_, sinks) => sinks.splice(index, 1)[0]?.abandon(),
    }),
  ),
);

test('memory and disk agree on 100 random histories', async () => {
  const base = mkdtempSync(join(tmpdir(), 'jackstay-model-'));
  let run = 0;
  const make = (): Sides => {
    run += 1;
    const root = () => mkdtempSync(join(base, `${run}-`));
    const storages = [
      memoryStorage(),
      new DiskStorage(root()),
      new DiskStorage(root(), { links: 'never', patience: -1 }),
    ];
    return { storages, sinks: storages.map(() => []) };
  };
  try {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 10, maxLength: 60, size: 'max' }), async (steps) => {
        const { storages, sinks } = make();
        const history: string[] = [];
        for (const { text, run } of steps) {
          const results = [];
          for (const [i, storage] of storages.entries())
            results.push(await outcome(() => run(storage, sinks[i]!)));
          history.push(`${text} = ${JSON.stringify(results[0])}`);
          for (const result of results) expect({ history, result }).toEqual({ history, result: results[0] });
        }
        const trees = await Promise.all(storages.map((storage) => tree(storage)));
        for (const found of trees) expect({ history, found }).toEqual({ history, found: trees[0] });
        for (const open of sinks) for (const sink of open) await outcome(async () => sink.abandon());
        const usage = await Promise.all(storages.map((storage) => storage.usage?.('/')));
        for (const found of usage) expect({ history, found }).toEqual({ history, found: usage[0] });
      }),
      { numRuns: 100 },
    );
    const left = readdirSync(base, { recursive: true, encoding: 'utf8' });
    expect(left.filter((name) => name.includes('.jackstay-in.'))).toEqual([]);
  } finally {
    rmSync(base, { recursive: true });
  }
});
