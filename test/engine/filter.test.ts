import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { compileGlob, makeFilter } from '../../src/engine/filter.js';

describe('globs', () => {
  test.each([
    ['*.txt', 'a.txt', true],
    ['*.txt', 'd/e/a.txt', true],
    ['*.txt', 'a.txt.gz', false],
    ['a', 'a', true],
    ['a', 'd/a', true],
    ['a', 'a/b', false],
    ['/a', 'a', true],
    ['/a', 'd/a', false],
    ['d/a', 'd/a', true],
    ['d/a', 'x/d/a', false],
    ['d/*', 'd/a', true],
    ['d/*', 'd/e/a', false],
    ['d/**', 'd/e/a', true],
    ['**/a', 'a', true],
    ['**/a', 'x/y/a', true],
    ['d/**/a', 'd/a', true],
    ['d/**/a', 'd/x/y/a', true],
    ['d/**/a', 'e/x/a', false],
    ['d/', 'd', true],
    ['?', 'a', true],
    ['?', '', false],
    ['?', 'ab', false],
    ['?', '😀', true],
    ['?', '\udce9', true],
    ['a?c', 'abc', true],
    ['*', '', true],
    ['*', '.hidden', true],
    ['a*b*c', 'a-b-b-c', true],
    ['a*b*c', 'acb', false],
    ['*ab', 'aab', true],
    ['ab*ba', 'aba', false],
    ['a**b', 'axxb', true],
    ['[abc]', 'b', true],
    ['[a-c]', 'd', false],
    ['[!a-c]', 'd', true],
    ['[^a-c]', 'b', false],
    ['[]a]', ']', true],
    ['[!]a]', ']', false],
    ['[!]a]', 'b', true],
    ['[a^]', '^', true],
    ['[a-]', '-', true],
    ['[\\]', '\\', true],
    ['[[]x', '[x', true],
    ['[*]', '*', true],
    ['[*]', 'a', false],
    ['[?]', 'a', false],
    ['[😀é]', '😀', true],
    ['[a', '[a', true],
    ['a]', 'a]', true],
    ['{a,b}.txt', 'b.txt', true],
    ['{a,b}.txt', 'c.txt', false],
    ['{a,{b,c}}d', 'cd', true],
    ['{a,{b,c}}d', 'ad', true],
    ['{a,{b,c}}d', 'a}d', false],
    ['{a,b}{c,d}{e,f}{g,h}{i,j}', 'bdfhj', true],
    ['{a,b}{c,d}{e,f}{g,h}{i,j}', 'bdfh', false],
    ['x{,y}', 'x', true],
    ['{a/b,c}', 'a/b', true],
    ['{3F2504E0}', '{3F2504E0}', true],
    ['{a', '{a', true],
    ['a}b{c,d}', 'a}bd', true],
    ['(a|b)+.$^', '(a|b)+.$^', true],
    ['a.b', 'axb', false],
    ['A', 'a', false],
  ])('%s on %j: %s', (glob, path, verdict) => {
    expect(compileGlob(glob)(path)).toBe(verdict);
  });

  test.each(['', 'x'.repeat(1001), '[z-a]', '{a,b}'.repeat(7), '{a,b}'.repeat(150)])(
    'refused: %#',
    (glob) => {
      expect(() => compileGlob(glob)).toThrow(expect.objectContaining({ kind: 'usage' }));
    },
  );

  test('names that would take a backtracking matcher for ever', () => {
    const name = 'a'.repeat(5_000);
    expect(compileGlob(`${'*a'.repeat(400)}*b`)(name)).toBe(false);
    expect(compileGlob(`${'*a'.repeat(400)}*`)(name)).toBe(true);
    expect(compileGlob(`${'**/'.repeat(300)}b`)('a/'.repeat(500) + 'a')).toBe(false);
  });

  test('the same as a regular expression says', () => {
    const piece = fc.constantFrom('a', 'b', '*', '?', '.');
    const name = fc.string({ unit: fc.constantFrom('a', 'b', '.'), maxLength: 8 });
    fc.assert(
      fc.property(fc.array(piece, { minLength: 1, maxLength: 6 }), name, (pieces, path) => {
        const glob = pieces.join('');
        fc.pre(glob !== '**');
        const regexps: Record<string, string> = { '*': '.*', '?': '.', '.': '\\.' };
        const expected = pieces.map((one) => regexps[one] ?? one).join('');
        expect(compileGlob(glob)(path)).toBe(new RegExp(`^${expected}$`).test(path));
      }),
      { numRuns: 1_000 },
    );
  });

  test('any pattern: a matcher or a usage error', () => {
    const odd = fc.string({
      unit: fc.constantFrom('[', ']', '{', '}', ',', '!', '^', '-', '\\', '*', '/', 'a', '&'),
      maxLength: 14,
    });
    fc.assert(
      fc.property(odd, odd, (glob, path) => {
        try {
          expect(typeof compileGlob(glob)(path)).toBe('boolean');
        } catch (error) {
          expect(error).toMatchObject({ kind: 'usage' });
        }
      }),
      { numRuns: 2_000 },
    );
  });
});

describe('include and exclude', () => {
  test('nothing given takes everything', () => {
    const filter = makeFilter();
    expect([filter('a', false), filter('d', true)]).toEqual([true, true]);
  });

  test('includes choose files, directories are entered all the same', () => {
    const filter = makeFilter(['*.iso', 'doc/**']);
    expect(filter('a.iso', false)).toBe(true);
    expect(filter('x/y/a.iso', false)).toBe(true);
    expect(filter('doc/a/b', false)).toBe(true);
    expect(filter('a.txt', false)).toBe(false);
    expect(filter('a.txt', true)).toBe(true);
  });

  test('exclusion wins, for directories too', () => {
    const filter = makeFilter(['*.iso'], ['tmp', 'old.iso']);
    expect(filter('tmp', true)).toBe(false);
    expect(filter('old.iso', false)).toBe(false);
    expect(filter('new.iso', false)).toBe(true);
  });
});
