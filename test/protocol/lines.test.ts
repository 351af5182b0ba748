import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { LineDecoder } from '../../src/protocol/lines.js';
import { everyWay } from './every-way.js';

function linesOf(input: string | Uint8Array, limit = 1024): string[] {
  return everyWay(input, (chunks) => {
    const decoder = new LineDecoder(limit);
    const lines = chunks.flatMap((chunk) => decoder.push(chunk));
    return [...lines.map((line) => line.toString('latin1')), `+${decoder.pending}`];
  });
}

describe('LineDecoder', () => {
  test.each([
    ['CRLF', 'a\r\nb\r\n', ['a', 'b', '+0']],
    ['bare LF', 'a\nb\n', ['a', 'b', '+0']],
    ['blank lines', '\r\n\n\r\n', ['', '', '', '+0']],
    ['only one CR is dropped', 'a\r\r\n', ['a\r', '+0']],
    ['a lone CR inside stays', 'a\rb\r\n', ['a\rb', '+0']],
    ['NUL is dropped (NVT: CR NUL)', 'a\r\0b\0\r\n', ['a\rb', '+0']],
    ['an unfinished line is held', 'a\r\nbcd', ['a', '+3']],
    ['nothing', '', ['+0']],
  ])('%s', (_name, input, expected) => {
    expect(linesOf(input)).toEqual(expected);
  });

  test('the limit counts octets without the line end', () => {
    expect(linesOf('1234\r\n', 4)).toEqual(['1234', '+0']);
    expect(linesOf('1234\n', 4)).toEqual(['1234', '+0']);
    expect(() => linesOf('12345\r\n', 4)).toThrow(/longer than 4 octets/);
    expect(() => linesOf('12345\n', 4)).toThrow(/longer than 4 octets/);
  });

  test('a line without an end is refused as soon as it is too long', () => {
    const decoder = new LineDecoder(16);
    decoder.push(Buffer.alloc(17, 0x61));
    expect(() => decoder.push(Buffer.from('a'))).toThrow(/longer than 16/);
  });

  test('a buffer that the caller uses again does not change a held line', () => {
    const decoder = new LineDecoder(16);
    const shared = Buffer.from('ab');
    decoder.push(shared);
    shared.fill(0x78);
    expect(decoder.push(Buffer.from('\n'))[0]?.toString()).toBe('ab');
  });

  test('any lines, cut anywhere, come back', () => {
    const line = fc.array(
      fc.nat(255).filter((octet) => ![0, 10, 13].includes(octet)),
      { maxLength: 20 },
    );
    fc.assert(
      fc.property(fc.array(line, { maxLength: 5 }), fc.constantFrom('\n', '\r\n'), (lines, end) => {
        const texts = lines.map((octets) => Buffer.from(octets).toString('latin1'));
        const input = Buffer.from(texts.map((text) => text + end).join(''), 'latin1');
        expect(linesOf(input)).toEqual([...texts, '+0']);
      }),
    );
  });
});
