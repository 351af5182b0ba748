import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { REPLY_LIMITS, type Reply, ReplyDecoder, replyClass, replyText } from '../../src/protocol/replies.js';
import { decodeText } from '../../src/protocol/text.js';
import { everyWay, readReplies, reply } from './every-way.js';

const codes = (replies: Reply[]): number[] => replies.map(({ code }) => code);

describe('one line', () => {
  test.each([
    ['220 ready\r\n', { code: 220, lines: ['220 ready'], text: 'ready' }],
    ['220 ready\n', { code: 220, lines: ['220 ready'], text: 'ready' }],
    ['220\r\n', { code: 220, lines: ['220'], text: '' }],
    ['220 \r\n', { code: 220, lines: ['220 '], text: '' }],
    ['220\tready\r\n', { code: 220, lines: ['220\tready'], text: 'ready' }],
    ['220 a\rb\r\n', { code: 220, lines: ['220 a\rb'], text: 'a\rb' }],
    ['220 a\0b\r\n', { code: 220, lines: ['220 ab'], text: 'ab' }],
    ['220  two blanks \r\n', { code: 220, lines: ['220  two blanks '], text: ' two blanks ' }],
    ['100 x\r\n', { code: 100, lines: ['100 x'], text: 'x' }],
    ['659 x\r\n', { code: 659, lines: ['659 x'], text: 'x' }],
  ])('%j', (input, expected) => {
    expect(readReplies(input)).toEqual([expected]);
  });

  test.each(['099 x', '660 x', '999 x', '22 x', '2200 x', '220x', ' 220 x', '22a x', 'hello', '', '22'])(
    'no reply: %j',
    (line) => {
      expect(readReplies(`${line}\r\n`)).toEqual([]);
    },
  );

  test('several in one read, blank lines and banners between', () => {
    const input = '\r\nwelcome to\r\n220 a\r\n\r\n331 b\r\n230 c\r\n';
    expect(codes(readReplies(input))).toEqual([220, 331, 230]);
  });

  test('text that is not UTF-8 keeps its octets; latin1 where the site says so', () => {
    const octets = Buffer.from('550 caf\xe9\r\n', 'latin1');
    expect(readReplies(octets)[0]?.text).toBe('caf\udce9');
    expect(readReplies(octets, { charset: 'latin1' })[0]?.text).toBe('café');
  });
});

describe('several lines', () => {
  test.each([
    ['plain', '211-Features:\r\n MDTM\r\n SIZE\r\n211 End\r\n', 4, 'End'],
    ['code repeated on each line', '211-a\r\n211-b\r\n211 c\r\n', 3, 'c'],
    ['digits inside', '230-a\r\n12 users\r\n1234 files\r\n230 c\r\n', 4, 'c'],
    ['another code with a blank inside', '230-a\r\n220 not the end\r\n230 c\r\n', 3, 'c'],
    ['another code with a hyphen inside', '230-a\r\n220-not a new one\r\n230 c\r\n', 3, 'c'],
    ['the code alone ends it', '230-a\r\nb\r\n230\r\n', 3, ''],
    ['the code glued to text does not end it', '230-a\r\n230x\r\n230 c\r\n', 3, 'c'],
    ['blank lines inside', '230-a\r\n\r\n230 c\r\n', 3, 'c'],
    ['bare LF', '230-a\nb\n230 c\n', 3, 'c'],
    ['an indented code does not end it', '230-a\r\n 230 b\r\n230 c\r\n', 3, 'c'],
    ['an empty first line', '230-\r\n230 c\r\n', 2, 'c'],
  ])('%s', (_name, input, count, text) => {
    const [one, ...more] = readReplies(input);
    expect(more).toEqual([]);
    expect(one?.lines).toHaveLength(count);
    expect(one?.text).toBe(text);
    expect(one?.code).toBe(Number(input.slice(0, 3)));
  });

  test('strict waits for its own code, relaxed takes any', () => {
    const input = '211-Features\r\n MDTM\r\n220 End\r\n';
    expect(readReplies(input)).toEqual([]);
    expect(codes(readReplies(input, { relaxed: true }))).toEqual([220]);
  });

  test('what is unfinished is told: nothing may be left when TLS starts', () => {
    const decoder = new ReplyDecoder();
    expect(decoder.unfinished).toBe(false);
    decoder.push(Buffer.from('234 go\r\n'));
    expect(decoder.unfinished).toBe(false);
    decoder.push(Buffer.from('2'));
    expect(decoder.unfinished).toBe(true);
    decoder.push(Buffer.from('34-a\r\n'));
    expect(decoder.unfinished).toBe(true);
    decoder.push(Buffer.from('234 b\r\n'));
    expect(decoder.unfinished).toBe(false);
  });
});

