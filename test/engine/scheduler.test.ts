import fc from 'fast-check';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import type { EngineEvent } from '../../src/engine/events.js';
import type { FileJob, Sent } from '../../src/engine/job.js';
import type { Run } from '../../src/engine/run.js';
import { Scheduler } from '../../src/engine/scheduler.js';
import { Tally } from '../../src/engine/tally.js';
import { FtpError } from '../../src/protocol/errors.js';
import { file, fill, MemoryLane, MemoryTree, memoryRun, type RunOptions } from './memory-tree.js';

const ROOT = { relative: '', source: '/src', target: '/dst', exists: false, depth: 0 };

const arrived = (bytes: number): Sent => ({
  finish: async () => ({ bytes, route: { kind: 'fxp' }, security: 'encrypted', proof: 'size' }),
});

interface Outcome {
  tally: Tally;
  events: EngineEvent[];
  lanes: MemoryLane[];
  scheduler: Scheduler;
  error: unknown;
}

async function work(
  source: MemoryTree,
  options: RunOptions & { refusals?: FtpError[] } = {},
): Promise<Outcome> {
  const target = new MemoryTree();
  const { run, events } = memoryRun(options);
  const tally = new Tally(run.emit);
  const lanes: MemoryLane[] = [];
  const scheduler = new Scheduler(run, tally, (slot) => {
    const lane = new MemoryLane(slot, { source, destination: target }, options.refusals);
    lanes.push(lane);
    return lane;
  });
  scheduler.addDirectory(ROOT);
  let error: unknown;
  await scheduler.done().catch((reason: unknown) => {
    error = reason;
  });
  return { tally, events, lanes, scheduler, error };
}

const pathsOf = (
  events: readonly EngineEvent[],
  kind: 'file-done' | 'file-failed' | 'file-start' | 'retry',
): string[] => events.flatMap((event) => (event.event === kind ? [event.path] : [])).toSorted();

/** Let other work go on for some turns. */
async function turns(count: number): Promise<void> {
  for (let i = 0; i < count; i++) await new Promise((resolve) => setImmediate(resolve));
}

describe('a tree', () => {
  test('every file of every directory once, never more at once than asked for', async () => {
    const source = new MemoryTree();
    const paths = fill(source, '/src', 3, 3);
    let running = 0;
    let most = 0;
    const send: Run['send'] = async (_run, lane, job) => {
      running += 1;
      most = Math.max(most, running);
      await turns(lane.slot);
      running -= 1;
      return arrived(job.size ?? 0);
    };
    const { tally, events, lanes } = await work(source, { send });
    expect(pathsOf(events, 'file-done')).toEqual(paths.toSorted());
    expect(most).toBe(3);
    expect(lanes.map(({ slot, released }) => [slot, released]).toSorted()).toEqual([
      // Nine directories wait below the first one: a lane of its own lists them.
      [-1, true],
      [0, true],
      [1, true],
      [2, true],
    ]);
    expect(tally.summary(0)).toMatchObject({
      files: 120,
      failed: 0,
      bytes: 1200,
      directories: 40,
      verified: { size: 120 },
    });
  });

  test('every directory is listed once at the source', async () => {
    const source = new MemoryTree();
    fill(source, '/src', 2, 3);
    await work(source, { send: async () => arrived(10) });
    expect(source.log).toHaveLength(15);
    expect(new Set(source.log).size).toBe(15);
  });

  test('a dry run sends nothing', async () => {
    const source = new MemoryTree();
    const paths = fill(source, '/src', 2, 1);
    const { tally, events } = await work(source, { settings: { dryRun: true } });
    expect(pathsOf(events, 'file-start')).toEqual(paths.toSorted());
    expect(tally.summary(0)).toMatchObject({
      files: 6,
      bytes: 60,
      failed: 0,
      verified: { digest: 0, size: 0, none: 0 },
    });
  });

  test('no more lanes than work', async () => {
    const source = new MemoryTree();
    fill(source, '/src', 1, 0);
    const { lanes } = await work(source, { settings: { parallel: 8 }, send: async () => arrived(10) });
    expect(lanes).toHaveLength(1);
  });

  test('an empty directory is made, and that is all', async () => {
    const { tally, events } = await work(new MemoryTree().add('/src'));
    expect(tally.summary(0)).toMatchObject({ files: 0, failed: 0, directories: 1 });
    expect(events.filter(({ event }) => event === 'scan').at(-1)).toMatchObject({ done: true });
  });
});

