import { describe, expect, test } from 'vitest';
import type { EngineEvent } from '../../src/engine/events.js';
import type { Sent } from '../../src/engine/job.js';
import type { Run } from '../../src/engine/run.js';
import { Scheduler } from '../../src/engine/scheduler.js';
import { Tally } from '../../src/engine/tally.js';
import type { Entry } from '../../src/protocol/entry.js';
import { FtpError } from '../../src/protocol/errors.js';
import { directory, file, MemoryLane, MemoryTree, memoryRun, type RunOptions } from './memory-tree.js';

const ROOT = { relative: '', source: '/src', target: '/dst', exists: false, depth: 0 };
const LISTING_LANE = -1;

const arrived = (bytes: number): Sent => ({
  finish: async () => ({ bytes, route: { kind: 'fxp' }, security: 'encrypted', proof: 'size' }),
});

/** Let other work go on for some turns. */
async function turns(count: number): Promise<void> {
  for (let i = 0; i < count; i++) await new Promise((resolve) => setImmediate(resolve));
}

/** A tree whose listings take some turns, as a server's do. */
class SlowTree extends MemoryTree {
  override readonly atOnce: boolean;
  /** Listings under way. */
  open = 0;
  most = 0;
  readonly #failures: Map<string, FtpError>;

  constructor({ atOnce = false, failures = [] as [string, FtpError][] } = {}) {
    super();
    this.atOnce = atOnce;
    this.#failures = new Map(failures);
  }

  override async list(path: string): Promise<Entry[]> {
    this.open += 1;
    this.most = Math.max(this.most, this.open);
    await turns(20);
    this.open -= 1;
    const failure = this.#failures.get(path);
    this.#failures.delete(path);
    if (failure) throw failure;
    return super.list(path);
  }
}

/** `count` directories below /src with `files` files each. */
function plant(tree: MemoryTree, count: number, files: number): void {
  const names = Array.from({ length: count }, (_, n) => `d${n}`);
  tree.add('/src', ...names.map(directory));
  for (const name of names)
    tree.add(`/src/${name}`, ...Array.from({ length: files }, (_, n) => file(`f${n}`)));
}

interface Worked {
  tally: Tally;
  events: EngineEvent[];
  lanes: MemoryLane[];
  error: unknown;
}

async function work(source: MemoryTree, options: RunOptions & { limit?: number } = {}): Promise<Worked> {
  const target = new MemoryTree();
  const { run, events } = memoryRun(options);
  const { limit } = options;
  if (limit !== undefined) run.sessionLimit = () => limit;
  const tally = new Tally(run.emit);
  const lanes: MemoryLane[] = [];
  const scheduler = new Scheduler(run, tally, (slot) => {
    const lane = new MemoryLane(slot, { source, destination: target });
    lanes.push(lane);
    return lane;
  });
  scheduler.addDirectory(ROOT);
  const error: unknown = await scheduler.done().catch((reason: unknown) => reason);
  return { tally, events, lanes, error };
}

const slotsOf = (lanes: readonly MemoryLane[]): number[] => [...new Set(lanes.map(({ slot }) => slot))];

describe('directories that are listed ahead', () => {
  test('lanes go on sending while a lane of its own lists', async () => {
    const source = new SlowTree();
    plant(source, 60, 20);
    let beside = 0;
    const send: Run['send'] = async (_run, _lane, job) => {
      if (source.open > 0) beside += 1;
      await turns(2);
      return arrived(job.size ?? 0);
    };
    const { tally, lanes } = await work(source, { settings: { parallel: 1 }, send });
    expect(tally.summary(0)).toMatchObject({ files: 1_200, failed: 0, directories: 61 });
    expect(slotsOf(lanes).toSorted()).toEqual([LISTING_LANE, 0]);
    // 60 listings of 20 turns, 1,200 files of 2: sent beside them, not behind them.
    expect(beside).toBeGreaterThan(300);
    expect(lanes.every(({ released }) => released)).toBe(true);
  });

  test('several at once where a listing is one command and one reply, else one at a time', async () => {
    const [many, one] = [new SlowTree({ atOnce: true }), new SlowTree()];
    for (const tree of [many, one]) plant(tree, 100, 2);
    const send: Run['send'] = async (_run, _lane, job) => {
      await turns(1);
      return arrived(job.size ?? 0);
    };
    for (const tree of [many, one]) await work(tree, { settings: { parallel: 1 }, send });
    expect(many.most).toBeGreaterThan(8);
    expect(many.most).toBeLessThanOrEqual(17);
    // The lane that lists and the lane that has nothing to send.
    expect(one.most).toBeLessThanOrEqual(2);
  });

  test('no more files wait than enough, however large the tree', async () => {
    const source = new SlowTree({ atOnce: true });
    plant(source, 400, 50);
    let most = 0;
    let sent = 0;
    const send: Run['send'] = async (_run, _lane, job) => {
      await turns(1);
      sent += 1;
      most = Math.max(most, source.log.length * 50 - sent);
      return arrived(job.size ?? 0);
    };
    const { tally } = await work(source, { settings: { parallel: 2 }, send });
    expect(tally.summary(0)).toMatchObject({ files: 20_000, failed: 0 });
    expect(most).toBeGreaterThan(2_500);
    expect(most).toBeLessThan(7_000);
  });

  test('no session for it is taken from the lanes that send, and none where one transfer at a time is wanted', async () => {
    const send: Run['send'] = async (_run, _lane, job) => arrived(job.size ?? 0);
    for (const options of [
      { limit: 2, settings: { parallel: 2 } },
      { settings: { parallel: 1, mostParallel: 1 } },
    ]) {
      const source = new SlowTree();
      plant(source, 30, 3);
      const { tally, lanes } = await work(source, { ...options, send });
      expect(tally.summary(0)).toMatchObject({ files: 90, failed: 0 });
      expect(slotsOf(lanes)).not.toContain(LISTING_LANE);
    }
  });

  test('one that failed for the moment is listed again, one that is refused fails alone', async () => {
    const failures: [string, FtpError][] = [
      ['/src/d3', new FtpError('closed', 'gone', { retry: 'later' })],
      ['/src/d7', new FtpError('refused', '550 no', { retry: 'never' })],
    ];
    const source = new SlowTree({ atOnce: true, failures });
    plant(source, 40, 2);
    const { tally, events } = await work(source, { send: async () => arrived(10) });
    expect(tally.summary(0)).toMatchObject({ files: 78, failed: 1 });
    const failed = events.flatMap((event) => (event.event === 'file-failed' ? [event.path] : []));
    expect(failed).toEqual(['d7/']);
    expect(events.filter(({ event }) => event === 'scan').at(-1)).toMatchObject({ done: true, files: 78 });
  });

  test('stopped by the caller, nothing more is listed', async () => {
    const source = new SlowTree({ atOnce: true });
    plant(source, 200, 5);
    const stop = new AbortController();
    let sent = 0;
    const send: Run['send'] = async () => {
      sent += 1;
      if (sent === 10) stop.abort();
      return arrived(10);
    };
    const { error, lanes } = await work(source, { send, signal: stop.signal });
    expect(error).toMatchObject({ kind: 'aborted' });
    expect(source.log.length).toBeLessThan(100);
    expect(lanes.every(({ released }) => released)).toBe(true);
  });
});
