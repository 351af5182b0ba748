import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { FtpError } from '../../../src/protocol/errors.js';
import {
  LISTING_LIMITS,
  ListingDecoder,
  type ListingFormat,
  parseListing,
  stripReplyPrefix,
} from '../../../src/protocol/listing/index.js';
import { NOW, readChunks, readEveryWay } from './read.js';

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const line = (name: string): string => `-rw-r--r-- 1 u g 5 Jan  1 12:00 ${name}\r\n`;
const small = { bytes: 1000, entries: 3, line: 100 };

function failure(work: () => unknown): FtpError {
  try {
    work();
  } catch (error) {
    expect(error).toBeInstanceOf(FtpError);
    return error as FtpError;
  }
  throw new Error('nothing was thrown');
}

describe('limits', () => {
  const reader = (): ListingDecoder => new ListingDecoder({ now: NOW, limits: small });

  test('a line may be as long as the limit, not longer, wherever it is cut', () => {
    const full = line('x'.repeat(100)).slice(0, 100);
    for (const cut of [0, 1, 50, 99, 100]) {
      const decoder = reader();
      decoder.push(bytes(full.slice(0, cut)));
      expect(decoder.push(bytes(`${full.slice(cut)}\n`))).toHaveLength(1);
    }
    for (const cut of [0, 1, 50, 100, 101]) {
      const decoder = reader();
      expect(
        failure(() => {
          decoder.push(bytes(`${full}y`.slice(0, cut)));
          decoder.push(bytes(`${full}y\n`.slice(cut)));
        }).kind,
      ).toBe('malformed');
    }
  });

  test('a line without end fails before its end is there', () => {
    expect(failure(() => reader().push(bytes(' '.repeat(101)))).message).toContain(
      'line longer than 100 octets',
    );
  });

  test('too many entries', () => {
    const decoder = reader();
    expect(decoder.push(bytes(line('a') + line('b') + line('.') + line('c')))).toHaveLength(3);
    expect(failure(() => decoder.push(bytes(line('d')))).message).toContain('more than 3 entries');
  });

  test('too many octets', () => {
    const decoder = reader();
    for (let i = 0; i < 10; i += 1) decoder.push(bytes(`${'x'.repeat(99)}\n`));
    expect(failure(() => decoder.push(bytes('x'))).message).toContain('longer than 1000 octets');
  });

  test('after a failure every call fails in the same way', () => {
    const decoder = reader();
    const first = failure(() => decoder.push(bytes(' '.repeat(101))));
    expect(failure(() => decoder.push(bytes(line('a'))))).toBe(first);
    expect(failure(() => decoder.end())).toBe(first);
  });

  test('the defaults', () => {
    expect(LISTING_LIMITS).toEqual({ bytes: 52_428_800, entries: 1_000_000, line: 16_384 });
    expect(failure(() => new ListingDecoder().push(bytes(' '.repeat(16_385)))).kind).toBe('malformed');
  });
});

describe('detection', () => {
  test('noise in front of the first entry is passed over and counted', () => {
    const text = `Welcome to the archive\r\n\r\ntotal 3\r\nDirectory of /pub\r\n${line('a')}`;
    expect(readEveryWay(text)).toMatchObject({ format: 'unix', rejected: 2, entries: [{ name: 'a' }] });
  });

  test('a wrapped VMS name is remembered while the format is still in question', () => {
    const text = 'Files of today\r\nA_LONG_NAME.TXT;1\r\n   1/3  5-MAR-1993 18:09\r\n';
    expect(readEveryWay(text)).toMatchObject({
      format: 'vms',
      rejected: 1,
      entries: [{ name: 'A_LONG_NAME.TXT' }],
    });
  });

  test('nothing but noise has no format', () => {
    expect(readEveryWay('no such thing\r\nat all\r\n')).toEqual({
      entries: [],
      format: undefined,
      rejected: 2,
    });
    expect(readEveryWay('')).toEqual({ entries: [], format: undefined, rejected: 0 });
  });

  test('the search ends after a thousand lines of noise', () => {
    const text = 'noise\n'.repeat(2000) + line('late');
    expect(readChunks([bytes(text)])).toEqual({ entries: [], format: undefined, rejected: 2001 });
    expect(readChunks([bytes(text)], { format: 'unix' }).entries).toHaveLength(1);
  });

  test('a byte order mark in front of the first line is no part of it', () => {
    expect(
      readEveryWay(Buffer.from(`\ufeff${line('a')}${line('\ufeffb')}`)).entries.map((entry) => entry.name),
    ).toEqual(['a', '\ufeffb']);
  });
});

