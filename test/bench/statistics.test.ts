import { expect, it } from 'vitest';
import { cellsOf, chosenOf, estimated, readFlags, turns } from '../../bench/compare/frame.js';
import { withSection } from '../../bench/compare/page.js';
import { selfTimes } from '../../bench/compare/profile.js';
import { countOf, fastestOf, ratioOf, spreadIn } from '../../bench/compare/statistics.js';
import { digits, footnote, proofTable, told, toldRatio, wideTable } from '../../bench/compare/tables.js';
import type { Cell, Comparison, Result, Sample } from '../../bench/compare/types.js';

const sample = (contender: string, round: number, seconds: number, more: Partial<Sample> = {}): Sample => ({
  ...{ setting: 'near | 1', contender, round, seconds, amount: 100, identical: true, values: {} },
  ...more,
});

const SAMPLES = [
  ...[sample('a', 0, 10), sample('a', 1, 20), sample('a', 2, 40)],
  ...[sample('b', 0, 5), sample('b', 1, 5), sample('b', 2, 40)],
];

it('tells the median and the extremes of what counts', () => {
  expect(spreadIn(SAMPLES, 'near | 1', 'a')).toEqual({ middle: 5, least: 2.5, most: 10, count: 3 });
  const bad = [
    ...SAMPLES,
    sample('a', 3, 1, { identical: false }),
    sample('a', 4, 1, { failure: 'it died' }),
  ];
  expect(spreadIn(bad, 'near | 1', 'a')).toEqual(spreadIn(SAMPLES, 'near | 1', 'a'));
  expect(countOf(bad, 'near | 1', 'a')).toBe('3 of 5');
  expect(spreadIn(SAMPLES, 'far | 1', 'a')).toBeUndefined();
});

it('takes ratios round by round, and the fastest by its median', () => {
  expect(ratioOf(SAMPLES, 'near | 1', 'b', 'a')).toEqual({ middle: 2, least: 1, most: 4, count: 3 });
  expect(fastestOf(SAMPLES, 'near | 1', ['a', 'b', 'none'])).toBe('b');
  expect(fastestOf(SAMPLES, 'near | 1', ['none'])).toBeUndefined();
});

it('tells three digits', () => {
  expect([0, 0.01234, 0.5, 9.876, 98.76, 987.6, 9876.5].map(digits)).toEqual([
    ...['0', '0.012', '0.500', '9.88', '98.8', '988', '9877'],
  ]);
  expect(told(undefined)).toBe('-');
  expect(toldRatio(spreadIn(SAMPLES, 'near | 1', 'b'))).toBe('20.00 (2.50 to 20.00)');
});

it('makes a row of a setting, with fewer files told where a contender had fewer', () => {
  const samples = [sample('a', 0, 10), sample('b', 0, 1, { amount: 40 })];
  const text = wideTable(samples, {
    ...{ parts: ['line', 'sessions'], contenders: ['a', 'b', 'absent'], unit: 'files' },
    ratios: [{ title: 'b to a', of: 'b', to: ['a'] }],
    limit: { title: 'of the limit', of: 'a', rate: () => 20 },
  });
  expect(text.split('\n')).toEqual([
    '| line | sessions | a | b | b to a | of the limit |',
    '| --- | --- | --- | --- | --- | --- |',
    '| near | 1 | 10.0 | 40.0; 40 files | 4.00 | 0.50 |',
  ]);
});

it('says who compared what, and how it went', () => {
  const samples = [
    sample('jackstay', 0, 1, { said: 'fast, clear, digest 39, size 1' }),
    sample('jackstay', 1, 1, { said: 'fast, clear, digest 40' }),
    sample('lftp', 0, 1),
  ];
  const contenders = ['lftp', 'jackstay', 'absent'].map((name) => ({ name, verifies: `by ${name}` }));
  expect(proofTable(samples, contenders).split('\n').slice(2)).toEqual([
    '| lftp | by lftp | - |',
    '| jackstay | by jackstay | fast, clear, digest, size; fast, clear, digest |',
  ]);
  const between = contenders.map((one) => ({ ...one, servers: 'ours' }));
  expect(proofTable(samples, between)).toContain('| lftp | ours | by lftp | - |');
});

