import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { inRange, inRanges, parseRange, rangeOf } from '../../src/protocol/ranges.js';

const v4 = fc.uint8Array({ minLength: 4, maxLength: 4 }).map((octets) => Array.from(octets));
const v6 = fc
  .uint8Array({ minLength: 16, maxLength: 16 })
  .map((octets) => Array.from(octets))
  .filter((octets) => octets.slice(0, 10).some((octet) => octet !== 0));

const hex = (octets: readonly number[]): string =>
  Array.from({ length: octets.length / 2 }, (_, i) =>
    ((octets[2 * i]! << 8) | octets[2 * i + 1]!).toString(16),
  ).join(':');

describe('parseRange', () => {
  test.each([
    ['192.0.2.7', 4, 32],
    ['192.0.2.0/24', 4, 24],
    ['0.0.0.0/0', 4, 0],
    ['2001:db8::/32', 6, 32],
    ['2001:DB8::7', 6, 128],
    ['::/0', 6, 0],
    ['::ffff:192.0.2.0/120', 4, 24],
    ['::ffff:c000:207', 4, 32],
  ])('%s', (text, family, bits) => {
    expect(parseRange(text)).toMatchObject({ text, family, bits });
  });

  test('a mapped block is the IPv4 block', () => {
    expect(parseRange('::ffff:192.0.2.0/120').octets).toEqual([192, 0, 2, 0]);
  });

  test.each([
    ['', /nothing is not a literal address/],
    ['example.org', /not a literal address/],
    ['192.0.2.0/33', /from 0 to 32/],
    ['192.0.2.0/', /from 0 to 32/],
    ['192.0.2.0/024', /from 0 to 32/],
    ['192.0.2.0/-1', /from 0 to 32/],
    ['192.0.2.0/2/4', /from 0 to 32/],
    ['2001:db8::/129', /from 0 to 128/],
    ['::ffff:192.0.2.0/24', /from 96 to 128/],
    ['192.0.2.7/24', /bits are set behind the prefix/],
    ['2001:db8::1/32', /bits are set/],
    ['fe80::1%eth0', /zone/],
    ['fe80::%eth0/64', /zone/],
    ['[2001:db8::]/32', /brackets/],
    ['0177.0.0.1', /four decimal numbers/],
    ['0x7f000001', /four decimal numbers/],
    ['2130706433', /four decimal numbers/],
    ['127.1', /four decimal numbers/],
    ['192.0.2.256', /four decimal numbers/],
    [' 192.0.2.0/24', /not a literal/],
  ])('refuses %j', (text, why) => {
    expect(() => parseRange(text)).toThrow(why);
  });

  test('says what was meant', () => {
    expect(() => parseRange('192.0.2.7/24')).toThrow(
      expect.objectContaining({
        facts: expect.objectContaining({ advice: expect.stringContaining('192.0.2.0/24') }),
      }),
    );
  });
});

describe('inRange', () => {
  test.each([
    ['192.0.2.255', '192.0.2.0/24', true],
    ['192.0.3.0', '192.0.2.0/24', false],
    ['192.0.2.127', '192.0.2.0/25', true],
    ['192.0.2.128', '192.0.2.0/25', false],
    ['::ffff:192.0.2.7', '192.0.2.0/24', true],
    ['::FFFF:C000:0207', '192.0.2.0/24', true],
    ['192.0.2.7', '::ffff:192.0.2.0/120', true],
    ['192.0.2.7', '::/0', false],
    ['2001:db8::7', '0.0.0.0/0', false],
    ['2001:0DB8:0:0::7', '2001:db8::/32', true],
    ['fe80::1%eth0', 'fe80::/10', false],
    ['0300.0.2.7', '192.0.2.0/24', false],
    ['example.org', '0.0.0.0/0', false],
  ])('%s in %s: %s', (address, range, expected) => {
    expect(inRange(address, parseRange(range))).toBe(expected);
  });

  test('any of several, none of none', () => {
    expect(inRanges('10.1.1.1', [parseRange('192.0.2.0/24'), parseRange('10.0.0.0/8')])).toBe(true);
    expect(inRanges('10.1.1.1', [])).toBe(false);
  });

  test('an address lies in its own blocks, and the neighbour across the prefix does not', () => {
    const address = fc.oneof(v4, v6);
    fc.assert(
      fc.property(address, fc.nat(127), (octets, nth) => {
        const bits = 1 + (nth % (octets.length * 8));
        const range = parseRange(rangeOf(octets, bits).text);
        const write = (all: readonly number[]): string => (all.length === 4 ? all.join('.') : hex(all));
        expect(inRange(write(octets), range)).toBe(true);
        const other = octets.map((octet, i) =>
          i === (bits - 1) >> 3 ? octet ^ (0x80 >> ((bits - 1) & 7)) : octet,
        );
        expect(inRange(write(other), range)).toBe(false);
      }),
    );
  });
});