describe('text of names', () => {
  test('UTF-8, octets that are none, and latin1 by choice', () => {
    const raw = Buffer.concat([bytes(line('grüße €')), Buffer.from(line('gr\xfc\xdfe'), 'latin1')]);
    expect(readEveryWay(raw).entries.map((entry) => entry.name)).toEqual(['grüße €', 'gr\udcfc\udcdfe']);
    expect(readEveryWay(raw, { charset: 'latin1' }).entries[1]?.name).toBe('grüße');
  });
});

describe('control listings', () => {
  const body = [line('a').trimEnd(), line('b').trimEnd()];

  test('lines with a code, bare lines, and the words around them', () => {
    const coded = ['213-Status of /pub:', ...body.map((each) => `213-${each}`), '213 End of status'];
    const bare = ['212-status', ...body, '212 done'];
    for (const lines of [coded, bare]) {
      const expected = [{ name: 'a' }, { name: 'b' }];
      expect(parseListing(lines, { now: NOW })).toMatchObject(expected);
      expect(parseListing(lines.join('\r\n'), { now: NOW })).toMatchObject(expected);
      expect(parseListing(bytes(lines.join('\r\n')), { now: NOW })).toMatchObject(expected);
    }
  });

  test('bare lines may be indented by one SP', () => {
    expect(parseListing(` ${line('a')}`, { now: NOW })).toMatchObject([{ name: 'a' }]);
  });

  test('names are not taken for codes', () => {
    expect(parseListing('213-minutes.txt\n250 songs\n', { format: 'names' })).toMatchObject([
      { name: '213-minutes.txt' },
      { name: '250 songs' },
    ]);
  });

  test('limits hold', () => {
    expect(failure(() => parseListing(' '.repeat(101), { limits: small })).kind).toBe('malformed');
    expect(failure(() => parseListing('x\n'.repeat(501), { limits: small })).kind).toBe('malformed');
    expect(failure(() => parseListing(line('a').repeat(4), { limits: small })).kind).toBe('malformed');
  });

  test.each([
    ['213-drwx', 'drwx'],
    ['212-', ''],
    ['211 End', 'End'],
    ['250- type=file; x', ' type=file; x'],
    ['drwx', 'drwx'],
    ['213', '213'],
    ['226-x', '226-x'],
    ['2130 x', '2130 x'],
  ])('stripReplyPrefix(%j)', (from, to) => {
    expect(stripReplyPrefix(from)).toBe(to);
  });
});

const FORMATS: (ListingFormat | undefined)[] = [
  undefined,
  'mlsd',
  'eplf',
  'unix',
  'netware',
  'dos',
  'os2',
  'vms',
  'as400',
  'mvs',
  'names',
];
/** Pieces of real listings: fuzz made of them gets deeper than random octets. */
const PIECES = [
  '-rw-r--r--',
  'd',
  ' ',
  '  ',
  '1',
  '5',
  'Jan',
  '29',
  'Feb',
  '2024',
  '12:00',
  ' -> ',
  'type=',
  'file;',
  ';',
  '=',
  '+',
  ',',
  '\t',
  '<DIR>',
  '*DIR',
  '*MEM',
  'A.TXT;1',
  '5-MAR-1993',
  '(RWED,,,)',
  '[A,B]',
  '[RWCEAFMS]',
  'PS',
  '07-13-98',
  '09:06PM',
  '\r',
  '\n',
  '213-',
  'Volume Unit',
  'Name VV.MM Created',
  'é',
  '\ud83d\ude00',
  'total',
];

