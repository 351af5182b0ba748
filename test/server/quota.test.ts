import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { QuotaBook, type QuotaFiles, type UploadKind } from '../../src/server/quota.js';

const KIB = 1024;

/** A home as a disk has it: names lead to files, which go on existing for those that write to them. */
class Home implements QuotaFiles {
  readonly names = new Map<string, { size: number }>();
  walks = 0;

  /** Every answer comes some turns after it was true, as over threads. */
  constructor(private readonly late: <T>(value: T) => Promise<T>) {}

  usage() {
    this.walks += 1;
    return this.late(this.now());
  }

  size(path: string) {
    return this.late(this.names.get(path)?.size);
  }

  now() {
    return {
      bytes: [...this.names.values()].reduce((sum, { size }) => sum + size, 0),
      files: this.names.size,
    };
  }
}

const atOnce = async <T>(value: T): Promise<T> => value;

interface Plan {
  path: string;
  kind: UploadKind['mode'];
  size: number;
  chunk: number;
  /** Gives up after so many octets. */
  until: number;
  temporary: boolean;
}

/** An upload as the data plane does it: it writes what was granted, asks for more, commits or abandons. */
async function upload(book: QuotaBook, home: Home, plan: Plan, limits: object, step: () => Promise<void>) {
  const old = home.names.get(plan.path);
  const offset = plan.kind === 'resume' ? Math.floor((old?.size ?? 0) / 2) : 0;
  const lease = book.begin(plan.path, { mode: plan.kind, offset }, limits);
  await step();
  // The sink opens in one step: a new file shows at once, an old one is emptied or replaced later.
  const there = home.names.get(plan.path);
  // It refuses to begin beyond the end.
  if (offset > (there?.size ?? 0)) {
    await lease.end({ bytes: 0, remains: 'old' });
    return false;
  }
  const aside = plan.kind === 'replace' && plan.temporary && there !== undefined;
  const file = (aside ? undefined : there) ?? { size: 0 };
  if (!aside) home.names.set(plan.path, file);
  if (plan.kind === 'replace') file.size = 0;
  const start = plan.kind === 'append' ? file.size : offset;
  let granted = await lease.more();
  let bytes = 0;
  while (granted > 0 && bytes < Math.min(plan.size, plan.until)) {
    const some = Math.min(plan.chunk, granted - bytes, plan.size - bytes);
    bytes += some;
    file.size = Math.max(file.size, start + bytes);
    await step();
    if (bytes === granted && bytes < plan.size) {
      const more = await lease.more();
      if (more === 0) break;
      granted += more;
    }
  }
  const complete = granted > 0 && bytes >= plan.size;
  if (complete && aside) home.names.set(plan.path, file);
  await step();
  await lease.end({ bytes, remains: complete ? undefined : aside ? 'old' : 'part' });
  return complete;
}

const path = fc.constantFrom('/a', '/b', '/d/c');
const planned = fc.record({
  path,
  kind: fc.constantFrom('replace' as const, 'resume' as const, 'append' as const),
  size: fc.integer({ min: 1, max: 1500 * KIB }),
  chunk: fc.integer({ min: 10 * KIB, max: 700 * KIB }),
  until: fc.oneof(fc.constant(Number.POSITIVE_INFINITY), fc.integer({ min: 0, max: 1000 * KIB })),
  temporary: fc.boolean(),
});
const action = fc.oneof(
  { weight: 4, arbitrary: planned.map((plan) => ({ do: 'upload' as const, plan })) },
  { weight: 1, arbitrary: path.map((at) => ({ do: 'remove' as const, at })) },
  {
    weight: 1,
    arbitrary: fc
      .tuple(fc.constantFrom('/a', '/b', '/d/c', '/d'), fc.constantFrom('/b', '/e', '/d/c'))
      .map(([from, to]) => ({ do: 'rename' as const, from, to })),
  },
);

function refusedAsBusy(error: unknown): undefined {
  expect(error).toMatchObject({ code: 'busy' });
}

function removeFile(home: Home, at: string): boolean {
  return home.names.delete(at);
}

function renameFile(home: Home, from: string, to: string): boolean {
  const moved = [...home.names].filter(([name]) => name === from || name.startsWith(`${from}/`));
  if (moved.length === 0 || from === to || to.startsWith(`${from}/`)) return false;
  for (const [name, file] of moved) {
    home.names.delete(name);
    home.names.set(to + name.slice(from.length), file);
  }
  return true;
}

