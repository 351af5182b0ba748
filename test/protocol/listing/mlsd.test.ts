import { describe, expect, test } from 'vitest';
import type { Entry } from '../../../src/protocol/entry.js';
import { parseMlstFacts } from '../../../src/protocol/listing/index.js';
import { at, readEveryWay, readOne } from './read.js';

const SAMPLES: [string, Entry][] = [
  [
    'Type=file;Size=1024990;Perm=R;Modify=20240131120000.5; a b.txt',
    {
      name: 'a b.txt',
      type: 'file',
      size: 1024990,
      perm: 'r',
      modified: at('2024-01-31 12:00:00.500'),
      modifiedPrecision: 'second',
    },
  ],
  [
    'modify=20161215062118;perm=flcdmpe;type=dir;unique=801U5A1;UNIX.group=33;UNIX.mode=0755;UNIX.owner=1000; sub',
    {
      name: 'sub',
      type: 'dir',
      perm: 'flcdmpe',
      unique: '801U5A1',
      mode: 0o755,
      owner: '1000',
      group: '33',
      modified: at('2016-12-15 06:21:18'),
      modifiedPrecision: 'second',
    },
  ],
  ['type=file;  leading blanks', { name: ' leading blanks', type: 'file' }],
  ['type=file; a;b=c; d ', { name: 'a;b=c; d ', type: 'file' }],
  ['type=file; size=3; x', { name: 'size=3; x', type: 'file' }],
  ['TYPE=FILE;SIZE=0; EMPTY', { name: 'EMPTY', type: 'file', size: 0 }],
  ['type=dir;sizd=4096; d', { name: 'd', type: 'dir', facts: { sizd: '4096' } }],
  ['type=dir;size=4096; d', { name: 'd', type: 'dir', facts: { size: '4096' } }],
  [
    'type=OS.unix=slink:../v2/x;size=7; current',
    { name: 'current', type: 'link', target: '../v2/x', size: 7 },
  ],
  ['type=OS.unix=slink:my files/x;size=7; cur', { name: 'cur', type: 'link', target: 'my files/x', size: 7 }],
  ['type=OS.unix=slink:a b c; my link', { name: 'my link', type: 'link', target: 'a b c' }],
  ['type=OS.unix=slink:; cur', { name: 'cur', type: 'link' }],
  ['Type=OS.UNIX=symlink; cur', { name: 'cur', type: 'link' }],
  ['type=OS.unix=chr-1/3; null', { name: 'null', type: 'special' }],
  ['type=OS.unix=blk-8/1; sda1', { name: 'sda1', type: 'special' }],
  ['type=OS.unix=fifo; p', { name: 'p', type: 'special' }],
  ['type=OS.vms=weird; w', { name: 'w', type: 'unknown', facts: { type: 'OS.vms=weird' } }],
  [
    'size=5;modify=19104101010101; misprint',
    { name: 'misprint', type: 'unknown', size: 5, facts: { modify: '19104101010101' } },
  ],
  [
    'size=99999999999999999999;type=file; big',
    { name: 'big', type: 'file', facts: { size: '99999999999999999999' } },
  ],
  ['type=file;UNIX.mode=0999; m', { name: 'm', type: 'file', facts: { 'unix.mode': '0999' } }],
  ['type=file;UNIX.mode=0100644; m', { name: 'm', type: 'file', mode: 0o644 }],
  [
    'type=file;create=20200101000000;x.hash=ab; f',
    { name: 'f', type: 'file', facts: { create: '20200101000000', 'x.hash': 'ab' } },
  ],
  [
    'type=file;UNIX.owner=1;UNIX.ownername=anna;UNIX.group=2;UNIX.groupname=dev; f',
    {
      name: 'f',
      type: 'file',
      owner: 'anna',
      group: 'dev',
      facts: { 'unix.owner': '1', 'unix.ownername': 'anna', 'unix.group': '2', 'unix.groupname': 'dev' },
    },
  ],
  [
    'type=file;UNIX.uid=7;UNIX.gid=8; f',
    { name: 'f', type: 'file', owner: '7', group: '8', facts: { 'unix.uid': '7', 'unix.gid': '8' } },
  ],
  // Forgiven: no semicolon behind the last fact, a fact that is none.
  ['type=file;size=5 unended;.txt', { name: 'unended;.txt', type: 'file', size: 5 }],
  ['type=file;nonsense;size=5; f', { name: 'f', type: 'file', size: 5 }],
];