describe('hostile input', () => {
  const octets = fc.oneof(
    fc.uint8Array({ maxLength: 300 }),
    fc.array(fc.constantFrom(...PIECES), { maxLength: 60 }).map((parts) => bytes(parts.join(''))),
  );

  test('never throws anything but FtpError, names are never empty, any split gives the same', () => {
    fc.assert(
      fc.property(
        octets,
        fc.array(fc.nat(300), { maxLength: 5 }),
        fc.constantFrom(...FORMATS),
        (input, cuts, format) => {
          const options = format === undefined ? {} : { format };
          const whole = readChunks([input], options);
          const edges = [0, ...cuts.sort((a, b) => a - b), input.length].map((edge) =>
            Math.min(edge, input.length),
          );
          const parts = edges.slice(1).map((edge, i) => input.subarray(edges[i], edge));
          expect(readChunks(parts, options)).toEqual(whole);
          for (const entry of whole.entries) {
            expect(['', '.', '..']).not.toContain(entry.name);
            if (entry.size !== undefined) expect(Number.isSafeInteger(entry.size)).toBe(true);
            if (entry.modified !== undefined) expect(Number.isFinite(entry.modified)).toBe(true);
          }
        },
      ),
      { numRuns: 1500 },
    );
  });

  test('under small limits only FtpError of kind malformed', () => {
    fc.assert(
      fc.property(octets, (input) => {
        try {
          readChunks([input], { limits: { bytes: 200, entries: 1, line: 60 } });
        } catch (error) {
          expect(error).toBeInstanceOf(FtpError);
          expect((error as FtpError).kind).toBe('malformed');
        }
      }),
      { numRuns: 500 },
    );
  });
});

describe('work grows with the length only', () => {
  const limits = { bytes: 1e9, entries: 1e6, line: 1e9 };
  const CASES: [string, (count: number) => string][] = [
    ['blanks', (count) => ' '.repeat(count)],
    ['blanks in ls', (count) => `-rw-r--r-- 1 u g 5${' '.repeat(count)}x`],
    ['digits', (count) => `-rw-r--r-- 1 u g ${'9'.repeat(count)} Jan 1 12:00 x`],
    ['arrows', (count) => `lrwxrwxrwx 1 u g 77 Jan 1 12:00 ${' -> '.repeat(count / 4)}`],
    ['facts', (count) => `${'type=file;'.repeat(count / 10)} x`],
    ['facts without end', (count) => 'a=b;'.repeat(count / 4)],
    ['slinks', (count) => 'type=os.unix=slink: ;'.repeat(count / 21)],
    ['columns', (count) => '1 '.repeat(count / 2)],
    ['tabs', (count) => `+${'s1,'.repeat(count / 3)}\tx`],
    ['brackets', (count) => `X;1 1/3 5-MAR-1993 18:09 ${'['.repeat(count / 2)}${'('.repeat(count / 2)}`],
    ['groups', (count) => `01-02-24 10:00 ${'1,111'.repeat(count / 5)} x`],
    ['directory', (count) => `Directory ${'x'.repeat(count)}`],
  ];

  /** Best of several runs, so that a busy machine does not count. */
  function cost(text: string): number {
    const input = bytes(text);
    let best = Number.POSITIVE_INFINITY;
    for (let run = 0; run < 5; run += 1) {
      const start = process.hrtime.bigint();
      readChunks([input], { limits });
      best = Math.min(best, Number(process.hrtime.bigint() - start));
    }
    return best;
  }

  test.each(CASES)('%s', (_name, make) => {
    // 16 times the input: linear work costs about 16 times as much, quadratic 256 times. 50 us hide fixed costs.
    const short = cost(make(16_384)) + 50_000;
    expect(cost(make(16 * 16_384)) / short).toBeLessThan(100);
  });
});
