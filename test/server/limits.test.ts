import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FtpError } from '../../src/protocol/errors.js';
import { type Admission, countingGate, type Gate } from '../../src/server/gate.js';
import { addressKey, Buckets, type Counters, FailedLogins, localCounters } from '../../src/server/limits.js';
import { RateShares } from '../../src/server/rates.js';
import { LIMITS } from '../../src/server/settings.js';
import { memoryUsers } from '../../src/server/users/memory.js';

const USERS = memoryUsers([
  { name: 'alice', password: 'right', home: '/a', maxLogins: 2 },
  { name: 'bob', password: 'right', home: '/b' },
]);

const from = (peerAddress: string) => ({ link: { peerAddress } }) as Parameters<Gate['login']>[0];

/** The same counters as another process would answer. */
function shared(): Counters {
  const counters = localCounters();
  return { acquire: async (key, limit) => counters.acquire(key, limit), release: counters.release };
}

describe.each([
  ['of this process', localCounters],
  ['shared', shared],
])('threat 28: connections, counters %s', (_name, make) => {
  const open = (limits: object) =>
    countingGate(USERS, () => ({ ...LIMITS, ...limits }), { counters: make() });

  it('are limited in all and by address, and a place is given back once', async () => {
    const gate = open({ connections: 3, connectionsPerAddress: 2 });
    const places: (() => void)[] = [];
    const come = async (address: string): Promise<string> => {
      const admission: Admission = await gate.admit(address);
      if (!admission.ok) return admission.why;
      places.push(admission.release);
      return 'in';
    };
    expect(await come('192.0.2.1')).toBe('in');
    expect(await come('192.0.2.1')).toBe('in');
    expect(await come('192.0.2.1')).toBe('too many connections from this address');
    expect(await come('192.0.2.2')).toBe('in');
    expect(await come('192.0.2.3')).toBe('too many connections');
    places[0]!();
    places[0]!();
    expect(await come('192.0.2.1')).toBe('in');
    expect(await come('192.0.2.3')).toBe('too many connections');
  });

  it('of one IPv6 network are those of one host', async () => {
    const gate = open({ connectionsPerAddress: 1 });
    expect(await gate.admit('2001:db8::1')).toMatchObject({ ok: true });
    expect(await gate.admit('2001:db8::ffff:1')).toMatchObject({ ok: false });
    expect(await gate.admit('2001:db8:0:1::1')).toMatchObject({ ok: true });
  });

  it('sessions of a user are limited', async () => {
    const gate = open({});
    const [first, second] = await Promise.all([1, 2].map(() => gate.login(from('::1'), 'alice', 'right')));
    expect([first, second]).toMatchObject([{ ok: true }, { ok: true }]);
    expect(await gate.login(from('::1'), 'alice', 'right')).toMatchObject({ ok: false, full: true });
    if (first?.ok) first.release();
    expect(await gate.login(from('::1'), 'alice', 'right')).toMatchObject({ ok: true });
  });
});

