import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { makeJob } from '../../src/engine/expand.js';
import type { FileJob } from '../../src/engine/job.js';
import { BIG_SIZE, isBig, WaitingFiles } from '../../src/engine/waiting.js';
import { file } from './memory-tree.js';

const job = (name: string, size: number): FileJob =>
  makeJob(name, { source: `/s/${name}`, target: `/d/${name}` }, file(name, size), undefined, false, []);

const filled = (...jobs: FileJob[]): WaitingFiles => {
  const waiting = new WaitingFiles();
  for (const each of jobs) waiting.push(each);
  return waiting;
};

const [a, b, c] = [job('a', 1), job('b', 2), job('c', 3)];
const [x, y, z] = [job('x', BIG_SIZE), job('y', BIG_SIZE + 1), job('z', 2 * BIG_SIZE)];

describe('files that wait', () => {
  it('one lane takes them in the order of their coming', () => {
    const waiting = filled(a, x, b, y);
    expect(waiting.drain()).toEqual([a, x, b, y]);
    expect(waiting.length).toBe(0);
    expect(waiting.shift()).toBeUndefined();
  });

  it('big files never take the last lane while small ones wait', () => {
    const waiting = filled(x, y, z, a);
    expect(waiting.shift(0, 3)).toBe(x);
    expect(waiting.shift(1, 3)).toBe(y);
    expect(waiting.shift(2, 3)).toBe(a);
    expect(waiting.shift(2, 3)).toBe(z);
  });

  it('a big file does not wait for the end of the small ones', () => {
    const waiting = filled(a, b, c, x);
    expect(waiting.shift(0, 2)).toBe(x);
    expect(waiting.shift(1, 2)).toBe(a);
  });

  it('until a file has arrived a small one goes first, and nothing waits where there is none', () => {
    const waiting = filled(x, a, y);
    expect(waiting.shift(0, 3, false)).toBe(a);
    expect(waiting.shift(0, 3, false)).toBe(x);
    expect(waiting.shift(1, 3, true)).toBe(y);
  });

  it('what is tried again goes first', () => {
    const waiting = filled(a, b);
    waiting.unshift(c);
    expect(waiting.drain()).toEqual([c, a, b]);
  });

  it('loses nothing and gives nothing twice, whatever the order of steps', () => {
    const step = fc.oneof(
      fc.record({ do: fc.constant('push' as const), size: fc.constantFrom(1, BIG_SIZE) }),
      fc.record({ do: fc.constant('unshift' as const), size: fc.constantFrom(1, BIG_SIZE) }),
      fc.record({ do: fc.constant('shift' as const), big: fc.nat(4), lanes: fc.integer({ min: 1, max: 5 }) }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 3_000, size: 'max' }), (steps) => {
        const waiting = new WaitingFiles();
        const inside = new Set<FileJob>();
        for (const [n, one] of steps.entries()) {
          if (one.do === 'shift') {
            const got = waiting.shift(one.big, one.lanes);
            expect(got === undefined).toBe(inside.size === 0);
            if (!got) continue;
            expect(inside.delete(got)).toBe(true);
            const small = [...inside].some((other) => !isBig(other));
            if (isBig(got) && small && one.lanes > 1) expect(one.big).toBeLessThan(one.lanes - 1 || 1);
            continue;
          }
          const made = job(`f${n}`, one.size);
          inside.add(made);
          waiting[one.do](made);
        }
        expect(waiting.length).toBe(inside.size);
        expect(new Set(waiting.drain())).toEqual(inside);
      }),
      { numRuns: 30 },
    );
  });
});
