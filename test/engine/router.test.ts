import { describe, expect, test } from 'vitest';
import type { EngineEvent } from '../../src/engine/events.js';
import type { Finding } from '../../src/engine/findings.js';
import { memoryRoutes, type RouteMemory } from '../../src/engine/route-memory.js';
import { adviceFor, Router, type Ticket } from '../../src/engine/router.js';
import type { Security } from '../../src/protocol/site.js';
import { factsOf, type SiteDescription } from './facts.js';

interface Bench {
  router: Router;
  events: EngineEvent[];
  memory: RouteMemory;
}

const KEY = 'a b';

function bench(
  options: { a?: SiteDescription; b?: SiteDescription; floor?: Security; memory?: RouteMemory } = {},
): Bench {
  const events: EngineEvent[] = [];
  const memory = options.memory ?? memoryRoutes();
  const router = new Router({
    source: factsOf({ site: 'a', features: 'SSCN', ...options.a }),
    destination: factsOf({ site: 'b', features: 'SSCN', ...options.b }),
    floor: options.floor ?? 'encrypted',
    emit: (event) => void events.push(event),
    memory,
    key: KEY,
  });
  return { router, events, memory };
}

const FIRST = 'SSCN@dst PASV@dst';
const SECOND = 'SSCN@dst PASV@src';

const dead = ({ attempt }: Ticket): Finding => ({
  side: 'source',
  obstacle: 'unknown',
  attempt: attempt.id,
  message: `${attempt.id} does not work`,
});

/** A rule of the destination that rules the first attempt out, not the second. */
const rule: Finding = { side: 'destination', obstacle: 'refuses-foreign-peer', message: '425 foreign' };

async function giveUp(router: Router): Promise<void> {
  for (const one of [await ticket(router), await ticket(router)]) one.settle(rule);
}

async function ticket(router: Router): Promise<Ticket> {
  const taken = await router.take();
  if (!taken) throw new Error('no way');
  return taken;
}

/** True when the promise is settled by now. */
async function isSettled(promise: Promise<unknown>): Promise<boolean> {
  const pending = Symbol('pending');
  for (let turn = 0; turn < 20; turn++) await Promise.resolve();
  return (await Promise.race([promise, Promise.resolve(pending)])) !== pending;
}

describe('the pilot', () => {
  test('the first file tries, the others wait, then all use what worked', async () => {
    const { router, events } = bench();
    const pilot = await ticket(router);
    const others = [router.take(), router.take()];
    expect(pilot).toMatchObject({ proven: false, attempt: { id: FIRST } });
    expect(await isSettled(Promise.race(others))).toBe(false);
    pilot.settle('worked');
    for (const other of await Promise.all(others))
      expect(other).toMatchObject({ proven: true, attempt: { id: FIRST } });
    expect(events).toMatchObject([{ event: 'route', security: 'encrypted', remembered: false }]);
  });

  test('what failed is not tried again; the search goes on in order', async () => {
    const { router, events } = bench();
    const first = await ticket(router);
    first.settle(dead(first));
    const second = await ticket(router);
    expect(second.attempt.id).toBe(SECOND);
    second.settle('worked');
    expect((await ticket(router)).attempt.id).toBe(SECOND);
    expect(events.map(({ event }) => event)).toEqual(['route-failed', 'route']);
  });

  test('a failure that is the file’s fault proves nothing: the next file is the pilot', async () => {
    const { router } = bench();
    const first = await ticket(router);
    const waiting = router.take();
    first.settle('open');
    expect(await waiting).toMatchObject({ proven: false, attempt: { id: FIRST } });
  });

  test('of several that wait only one becomes the pilot', async () => {
    const { router } = bench();
    const first = await ticket(router);
    const waiting = [router.take(), router.take(), router.take()];
    first.settle('open');
    const next = (await Promise.race(waiting))!;
    expect(await Promise.all(waiting.map(isSettled))).toEqual([true, false, false]);
    next.settle('worked');
    expect((await Promise.all(waiting)).slice(1).every((one) => one?.proven)).toBe(true);
  });

  test('a ticket settles once', async () => {
    const { router, events } = bench();
    const first = await ticket(router);
    first.settle('worked');
    first.settle(dead(first));
    expect(events.map(({ event }) => event)).toEqual(['route']);
    expect(router.findings).toEqual([]);
  });

  test('no way left: each attempt was tried once, and nobody waits for ever', async () => {
    const { router } = bench();
    const count = router.plan().attempts.length;
    const tried: string[] = [];
    const work = async (): Promise<void> => {
      for (let one = await router.take(); one; one = await router.take()) {
        tried.push(one.attempt.id);
        one.settle(dead(one));
      }
    };
    await Promise.all([work(), work(), work()]);
    expect(tried).toHaveLength(count);
    expect(new Set(tried).size).toBe(8);
  });
});

