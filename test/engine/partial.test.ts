import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { finalNameOf, partialHead, partialName } from '../../src/engine/partial.js';
import { checkName } from '../../src/protocol/names.js';
import { decodeText, encodeText } from '../../src/protocol/text.js';

describe('temporary names', () => {
  test('stable for one version of a source, another one for another version', () => {
    const name = partialName('a.iso', 100, 1_700_000_000_000);
    expect(name).toMatch(/^a\.iso\.[0-9a-f]{8}\.jackstay$/);
    expect(partialName('a.iso', 100, 1_700_000_000_000)).toBe(name);
    const others = [
      partialName('a.iso', 101, 1_700_000_000_000),
      partialName('a.iso', 100, 1_700_000_001_000),
      partialName('a.iso', undefined, 1_700_000_000_000),
      partialName('a.iso', 100, undefined),
      partialName('b.iso', 100, 1_700_000_000_000),
    ];
    expect(new Set([name, ...others]).size).toBe(6);
  });

  // A change of this value would leave the partial files of earlier versions of the program behind.
  test('the same in every version of the program', () => {
    expect(partialName('a.iso', 100, 1_700_000_000_000)).toBe('a.iso.e1382b57.jackstay');
  });

  test('any clean name gives a clean name of at most 255 octets, and is found again', () => {
    const unit = fc.constantFrom('a', 'é', '😀', '\udce9', '.', ' ', '\n');
    fc.assert(
      fc.property(fc.string({ unit, minLength: 1, maxLength: 260 }), fc.option(fc.nat()), (name, size) => {
        fc.pre(checkName(name).ok);
        const partial = partialName(name, size ?? undefined, 0);
        expect(checkName(partial).ok).toBe(true);
        expect(Buffer.byteLength(partial)).toBeLessThanOrEqual(255);
        expect(decodeText(encodeText(partial))).toBe(partial);
        expect(finalNameOf(partial)).toBe(partialHead(name));
        expect(name.startsWith(partialHead(name))).toBe(true);
      }),
      { numRuns: 500 },
    );
  });

  test.each([
    ['x'.repeat(237), 237],
    ['x'.repeat(238), 237],
    ['é'.repeat(127), 118],
    ['😀'.repeat(63), 59],
    [`x${'😀'.repeat(63)}`, 60],
  ])('cut at a character: %#', (name, length) => {
    expect([...partialHead(name)]).toHaveLength(length);
  });

  test.each(['a', 'a.jackstay', 'a.0123456.jackstay', 'a.0123456G.jackstay', 'a.01234567.jackstay.gz'])(
    'an ordinary name: %s',
    (name) => {
      expect(finalNameOf(name)).toBeUndefined();
    },
  );
});