describe('threat 34: a quota', () => {
  it('is never exceeded, whatever uploads, removals and renames do at the same time', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.scheduler(),
        fc.array(action, { minLength: 1, maxLength: 8 }),
        fc.integer({ min: 1, max: 2000 * KIB }),
        async (scheduler, actions, bytes) => {
          const late = <T>(value: T): Promise<T> => scheduler.schedule(Promise.resolve(value));
          const home = new Home(late);
          home.names.set('/a', { size: Math.min(bytes, 300 * KIB) });
          const limits = { bytes, files: 3 };
          const book = new QuotaBook(home, { slice: 400 * KIB });
          const step = async (): Promise<void> => {
            await late(undefined);
            expect(home.now().bytes).toBeLessThanOrEqual(bytes);
          };
          const works = actions.map(async (one) => {
            if (one.do === 'upload') return upload(book, home, one.plan, limits, step);
            const tell =
              one.do === 'remove'
                ? await book.removing(one.at)
                : await book.renaming(one.from, one.to, limits).catch(refusedAsBusy);
            if (!tell) return false;
            await step();
            const done = one.do === 'remove' ? removeFile(home, one.at) : renameFile(home, one.from, one.to);
            // The answer of a thread comes later than the deed.
            await step();
            tell(done);
            return done;
          });
          await scheduler.waitFor(Promise.all(works));
          expect(book.idle).toBe(true);
          // What is left may be told too small until it is counted again, never too big.
          const left = await scheduler.waitFor(book.left(limits));
          expect(left).toBeLessThanOrEqual(bytes - home.now().bytes);
        },
      ),
      { numRuns: 400 },
    );
  });

  const whole = (size: number, more: Partial<Plan> = {}): Plan => ({
    path: '/x',
    kind: 'replace',
    size,
    chunk: 100 * KIB,
    until: Number.POSITIVE_INFINITY,
    temporary: true,
    ...more,
  });

  it('can be used up to its last octet, and what goes is given back', async () => {
    const home = new Home(atOnce);
    const book = new QuotaBook(home);
    const limits = { bytes: 1000 * KIB };
    const put = (plan: Plan) => upload(book, home, plan, limits, () => atOnce(undefined));
    expect(await put(whole(1000 * KIB))).toBe(true);
    expect(await book.left(limits)).toBe(0);
    expect(await put(whole(1, { path: '/y' }))).toBe(false);
    expect(await put(whole(1000 * KIB))).toBe(true);
    expect(await put(whole(600 * KIB))).toBe(true);
    expect(await book.left(limits)).toBe(400 * KIB);
    expect(await put(whole(400 * KIB, { kind: 'append' }))).toBe(true);
    expect(await put(whole(500 * KIB, { kind: 'resume' }))).toBe(true);
    expect(await book.left(limits)).toBe(0);
    const failed = await book.removing('/x');
    failed(false);
    expect(await book.left(limits)).toBe(0);
    const gone = await book.removing('/x');
    home.names.delete('/x');
    gone(true);
    gone(true);
    expect(await book.left(limits)).toBe(1000 * KIB);
    expect(home.walks).toBe(1);
  });

  it('of files counts new ones only, those to come too', async () => {
    const home = new Home(atOnce);
    home.names.set('/a', { size: 1 });
    const book = new QuotaBook(home);
    const limits = { files: 2 };
    expect(await book.left(limits)).toBeUndefined();
    expect(await book.admits('/b', limits)).toBe(true);
    const first = book.begin('/b', { mode: 'replace', offset: 0 }, limits);
    const second = book.begin('/c', { mode: 'replace', offset: 0 }, limits);
    const again = book.begin('/a', { mode: 'replace', offset: 0 }, limits);
    expect(await first.more()).toBeGreaterThan(0);
    expect(await second.more()).toBe(0);
    expect(await again.more()).toBeGreaterThan(0);
    expect(await book.admits('/c', limits)).toBe(false);
    expect(await book.admits('/a', limits)).toBe(true);
    await Promise.all([first, second, again].map((lease) => lease.end({ bytes: 0, remains: 'nothing' })));
    expect(await book.admits('/c', limits)).toBe(true);
  });

  it('is counted again after ten minutes without an upload, for what others did', async () => {
    let now = 0;
    const home = new Home(atOnce);
    const book = new QuotaBook(home, { now: () => now });
    const limits = { bytes: 100 };
    expect(await book.left(limits)).toBe(100);
    home.names.set('/by-others', { size: 60 });
    now = 599_999;
    expect(await book.left(limits)).toBe(100);
    now = 600_000;
    const lease = book.begin('/x', { mode: 'replace', offset: 0 }, limits);
    expect(await lease.more()).toBe(40);
    now = 1_300_000;
    expect(await book.left(limits)).toBe(0);
    expect(home.walks).toBe(2);
    await lease.end({ bytes: 0, remains: 'old' });
    expect(await book.left(limits)).toBe(40);
    expect(home.walks).toBe(3);
  });

  it('that cannot be counted grants nothing, and is counted again at the next need', async () => {
    const home = new Home(atOnce);
    let broken = true;
    const files: QuotaFiles = {
      usage: async () => {
        if (broken) throw new Error('no such directory');
        return home.usage();
      },
      size: (at) => home.size(at),
    };
    const book = new QuotaBook(files);
    const lease = book.begin('/x', { mode: 'replace', offset: 0 }, { bytes: 5 });
    await expect(lease.more()).rejects.toThrow('no such directory');
    await lease.end({ bytes: 0, remains: 'old' });
    expect(book.idle).toBe(true);
    broken = false;
    expect(await book.left({ bytes: 5 })).toBe(5);
  });
});
