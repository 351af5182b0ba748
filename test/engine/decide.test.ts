import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decide, isOlder, wantsExactTimes } from '../../src/engine/decide.js';
import type { OnExists } from '../../src/engine/options.js';
import type { Entry, TimePrecision } from '../../src/protocol/entry.js';

const NOON = Date.UTC(2024, 0, 31, 12);
const MODES: readonly OnExists[] = ['skip', 'newer', 'resume', 'overwrite', 'fail'];

function file(size?: number, modified?: number, modifiedPrecision?: TimePrecision): Entry {
  return {
    name: 'a',
    type: 'file',
    ...(size === undefined ? {} : { size }),
    ...(modified === undefined ? {} : { modified }),
    ...(modifiedPrecision === undefined ? {} : { modifiedPrecision }),
  };
}

const verdict = (source: Entry, target: Entry | undefined, mode: OnExists): string => {
  const decision = decide(source, target, mode);
  if (decision.do === 'skip') return `skip ${decision.reason}`;
  return decision.do === 'continue' ? `continue ${decision.have}` : decision.do;
};

describe('decide', () => {
  // Source is 100 octets of noon.
  const source = file(100, NOON, 'second');
  test.each<[string, Entry | undefined, Record<OnExists, string>]>([
    [
      'nothing there',
      undefined,
      { skip: 'send', newer: 'send', resume: 'send', overwrite: 'send', fail: 'send' },
    ],
    [
      'the same',
      file(100, NOON, 'second'),
      { skip: 'skip exists', newer: 'skip same', resume: 'skip same', overwrite: 'send', fail: 'refuse' },
    ],
    [
      'same size, newer',
      file(100, NOON + 60_000, 'second'),
      { skip: 'skip exists', newer: 'skip same', resume: 'skip same', overwrite: 'send', fail: 'refuse' },
    ],
    [
      'same size, older',
      file(100, NOON - 60_000, 'second'),
      { skip: 'skip exists', newer: 'send', resume: 'send', overwrite: 'send', fail: 'refuse' },
    ],
    [
      'shorter, newer: an upload that broke off',
      file(40, NOON + 60_000, 'second'),
      { skip: 'skip exists', newer: 'skip older', resume: 'continue 40', overwrite: 'send', fail: 'refuse' },
    ],
    [
      'shorter, older',
      file(40, NOON - 60_000, 'second'),
      { skip: 'skip exists', newer: 'send', resume: 'continue 40', overwrite: 'send', fail: 'refuse' },
    ],
    [
      'longer, newer',
      file(200, NOON + 60_000, 'second'),
      { skip: 'skip exists', newer: 'skip older', resume: 'send', overwrite: 'send', fail: 'refuse' },
    ],
    [
      'empty',
      file(0, NOON + 60_000, 'second'),
      { skip: 'skip exists', newer: 'skip older', resume: 'send', overwrite: 'send', fail: 'refuse' },
    ],
    [
      'no time known, same size',
      file(100),
      { skip: 'skip exists', newer: 'skip same', resume: 'skip same', overwrite: 'send', fail: 'refuse' },
    ],
    [
      'nothing known',
      file(),
      { skip: 'skip exists', newer: 'send', resume: 'send', overwrite: 'send', fail: 'refuse' },
    ],
    [
      'a size that is only an estimate',
      { ...file(100, NOON, 'second'), sizeExact: false },
      { skip: 'skip exists', newer: 'skip older', resume: 'send', overwrite: 'send', fail: 'refuse' },
    ],
  ])('%s', (_name, target, expected) => {
    expect(Object.fromEntries(MODES.map((mode) => [mode, verdict(source, target, mode)]))).toEqual(expected);
  });

  test('a directory in the way is never replaced', () => {
    for (const mode of MODES) {
      expect(verdict(source, { name: 'a', type: 'dir' }, mode)).toBe('refuse');
    }
  });

  test('nothing is ever sent over a target by skip or fail', () => {
    const any = fc.record({
      size: fc.option(fc.nat(3), { nil: undefined }),
      at: fc.option(fc.nat(3), { nil: undefined }),
    });
    fc.assert(
      fc.property(any, any, fc.constantFrom<OnExists>('skip', 'fail'), (a, b, mode) => {
        expect(['skip', 'refuse']).toContain(decide(file(a.size, a.at), file(b.size, b.at), mode).do);
      }),
    );
  });
});

describe('how exactly times are known', () => {
  const MINUTE = 60_000;
  const DAY = 86_400_000;
  test.each<[TimePrecision, TimePrecision, number, boolean]>([
    ['second', 'second', 999, false],
    ['second', 'second', 1_000, true],
    ['second', 'minute', MINUTE - 1, false],
    ['second', 'minute', MINUTE, true],
    ['minute', 'second', MINUTE - 1, false],
    ['minute', 'day', DAY - 1, false],
    ['day', 'second', DAY, true],
  ])('target by the %s, source by the %s, %d ms older: %s', (target, source, by, older) => {
    expect(isOlder(file(1, NOON - by, target), file(1, NOON, source))).toBe(older);
  });

  test('never older without both times', () => {
    expect(isOlder(file(1), file(1, NOON))).toBe(false);
    expect(isOlder(file(1, NOON), file(1))).toBe(false);
  });

  test.each<[OnExists, TimePrecision | undefined, number, boolean]>([
    ['newer', 'minute', 100, true],
    ['newer', 'minute', 200, true],
    ['newer', 'second', 100, false],
    ['newer', undefined, 100, true],
    ['resume', 'minute', 100, true],
    ['resume', 'day', 100, true],
    ['resume', 'minute', 200, false],
    ['resume', 'second', 100, false],
    ['skip', 'minute', 100, false],
    ['fail', 'minute', 100, false],
    ['overwrite', 'minute', 100, false],
  ])('%s, target by the %s, %d octets: asks MDTM: %s', (mode, precision, size, asks) => {
    const target = precision === undefined ? file(size) : file(size, NOON, precision);
    expect(wantsExactTimes(file(100, NOON, 'second'), target, mode)).toBe(asks);
  });
});
