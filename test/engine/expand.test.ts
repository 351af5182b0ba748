import { describe, expect, test } from 'vitest';
import { type DirectoryTask, type Expansion, expand } from '../../src/engine/expand.js';
import { makeFilter } from '../../src/engine/filter.js';
import { partialName } from '../../src/engine/partial.js';
import type { Settings } from '../../src/engine/run.js';
import type { Entry } from '../../src/protocol/entry.js';
import { directory, file, MemoryLane, MemoryTree, memoryRun } from './memory-tree.js';

const NOON = Date.UTC(2024, 0, 31, 12);
const TASK: DirectoryTask = { relative: '', source: '/src', target: '/dst', exists: true, depth: 0 };

interface Look extends Expansion {
  source: MemoryTree;
  target: MemoryTree;
}

async function look(
  here: Entry[],
  there: Entry[],
  settings: Partial<Settings> = {},
  task: Partial<DirectoryTask> = {},
): Promise<Look> {
  const source = new MemoryTree().add('/src', ...here);
  const target = new MemoryTree().add('/dst', ...there);
  const { run } = memoryRun({ settings });
  const found = await expand(run, new MemoryLane(0, { source, destination: target }), { ...TASK, ...task });
  return { ...found, source, target };
}

const names = (items: readonly { relative: string }[]): string[] => items.map(({ relative }) => relative);

describe('what a directory becomes', () => {
  test('files, directories, and what is at the target only', async () => {
    const found = await look(
      [file('new'), file('same'), file('changed', 10), directory('d'), directory('e')],
      [file('same'), file('changed', 20), directory('d'), file('gone'), directory('old')],
    );
    expect(names(found.files)).toEqual(['new', 'changed']);
    expect(found.files[0]).toMatchObject({
      source: '/src/new',
      target: '/dst/new',
      size: 10,
      existing: undefined,
    });
    expect(found.files[1]?.existing).toMatchObject({ size: 20 });
    expect(found.directories).toEqual([
      { relative: 'd', source: '/src/d', target: '/dst/d', exists: true, depth: 1 },
      { relative: 'e', source: '/src/e', target: '/dst/e', exists: false, depth: 1 },
    ]);
    expect(found.skipped).toEqual([{ path: 'same', reason: 'same' }]);
    expect(found.extra).toEqual([
      { path: '/dst/gone', relative: 'gone', directory: false },
      { path: '/dst/old', relative: 'old', directory: true },
    ]);
    expect(found.failed).toEqual([]);
  });

  test('a target that is not there is made, not listed; a dry run makes nothing', async () => {
    const made = await look([file('a')], [], {}, { exists: false, target: '/dst/new' });
    expect(made.made).toBe(true);
    expect(made.target.log).toEqual(['make /dst/new']);
    const dry = await look([file('a')], [], { dryRun: true }, { exists: false, target: '/dst/new' });
    expect(dry.made).toBe(true);
    expect(dry.target.log).toEqual([]);
    expect(names(dry.files)).toEqual(['a']);
  });

  test('a source that cannot be listed is an error: nothing is taken for extra', async () => {
    const { run } = memoryRun();
    const lane = new MemoryLane(0, {
      source: new MemoryTree(),
      destination: new MemoryTree().add('/dst', file('x')),
    });
    await expect(expand(run, lane, TASK)).rejects.toMatchObject({ kind: 'refused' });
  });

  test('links and special files are told, not followed', async () => {
    const found = await look(
      [
        { name: 'l', type: 'link', target: '/etc' },
        { name: 'p', type: 'special' },
      ],
      [],
    );
    expect(found.skipped).toEqual([
      { path: 'l', reason: 'link' },
      { path: 'p', reason: 'special' },
    ]);
    expect(found.files).toEqual([]);
  });

  test('filters see the path from the source; what is filtered is never extra', async () => {
    const filter = makeFilter([], ['d/tmp', '*.bak']);
    const found = await look(
      [file('a.bak'), directory('tmp')],
      [file('a.bak'), directory('tmp')],
      { filter },
      { relative: 'd' },
    );
    expect(found.skipped.map(({ path }) => path)).toEqual(['d/a.bak', 'd/tmp']);
    expect(found.extra).toEqual([]);
  });

  test('a loop of links ends', async () => {
    await expect(look([], [], {}, { depth: 101 })).rejects.toMatchObject({ kind: 'policy' });
    expect((await look([], [], {}, { depth: 100 })).files).toEqual([]);
  });
});

