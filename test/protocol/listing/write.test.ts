import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseListing, parseMlstFacts } from '../../../src/protocol/listing/index.js';
import {
  formatList,
  formatMlst,
  isListable,
  type ListedFile,
  type WrittenFact,
} from '../../../src/protocol/listing/write.js';
import { checkName } from '../../../src/protocol/names.js';
import { encodeText } from '../../../src/protocol/text.js';

const ALL: readonly WrittenFact[] = ['type', 'size', 'modify', 'create', 'unique', 'perm', 'unix.mode'];
const FILE: ListedFile = {
  name: 'a b.txt',
  type: 'file',
  size: 1024,
  modify: Date.UTC(2024, 1, 9, 8, 7, 6, 543),
  mode: 0o644,
  unique: '1g2',
};

describe('MLSx lines (RFC 3659 7)', () => {
  test('7.2: facts, one blank, the name', () => {
    expect(formatMlst(FILE, ALL, 'adfrw')).toBe(
      'Type=file;Size=1024;Modify=20240209080706;Unique=1g2;Perm=adfrw;UNIX.mode=0644; a b.txt',
    );
    expect(formatMlst(FILE, ['modify', 'size'], '', '/dir/a b.txt')).toBe(
      'Modify=20240209080706;Size=1024; /dir/a b.txt',
    );
    expect(formatMlst(FILE, [], '')).toBe(' a b.txt');
  });

  test('7.5: facts that a file does not have are left out', () => {
    const bare: ListedFile = { name: 'd', type: 'directory', size: 4096, modify: 0 };
    expect(formatMlst(bare, ALL, 'cel')).toBe('Type=dir;Modify=19700101000000;Perm=cel; d');
    expect(formatMlst({ ...bare, create: 1000 }, ['create'], '')).toBe('Create=19700101000001; d');
    // A value with `;` would end the fact, one with a blank the facts.
    for (const unique of ['a;b', 'a b', '', 'a\r\n'])
      expect(formatMlst({ ...bare, unique }, ['unique'], '')).toBe(' d');
  });

  test('7.5.1: a link that is not followed, and devices', () => {
    expect(formatMlst({ ...FILE, type: 'link' }, ['type', 'size'], '')).toBe('Type=OS.unix=symlink; a b.txt');
    expect(formatMlst({ ...FILE, type: 'other' }, ['type', 'size'], '')).toBe(
      'Type=OS.unix=special; a b.txt',
    );
  });

  test('2.3: times that have no four-digit year are held at the ends', () => {
    const at = (modify: number) => formatMlst({ ...FILE, modify }, ['modify'], '').slice(7, 21);
    expect(at(8.64e15)).toBe('99991231235959');
    expect(at(-8.64e15)).toBe('00000101000000');
    expect(at(Number.NaN)).toBe('19700101000000');
    expect(at(-1)).toBe('19691231235959');
  });
});

describe('LIST lines', () => {
  const now = Date.UTC(2024, 5, 15, 12, 0);
  test('recent: month, day and time; older or later: the year; always the same columns', () => {
    const lines = [
      formatList(FILE, now),
      formatList({ ...FILE, modify: Date.UTC(2020, 11, 31, 23, 59), size: 2 ** 40, mode: 0o7 }, now),
      formatList({ name: 'd', type: 'directory', size: 4096, modify: now + 1 }, now),
      formatList({ ...FILE, name: ' x', type: 'link', modify: now }, now),
    ];
    expect(lines).toEqual([
      '-rw-r--r--   1 ftp      ftp              1024 Feb  9 08:07 a b.txt',
      '-------rwx   1 ftp      ftp      1099511627776 Dec 31  2020 a b.txt',
      'drwxr-xr-x   2 ftp      ftp                 0 Jun 15  2024 d',
      'lrw-r--r--   1 ftp      ftp                 0 Jun 15 12:00  x',
    ]);
  });
});