describe('a proven route', () => {
  const proven = async (): Promise<Bench> => {
    const made = bench();
    (await ticket(made.router)).settle('worked');
    return made;
  };

  test('a server’s rule may be a misunderstanding once, twice in a row it ends the route', async () => {
    const { router, events } = await proven();
    const [one, two] = [await ticket(router), await ticket(router)];
    one.settle(rule);
    expect((await ticket(router)).proven).toBe(true);
    two.settle(rule);
    expect(await ticket(router)).toMatchObject({ proven: false, attempt: { id: SECOND } });
    expect(events.map(({ event }) => event)).toEqual(['route', 'route-failed']);
  });

  test('a good transfer in between clears it', async () => {
    const { router } = await proven();
    for (const result of ['bad', 'worked', 'bad'] as const) {
      const one = await ticket(router);
      one.settle(result === 'bad' ? rule : 'worked');
    }
    expect((await ticket(router)).proven).toBe(true);
  });

  test('a route that truncates is left at once', async () => {
    const { router } = await proven();
    const one = await ticket(router);
    one.settle({ ...dead(one), obstacle: 'truncates' });
    expect((await ticket(router)).attempt.id).toBe(SECOND);
  });

  test('the next proven route has its own two chances', async () => {
    const { router } = await proven();
    await giveUp(router);
    (await ticket(router)).settle('worked');
    (await ticket(router)).settle({ ...rule, side: 'source' });
    expect(await ticket(router)).toMatchObject({ proven: true, attempt: { id: SECOND } });
  });

  test('lost connections are borne longer: a server may be restarting', async () => {
    const { router } = await proven();
    for (let i = 0; i < 7; i++) {
      const one = await ticket(router);
      expect(one.proven).toBe(true);
      one.settle(dead(one));
    }
    const last = await ticket(router);
    last.settle(dead(last));
    expect((await ticket(router)).attempt.id).toBe(SECOND);
  });
});

describe('memory', () => {
  test('what worked is remembered and tried first the next time', async () => {
    const { router, memory } = bench();
    const first = await ticket(router);
    first.settle(dead(first));
    (await ticket(router)).settle('worked');
    await router.noted();
    expect(await memory.get(KEY)).toMatchObject({ attempt: SECOND, security: 'encrypted' });
    const again = bench({ memory });
    await again.router.recall();
    const pilot = await ticket(again.router);
    expect(pilot).toMatchObject({ proven: false, attempt: { id: SECOND } });
    pilot.settle('worked');
    expect(again.events).toMatchObject([{ event: 'route', remembered: true }]);
  });

  test('a remembered route that fails is forgotten, and the order is the usual one', async () => {
    const { router, memory } = bench();
    await memory.set(KEY, { route: { kind: 'fxp' }, security: 'encrypted', attempt: SECOND, since: 0 });
    await router.recall();
    const pilot = await ticket(router);
    pilot.settle(dead(pilot));
    expect((await ticket(router)).attempt.id).toBe(FIRST);
    await router.noted();
    expect(await memory.get(KEY)).toBeUndefined();
  });

  test('a route that was proven in this run and then given up is forgotten, too', async () => {
    const { router, memory } = bench();
    (await ticket(router)).settle('worked');
    await giveUp(router);
    await router.noted();
    expect(await memory.get(KEY)).toBeUndefined();
  });

  test('a remembered route below the floor of this run is not used', async () => {
    const memory = memoryRoutes();
    await memory.set(KEY, { route: { kind: 'fxp' }, security: 'clear', attempt: 'clear PASV@dst', since: 0 });
    const { router } = bench({ memory, floor: 'encrypted' });
    await router.recall();
    expect((await ticket(router)).attempt.id).toBe(FIRST);
  });

  test('a memory that cannot be written does not stop the copy', async () => {
    const broken: RouteMemory = {
      get: async () => undefined,
      set: () => Promise.reject(new Error('disk full')),
      forget: () => Promise.reject(new Error('disk full')),
    };
    const { router } = bench({ memory: broken });
    (await ticket(router)).settle('worked');
    await giveUp(router);
    expect((await ticket(router)).attempt.id).toBe(SECOND);
  });
});

