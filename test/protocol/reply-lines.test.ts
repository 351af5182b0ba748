import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parsePathReply } from '../../src/protocol/paths.js';
import { formatReply, quotePath } from '../../src/protocol/reply-lines.js';
import { encodeText } from '../../src/protocol/text.js';
import { readReplies } from './every-way.js';

const text = (octets: Buffer): string => octets.toString('latin1');

describe('formatReply (RFC 959 4.2)', () => {
  test('one line', () => {
    expect(text(formatReply(200, 'Done.'))).toBe('200 Done.\r\n');
    expect(text(formatReply(200, ''))).toBe('200 \r\n');
    expect(text(formatReply(200, []))).toBe('200 \r\n');
    expect(text(formatReply(200, ['Done.']))).toBe('200 Done.\r\n');
  });

  test('several: middle lines that begin with a digit get a blank', () => {
    const lines = ['First', 'second', '211 End', ' third', '4', 'End'];
    expect(text(formatReply(211, lines))).toBe(
      '211-First\r\nsecond\r\n 211 End\r\n third\r\n 4\r\n211 End\r\n',
    );
  });

  test('indented, as FEAT wants it (RFC 2389 3.2)', () => {
    expect(text(formatReply(211, ['Features:', 'MLST type*;size*;', 'UTF8', 'End'], { indent: true }))).toBe(
      '211-Features:\r\n MLST type*;size*;\r\n UTF8\r\n211 End\r\n',
    );
  });

  test('no text can end a line', () => {
    expect(text(formatReply(550, 'a\r\n230 in\n\0\x1b[2J\x7f'))).toBe('550 a??230 in???[2J?\r\n');
    expect(text(formatReply(550, ['a\n230 in', 'b\r', 'c\n']))).toBe('550-a?230 in\r\nb?\r\n550 c?\r\n');
  });

  test('octets that are not UTF-8 leave as they came; 0xFF is doubled (RFC 854)', () => {
    expect(formatReply(257, '\udc80é\udcff')).toEqual(Buffer.from('257 \x80\xc3\xa9\xff\xff\r\n', 'latin1'));
    expect(formatReply(257, 'é€ÿ', { charset: 'latin1' })).toEqual(
      Buffer.from('257 \xe9?\xff\xff\r\n', 'latin1'),
    );
  });

  test.each([99, 660, 200.5, Number.NaN])('%d is no code', (code) => {
    expect(() => formatReply(code, 'x')).toThrow(RangeError);
  });

  test('any text comes back as one reply with the same code', () => {
    const any = fc.string({ unit: 'binary', maxLength: 30 });
    const line = fc.oneof(any, fc.constantFrom('211 End', '211-x', '211', 'a\r\n211 End\r\n', '\udcff'));
    fc.assert(
      fc.property(
        fc.integer({ min: 100, max: 659 }),
        fc.array(line, { maxLength: 5 }),
        fc.boolean(),
        (...args) => {
          const [code, lines, indent] = args;
          const replies = readReplies(formatReply(code, lines, { indent }));
          expect(replies).toHaveLength(1);
          expect(replies[0]!.code).toBe(code);
          expect(replies[0]!.lines).toHaveLength(Math.max(1, lines.length));
          const last = (lines.at(-1) ?? '').replace(/[\x00-\x1f\x7f]/g, '?');
          // What UTF-8 cannot carry is replaced on the way, as Buffer does it; 0xFF arrives twice.
          if (Buffer.from(last).toString() === last) expect(replies[0]!.text).toBe(last);
          else expect(encodeText(replies[0]!.text).length).toBeGreaterThan(0);
        },
      ),
    );
  });
});

describe('quotePath (RFC 959 appendix II)', () => {
  test.each(['/', '/a b', '/a"b', '"', '/"a"" b".', '/é\udc80', '/a" is current'])(
    '%j comes back',
    (path) => {
      const [reply] = readReplies(formatReply(257, `${quotePath(path)} is the current directory.`));
      expect(parsePathReply(reply!)).toBe(path);
    },
  );
});
