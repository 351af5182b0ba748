/** docs/compatibility.md and the README against the figures they are made from, and those against what is expected. */
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { DCPA_RUNS, type Measurement } from '../../scripts/matrix/measure.js';
import { page, withMatrix } from '../../scripts/matrix/report.js';
import { ATTEMPTS, expected, expectedPair, isUnderDcpa, pairsOf } from './expected.js';
import { PEER_IDS } from './peers.js';

const ROOT = resolve(import.meta.dirname, '../..');
const read = (path: string): string => readFileSync(join(ROOT, path), 'utf8');
const figures = JSON.parse(read('docs/compatibility.json')) as Measurement;
const MODES = ['plain', 'tls'] as const;

describe('the recorded compatibility', () => {
  it('is what the page and the README show', () => {
    expect(read('docs/compatibility.md')).toBe(page(figures));
    expect(read('README.md')).toBe(withMatrix(read('README.md'), figures));
  });

  it('has every pair of servers', () => {
    const names = figures.pairs.map(({ source, destination, mode }) => `${mode} ${source} ${destination}`);
    const wanted = MODES.flatMap((mode) => pairsOf(PEER_IDS, mode).map((pair) => [mode, ...pair].join(' ')));
    expect(names.toSorted()).toEqual(wanted.toSorted());
  });

  it('has every possible cell whole, twenty times of twenty, and the other ones as they must be', () => {
    expect(figures.repeat).toBe(20);
    for (const { source, destination, mode, cells, end, route } of figures.pairs) {
      const name = `${mode} ${source} to ${destination}`;
      const ways = ATTEMPTS[mode];
      const wanted = expectedPair(source, destination, mode);
      expect({ name, end, route }).toEqual({ name, end: wanted.end, route: wanted.route });
      for (const attempt of ways) {
        const { marks } = expected(source, destination, mode, attempt);
        const cell = cells.find((each) => each.attempt === attempt);
        const told = Object.keys(cell?.marks ?? { unavailable: 1 });
        expect(marks, `${name} ${attempt}`).toEqual(expect.arrayContaining(told));
        if (marks.every((mark) => mark === 'ok'))
          expect(cell?.marks, `${name} ${attempt}`).toEqual({ ok: isUnderDcpa(attempt) ? DCPA_RUNS : 20 });
      }
    }
  });
});