it('says under the table what does not count', () => {
  const result: Result = {
    ...{ date: '2026-01-02T03:04:05.000Z', machine: { cores: 2, cpu: 'x', node: 'v20' }, loadBefore: 0.25 },
    ...{
      runs: 2,
      versions: { lftp: '4.9.2' },
      samples: [sample('a', 0, 1), sample('b', 0, 1, { failure: 'x' })],
    },
  };
  expect(footnote(result)).toBe(
    'Measured on 2026-01-02: medians of 2 rounds in turns (least to most), 1 of 2 copies identical with their sources, the others do not count: b (near, 1); 2 cores, load in the minute before 0.3. lftp 4.9.2.',
  );
});

it('begins every round of a setting with another contender', () => {
  const cells = ['a', 'b', 'c'].map(
    (contender): Cell => ({ setting: 's', contender, amount: 1, expected: 1 }),
  );
  expect(
    [0, 1, 2, 3].map((round) =>
      turns(cells, round)
        .map(({ contender }) => contender)
        .join(''),
    ),
  ).toEqual([...['abc', 'bca', 'cab', 'abc']]);
});

const comparison = (name: string): Comparison => ({
  ...{ name, opening: 10, open: () => Promise.reject(new Error('not here')), section: () => '' },
  cells: () => ['a', 'b'].map((contender) => ({ setting: 'near', contender, amount: 1, expected: 4.7 })),
});

it('reads its flags, chooses comparisons and cells by them, and says how long they take', () => {
  const flags = readFlags(['--runs', '2', '--match', 'near . b']);
  expect(cellsOf(comparison('x'), flags).map(({ contender }) => contender)).toEqual(['b']);
  expect(estimated(comparison('x'), cellsOf(comparison('x'), flags), 2)).toBeCloseTo(20);
  expect(() => cellsOf(comparison('x'), readFlags(['--match', 'far']))).toThrow(
    /leaves nothing of\nnear \| a/,
  );
  expect(() => readFlags(['--runs', 'some'])).toThrow('--runs must be a number above 0, not some');
  expect(() => readFlags(['--rums', '3'])).toThrow('--rums');
  const all = [comparison('big-file'), comparison('fast')];
  expect(chosenOf(all, 'big')).toEqual([all[0]]);
  expect(chosenOf(all, undefined)).toEqual(all);
  expect(() => chosenOf(all, 'big,slow')).toThrow('not known: slow; there are big-file, fast');
});

it('replaces what is between the markers of a page, and nothing else', () => {
  const page = 'a\n<!-- x -->\nold\n<!-- /x -->\nb\n';
  expect(withSection(page, 'x', 'new $1\n')).toBe('a\n<!-- x -->\nnew $1\n<!-- /x -->\nb\n');
  expect(() => withSection(page, 'y', 'new')).toThrow('no section between <!-- y -->');
});

it('adds up the self times of profiles', () => {
  const frame = (functionName: string, url: string, lineNumber: number) => ({
    functionName,
    url,
    lineNumber,
  });
  const profile = {
    nodes: [
      { id: 1, callFrame: frame('(idle)', '', -1) },
      { id: 2, callFrame: frame('work', 'file:///here/dist/a.js', 4) },
      { id: 3, callFrame: frame('', 'node:net', 0) },
    ],
    samples: [1, 2, 3, 2],
    timeDeltas: [9000, 2000, 1500, -20],
  };
  expect(selfTimes([profile, profile])).toEqual([
    { where: 'work dist/a.js:5', milliseconds: 4 },
    { where: '(anonymous) node:net:1', milliseconds: 3 },
  ]);
});
