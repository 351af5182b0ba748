import { describe, expect, test } from 'vitest';
import type { EngineEvent } from '../../src/engine/events.js';
import { Ladder } from '../../src/engine/ladder.js';
import type { RememberedOrder } from '../../src/engine/route-memory.js';
import { factsOf, type SiteDescription } from './facts.js';

interface Bench {
  ladder: Ladder;
  steps: string[];
  kept: RememberedOrder[];
}

function bench(site: SiteDescription & { queues?: boolean } = {}, known?: RememberedOrder): Bench {
  const facts = factsOf({ site: 'a', ...site });
  facts.queues = site.queues ?? true;
  const steps: string[] = [];
  const kept: RememberedOrder[] = [];
  const emit = (event: EngineEvent): void => {
    if (event.event === 'order') steps.push(`${event.before ?? ''}>${event.order}`);
  };
  const ladder = new Ladder(facts, known, { emit, keep: (order) => void kept.push(order) });
  return { ladder, steps, kept };
}

const remembered = (order: RememberedOrder['order'], most = order): RememberedOrder => ({
  order,
  most,
  reason: 'seen',
  since: 1,
});

describe('where it begins', () => {
  test.each<[string, Parameters<typeof bench>[0], RememberedOrder | undefined, string]>([
    ['commands of one segment are answered', {}, undefined, 'burst'],
    ['they are not', { queues: false }, undefined, 'plain'],
    ['measured', { behaviour: { ahead: true } }, undefined, 'ahead'],
    ['measured not to', { behaviour: { ahead: false } }, undefined, 'burst'],
    ['learned in an earlier run', {}, remembered('ahead'), 'ahead'],
    [
      'an earlier run knows better than a measurement',
      { behaviour: { ahead: true } },
      remembered('burst'),
      'burst',
    ],
    ['the login knows better than an earlier run', { queues: false }, remembered('ahead'), 'plain'],
  ])('%s', (_what, site, known, order) => {
    const { ladder, steps } = bench(site, known);
    expect([ladder.step, steps]).toEqual([order, [`>${order}`]]);
  });

  test('what the login cost a timeout is kept, what is known of the program is not', () => {
    expect(bench({ queues: false }).kept).toMatchObject([{ order: 'plain', most: 'plain' }]);
    expect(bench({ queues: false, behaviour: { lockstep: true } }).kept).toEqual([]);
  });
});

describe('the trial', () => {
  test('one file at a time, after a file in the order before', () => {
    const { ladder } = bench();
    expect(ladder.tryAhead()).toBeUndefined();
    ladder.worked('burst');
    const trial = ladder.tryAhead();
    expect(trial).toBeDefined();
    expect(ladder.tryAhead()).toBeUndefined();
    trial?.abandon();
    expect(ladder.tryAhead()).toBeDefined();
  });

  test.each([
    [['answered', 'arrived'], 'ahead'],
    [['arrived', 'answered'], 'ahead'],
    [['answered'], 'burst'],
    [['arrived'], 'burst'],
    [['arrived', 'abandon', 'answered'], 'burst'],
  ] as const)('%j ends at %s', (happened, order) => {
    const { ladder, steps, kept } = bench();
    ladder.worked('burst');
    const trial = ladder.tryAhead()!;
    for (const what of happened) trial[what]();
    expect(ladder.step).toBe(order);
    expect(steps.slice(1)).toEqual(order === 'ahead' ? ['burst>ahead'] : []);
    expect(kept.map((one) => one.order)).toEqual(order === 'ahead' ? ['ahead'] : []);
  });

  test('what is told late of one that was given up says nothing of the next one', () => {
    const { ladder } = bench();
    ladder.worked('burst');
    const first = ladder.tryAhead()!;
    first.abandon();
    const second = ladder.tryAhead()!;
    first.failed('late');
    first.answered();
    first.arrived();
    expect(ladder.step).toBe('burst');
    second.answered();
    second.arrived();
    expect(ladder.step).toBe('ahead');
  });

  test('what went wrong is never tried again, and that is kept', () => {
    const { ladder, kept } = bench();
    ladder.worked('burst');
    ladder.tryAhead()!.failed('no answer');
    ladder.worked('burst');
    expect(ladder.tryAhead()).toBeUndefined();
    expect(kept).toMatchObject([{ order: 'burst', most: 'burst', reason: 'no answer' }]);
    const later = bench({}, kept[0]);
    later.ladder.worked('burst');
    expect(later.ladder.tryAhead()).toBeUndefined();
  });
});

describe('a step down', () => {
  test('after two files in a row, not after one', () => {
    const { ladder, steps } = bench({ behaviour: { ahead: true } });
    expect(ladder.stumbled('ahead', 'lost')).toBe(true);
    ladder.worked('ahead');
    expect(ladder.stumbled('ahead', 'lost')).toBe(true);
    expect(ladder.step).toBe('ahead');
    expect(ladder.stumbled('ahead', 'lost')).toBe(true);
    expect(ladder.step).toBe('burst');
    ladder.stumbled('burst', 'lost');
    ladder.worked('burst');
    // A burst that has carried a file is no reason for a failure.
    expect(ladder.stumbled('burst', 'lost')).toBe(false);
    expect(steps).toEqual(['>ahead', 'ahead>burst']);
  });

  test('at once where the answer was wrong', () => {
    const { ladder, kept } = bench({ behaviour: { ahead: true } });
    ladder.worked('ahead');
    ladder.disproven('500 to PASV');
    expect(ladder.step).toBe('burst');
    expect(kept).toMatchObject([{ order: 'burst', most: 'burst', reason: '500 to PASV' }]);
  });

  test('burst to plain, before any file went so', () => {
    const { ladder, kept } = bench();
    ladder.stumbled('burst', 'first');
    ladder.stumbled('burst', 'second');
    expect(ladder.step).toBe('plain');
    expect(kept).toMatchObject([{ order: 'plain', most: 'plain', reason: 'second' }]);
    expect(ladder.stumbled('burst', 'a file under way meanwhile')).toBe(true);
    expect(ladder.stumbled('plain', 'no order is slower')).toBe(false);
  });
});
