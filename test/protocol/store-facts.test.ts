import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { formatMoved, parseMoved } from '../../src/protocol/moved.js';
import { formatReply } from '../../src/protocol/reply-lines.js';
import { formatStoreFacts, parseStoreFacts, type StoreFacts } from '../../src/protocol/store-facts.js';
import { readReplies } from './every-way.js';

const HEX = '0123456789abcdef'.repeat(4);
const some = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: undefined });
const facts = fc
  .record({
    modify: some(fc.integer({ min: Date.UTC(1970, 0, 1), max: Date.UTC(9999, 11, 31) })),
    size: some(fc.maxSafeNat()),
    sha256: some(fc.constantFrom(HEX, 'f'.repeat(64))),
  })
  .filter((one) => Object.values(one).some((value) => value !== undefined));
const path = fc.string({ unit: 'binary', minLength: 1 });

describe('ESTO F', () => {
  test('what is written is read back', () => {
    fc.assert(
      fc.property(facts, path, (told, name) => {
        const line = formatStoreFacts(told, name);
        expect(line.startsWith('F ')).toBe(true);
        const given = Object.fromEntries(Object.entries(told).filter(([, value]) => value !== undefined));
        expect(parseStoreFacts(line.slice(2))).toEqual({ ok: true, facts: given, path: name });
      }),
    );
  });

  test('anything is read or refused, in words that hold none of it', () => {
    const piece = fc.constantFrom(
      'Modify=',
      'Size=',
      'SHA-256=',
      ';',
      ' ',
      '=',
      '12',
      HEX,
      '20200101000000',
      'x',
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 12 }), (pieces) => {
        const verdict = parseStoreFacts(pieces.join(''));
        if (!verdict.ok) expect(verdict.why).not.toMatch(/2020|0123456789/);
        else {
          const again = parseStoreFacts(formatStoreFacts(verdict.facts, verdict.path).slice(2));
          expect(again).toEqual(verdict);
        }
      }),
    );
  });

  test.each<[string, StoreFacts]>([
    ['Modify=20010203040506;', { modify: Date.UTC(2001, 1, 3, 4, 5, 6) }],
    ['modify=20010203040506.5;', { modify: Date.UTC(2001, 1, 3, 4, 5, 6, 500) }],
    ['SIZE=0;', { size: 0 }],
    [`sha-256=${HEX.toUpperCase()};size=7;`, { sha256: HEX, size: 7 }],
  ])('%s', (list, wanted) => {
    expect(parseStoreFacts(`${list}  a b `)).toEqual({ ok: true, facts: wanted, path: ' a b ' });
  });

  test.each([
    ['', /path/],
    ['a', /path/],
    ['Size=1;', /path/],
    ['Size=1; ', /path/],
    [' a', /;/],
    ['Size=1 a', /;/],
    ['; a', /Modify, Size and SHA-256/],
    ['Size=1;; a', /Modify, Size and SHA-256/],
    ['Size; a', /Modify, Size and SHA-256/],
    ['Mode=644; a', /Modify, Size and SHA-256/],
    ['Size=1;Size=1; a', /Size stands there twice/],
    ['Modify=20010203040506;modify=20010203040506; a', /Modify stands there twice/],
    [`SHA-256=${HEX};SHA-256=${HEX}; a`, /SHA-256 stands there twice/],
    ['Size=-1; a', /number of octets/],
    ['Size=1e3; a', /number of octets/],
    ['Size=9007199254740992; a', /number of octets/],
    ['Size=; a', /number of octets/],
    ['Modify=2001; a', /YYYYMMDDHHMMSS/],
    ['Modify=20011303040506; a', /YYYYMMDDHHMMSS/],
    ['Modify=191040203040506; a', /YYYYMMDDHHMMSS/],
    ['Modify=20010203040506.; a', /YYYYMMDDHHMMSS/],
    ['Modify=20010203040506.1234; a', /YYYYMMDDHHMMSS/],
    ['SHA-256=abc; a', /64 hexadecimal digits/],
    [`SHA-256=${'g'.repeat(64)}; a`, /64 hexadecimal digits/],
  ])('%j is refused', (argument, why) => {
    const verdict = parseStoreFacts(argument);
    expect(verdict.ok ? 'read' : verdict.why).toMatch(why);
  });

  test('without a fact there is nothing to write', () => {
    expect(() => formatStoreFacts({}, 'a')).toThrow(RangeError);
  });
});

describe('what a transfer moved', () => {
  const digest = { algorithm: 'SHA-256', hex: HEX } as const;

  test('what is written is read back, behind any text and on the last of several lines', () => {
    const moved = fc.record({ bytes: fc.maxSafeNat(), digest: some(fc.constant(digest)) });
    fc.assert(
      fc.property(moved, fc.array(fc.stringMatching(/^[ -~]*$/), { maxLength: 3 }), (told, texts) => {
        const lines = [...texts, `Stored. ${formatMoved(told)}`];
        const [reply] = readReplies(formatReply(226, lines));
        expect(parseMoved(reply!)).toEqual(told.digest ? told : { bytes: told.bytes });
      }),
    );
  });

  test.each([
    '226 Stored.',
    '226 Bytes=',
    '226 Bytes=9007199254740992',
    '226 Bytes=1 more',
    `226 SHA-256=${HEX.slice(1)}; Bytes=1`,
    `226 SHA-3=${HEX}; Bytes=1`,
    `226 MD5=${HEX}; Bytes=1`,
    `226 xBytes=1`,
    `250 SHA-256=${HEX}; Bytes=1`,
  ])('%s says nothing', (line) => {
    const [reply] = readReplies(`${line}\r\n`);
    expect(parseMoved(reply!)).toBeUndefined();
  });

  test('the first line of several is not the last', () => {
    const [reply] = readReplies('226-Bytes=7\r\n226 End\r\n');
    expect(parseMoved(reply!)).toBeUndefined();
  });
});
