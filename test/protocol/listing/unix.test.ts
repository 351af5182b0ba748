import { describe, expect, test } from 'vitest';
import type { Entry } from '../../../src/protocol/entry.js';
import { at, NOW, readChunks, readEveryWay, readOne } from './read.js';

/** Line, and the fields that must be there. */
const SAMPLES: [string, Partial<Entry>][] = [
  [
    '-rw-r--r--   1 anna     staff        4711 Mar  9 18:05 notes.txt',
    {
      name: 'notes.txt',
      type: 'file',
      mode: 0o644,
      owner: 'anna',
      group: 'staff',
      size: 4711,
      modified: at('2024-03-09 18:05'),
      modifiedPrecision: 'minute',
    },
  ],
  [
    'drwxr-xr-x  14 0        0            4096 Nov 30  2021 archive',
    {
      name: 'archive',
      type: 'dir',
      mode: 0o755,
      owner: '0',
      group: '0',
      modified: at('2021-11-30'),
      modifiedPrecision: 'day',
    },
  ],
  // Without a year: later than now plus a day is last year.
  ['-rw-r--r-- 1 u g 1 Mar 11 11:59 a', { modified: at('2024-03-11 11:59') }],
  ['-rw-r--r-- 1 u g 1 Mar 11 12:01 a', { modified: at('2023-03-11 12:01') }],
  ['-rw-r--r-- 1 u g 1 Feb 29 09:00 a', { modified: at('2024-02-29 09:00') }],
  ['-rw-r--r-- 1 u g 1 Dec 31 23:59 a', { modified: at('2023-12-31 23:59') }],
  // Columns that are missing.
  ['-rw-r--r-- 1 ftp 5120 Jan  5 10:00 nogroup.bin', { name: 'nogroup.bin', owner: 'ftp', size: 5120 }],
  [
    '-rw-r--r-- ftp users 5120 Jan  5 10:00 nolinks.bin',
    { name: 'nolinks.bin', owner: 'ftp', group: 'users', size: 5120 },
  ],
  ['-rw-r--r-- 5120 Jan  5 10:00 bare.bin', { name: 'bare.bin', size: 5120 }],
  [
    'drwxrwxr-x               folder        2 May 10  1996 network',
    { name: 'network', type: 'dir', modified: at('1996-05-10') },
  ],
  ['drwxr-xr-x1234 u g 512 Jan  5 10:00 crowd', { name: 'crowd', owner: 'u', group: 'g' }],
  ['-rw-r--r-- 1 Domain Guest Users 77 Jan  5 10:00 a', { owner: 'Domain Guest', group: 'Users', size: 77 }],
  ['  131073    8 -rw-r--r-- 1 u g 5 Jan  5 10:00 with inode', { name: 'with inode', owner: 'u', size: 5 }],
  // Marks behind the permissions, and odd permission letters.
  ['-rw-r--r--+ 1 u g 5 Jan  1 12:00 acl', { name: 'acl', mode: 0o644 }],
  ['-rw-r--r--. 1 u g 5 Jan  1 12:00 selinux', { name: 'selinux' }],
  ['drwxr-xr-x@ 3 u g 96 Jan  1 12:00 Mac', { name: 'Mac', type: 'dir' }],
  ['-rwsr-Sr-t 1 u g 5 Jan  1 12:00 bits', { mode: 0o7745 }],
  ['drwxrwxrwT 1 u g 5 Jan  1 12:00 sticky', { mode: 0o1776 }],
  ['-rw-r-lr-- 1 u g 5 Jan  1 12:00 locked', { mode: 0o2644 }],
  ['d--------- 1 u g 5 Jan  1 12:00 closed', { mode: 0 }],
  ['?rw-r--r-- 1 u g 5 Jan  1 12:00 what', { type: 'unknown' }],
  // Special files.
  [
    'brw-rw----   1 root     disk       8,   1 Jan  2  2024 sda1',
    { name: 'sda1', type: 'special', owner: 'root', group: 'disk' },
  ],
  ['crw-rw-rw- 1 root root 1,3 Jan  2  2024 null', { name: 'null', type: 'special', group: 'root' }],
  ['prw-r--r-- 1 u g 0 Jan  1 12:00 pipe', { type: 'special', size: 0 }],
  ['srwxr-xr-x 1 u g 0 Jan  1 12:00 socket', { type: 'special' }],
  // Links: the size tells where the target begins.
  ['lrwxrwxrwx 1 0 0 5 Mar  3  2023 cur -> v1/x', { name: 'cur', type: 'link', target: 'v1/x' }],
  ['lrwxrwxrwx 1 0 0 4 Mar  3  2023 a -> b -> c -> d', { name: 'a', target: 'b -> c -> d' }],
  ['lrwxrwxrwx 1 0 0 6 Mar  3  2023 a -> b -> c -> d', { name: 'a -> b', target: 'c -> d' }],
  ['lrwxrwxrwx 1 0 0 3 Mar  3  2023 x -> é -> €', { name: 'x -> é', target: '€' }],
  ['lrwxrwxrwx 1 0 0 0 Mar  3  2023 cur -> v1', { name: 'cur', target: 'v1' }],
  ['lrwxrwxrwx 1 0 0 2 Mar  3  2023 lonely', { name: 'lonely', type: 'link' }],
  ['-rw-r--r-- 1 0 0 2 Mar  3  2023 no -> link', { name: 'no -> link', type: 'file' }],
  // Sizes.
  ['-rw-r--r-- 1 u g 9007199254740991 Jan  1 12:00 huge', { size: 9007199254740991 }],
  ['-rw-r--r-- 1 u g 4.0K Jan  1 12:00 human', { name: 'human', size: 4096, sizeExact: false }],
  ['-rw-r--r-- 1 u g 1,5M Jan  1 12:00 komma', { size: 1572864, sizeExact: false }],
  // Names.
  ['-rw-r--r-- 1 u g 5 Jan  1 12:00 a  b', { name: 'a  b' }],
  ['-rw-r--r-- 1 u g 5 Jan  1 12:00   two blanks first', { name: '  two blanks first' }],
  ['-rw-r--r-- 1 u g 5 Jan  1 12:00 trailing ', { name: 'trailing ' }],
  ['-rw-r--r-- 1 u g 5 Jan  1 12:00 6 Feb  2 13:00 x', { name: '6 Feb  2 13:00 x', size: 5 }],
  ['-rw-r--r-- 1 u g 5 Jan  1 12:00 tab\there', { name: 'tab\there' }],
  ['drwxr-xr-x 1 u g 5 Jan  1 12:00 marked/', { name: 'marked', type: 'dir' }],
  ['-rw-r--r-- 1 u g 5 Jan  1 12:00 total 5', { name: 'total 5' }],
  // Dates in other orders and styles.
  ['-rw-r--r-- 1 u g 5 24 Dez  2019 tag', { name: 'tag', modified: at('2019-12-24'), size: 5, group: 'g' }],
  ['-rw-r--r-- 1 u g 5  3. Mär 08:15 punkt', { name: 'punkt', modified: at('2024-03-03 08:15') }],
  ['-rw-r--r-- 1 0 0 7 Mar 3 2023 numeric', { name: 'numeric', size: 7, modified: at('2023-03-03') }],
  [
    '-rw-r--r-- 1 u g 5 2024-02-29 12:00 long iso',
    { name: 'long iso', modified: at('2024-02-29 12:00'), modifiedPrecision: 'minute' },
  ],
  [
    '-rw-r--r-- 1 u g 5 2024-02-29 12:00:30.250000000 +0130 full',
    { name: 'full', modified: at('2024-02-29 10:30:30.250'), modifiedPrecision: 'second' },
  ],
  [
    '-rw-r--r-- 1 u g 5 2023-02-28  older iso',
    { name: 'older iso', modified: at('2023-02-28'), modifiedPrecision: 'day' },
  ],
  ['-rw-r--r-- 1 u g 5 02-28 12:00 iso', { name: 'iso', modified: at('2024-02-28 12:00') }],
  [
    '-rw-r--r-- 1 u g 5 Jan  1 12:00:07 2022 bsd',
    { name: 'bsd', modified: at('2022-01-01 12:00:07'), modifiedPrecision: 'second' },
  ],
  [
    '-rw-r--r-- 1 u g 5 Jan  1 12:00:07 20221 bsd',
    { name: '20221 bsd', modified: at('2024-01-01 12:00:07') },
  ],
  // Months of other languages.
  ['-rw-r--r-- 1 u g 5 févr. 29 2024 fr', { name: 'fr', modified: at('2024-02-29') }],
  ['-rw-r--r-- 1 u g 5 août 15 2023 fr', { modified: at('2023-08-15') }],
  ['-rw-r--r-- 1 u g 5 мая 9 2023 ru', { name: 'ru', modified: at('2023-05-09') }],
  ['-rw-r--r-- 1 u g 5 10月  3日 12:00 ja', { name: 'ja', modified: at('2023-10-03 12:00') }],
  ['-rw-r--r-- 1 u g 5  3월 10  2021 ko', { name: 'ko', modified: at('2021-03-10') }],
  ['-rw-r--r-- 1 u g 5 dic 8 2020 es', { modified: at('2020-12-08') }],
  ['-rw-r--r-- 1 u g 5 sty 8 2020 pl', { modified: at('2020-01-08') }],
];