describe('threat 26: wrong passwords', () => {
  const gateAt = (clock: { now: number }, perMinute = 3) =>
    countingGate(USERS, () => ({ ...LIMITS, loginFailuresPerMinute: perMinute }), {
      failures: new FailedLogins(() => clock.now),
    });

  it('of one address make it wait, whatever name it tries, and others not', async () => {
    const clock = { now: 0 };
    const gate = gateAt(clock);
    const attempt = (address: string, name: string, password: string) =>
      gate.login(from(address), name, password);
    for (const name of ['alice', 'bob', 'nobody']) {
      expect(await attempt('192.0.2.1', name, 'wrong')).toMatchObject({ ok: false });
    }
    expect(await attempt('192.0.2.1', 'alice', 'right')).toMatchObject({ ok: false, full: true });
    expect(await attempt('192.0.2.2', 'alice', 'right')).toMatchObject({ ok: true });
    clock.now = 20_000;
    expect(await attempt('192.0.2.1', 'alice', 'right')).toMatchObject({ ok: true });
  });

  it('tried all at once make it wait the longer', async () => {
    const clock = { now: 0 };
    const gate = gateAt(clock);
    await Promise.all(Array.from({ length: 30 }, () => gate.login(from('192.0.2.1'), 'nobody', 'x')));
    clock.now = 9 * 60_000;
    expect(await gate.login(from('192.0.2.1'), 'alice', 'right')).toMatchObject({ ok: false, full: true });
    clock.now = 10 * 60_000;
    expect(await gate.login(from('192.0.2.1'), 'alice', 'right')).toMatchObject({ ok: true });
  });

  it('of a user from many addresses make new addresses wait, never one that was in', async () => {
    const clock = { now: 0 };
    const gate = gateAt(clock);
    expect(await gate.login(from('192.0.2.1'), 'bob', 'right')).toMatchObject({ ok: true });
    for (let i = 0; i < 20; i++) await gate.login(from(`198.51.100.${i}`), 'bob', 'wrong');
    expect(await gate.login(from('203.0.113.1'), 'bob', 'right')).toMatchObject({ ok: false, full: true });
    for (let i = 0; i < 5; i++) await gate.login(from('192.0.2.1'), 'nobody', 'wrong');
    expect(await gate.login(from('192.0.2.1'), 'bob', 'right')).toMatchObject({ ok: true });
    for (let i = 0; i < 3; i++) await gate.login(from('192.0.2.1'), 'bob', 'wrong');
    expect(await gate.login(from('192.0.2.1'), 'bob', 'right')).toMatchObject({ ok: false, full: true });
  });

  it('are not limited when the limit is 0', async () => {
    const gate = gateAt({ now: 0 }, 0);
    for (let i = 0; i < 50; i++) await gate.login(from('::1'), 'alice', 'wrong');
    expect(await gate.login(from('::1'), 'alice', 'right')).toMatchObject({ ok: true });
  });

  it('threat 29: are remembered of so many names only', () => {
    let now = 0;
    const buckets = new Buckets(100, () => now++);
    for (let i = 0; i < 1000; i++) buckets.take(`key ${i}`, 5);
    expect(buckets.size).toBe(100);
    expect(buckets.level('key 999', 5)).toBeLessThan(5);
    expect(buckets.level('key 0', 5)).toBe(5);
  });

  it('never make more than the limit a minute possible in the long run', () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 0, max: 30_000 }), { maxLength: 200 }),
        fc.integer({ min: 1, max: 20 }),
        (pauses, perMinute) => {
          let now = 0;
          const failures = new FailedLogins(() => now);
          let tried = 0;
          for (const pause of pauses) {
            now += pause;
            if (failures.mustWait('192.0.2.1', 'x', perMinute)) continue;
            failures.failed('192.0.2.1', 'x', perMinute);
            tried += 1;
          }
          expect(tried).toBeLessThanOrEqual(perMinute + Math.ceil((now / 60_000) * perMinute));
        },
      ),
    );
  });
});

it('a store that has too much to do is full, other faults of it are faults', async () => {
  const failing = (error: Error) =>
    countingGate({ login: () => Promise.reject(error) }, () => LIMITS).login(from('::1'), 'a', 'b');
  const busy = new FtpError('local', 'too many', { retry: 'later' });
  expect(await failing(busy)).toMatchObject({ ok: false, full: true });
  await expect(failing(new FtpError('local', 'broken'))).rejects.toThrow('broken');
});

it.each([
  ['192.0.2.1', '192.0.2.1'],
  ['::ffff:192.0.2.1', '192.0.2.1'],
  ['fe80::1%eth0', 'fe80000000000000'],
  ['2001:DB8::1', '20010db800000000'],
  ['no address', 'no address'],
])('%s counts as %s', (address, key) => {
  expect(addressKey(address)).toBe(key);
});

describe('a rate', () => {
  it('is divided evenly among those who run, again when one comes or goes', () => {
    const shares = new RateShares();
    const told: [string, number][] = [];
    const join = (name: string, key = 'alice') => {
      const share = shares.join(key, 1000);
      const rate = share.rate;
      share.onChange((now) => told.push([name, now]));
      return { share, rate };
    };
    const a = join('a');
    const other = join('other', 'bob');
    const b = join('b');
    const c = join('c');
    expect([a, b, c, other].map(({ rate }) => rate)).toEqual([1000, 500, 333, 1000]);
    b.share.leave();
    b.share.leave();
    a.share.leave();
    expect(told).toEqual([
      ['a', 500],
      ['a', 333],
      ['b', 333],
      ['a', 500],
      ['c', 500],
      ['c', 1000],
    ]);
    c.share.leave();
    other.share.leave();
    expect(shares.size).toBe(0);
  });

  it('without a limit is none for everyone, and a tiny one is never none', () => {
    const shares = new RateShares();
    expect([1, 2].map(() => shares.join('x', 0).rate)).toEqual([0, 0]);
    expect([1, 2, 3].map(() => shares.join('y', 2).rate)).toEqual([2, 1, 1]);
  });

  it('that changed before the transfer was there is told to it', () => {
    const shares = new RateShares();
    const first = shares.join('x', 100);
    shares.join('x', 100);
    const told: number[] = [];
    first.onChange((rate) => told.push(rate));
    expect(told).toEqual([50]);
  });
});
