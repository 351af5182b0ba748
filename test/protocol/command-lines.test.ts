import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { CommandDecoder, type CommandLine } from '../../src/protocol/command-lines.js';
import { encodeCommand } from '../../src/protocol/commands.js';
import { encodeText } from '../../src/protocol/text.js';
import { everyWay } from './every-way.js';

interface Read {
  lines: CommandLine[];
  pending: number;
  overlong: boolean;
}

function read(input: string | Uint8Array, limit?: number): Read {
  const octets = typeof input === 'string' ? Buffer.from(input, 'latin1') : input;
  return everyWay(octets, (chunks) => {
    const decoder = new CommandDecoder(limit);
    const lines = chunks.flatMap((chunk) => decoder.push(chunk));
    return { lines, pending: decoder.pending, overlong: decoder.overlong };
  });
}

/** Lines as `VERB|argument|fault`. */
const shown = ({ lines }: Read): string[] =>
  lines.map(({ verb, argument, fault }) => [verb, argument ?? '-', ...(fault ? [fault] : [])].join('|'));

describe('lines', () => {
  test.each([
    ['CR LF', 'NOOP\r\n', ['NOOP|-']],
    ['LF alone', 'NOOP\nQUIT\n', ['NOOP|-', 'QUIT|-']],
    ['only one CR belongs to the line end', 'NOOP\r\r\n', ['|-|control']],
    ['lower and mixed case', 'noop\r\nXsHa256 /a\r\n', ['NOOP|-', 'XSHA256|/a']],
    ['exactly one space goes (RFC 3659 2.2)', 'STOR  a b \r\n', ['STOR| a b ']],
    ['an empty argument is not none', 'CWD \r\n', ['CWD|']],
    ['no verb: a blank first', ' NOOP\r\n', ['|NOOP|verb']],
    ['no verb: a digit first', '1NOOP\r\n', ['|-|verb']],
    ['no verb: signs', 'NO-OP x\r\n', ['|x|verb']],
    ['no verb: too long', `${'A'.repeat(17)}\r\n`, ['|-|verb']],
    ['toupper knows ASCII only', 'st\u00e4t\r\n\u0131oop\r\n', ['|-|verb', '|-|verb']],
    ['an HTTP request', 'GET / HTTP/1.1\r\nHost: a\r\n\r\n', ['GET|/ HTTP/1.1', '|a|verb', '|-|empty']],
    ['nothing', '\r\n\n', ['|-|empty', '|-|empty']],
    ['NUL (CVE-2025-47812)', 'USER anonymous\0x\r\n', ['USER|-|control']],
    ['CR NUL stands for CR, which no argument may hold', 'CWD a\r\0b\r\n', ['CWD|-|control']],
    ['tab, escape, DEL', 'CWD a\tb\r\nCWD \x1b[2J\r\nCWD \x7f\r\n', Array(3).fill('CWD|-|control')],
    ['a control character in the verb', 'NO\x01OP\r\n', ['|-|control']],
  ])('%s', (_name, input, expected) => {
    expect(shown(read(input))).toEqual(expected);
  });

  test('UTF-8, and octets that are none, come back as the same octets', () => {
    const octets = Buffer.from([0x43, 0x57, 0x44, 0x20, 0xc3, 0xa9, 0x80, 0xed, 0xa0, 0x80, 0x0a]);
    const { lines } = read(octets);
    expect(lines[0]?.argument).toBe('é\udc80\udced\udca0\udc80');
    expect(encodeText(lines[0]!.argument!)).toEqual(octets.subarray(4, -1));
  });

  test('latin1 where the session says so', () => {
    const decoder = new CommandDecoder();
    decoder.charset = 'latin1';
    expect(decoder.push(Buffer.from('CWD caf\xe9\n', 'latin1'))[0]?.argument).toBe('café');
  });

  test('an unfinished line is held, whatever the caller does with its buffer', () => {
    const decoder = new CommandDecoder();
    const shared = Buffer.from('NO');
    expect(decoder.push(shared)).toEqual([]);
    expect(decoder.pending).toBe(2);
    shared.fill(0x78);
    expect(decoder.push(Buffer.from('OP\r\n'))).toEqual([{ verb: 'NOOP', argument: undefined }]);
    expect(decoder.pending).toBe(0);
  });
});