describe('a key that was not proven', () => {
  const ours: SiteDescription = { features: 'DCPA CPSV SSCN', certificate: 'pin' };
  const stranger = ({ attempt }: Ticket): Finding => ({
    side: 'destination',
    obstacle: 'not-proven',
    attempt: attempt.id,
    message: '522 The peer did not prove its key.',
  });
  const drain = async (router: Router): Promise<string[]> => {
    const tried: string[] = [];
    for (let one = await router.take(); one && tried.length < 30; one = await router.take()) {
      tried.push(one.attempt.id);
      one.settle(one.attempt.id.startsWith('DCPA') ? stranger(one) : dead(one));
    }
    return tried;
  };

  test('is an alarm for each way, and nothing weaker follows', async () => {
    const { router, events } = bench({ a: ours, b: ours });
    expect(await drain(router)).toEqual(['DCPA PASV@dst', 'DCPA PASV@src', 'DCPA EPSV@dst', 'DCPA EPSV@src']);
    expect(events.filter(({ event }) => event === 'alarm')).toHaveLength(4);
    expect(events[0]).toMatchObject({ event: 'alarm', route: { pins: 'both' } });
    const error = router.noRoute();
    expect(error.facts.advice).toContain('--security encrypted');
    expect(error.message).toContain('522 The peer did not prove its key.');
  });

  test('is followed by a weaker way where the user chose such a floor, still with the alarm', async () => {
    const events: EngineEvent[] = [];
    const router = new Router({
      source: factsOf({ site: 'a', ...ours }),
      destination: factsOf({ site: 'b', ...ours }),
      floor: 'encrypted',
      chosenFloor: true,
      emit: (event) => void events.push(event),
      memory: undefined,
      key: KEY,
    });
    const tried = await drain(router);
    expect(tried[4]).toBe('CPSV@dst');
    expect(events[0]).toMatchObject({ event: 'alarm' });
  });

  test('on a proven way, once is bad luck that is told, twice ends it', async () => {
    const { router, events } = bench({ a: ours, b: ours });
    (await ticket(router)).settle('worked');
    const first = await ticket(router);
    first.settle(stranger(first));
    expect((await ticket(router)).attempt.id).toBe('DCPA PASV@dst');
    const second = await ticket(router);
    second.settle(stranger(second));
    expect((await ticket(router)).attempt.id).toBe('DCPA PASV@src');
    expect(events.map(({ event }) => event)).toEqual(['route', 'alarm', 'route-failed']);
  });

  test('a remembered weaker route does not come before one that proves more', async () => {
    const memory = memoryRoutes();
    await memory.set(KEY, { route: { kind: 'fxp' }, security: 'encrypted', attempt: 'CPSV@dst', since: 0 });
    for (const certificate of ['pin', 'first-use'] as const) {
      const { router } = bench({ a: { ...ours, certificate }, b: { ...ours, certificate }, memory });
      await router.recall();
      expect(router.plan().attempts[0]?.id).toBe('DCPA PASV@dst');
    }
  });
});

describe('when there is no way', () => {
  test('it is told which server says so and what to set', async () => {
    const { router } = bench({
      a: { features: '', greeting: 'ProFTPD' },
      b: { features: '' },
    });
    expect(await router.take()).toBeUndefined();
    const error = router.noRoute();
    expect(error).toMatchObject({ kind: 'no-route', retry: 'never' });
    expect(error.message).toMatch(/^no FXP route from a to b at security encrypted: /);
    expect(error.message).toContain('a knows neither CPSV nor SSCN');
    expect(error.message).toContain('b knows neither CPSV nor SSCN');
    expect(error.facts.advice).toContain('--relay fallback');
  });

  test('advice of each server once', () => {
    const facts = { source: factsOf({ site: 'a' }), destination: factsOf({ site: 'b' }) };
    const finding: Finding = { side: 'source', obstacle: 'refuses-foreign-port', message: '500' };
    const told = adviceFor(facts, [
      finding,
      finding,
      { ...finding, side: 'destination' },
      { ...finding, obstacle: 'unknown' },
    ]);
    expect(told.map(({ site }) => site)).toEqual(['a', 'b']);
    expect(told[0]?.text).toMatch(/allow FXP/);
  });
});

describe('the fast lane', () => {
  const able = { a: { features: 'PARALLEL', protP: false }, b: { features: 'PARALLEL', protP: false } };

  test('comes before a stream route of earlier days, unless it failed then', async () => {
    const memory = memoryRoutes();
    const route = { kind: 'fxp' } as const;
    await memory.set(KEY, { route, security: 'clear', attempt: 'PASV@dst', since: 1 });
    const first = bench({ ...able, memory, floor: 'clear' });
    await first.router.recall();
    for (const id of ['fast PASV@dst', 'fast EPSV@dst']) {
      const one = await ticket(first.router);
      expect(one.attempt.id).toBe(id);
      one.settle(dead(one));
    }
    (await ticket(first.router)).settle('worked');
    await first.router.noted();
    expect(await memory.get(KEY)).toMatchObject({ attempt: 'PASV@dst', fast: false });
    const second = bench({ ...able, memory, floor: 'clear' });
    await second.router.recall();
    expect((await ticket(second.router)).attempt.id).toBe('PASV@dst');
  });

  test('is given up where bursts break in a row, and a file that lands in between begins the count anew', async () => {
    const { router } = bench({ ...able, floor: 'clear' });
    const pilot = await ticket(router);
    pilot.settle('worked');
    for (const broken of [3, 4]) {
      for (let times = 0; times < broken; times++) {
        expect((await ticket(router)).attempt.id).toBe('fast PASV@dst');
        router.broke(pilot.attempt, 'the connection broke');
      }
      if (broken === 3) router.flowed();
    }
    expect((await ticket(router)).attempt.id).toBe('fast EPSV@dst');
  });
});