const name = fc.oneof(
  fc.string({ unit: 'binary', minLength: 1, maxLength: 60 }),
  fc.string({ unit: 'grapheme', minLength: 1, maxLength: 60 }),
  fc
    .array(
      fc.constantFrom(
        ' ',
        ';',
        '=',
        '->',
        '/',
        '\r',
        '\n',
        '\0',
        '\udcff',
        '\x1b',
        'Jan 1 12:00',
        '.',
        '0',
        'é',
      ),
      {
        minLength: 1,
        maxLength: 8,
      },
    )
    .map((parts) => parts.join('')),
);
const file: fc.Arbitrary<ListedFile> = fc.record({
  name,
  type: fc.constantFrom('file', 'directory', 'link', 'other'),
  size: fc.maxSafeNat(),
  modify: fc.integer({ min: 0, max: 253_402_300_799 }).map((seconds) => seconds * 1000),
  mode: fc.integer({ min: 0, max: 0o777 }),
  unique: fc.string({ unit: fc.constantFrom('a', 'Z', '0', '-', '='), minLength: 1, maxLength: 20 }),
});
const TYPES = { file: 'file', directory: 'dir', link: 'link', other: 'special' } as const;

describe('what is written is what our own client reads', () => {
  test('MLSD and MLST, for every name that can be listed', () => {
    fc.assert(
      fc.property(file, fc.shuffledSubarray([...ALL]), (one, some) => {
        fc.pre(isListable(one.name));
        // A line of nothing but blanks says nothing.
        const facts = some.includes('type') ? some : [...some, 'type' as const];
        const line = formatMlst(one, facts, 'r');
        const [entry, more] = parseListing(encodeText(`${line}\r\n`), { format: 'mlsd', reply: false });
        expect(more).toBeUndefined();
        const has = (fact: WrittenFact) => facts.includes(fact);
        expect(entry?.name).toBe(one.name);
        expect(entry?.type).toBe(one.type === 'other' ? 'unknown' : TYPES[one.type]);
        expect(entry?.size).toBe(has('size') && one.type === 'file' ? one.size : undefined);
        expect(entry?.modified).toBe(has('modify') ? one.modify : undefined);
        expect(entry?.mode).toBe(has('unix.mode') ? one.mode : undefined);
        expect(entry?.unique).toBe(has('unique') ? one.unique : undefined);
        expect(parseMlstFacts(` ${formatMlst(one, facts, 'r', `/d/${one.name}`)}`)?.path).toBe(
          `/d/${one.name}`,
        );
      }),
      { numRuns: 1000 },
    );
  });

  test('LIST, for every name that can be listed', () => {
    fc.assert(
      fc.property(file, fc.integer({ min: 0, max: 4_000_000_000 }), (one, seconds) => {
        fc.pre(isListable(one.name) && !(one.type === 'link' && one.name.includes(' -> ')));
        const now = seconds * 1000;
        const text = `${formatList(one, now)}\r\n`;
        const found = parseListing(encodeText(text), { format: 'unix', reply: false, now });
        // `.` and `..` never come here: they are no names.
        expect(found).toHaveLength(1);
        expect(found[0]).toMatchObject({ name: one.name, type: TYPES[one.type], mode: one.mode });
        if (one.type === 'file') expect(found[0]!.size).toBe(one.size);
        const unit = found[0]!.modifiedPrecision === 'minute' ? 60_000 : 86_400_000;
        expect(found[0]!.modified).toBe(Math.floor(one.modify / unit) * unit);
      }),
      { numRuns: 1000 },
    );
  });

  test('a name is listed exactly when a command can carry it', () => {
    fc.assert(
      fc.property(name, (text) => {
        expect(isListable(text)).toBe(checkName(text).ok);
        if (isListable(text)) expect(encodeText(text).includes('\n')).toBe(false);
      }),
      { numRuns: 2000 },
    );
    for (const bad of ['a\r\nb', 'a\nb', 'a/b', '..', '.', '', '\0', 'x'.repeat(256)])
      expect(isListable(bad)).toBe(false);
    for (const good of ['...', 'a', '..a', ' ', 'x'.repeat(255), '\udcff'])
      expect(isListable(good)).toBe(true);
  });
});
