import { expect, it } from 'vitest';
import { Near } from '../../src/server/data/near.js';

it('the control thread carries small files until the medium was slow once, and again a second later', () => {
  const near = new Near();
  expect(near.allows()).toBe(true);
  expect(near.timed(() => 'quick')).toBe('quick');
  expect(near.allows()).toBe(true);
  const begun = performance.now();
  near.timed(() => {
    while (performance.now() < begun + 10);
  });
  expect(near.allows()).toBe(false);
  expect(near.allows(performance.now() + 1_001)).toBe(true);
  expect([near.isSmall(0), near.isSmall(262_144), near.isSmall(262_145)]).toEqual([true, true, false]);
});