describe('MLSD', () => {
  test.each(SAMPLES)('%s', (line, entry) => {
    expect(readOne(line)).toEqual(entry);
    expect(readOne(`${line}\r\n`, { format: 'mlsd' })).toEqual(entry);
  });

  test('a fact named __proto__ stays a fact', () => {
    const facts = readOne('type=file;__proto__=x; f').facts ?? {};
    expect(Object.hasOwn(facts, '__proto__')).toBe(true);
    expect(Object.getPrototypeOf({})).toBe(Object.prototype);
  });

  test('cdir, pdir and dots are no entries, yet tell the format', () => {
    const text = 'type=cdir;modify=20240101000000; /pub\r\nType=pdir; /\r\ntype=dir; .\r\ntype=dir; ..\r\n';
    expect(readEveryWay(text)).toEqual({ entries: [], format: 'mlsd', rejected: 0 });
  });

  test('names with the path of the directory in front (Pure-FTPd)', () => {
    const line = 'type=file;size=1; sub/dir/file';
    expect(readOne(line, { dir: 'sub/dir' }).name).toBe('file');
    expect(readOne('type=file; /file', { dir: '/' }).name).toBe('file');
    expect(readOne(line, { dir: 'dir' }).name).toBe('sub/dir/file');
    expect(readOne('type=file; sub', { dir: 'sub' }).name).toBe('sub');
  });

  test('without any fact the format must have been asked for (RFC 3659 7.2)', () => {
    expect(readOne(' name', { format: 'mlsd' })).toEqual({ name: 'name', type: 'unknown' });
    expect(readEveryWay(' name')).toEqual({ entries: [], format: undefined, rejected: 1 });
    expect(readEveryWay('usage=5 percent').format).toBeUndefined();
  });

  test.each([
    'type=file;size=5',
    'type=file;',
    'type=file; ',
    'name only',
    '=x; f',
    'a b=c; f',
    ';type=file; f',
  ])('rejected: %s', (line) => {
    expect(readEveryWay(line, { format: 'mlsd' })).toEqual({ entries: [], format: 'mlsd', rejected: 1 });
  });

  test('lines in another format are rejected and counted', () => {
    const text =
      'type=file; a\r\nls: b: Permission denied\r\n-rw-r--r-- 1 u g 5 Jan  1 12:00 c\r\ntype=file; d\r\n';
    const listing = readEveryWay(text);
    expect(listing.entries.map((entry) => entry.name)).toEqual(['a', 'd']);
    expect(listing.rejected).toBe(2);
  });
});

describe('MLST reply line', () => {
  test('path and last component', () => {
    expect(parseMlstFacts(' Type=file;Size=3; /pub/a b')).toEqual({
      name: 'a b',
      path: '/pub/a b',
      type: 'file',
      size: 3,
    });
    expect(parseMlstFacts('type=file;size=3; x')).toEqual({ name: 'x', path: 'x', type: 'file', size: 3 });
  });

  test('the directory itself', () => {
    expect(parseMlstFacts(' type=cdir; /pub/')).toEqual({ name: 'pub', path: '/pub/', type: 'dir' });
    expect(parseMlstFacts(' type=dir; /')).toEqual({ name: '/', path: '/', type: 'dir' });
  });

  test('no facts, and no line at all', () => {
    expect(parseMlstFacts('  /pub/a')).toEqual({ name: 'a', path: '/pub/a', type: 'unknown' });
    expect(parseMlstFacts(' Listing of x')).toBeUndefined();
    expect(parseMlstFacts('')).toBeUndefined();
    expect(parseMlstFacts(' ')).toBeUndefined();
  });
});