describe('failures', () => {
  const one = (): MemoryTree => {
    const source = new MemoryTree();
    fill(source, '/src', 1, 0);
    return source;
  };
  const later = new FtpError('closed', 'gone', { retry: 'later' });
  const never = new FtpError('refused', '550 no', { retry: 'never' });

  test('what may pass is tried again, as often as allowed', async () => {
    let tries = 0;
    const send: Run['send'] = async () => {
      tries += 1;
      if (tries < 3) throw later;
      return arrived(10);
    };
    const { events } = await work(one(), { send });
    expect(pathsOf(events, 'retry')).toEqual(['f0', 'f0']);
    expect(events.find(({ event }) => event === 'file-done')).toMatchObject({ attempts: 3 });
  });

  test('after the last try it is a failure, told once', async () => {
    const { tally, events } = await work(one(), {
      send: () => Promise.reject(later),
      settings: { maxAttempts: 2 },
    });
    expect(events.filter(({ event }) => event === 'file-failed')).toMatchObject([
      { path: 'f0', attempts: 2, message: 'gone' },
    ]);
    expect(tally.failures).toBe(1);
  });

  test('what cannot pass is not tried again', async () => {
    const { events } = await work(one(), { send: () => Promise.reject(never) });
    expect(pathsOf(events, 'retry')).toEqual([]);
    expect(pathsOf(events, 'file-failed')).toEqual(['f0']);
  });

  test('a file that arrived and is found wrong is tried again like any other', async () => {
    let tries = 0;
    const send: Run['send'] = async () => {
      tries += 1;
      const fails = tries === 1;
      return fails ? { finish: () => Promise.reject(later) } : arrived(10);
    };
    const { events } = await work(one(), { send });
    expect(pathsOf(events, 'file-done')).toEqual(['f0']);
    expect(pathsOf(events, 'file-start')).toEqual(['f0', 'f0']);
  });

  test('a directory that cannot be listed fails alone', async () => {
    const source = new MemoryTree();
    fill(source, '/src', 2, 1);
    source.directories.delete('/src/d0');
    const { tally, events } = await work(source, { send: async () => arrived(10) });
    expect(pathsOf(events, 'file-failed')).toEqual(['d0/']);
    expect(tally.summary(0)).toMatchObject({ files: 4, failed: 1 });
  });

  test('no route: nothing more is tried, what is left is counted', async () => {
    const source = new MemoryTree();
    fill(source, '/src', 3, 1);
    const cause = new FtpError('no-route', 'no way', { retry: 'never' });
    const { tally, scheduler, lanes } = await work(source, { send: () => Promise.reject(cause) });
    expect(scheduler.fatal).toBe(cause);
    expect(tally.files).toBe(0);
    expect(tally.failures).toBeGreaterThan(0);
    expect(lanes.every(({ released }) => released)).toBe(true);
  });

  test('a login that is refused ends the run', async () => {
    const refused = new FtpError('login', '530 no', { retry: 'never' });
    const { scheduler, tally } = await work(one(), { refusals: [refused] });
    expect(scheduler.fatal).toBe(refused);
    expect(tally.files).toBe(0);
  });
});

describe('stopped by the caller', () => {
  test('files under way are interrupted, the run ends as aborted, lanes are given back', async () => {
    const source = new MemoryTree();
    fill(source, '/src', 3, 2);
    const stop = new AbortController();
    let count = 0;
    const send: Run['send'] = async (run) => {
      count += 1;
      if (count === 5) stop.abort();
      await turns(3);
      if (run.signal.aborted) throw new FtpError('aborted', 'stopped by the caller');
      return arrived(10);
    };
    const { error, tally, lanes } = await work(source, { send, signal: stop.signal });
    expect(error).toMatchObject({ kind: 'aborted' });
    expect(tally.interruptedFiles.length).toBeGreaterThan(0);
    expect(count).toBeLessThan(39);
    expect(lanes.every(({ released }) => released)).toBe(true);
  });
});