describe('names chosen by strangers', () => {
  test.each(['..', '.', '', '../x', '/etc/passwd', 'a/b', 'a\r\nDELE b', 'a\0', '\x1b[2J', '\ud83d'])(
    '%j is told and not used',
    async (name) => {
      const found = await look([file(name), directory(name), file('good')], []);
      expect(names(found.files)).toEqual(['good']);
      expect(found.directories).toEqual([]);
      expect(found.failed).toHaveLength(2);
      for (const { path } of found.failed) expect(path).not.toMatch(/[\0-\x1f]/);
    },
  );

  test('a name listed twice is used once', async () => {
    const found = await look([file('a', 1), file('a', 2)], []);
    expect(found.files.map(({ size }) => size)).toEqual([1]);
    expect(found.failed).toMatchObject([{ path: 'a', message: expect.stringContaining('twice') }]);
  });

  test('a bad name at the target is never deleted', async () => {
    expect((await look([], [file('../x'), file('..')])).extra).toEqual([]);
  });
});

describe('what is in the way', () => {
  test('a file where a directory has to be', async () => {
    const found = await look([directory('x')], [file('x')]);
    expect(found.directories).toEqual([]);
    expect(found.failed).toMatchObject([
      { path: 'x', message: 'b: a file of that name is in the way of a directory' },
    ]);
  });

  test('a directory where a file has to be', async () => {
    const found = await look([file('x')], [directory('x')]);
    expect(found.files).toEqual([]);
    expect(found.failed).toMatchObject([{ path: 'x', message: 'b: a directory of that name is in the way' }]);
  });

  test('a link to a directory is a directory', async () => {
    const found = await look([directory('x')], [{ name: 'x', type: 'link', target: 'y' }]);
    expect(found.directories).toMatchObject([{ relative: 'x', exists: true }]);
  });
});

describe('temporary files of earlier runs', () => {
  const source = file('big.iso', 100, NOON);
  const own = partialName('big.iso', 100, NOON);
  const old = partialName('big.iso', 90, NOON);

  test('this version is continued, those of older versions are removed in the end', async () => {
    const found = await look([source], [file(own, 40), file(old, 90)]);
    expect(found.files).toMatchObject([{ partial: 40, stale: [old] }]);
    expect(found.extra).toEqual([]);
  });

  test('none of it is another file’s', async () => {
    const found = await look([file('big.iso2', 100, NOON)], [file(own, 40)]);
    expect(found.files).toMatchObject([{ partial: 0, stale: [] }]);
    expect(found.extra).toEqual([]);
  });

  test('at the source they are no files', async () => {
    expect((await look([file(own, 40)], [])).skipped).toEqual([{ path: own, reason: 'filtered' }]);
  });

  test('a very long name is found again, and does not touch its neighbour', async () => {
    const [one, two] = [`${'x'.repeat(240)}1`, `${'x'.repeat(240)}2`];
    const [mine, other] = [partialName(one, 100, NOON), partialName(two, 100, NOON)];
    const found = await look([file(one, 100, NOON), file(two, 100, NOON)], [file(mine, 40), file(other, 50)]);
    expect(found.files).toMatchObject([
      { partial: 40, stale: [] },
      { partial: 50, stale: [] },
    ]);
  });
});

describe('times of listings', () => {
  const coarse = (name: string, size: number, modified: number): Entry => ({
    ...file(name, size, modified),
    modifiedPrecision: 'minute',
  });

  test('where the minute cannot tell, MDTM is asked on the side that needs it', async () => {
    const source = new MemoryTree().add('/src', coarse('a', 10, NOON), file('b', 10, NOON));
    const target = new MemoryTree().add('/dst', coarse('a', 10, NOON), coarse('b', 20, NOON));
    source.times.set('/src/a', NOON + 30_000);
    target.times.set('/dst/a', NOON + 20_000);
    const { run } = memoryRun();
    const found = await expand(run, new MemoryLane(0, { source, destination: target }), TASK);
    expect([...source.log, ...target.log].filter((line) => line.startsWith('modified'))).toEqual([
      'modified /src/a',
      'modified /dst/a',
    ]);
    expect(names(found.files)).toEqual(['a', 'b']);
    expect(found.files[0]?.modified).toBe(NOON + 30_000);
  });

  test('a server without MDTM: the listing has to do', async () => {
    const found = await look([coarse('a', 10, NOON + 30_000)], [coarse('a', 10, NOON)]);
    expect(found.skipped).toEqual([{ path: 'a', reason: 'same' }]);
  });
});