describe('limit (CVE-2008-4242)', () => {
  test('counts octets without the line end', () => {
    expect(shown(read('NOOP\r\n', 4))).toEqual(['NOOP|-']);
    expect(shown(read('NOOP\n', 4))).toEqual(['NOOP|-']);
    expect(read('NOOPS\r\n', 4)).toEqual({ lines: [], pending: 0, overlong: true });
    expect(read('NOOPS\n', 4)).toEqual({ lines: [], pending: 0, overlong: true });
    expect(read('NOOP\r', 4).overlong).toBe(false);
    expect(read('NOOP\rx', 4).overlong).toBe(true);
  });

  test('nothing behind an overlong line is a command; what came before it is', () => {
    const line = `CWD ${'a'.repeat(4093)} \r\nDELE x\r\n`;
    const decoder = new CommandDecoder();
    expect(
      shown({ lines: decoder.push(Buffer.from(`NOOP\r\n${line}`)), pending: 0, overlong: false }),
    ).toEqual(['NOOP|-']);
    expect(decoder.overlong).toBe(true);
    expect(decoder.push(Buffer.from('\r\nDELE x\r\n'))).toEqual([]);
    expect(decoder.pending).toBe(0);
  });

  test('4096 octets by default', () => {
    const longest = `CWD ${'a'.repeat(4092)}\r\n`;
    expect(new CommandDecoder().push(Buffer.from(longest))).toHaveLength(1);
  });

  test('a line without an end is refused as soon as it is too long', () => {
    const decoder = new CommandDecoder();
    decoder.push(Buffer.alloc(4096, 0x41));
    expect(decoder.overlong).toBe(false);
    decoder.push(Buffer.from('A'));
    expect(decoder.overlong).toBe(true);
  });
});

describe('Telnet (RFC 854)', () => {
  test.each([
    ['IAC IAC is one octet 0xFF', 'CWD a\xff\xffb\r\n', ['CWD|a\udcffb']],
    ['an even run', 'CWD \xff\xff\xff\xff\r\n', ['CWD|\udcff\udcff']],
    [
      'WILL, WONT, DO, DONT take an option',
      '\xff\xfb\x01NO\xff\xfc\x03OP\xff\xfd\x06\r\n\xff\xfe\x0a',
      ['NOOP|-'],
    ],
    ['the option may be IAC or LF', '\xff\xfd\xffNO\xff\xfb\nOP\r\n', ['NOOP|-']],
    ['others are two octets', '\xff\xf4\xff\xf2NO\xff\xf1OP\r\n', ['NOOP|-']],
    ['IAC before what is no Telnet command goes alone', 'CWD \xffa\r\nCWD y\xff\r\n', ['CWD|a', 'CWD|y']],
    ['a line of Telnet only is empty', '\xff\xf1\r\n', ['|-|empty']],
  ])('%s', (_name, input, expected) => {
    const result = read(input);
    expect(shown(result)).toEqual(expected);
    expect(result.pending).toBe(0);
  });

  test('an endless run of them is not kept', () => {
    const decoder = new CommandDecoder(8);
    for (let i = 0; i < 100; i++) decoder.push(Buffer.from('\xff\xf1\xff\xfb\x01'.repeat(100), 'latin1'));
    expect(decoder.pending).toBe(0);
    expect(shown({ lines: decoder.push(Buffer.from('NOOP\n')), pending: 0, overlong: false })).toEqual([
      'NOOP|-',
    ]);
  });
});

