/** TYPE A: the same text whatever the chunks (RFC 959 3.1.1.1). */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { LinesIn, LinesOut } from '../../src/net/plane/lines.js';

function encoded(chunks: readonly Buffer[]): string {
  const lines = new LinesOut();
  return chunks
    .map((chunk) => {
      const into = Buffer.alloc(2 * chunk.length);
      return into.subarray(0, lines.encode(chunk, into)).toString('latin1');
    })
    .join('');
}

function decoded(chunks: readonly Buffer[]): string {
  const lines = new LinesIn();
  const parts: Buffer[] = [];
  for (const chunk of chunks) {
    const { before, text } = lines.decode(Buffer.from(chunk));
    if (before) parts.push(before);
    parts.push(Buffer.from(text));
  }
  parts.push(lines.end() ?? Buffer.alloc(0));
  expect(lines.end()).toBeUndefined();
  return Buffer.concat(parts).toString('latin1');
}

/** Whole, octet by octet, and cut in two at each position. */
function cuts(text: string): Buffer[][] {
  const octets = Buffer.from(text, 'latin1');
  const pairs = Array.from(octets, (_, i) => [octets.subarray(0, i), octets.subarray(i)]);
  return [[octets], Array.from(octets, (_, i) => octets.subarray(i, i + 1)), ...pairs];
}

describe('out', () => {
  test.each([
    ['', ''],
    ['\n', '\r\n'],
    ['a\nb', 'a\r\nb'],
    ['a\r\nb\n', 'a\r\nb\r\n'],
    ['\r\r\n\n\r', '\r\r\n\r\n\r'],
  ])('%j becomes %j at every cut', (text, wire) => {
    for (const chunks of cuts(text)) expect(encoded(chunks)).toBe(wire);
  });
});

describe('in', () => {
  test.each([
    ['', ''],
    ['\r\n', '\n'],
    ['a\r\nb\r\n', 'a\nb\n'],
    ['\r\r\n', '\r\n'],
    ['a\rb\nc\r', 'a\rb\nc\r'],
    ['\r\n\r\n\r\r', '\n\n\r\r'],
  ])('%j becomes %j at every cut', (wire, text) => {
    for (const chunks of cuts(wire)) expect(decoded(chunks)).toBe(text);
  });
});

/** Octets rich in line ends, in chunks. */
const chunks = fc.array(
  fc
    .array(fc.constantFrom(0x0a, 0x0d, 0x61, 0xff, 0x00), { maxLength: 12 })
    .map((octets) => Buffer.from(octets)),
  { maxLength: 8 },
);

test('the cuts never matter, and no line end is left alone on the wire', () => {
  fc.assert(
    fc.property(chunks, (parts) => {
      const whole = [Buffer.concat(parts)];
      const wire = encoded(parts);
      expect(wire).toBe(encoded(whole));
      expect(wire).not.toMatch(/(^|[^\r])\n/);
      expect(decoded(parts)).toBe(decoded(whole));
      expect(decoded(parts)).toBe(whole[0]!.toString('latin1').replaceAll('\r\n', '\n'));
    }),
  );
});

test('a text with the lines of this system comes back as it was', () => {
  fc.assert(
    fc.property(fc.array(fc.constantFrom('\n', 'a', 'ü', '\0')), (letters) => {
      const text = letters.join('');
      expect(decoded([Buffer.from(encoded([Buffer.from(text, 'latin1')]), 'latin1')])).toBe(text);
    }),
  );
});