describe('ls -l', () => {
  test.each(SAMPLES)('%s', (line, fields) => {
    expect(readOne(line)).toMatchObject(fields);
  });

  test('an unknown month hides the time, not the name', () => {
    const entry = readOne('-rw-r--r-- 1 u g 5 Qwx  1 12:00 name');
    expect(entry).toEqual({ name: 'name', type: 'file', size: 5, mode: 0o644, owner: 'u', group: 'g' });
  });

  test('octets that are no UTF-8 in month and name are kept', () => {
    const line = Buffer.from('-rw-r--r-- 1 u g 5 f\xe9vr 1 2024 caf\xe9', 'latin1');
    expect(readOne(line).name).toBe('caf\udce9');
    expect(readOne(line, { charset: 'latin1' })).toMatchObject({ name: 'café', modified: at('2024-02-01') });
  });

  test('directories and devices have no size, overflowed sizes neither', () => {
    for (const line of [
      'drwxr-xr-x 1 u g 4096 Jan  1 12:00 d',
      'crw-rw-rw- 1 u g 1,   3 Jan  1 12:00 c',
      '-rw-r--r-- 1 u g -2147483648 Jan  1 12:00 f',
      '-rw-r--r-- 1 u g 99999999999999999999 Jan  1 12:00 f',
    ]) {
      expect(readOne(line)).not.toHaveProperty('size');
    }
  });

  test('the path in front of a name goes if it is the directory listed', () => {
    const line = '-rw-r--r-- 1 u g 5 Jan  1 12:00 /pub/x/file';
    expect(readOne(line, { dir: '/pub/x' }).name).toBe('file');
    expect(readOne(line, { dir: '/pub/x/' }).name).toBe('file');
    expect(readOne(line, { dir: '/pub' }).name).toBe('x/file');
    expect(readOne(line, { dir: '/other' }).name).toBe('/pub/x/file');
  });

  const NOISE = [
    'ls: secret: Permission denied',
    'No files found.',
    "Can't check for file existence",
    '-rw-r--r-- 1 u g',
    '-rw-r--r-- 1 u g 5 Jan  1 12:00',
    '-rw-r--r-- 1 u g 5 Jan  1 12:00 ',
    '-rw-r--r-- 1 u g 5 Feb 30 2023 no such day',
    '-rw-r--r-- 1 u g 5 Jan 32 2023 no such day',
    '-rw-r--r-- 1 u g 5 Jan  1 24:00 no such hour',
    '-rw-r--r--x 1 u g 5 Jan  1 12:00 tail',
    '-rw-r--r- 1 u g 5 Jan  1 12:00 short',
    'xrw-r--r-- 1 u g 5 Jan  1 12:00 type',
    '-rr-r--r-- 1 u g 5 Jan  1 12:00 letters',
    '-rw-r--r-- 1 u g size Jan  1 12:00 size',
    './sub:',
  ];

  test.each(NOISE)('rejected: %s', (line) => {
    expect(readEveryWay(line, { format: 'unix' })).toEqual({ entries: [], format: 'unix', rejected: 1 });
  });

  test('a whole listing: totals, blanks and dots are passed over, CR CR LF ends a line', () => {
    const text = [
      'total 24',
      'drwxr-xr-x  3 u g 4096 Jan  1 12:00 .',
      'drwxr-xr-x 10 u g 4096 Jan  1 12:00 ..',
      '',
      '-rw-r--r--  1 u g    5 Jan  1 12:00 one\r',
      'ls: two: Permission denied',
      'drwxr-xr-x  2 u g 4096 Jan  1 12:00 three\r\r',
    ].join('\r\n');
    const listing = readEveryWay(text);
    expect(listing.entries.map((entry) => entry.name)).toEqual(['one', 'three']);
    expect(listing).toMatchObject({ format: 'unix', rejected: 1 });
  });

  test.each(['total 0', 'total 1.5M', 'insgesamt 12', '总用量 8', '합계 4', 'итого 16', 'totale 3'])(
    '%s is no entry and no fault',
    (line) => {
      expect(readEveryWay(`${line}\r\n`)).toEqual({ entries: [], format: undefined, rejected: 0 });
    },
  );

  test('29 February without a year is looked for back to the last leap year', () => {
    const line = new TextEncoder().encode('-rw-r--r-- 1 u g 5 Feb 29 12:00 a');
    const read = (now: number): number | undefined => readChunks([line], { now }).entries[0]?.modified;
    expect(read(Date.UTC(2023, 5, 1))).toBe(at('2020-02-29 12:00'));
    expect(read(Date.UTC(2104, 0, 1))).toBe(at('2096-02-29 12:00'));
    expect(read(NOW)).toBe(at('2024-02-29 12:00'));
  });
});