describe('ABOR as urgent data (RFC 959 4.1.3): one octet is missing in the stream', () => {
  test.each([
    ['nothing urgent', '\xff\xf4\xff\xf2ABOR\r\n', ['ABOR|-']],
    ['the IAC of the data mark', '\xff\xf4\xf2ABOR\r\n', ['ABOR|-']],
    ['the data mark', '\xff\xf4\xffABOR\r\n', ['ABOR|-']],
    ['the LF', 'abor\r', ['ABOR|-']],
    ['the LF, another command next', 'ABOR\rNOOP\r\n', ['ABOR|-', 'NOOP|-']],
    ['the LF, twice', 'ABOR\rABOR\rABOR\r\n', ['ABOR|-', 'ABOR|-', 'ABOR|-']],
    ['no second line end is swallowed', 'ABOR\r\n\r\n', ['ABOR|-', '|-|empty']],
    ['nor any other', 'ABOR\rNOOP\r\n\n', ['ABOR|-', 'NOOP|-', '|-|empty']],
    ['a data mark in between', 'ABOR\r\xf2\nNOOP\n', ['ABOR|-', 'NOOP|-']],
    ['not in other lines', 'ABORT\r\nXABOR\r\nABOR x\r\n', ['ABORT|-', 'XABOR|-', 'ABOR|x']],
  ])('%s', (_name, input, expected) => {
    expect(shown(read(input))).toEqual(expected);
  });
});

describe('clear (RFC 4217 12.2, CVE-2011-1575)', () => {
  test('forgets what is held and says how much that was', () => {
    const decoder = new CommandDecoder();
    decoder.push(Buffer.from('AUTH TLS\r\nUSER x\xff', 'latin1'));
    expect(decoder.clear()).toBe(7);
    expect(decoder.pending).toBe(0);
    expect(decoder.push(Buffer.from('NOOP\r\n'))).toEqual([{ verb: 'NOOP', argument: undefined }]);
    expect(decoder.clear()).toBe(0);
  });

  test('an LF under TLS is not the rest of an ABOR in clear', () => {
    const decoder = new CommandDecoder();
    decoder.push(Buffer.from('ABOR\r'));
    decoder.clear();
    expect(decoder.push(Buffer.from('\n'))[0]?.fault).toBe('empty');
  });
});

describe('anything', () => {
  test('what a client encodes is what comes out', () => {
    const argument = fc.string({ unit: 'binary', maxLength: 20 }).filter((text) => {
      return (
        ![...text].some((unit) => unit < ' ' || unit === '\x7f') && Buffer.from(text).toString() === text
      );
    });
    fc.assert(
      fc.property(fc.constantFrom('cwd', 'STOR', 'XSHA512'), argument, (verb, text) => {
        const { lines } = read(encodeCommand(verb, text));
        expect(lines).toEqual([{ verb: verb.toUpperCase(), argument: text }]);
      }),
    );
  });

  test('any octets, cut anywhere, give the same lines; no argument holds a control character', () => {
    const spice = fc.constantFrom('ABOR\r', '\r\n', '\n', '\xff', '\xff\xfd', '\xf2', 'NOOP', ' ', '\0');
    const noise = fc.uint8Array({ maxLength: 4 }).map((octets) => Buffer.from(octets).toString('latin1'));
    fc.assert(
      fc.property(fc.array(fc.oneof(spice, noise), { maxLength: 12 }), (parts) => {
        const { lines } = read(parts.join(''), 16);
        for (const { verb, argument } of lines) {
          expect(verb).toMatch(/^([A-Z][A-Z0-9]*)?$/);
          expect(argument ?? '').not.toMatch(/[\x00-\x1f\x7f]/);
        }
      }),
      { numRuns: 400 },
    );
  });

  test('a burst of a thousand commands in one chunk keeps its order', () => {
    const burst = Array.from({ length: 1000 }, (_, i) => `SIZE /file ${i}\r\n`).join('');
    const lines = new CommandDecoder().push(Buffer.from(burst));
    expect(lines.map(({ argument }) => argument)).toEqual(
      Array.from({ length: 1000 }, (_, i) => `/file ${i}`),
    );
  });
});
