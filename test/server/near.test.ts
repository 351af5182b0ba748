import { expect, test } from 'vitest';
import { Near } from '../../src/server/data/near.js';

const slow = (near: Near): void => {
  const begun = performance.now();
  near.timed(() => {
    while (performance.now() < begun + 10);
  });
};

const quick = (near: Near, times: number): void => {
  for (let i = 0; i < times; i += 1) near.timed(() => {});
};

test('the control thread carries small files until the medium was slow twice, and again a second later', () => {
  const near = new Near();
  expect(near.allows()).toBe(true);
  expect(near.timed(() => 'quick')).toBe('quick');
  slow(near);
  expect(near.allows()).toBe(true);
  slow(near);
  expect(near.allows()).toBe(false);
  expect(near.allows(performance.now() + 1_001)).toBe(true);
  expect([near.isSmall(0), near.isSmall(262_144), near.isSmall(262_145)]).toEqual([true, true, false]);
});

test('a wait here and there is one for the processor', () => {
  const near = new Near();
  for (let i = 0; i < 5; i += 1) {
    slow(near);
    quick(near, 16);
  }
  expect(near.allows()).toBe(true);
  slow(near);
  quick(near, 14);
  slow(near);
  expect(near.allows()).toBe(false);
});