test('whatever happens to the files, each is told once and every lane comes back', async () => {
  type Fate = 'fine' | 'never' | 'wrong';
  const fates = fc.array(fc.constantFrom<Fate>('fine', 'never', 'wrong'), { minLength: 1, maxLength: 20 });
  await fc.assert(
    fc.asyncProperty(
      fates,
      fc.integer({ min: 1, max: 4 }),
      fc.integer({ min: 1, max: 2 }),
      async (fate, parallel, depth) => {
        const source = new MemoryTree();
        const paths = fill(source, '/src', 2, depth);
        const fateOf = (job: FileJob): Fate => fate[paths.indexOf(job.relative) % fate.length]!;
        const broken = new FtpError('verify', 'broken', { retry: 'never' });
        const send: Run['send'] = async (_run, _lane, job) => {
          await turns(paths.indexOf(job.relative) % 3);
          if (fateOf(job) === 'never') throw broken;
          return fateOf(job) === 'wrong' ? { finish: () => Promise.reject(broken) } : arrived(10);
        };
        const { events, lanes, error, tally } = await work(source, { send, settings: { parallel } });
        expect(error).toBeUndefined();
        const told = [...pathsOf(events, 'file-done'), ...pathsOf(events, 'file-failed')];
        expect(told.toSorted()).toEqual(paths.toSorted());
        expect(tally.files + tally.failures).toBe(paths.length);
        expect(lanes.length).toBeLessThanOrEqual(parallel);
        expect(lanes.every(({ released }) => released)).toBe(true);
      },
    ),
    { numRuns: 60 },
  );
});

describe('how many lanes', () => {
  test('a lane that gets no sessions leaves its work to the others', async () => {
    const source = new MemoryTree();
    const paths = fill(source, '/src', 2, 2);
    const full = (): FtpError => new FtpError('refused', '421 too many', { retry: 'later' });
    const target = new MemoryTree();
    const { run, events } = memoryRun({ settings: { parallel: 4 }, send: async () => arrived(10) });
    const lanes: MemoryLane[] = [];
    const scheduler = new Scheduler(run, new Tally(run.emit), (slot) => {
      const lane = new MemoryLane(slot, { source, destination: target }, slot === 0 ? [] : [full()]);
      lanes.push(lane);
      return lane;
    });
    scheduler.addDirectory(ROOT);
    await scheduler.done();
    expect(pathsOf(events, 'file-done')).toEqual(paths.toSorted());
    expect(lanes.length).toBeGreaterThan(1);
    expect(lanes.every(({ released }) => released)).toBe(true);
  });

  test('big files leave a lane to the small ones', async () => {
    const source = new MemoryTree();
    const six = [1, 2, 3, 4, 5, 6];
    const big6 = six.map((n) => file(`big${n}`, 32 * 1024 * 1024));
    source.add('/src', ...big6, ...six.map((n) => file(`small${n}`)));
    let big = 0;
    let small = 6;
    const send: Run['send'] = async (_run, _lane, job) => {
      const weight = job.relative.startsWith('big') ? 1 : 0;
      big += weight;
      if (small > 0) expect(big).toBeLessThan(3);
      await turns(weight === 1 ? 200 : 1);
      big -= weight;
      small -= 1 - weight;
      return arrived(job.size ?? 0);
    };
    const { tally } = await work(source, { settings: { parallel: 3 }, send });
    expect(tally.summary(0)).toMatchObject({ files: 12, failed: 0 });
  });

  test('more lanes while that gives more, told with the reason', async () => {
    const source = new MemoryTree();
    source.add('/src', ...Array.from({ length: 1_200 }, (_, n) => file(`f${n}`)));
    const clock = vi.spyOn(Date, 'now');
    let now = 1_700_000_000_000;
    clock.mockImplementation(() => now);
    onTestFinished(() => clock.mockRestore());
    let running = 0;
    let most = 0;
    const send: Run['send'] = async (_run, _lane, job) => {
      running += 1;
      most = Math.max(most, running);
      await turns(2);
      // The time of a file is shared by those under way.
      now += 50 / running;
      running -= 1;
      return arrived(job.size ?? 0);
    };
    const { events, tally } = await work(source, { settings: { parallel: 2, mostParallel: 6 }, send });
    expect(tally.summary(0)).toMatchObject({ files: 1_200, failed: 0 });
    const told = events.filter((event) => event.event === 'parallel');
    expect(told.map(({ sessions }) => sessions)).toEqual([3, 4, 6]);
    expect(told[0]?.reason).toMatch(/^\d+ files\/s with 2: more is tried$/);
    expect(most).toBe(6);
  });
});
