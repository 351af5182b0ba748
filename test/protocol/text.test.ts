import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decodeText, encodeText } from '../../src/protocol/text.js';

/** Octets around the edges of UTF-8: leading and continuation octets, overlong and surrogate forms. */
const edgy = fc
  .array(
    fc.oneof(
      fc.constantFrom(
        0x41,
        0x7f,
        0x80,
        0xbf,
        0xc0,
        0xc2,
        0xdf,
        0xe0,
        0xa0,
        0x9f,
        0xed,
        0xf0,
        0x90,
        0xf4,
        0x8f,
        0xff,
      ),
      fc.nat(255),
    ),
    { maxLength: 24 },
  )
  .map((octets) => Uint8Array.from(octets));

const wellFormed = fc
  .array(
    fc.oneof(
      fc.nat(0x2ff),
      fc.integer({ min: 0xe000, max: 0x10ffff }),
      fc.integer({ min: 0x300, max: 0xd7ff }),
    ),
  )
  .map((points) => String.fromCodePoint(...points));

describe('decodeText and encodeText', () => {
  test('any octets come back unchanged as UTF-8', () => {
    fc.assert(
      fc.property(fc.oneof(edgy, fc.uint8Array()), (octets) => {
        expect([...encodeText(decodeText(octets))]).toEqual([...octets]);
      }),
      { numRuns: 2_000 },
    );
  });

  test('any octets come back unchanged as latin1', () => {
    fc.assert(
      fc.property(fc.uint8Array(), (octets) => {
        expect([...encodeText(decodeText(octets, 'latin1'), 'latin1')]).toEqual([...octets]);
      }),
    );
  });

  test('any well-formed text comes back unchanged', () => {
    fc.assert(
      fc.property(wellFormed, (text) => {
        expect(decodeText(encodeText(text))).toBe(text);
      }),
    );
  });

  test('valid UTF-8 is decoded as the platform does, a BOM is kept', () => {
    fc.assert(
      fc.property(wellFormed, (text) => {
        expect(decodeText(Buffer.from(text, 'utf8'))).toBe(text);
      }),
    );
    expect(decodeText(Buffer.from([0xef, 0xbb, 0xbf, 0x61]))).toBe('\ufeffa');
  });

  test.each([
    ['a lone continuation octet', [0x80], '\udc80'],
    ['latin1 in the middle', [0x63, 0x61, 0x66, 0xe9, 0x2e], 'caf\udce9.'],
    ['overlong slash', [0xc0, 0xaf], '\udcc0\udcaf'],
    ['overlong slash of three', [0xe0, 0x80, 0xaf], '\udce0\udc80\udcaf'],
    ['a surrogate in UTF-8', [0xed, 0xa0, 0x80], '\udced\udca0\udc80'],
    ['beyond U+10FFFF', [0xf4, 0x90, 0x80, 0x80], '\udcf4\udc90\udc80\udc80'],
    ['a cut sequence at the end', [0x61, 0xe2, 0x82], 'a\udce2\udc82'],
    ['a broken octet behind an astral character', [0xf0, 0x9f, 0x98, 0x80, 0x80], '😀\udc80'],
  ])('%s', (_name, octets, text) => {
    expect(decodeText(Uint8Array.from(octets))).toBe(text);
    expect([...encodeText(text)]).toEqual(octets);
  });

  test('an octet kept from a UTF-8 site is the same octet at a latin1 site', () => {
    expect([...encodeText(decodeText(Uint8Array.of(0x63, 0xe9)), 'latin1')]).toEqual([0x63, 0xe9]);
  });

  test('latin1 refuses what it does not have: U+010A must not become a line feed', () => {
    for (const text of ['\u010a', '\u0100', '€', '😀', 'a\u010dDELE b']) {
      expect(() => encodeText(text, 'latin1')).toThrow(/latin1 does not have/);
    }
  });
});
