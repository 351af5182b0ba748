import { describe, expect, it } from 'vitest';
import { type PaceChange, Pacer } from '../../src/engine/pace.js';

interface Link {
  /** Files a second with so many sessions. */
  speed: (sessions: number) => number;
  bytes?: number;
  limit?: (done: number) => number;
  files?: number;
}

/** Files arrive as fast as the link lets them, on a clock of its own. */
function ride(pacer: Pacer, { speed, bytes = 10_000, limit = () => 16, files = 4_000 }: Link): PaceChange[] {
  const changes: PaceChange[] = [];
  let now = 0;
  for (let done = 1; done <= files; done++) {
    now += 1000 / speed(pacer.sessions);
    const change = pacer.done({ bytes, now, waiting: files - done, limit: limit(done) });
    if (change) changes.push(change);
  }
  return changes;
}

describe('how many transfers at once', () => {
  it('climbs to the most where each session adds its share', () => {
    const pacer = new Pacer(4, 12);
    const changes = ride(pacer, { speed: (n) => 18 * n });
    expect(changes.map(({ before, sessions }) => [before, sessions])).toEqual([
      [4, 6],
      [6, 9],
      [9, 12],
    ]);
    expect(pacer.sessions).toBe(12);
    expect(changes[1]?.reason).toBe('108 files/s with 6, 72 files/s with 4: more is tried');
  });

  it('stays where more is no gain, and asks again ever more rarely', () => {
    const pacer = new Pacer(4, 12);
    const changes = ride(pacer, { speed: (n) => Math.min(80, 20 * n), files: 20_000 });
    expect(pacer.sessions).toBe(4);
    expect(changes.slice(0, 2).map(({ before, sessions }) => [before, sessions])).toEqual([
      [4, 6],
      [6, 4],
    ]);
    expect(changes[1]?.reason).toBe('80 files/s with 6, 80 files/s with 4: more is no gain');
    expect(changes.length).toBeLessThan(20);
  });

  it('leaves a number that makes it worse', () => {
    const pacer = new Pacer(4, 12);
    ride(pacer, { speed: (n) => (n > 6 ? 30 : 20 * n) });
    expect(pacer.sessions).toBe(6);
  });

  it('measures big files by their octets', () => {
    const pacer = new Pacer(2, 8);
    const changes = ride(pacer, { speed: (n) => 2 * n, bytes: 100 * 1024 * 1024, files: 400 });
    expect(changes[0]?.reason).toContain('400 MiB/s with 2');
  });

  it('goes down to what a site grants, and not beyond it again', () => {
    const pacer = new Pacer(4, 12);
    const changes = ride(pacer, { speed: (n) => 18 * n, limit: (done) => (done > 100 ? 3 : 16) });
    expect(changes.at(-1)).toMatchObject({ sessions: 3, reason: 'a site grants no more sessions' });
    expect(pacer.sessions).toBe(3);
  });

  it('opens nothing for the last few files', () => {
    expect(ride(new Pacer(4, 12), { speed: (n) => 18 * n, files: 35 })).toEqual([]);
  });

  it('a fixed number stays', () => {
    expect(ride(new Pacer(4, 4), { speed: (n) => 18 * n })).toEqual([]);
  });
});
