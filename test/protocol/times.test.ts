import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { formatTime, parseMdtm, parseSize, parseTime } from '../../src/protocol/times.js';
import { reply } from './every-way.js';

describe('RFC 3659 times', () => {
  test.each([
    ['19700101000000', '1970-01-01T00:00:00.000Z'],
    ['20240229120000', '2024-02-29T12:00:00.000Z'],
    ['20240131120000.5', '2024-01-31T12:00:00.500Z'],
    ['20240131120000.123456789012', '2024-01-31T12:00:00.123Z'],
    ['20240131120000.9999', '2024-01-31T12:00:00.999Z'],
    ['00000101000000', '0000-01-01T00:00:00.000Z'],
    ['00990101000000', '0099-01-01T00:00:00.000Z'],
    ['99991231235959', '9999-12-31T23:59:59.000Z'],
    ['20161231235960', '2017-01-01T00:00:00.000Z'],
    ['20150630235960.5', '2015-07-01T00:00:00.500Z'],
    ['19100', undefined],
    ['191000102030405', '2000-01-02T03:04:05.000Z'],
    ['191041231235959', '2004-12-31T23:59:59.000Z'],
    ['191241231235959.25', '2024-12-31T23:59:59.250Z'],
    ['19100102030405', '1910-01-02T03:04:05.000Z'],
  ])('%s', (text, iso) => {
    const at = parseTime(text);
    expect(at === undefined ? undefined : new Date(at).toISOString()).toBe(iso);
  });

  test.each([
    '',
    '2024',
    '20240131',
    '2024013112000',
    '202401311200000',
    '20240031120000',
    '20241331120000',
    '20240100120000',
    '20240132120000',
    '20230229120000',
    '20240230235960',
    '20240431120000',
    '20240101240000',
    '20240101006000',
    '20240101000061',
    // The leap second of a year that would be followed by one of five digits.
    '99991231235960',
    '20240101000000.',
    '20240101000000,5',
    '+0240101000000',
    ' 20240101000000',
    '20240101000000 ',
    '20240101000000Z',
  ])('no time: %j', (text) => {
    expect(parseTime(text)).toBeUndefined();
  });

  test('any whole second comes back', () => {
    const first = Date.parse('0000-01-01T00:00:00Z') / 1000;
    const last = Date.parse('9999-12-31T23:59:59Z') / 1000;
    fc.assert(
      fc.property(fc.integer({ min: first, max: last }), (seconds) => {
        expect(parseTime(formatTime(seconds * 1000))).toBe(seconds * 1000);
      }),
      { numRuns: 1_000 },
    );
  });

  test('any time cut to the second', () => {
    const at = Date.UTC(2024, 1, 29, 12, 34, 56, 789);
    expect(formatTime(at)).toBe('20240229123456');
  });

  test.each([
    [8.64e15, '99991231235959'],
    [Number.POSITIVE_INFINITY, '99991231235959'],
    [-8.64e15, '00000101000000'],
  ])('times that fourteen digits cannot tell: %d', (at, text) => {
    expect(formatTime(at)).toBe(text);
  });

  test('any fourteen digits: a time that is written the same, or none', () => {
    const digits = fc.string({ unit: fc.constantFrom(...'0123456789'), minLength: 14, maxLength: 14 });
    fc.assert(
      fc.property(digits, (text) => {
        const at = parseTime(text);
        if (at !== undefined && !text.endsWith('60')) expect(formatTime(at)).toBe(text);
      }),
      { numRuns: 1_000 },
    );
  });
});

describe('213', () => {
  const noon = Date.UTC(2024, 0, 31, 12);
  test.each([
    ['213 20240131120000', noon],
    ['213 20240131120000 ', noon],
    ['213  20240131120000 UTC', noon],
    ['213 yesterday', undefined],
    ['213', undefined],
    ['550 20240131120000', undefined],
    ['250 20240131120000', undefined],
  ])('MDTM %s', (text, at) => {
    expect(parseMdtm(reply(text))).toBe(at);
  });

  test.each([
    ['213 0', 0],
    ['213 5', 5],
    ['213  5 ', 5],
    ['213 9007199254740991', Number.MAX_SAFE_INTEGER],
    ['213 9007199254740992', undefined],
    ['213 18446744073709551615', undefined],
    ['213 -5', undefined],
    ['213 5.5', undefined],
    ['213 0x10', undefined],
    ['213 1e3', undefined],
    ['213 5 bytes', undefined],
    ['213', undefined],
    ['550 5', undefined],
  ])('SIZE %s', (text, size) => {
    expect(parseSize(reply(text))).toBe(size);
  });
});
