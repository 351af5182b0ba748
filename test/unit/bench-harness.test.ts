import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { differences, markdownTable, median, numericOptions, timedRun } from '../../bench/harness.js';

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'jackstay-harness-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function plant(name: string, files: Record<string, string>): string {
  const root = join(folder, name);
  mkdirSync(root);
  for (const [file, text] of Object.entries(files)) writeFileSync(join(root, file), text);
  return root;
}

it('names every file that is missing, extra, short or altered', () => {
  const expected = plant('a', { same: 'x', missing: 'x', short: 'xyz', altered: 'abc' });
  const actual = plant('b', { same: 'x', short: 'xy', altered: 'abd', extra: '' });
  expect(differences(expected, actual).sort()).toEqual(['altered', 'extra', 'missing', 'short']);
  expect(differences(expected, expected)).toEqual([]);
});

it('finds all files missing from a folder that is not there', () => {
  expect(differences(plant('a', { one: '1' }), join(folder, 'none'))).toEqual(['one']);
});

it('takes the middle of an odd and the mean of the middle two of an even count', () => {
  expect(median([9, 1, 5])).toBe(5);
  expect(median([4, 1, 2, 9])).toBe(3);
  expect(median([])).toBeNaN();
});

it('reads numeric options and refuses unknown ones', () => {
  expect(numericOptions({ runs: 5, delay: 25 }, ['--runs', '2'])).toEqual({ runs: 2, delay: 25 });
  expect(() => numericOptions({ runs: 5 }, ['--rums', '2'])).toThrow('usage: [--runs 5]');
  expect(() => numericOptions({ runs: 5 }, ['--runs', 'many'])).toThrow('usage');
});

it('draws a table with its head', () => {
  expect(
    markdownTable([
      ['a', 'b'],
      ['1', '2'],
    ]),
  ).toBe('| a | b |\n| --- | --- |\n| 1 | 2 |');
});

it('reports the status and output of a program, and ends one that exceeds its time', async () => {
  const ended = await timedRun(['/bin/sh', '-c', 'echo said; exit 3'], {}, 10_000);
  expect(ended).toMatchObject({ status: 3, output: 'said\n' });
  expect(ended.seconds).toBeGreaterThan(0);
  expect((await timedRun(['/bin/sleep', '60'], {}, 50)).status).toBeNull();
});
