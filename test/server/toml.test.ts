import fc from 'fast-check';
import { parse, stringify } from 'smol-toml';
import { describe, expect, it } from 'vitest';
import { keyText, lineOf, outline } from '../../src/server/toml/outline.js';
import { suggest } from '../../src/server/toml/suggest.js';
import { readRate, readSize, readTime, sizeText } from '../../src/server/toml/units.js';

const at = (root: unknown, path: readonly string[]): unknown =>
  path.reduce<unknown>((value, part) => (value as Record<string, unknown>)[part], root);

/** Every pair stands where the outline says, and says there what the parser found. */
function check(text: string): number {
  const root = parse(text);
  const pairs = outline(text).filter(({ kind }) => kind === 'pair');
  for (const { path, value, end, line, start } of pairs) {
    const alone = parse(`x = ${text.slice(value, end)}`);
    expect(alone.x).toEqual(at(root, path));
    expect(text.slice(0, start).split('\n').length).toBe(line);
  }
  return pairs.length;
}

describe('the outline of a TOML text', () => {
  it('names every table and pair with line and place', () => {
    const text = [
      '# comment = "no" [no]',
      'a.b = 1 # not = this',
      '"q\\u0041 \\"x" = \'a # b\'',
      '\'li.teral\' = """two',
      '[no]',
      '"" quotes"""""',
      '[ t . "x.y" ] # head',
      'list = [ "]", # ]',
      '  { a = "}" }, ]',
      'at = 2020-01-01 10:00:00 # time',
      '[[many]]',
      'inline = { p = { q = [1, 2] }, "r" = 2 }',
      'end = true',
    ].join('\n');
    expect(outline(text).map(({ kind, path, line }) => [kind, path, line])).toEqual([
      ['pair', ['a', 'b'], 2],
      ['pair', ['qA "x'], 3],
      ['pair', ['li.teral'], 4],
      ['table', ['t', 'x.y'], 7],
      ['pair', ['t', 'x.y', 'list'], 8],
      ['pair', ['t', 'x.y', 'at'], 10],
      ['array', ['many'], 11],
      ['pair', ['many', 'inline'], 12],
      ['pair', ['many', 'end'], 13],
    ]);
    expect(check(text.replace('[[many]]', '[many]'))).toBe(7);
    expect(check(text.replace('[[many]]', '[many]').replaceAll('\n', '\r\n'))).toBe(7);
  });

  it('agrees with the parser on any document', () => {
    const key = fc.oneof(
      fc.string({ minLength: 1, maxLength: 5 }),
      fc.constantFrom('a', 'a.b', '#', '"', "'"),
    );
    const leaf = fc.oneof(
      fc.string({ unit: 'binary' }).filter((text) => !/\p{Surrogate}/u.test(text)),
      fc.integer(),
      fc.boolean(),
      fc.constantFrom('"""', "'''", '[', '}', '# x', 'a\nb', '\\'),
      fc.array(fc.string({ maxLength: 4 }), { maxLength: 3 }),
    );
    const { table } = fc.letrec((tie) => ({
      table: fc.dictionary(key, fc.oneof({ maxDepth: 2 }, leaf, tie('table')), {
        maxKeys: 4,
        noNullPrototype: true,
      }),
    }));
    fc.assert(
      fc.property(table, (value) => {
        check(stringify(value as Record<string, unknown>));
      }),
      { numRuns: 300 },
    );
  });

  it('writes keys that are read back', () => {
    fc.assert(
      fc.property(
        fc.string({ minLength: 1 }).filter((text) => !/[\u0000-\u001f]/.test(text)),
        (key) => {
          expect(Object.keys(parse(`${keyText(key)} = 1`))).toEqual([key]);
        },
      ),
    );
  });

  it('knows the nearest line for what is not there', () => {
    const statements = outline('a = 1\n[b]\nc = 2\n[b.d]\n');
    expect(lineOf(statements, ['b', 'c'])).toBe(3);
    expect(lineOf(statements, ['b', 'x'])).toBe(2);
    expect(lineOf(statements, ['b', 'd', 'x', 0])).toBe(4);
    expect(lineOf(statements, ['x'])).toBe(1);
  });
});

describe('units', () => {
  it.each([
    [500, 500],
    ['500', 500],
    ['64 KiB', 65_536],
    ['1.5M', 1_572_864],
    ['10 GiB', 10_737_418_240],
    ['10 GB', 10_000_000_000],
    ['1b', 1],
    ['0', 0],
    ['8000 TiB', 8_796_093_022_208_000],
    ['9000 TiB', undefined],
    ['10 GoB', undefined],
    ['-1', undefined],
    ['1e3', undefined],
    ['1ib', undefined],
    ['', undefined],
    [1.5, undefined],
    [true, undefined],
  ])('size %j is %j', (text, octets) => {
    expect(readSize(text)).toBe(octets);
  });

  it.each([
    ['20 MiB/s', 20_971_520],
    ['512K / s', 524_288],
    [0, 0],
    ['20 MiB/h', undefined],
  ])('rate %j is %j', (text, octets) => {
    expect(readRate(text)).toBe(octets);
  });

  it.each([
    ['500ms', 500],
    ['1.5 s', 1500],
    ['5m', 300_000],
    ['1d', 86_400_000],
    ['0', 0],
    [0, 0],
    ['30d', 2_592_000_000],
    ['31d', undefined],
    ['5', undefined],
    [5, undefined],
    ['5 minutes', undefined],
  ])('time %j is %j', (text, time) => {
    expect(readTime(text)).toBe(time);
  });

  it('sizes that are shown are read back', () => {
    fc.assert(
      fc.property(fc.maxSafeNat(), (octets) => {
        expect(readSize(sizeText(octets))).toBe(octets);
      }),
    );
    expect(sizeText(10 * 1024 ** 3)).toBe('10 GiB');
  });
});

it.each([
  ['max-login', 'max-logins'],
  ['idleTimeout', 'idle-timeout'],
  ['IDLE_TIMEOUT', 'idle-timeout'],
  ['hmoe', 'home'],
  ['qouta', 'quota'],
  ['elephant', undefined],
  ['x'.repeat(100_000), undefined],
])('%.20s may have been meant as %s', (word, meant) => {
  expect(suggest(word, ['home', 'quota', 'max-logins', 'idle-timeout'])).toBe(meant);
});
