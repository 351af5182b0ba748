import fc from 'fast-check';
import { expect, it } from 'vitest';
import { Tally } from '../../../src/cli/serve/tally.js';

it('counts over all owners, and a dead one gives back what it held', () => {
  const tally = new Tally();
  expect([1, 2, 3].map((owner) => tally.acquire(owner, 'alice', 2))).toEqual([true, true, false]);
  tally.drop(1);
  expect(tally.acquire(3, 'alice', 2)).toBe(true);
  expect(tally.count('alice')).toBe(2);
});

it('has no limit at 0', () => {
  const tally = new Tally();
  for (let n = 0; n < 100; n++) expect(tally.acquire(1, 'a', 0)).toBe(true);
});

it('gives back only what an owner holds', () => {
  const tally = new Tally();
  tally.acquire(1, 'a', 0);
  tally.release(2, 'a');
  tally.release(1, 'b');
  expect(tally.count('a')).toBe(1);
});

it('always holds the sum of what the owners hold, and never above the limit', () => {
  const step = fc.record({
    act: fc.constantFrom('acquire', 'release', 'drop'),
    owner: fc.integer({ min: 1, max: 3 }),
    key: fc.constantFrom('a', 'b'),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
      const tally = new Tally();
      const held = new Map<string, number>();
      for (const { act, owner, key } of steps) {
        const name = `${owner}${key}`;
        if (act === 'acquire' && tally.acquire(owner, key, 4)) held.set(name, (held.get(name) ?? 0) + 1);
        if (act === 'release') {
          tally.release(owner, key);
          held.set(name, Math.max(0, (held.get(name) ?? 0) - 1));
        }
        if (act === 'drop') {
          tally.drop(owner);
          for (const each of ['a', 'b']) held.delete(`${owner}${each}`);
        }
        for (const each of ['a', 'b']) {
          const sum = [1, 2, 3].reduce((all, one) => all + (held.get(`${one}${each}`) ?? 0), 0);
          expect(tally.count(each)).toBe(sum);
          expect(sum).toBeLessThanOrEqual(4);
        }
      }
    }),
  );
});