describe('relax: the deadline passed inside a multi-line reply', () => {
  const relaxed = (input: string | Uint8Array): Reply[] =>
    everyWay(input, (chunks) => {
      const decoder = new ReplyDecoder();
      const before = chunks.flatMap((chunk) => decoder.push(chunk));
      return [...before, ...decoder.relax()];
    });

  test('ends at the last line that could end it', () => {
    const [one, ...more] = relaxed('211-Features\r\n211-MDTM\r\n220 End\r\n');
    expect(more).toEqual([]);
    expect(one?.lines).toEqual(['211-Features', '211-MDTM', '220 End']);
  });

  test('nothing to end, nothing given', () => {
    expect(relaxed('211-Features\r\n MDTM\r\n')).toEqual([]);
    expect(relaxed('')).toEqual([]);
  });

  test('lines behind the end are read again, their octets kept', () => {
    const decoder = new ReplyDecoder();
    decoder.push(Buffer.from('211-a\r\n220 b\r\n226-caf\xe9\r\n', 'latin1'));
    expect(codes(decoder.relax())).toEqual([220]);
    expect(decoder.relaxed).toBe(true);
    const [late] = decoder.push(Buffer.from('226 done\r\n'));
    expect(late?.lines).toEqual(['226-caf\udce9', '226 done']);
  });
});

describe('limits', () => {
  test('the documented values', () => {
    expect(REPLY_LIMITS).toEqual({ line: 16_384, reply: 1_048_576, noise: 65_536 });
  });

  test('a line: 16 KiB pass, one octet more does not', () => {
    const decoder = new ReplyDecoder();
    expect(decoder.push(Buffer.from(`220 ${'x'.repeat(16_380)}\r\n`))).toHaveLength(1);
    expect(() => decoder.push(Buffer.from(`220 ${'x'.repeat(16_381)}\r\n`))).toThrow(/longer than 16384/);
  });

  test('a reply: 1 MiB over all lines', () => {
    const decoder = new ReplyDecoder();
    const line = Buffer.from(`${'x'.repeat(1022)}\r\n`);
    decoder.push(Buffer.from('211-\r\n'));
    for (let i = 0; i < 1023; i++) decoder.push(line);
    expect(() => {
      decoder.push(line);
      decoder.push(line);
    }).toThrow(/longer than 1048576/);
  });

  test('noise: text without a code is refused at last, and shown', () => {
    expect(() => readReplies('SSH-2.0-x\r\n'.repeat(10), { limits: { noise: 100 } })).toThrow(/SSH-2\.0-x/);
    expect(readReplies('SSH-2.0-x\r\n'.repeat(9), { limits: { noise: 100 } })).toEqual([]);
  });

  test('lines inside a reply are no noise', () => {
    const input = `211-\r\n${'x\r\n'.repeat(200)}211 \r\n`;
    expect(codes(readReplies(input, { limits: { noise: 100 } }))).toEqual([211]);
  });
});

describe('properties', () => {
  const code = fc.integer({ min: 100, max: 659 });
  const text = fc.string({ unit: 'grapheme-ascii', maxLength: 12 });

  test('what is written is read, whatever the cuts', () => {
    const one = fc.tuple(code, fc.array(text, { minLength: 1, maxLength: 4 })).map(([number, texts]) => {
      const last = texts.length - 1;
      // A line that begins with another code is padded, as RFC 959 4.2 asks of servers.
      const lines = texts.map((line, i) =>
        i === last ? `${number} ${line}` : i === 0 ? `${number}-${line}` : ` ${line}`,
      );
      return { code: number, lines, text: texts[last]! };
    });
    fc.assert(
      fc.property(fc.array(one, { maxLength: 3 }), (replies) => {
        const wire = replies.flatMap(({ lines }) => lines.map((line) => `${line}\r\n`)).join('');
        expect(readReplies(wire)).toEqual(replies);
      }),
      { numRuns: 60 },
    );
  });

  test('any octets: a value or a malformed error, the same for every cut', () => {
    const octets = fc.array(fc.constantFrom(0, 9, 10, 13, 32, 45, 50, 51, 97, 255), { maxLength: 40 });
    fc.assert(
      fc.property(octets, fc.boolean(), (input, relaxed) => {
        const replies = readReplies(Uint8Array.from(input), { relaxed });
        for (const { lines } of replies) expect(lines.length).toBeGreaterThan(0);
      }),
      { numRuns: 100 },
    );
  });
});

describe('replyClass and replyText', () => {
  test('the first digit', () => {
    expect([150, 226, 331, 425, 550, 631].map((c) => replyClass(reply(`${c} x`)))).toEqual([
      1, 2, 3, 4, 5, 6,
    ]);
  });

  test('texts joined, codes and empty lines out', () => {
    expect(replyText(reply('550-No\n550-\n inner\n550 end'))).toBe('No / inner / end');
    expect(replyText(reply('550'))).toBe('');
    expect(replyText(reply('550 abcdef'), 3)).toBe('abc...');
  });

  test('never throws on what a server can send', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), (octets) => {
        const line = decodeText(octets).replace(/[\r\n]/g, '');
        expect(replyText({ code: 550, lines: [`550 ${line}`], text: line }).length).toBeLessThan(400);
      }),
    );
  });
});
