import { describe, expect, test } from 'vitest';
import type { Entry } from '../../../src/protocol/entry.js';
import { at, readEveryWay, readOne } from './read.js';

type Sample = [line: string, fields: Partial<Entry>];

function check(format: string, samples: Sample[]): void {
  test.each(samples)('%s', (line, fields) => {
    expect(readEveryWay(line).format).toBe(format);
    expect(readOne(line)).toMatchObject(fields);
  });
}

function checkNoise(
  format: 'dos' | 'os2' | 'netware' | 'eplf' | 'as400' | 'vms' | 'mvs',
  lines: string[],
): void {
  test.each(lines)('rejected: %s', (line) => {
    expect(readEveryWay(line, { format })).toEqual({ entries: [], format, rejected: 1 });
    expect(readEveryWay(line).entries).toEqual([]);
  });
}

describe('MS-DOS and IIS', () => {
  check('dos', [
    [
      '07-13-98  09:06PM       <DIR>          aix',
      { name: 'aix', type: 'dir', modified: at('1998-07-13 21:06'), modifiedPrecision: 'minute' },
    ],
    [
      '07-13-98  12:06AM                 9730 a  b.txt',
      { name: 'a  b.txt', type: 'file', size: 9730, modified: at('1998-07-13 00:06') },
    ],
    [
      '2002-09-02  19:06                9,730 file 2',
      { name: 'file 2', size: 9730, modified: at('2002-09-02 19:06') },
    ],
    [
      '02.09.2002  19:06            1.234.567 datei',
      { name: 'datei', size: 1234567, modified: at('2002-09-02 19:06') },
    ],
    ['25/12/2021  07:15 PM             5 xmas', { name: 'xmas', size: 5, modified: at('2021-12-25 19:15') }],
    ['12/25/2021  07:15 a.m.           5 xmas', { name: 'xmas', modified: at('2021-12-25 07:15') }],
    ['01-02-2024  10:00PM                    5   leading', { name: '  leading', size: 5 }],
    ['01-02-2024  10:00PM       <DIR>            leading', { name: '  leading', type: 'dir' }],
    ['01-02-2024  10:00PM <DIR> tight', { name: 'tight', type: 'dir' }],
    [
      '01-02-2024  10:00    <JUNCTION>     Docs [C:\\Users\\x y]',
      { name: 'Docs', type: 'dir', target: 'C:\\Users\\x y' },
    ],
    ['01-02-2024  10:00    <SYMLINKD>     lib [D:\\lib]', { name: 'lib', type: 'link', target: 'D:\\lib' }],
    [
      '01-02-2024  10:00    <SYMLINK>      one.txt [two.txt]',
      { name: 'one.txt', type: 'link', target: 'two.txt' },
    ],
    ['01-02-2024  10:00    <DIR>          odd [x]', { name: 'odd [x]', type: 'dir' }],
    ['01-02-69  10:00  5 future', { modified: at('2069-01-02 10:00') }],
    ['01-02-70  10:00  5 past', { modified: at('1970-01-02 10:00') }],
  ]);
  checkNoise('dos', [
    'Volume in drive C is SYSTEM',
    '13-13-98  09:06PM       <DIR>          month',
    '07-13-98  13:06PM       <DIR>          hour',
    '07-13-98  09:06PM       <DIR>',
    '07-13-98  09:06PM       5',
    '07-13-98  09:06PM       five name',
    '07-13-98  name',
  ]);
  test('dots are no entries', () => {
    const text = '01-02-24  10:00  <DIR>          .\r\n01-02-24  10:00  <DIR>          ..\r\n';
    expect(readEveryWay(text)).toEqual({ entries: [], format: 'dos', rejected: 0 });
  });
});

describe('OS/2', () => {
  check('os2', [
    [
      '                 0           DIR   06-27-96   11:57  PROTOCOL',
      { name: 'PROTOCOL', type: 'dir', modified: at('1996-06-27 11:57') },
    ],
    [
      '            169623               04-11-97   16:26  driver os2.zip',
      { name: 'driver os2.zip', type: 'file', size: 169623 },
    ],
    ['               612      A        05-12-97    3:07   blank', { name: ' blank', size: 612 }],
    ['0 A DIR 05-12-97 13:07 one', { name: 'one', type: 'dir' }],
  ]);
  checkNoise('os2', [
    '0 DIR 06-27-96',
    '0 DIR 06-27-96 11:57',
    'x DIR 06-27-96 11:57 a',
    '0 FOO 06-27-96 11:57 a',
    '0 DIR 06-27-96 25:57 a',
  ]);
});

describe('NetWare', () => {
  check('netware', [
    [
      'd [R----F--] supervisor            512       Jan 16 18:53    login',
      { name: 'login', type: 'dir', owner: 'supervisor', modified: at('2024-01-16 18:53') },
    ],
    [
      '- [RWCEAFMS] okkola 1576 Feb 08 2000 00README',
      { name: '00README', type: 'file', size: 1576, modified: at('2000-02-08') },
    ],
    [
      '-[R----F--] anna maria          214059       Oct 20 15:27    a b.exe',
      { name: 'a b.exe', owner: 'anna maria', size: 214059, modified: at('2023-10-20 15:27') },
    ],
  ]);
  checkNoise('netware', [
    'd [R----F--] supervisor',
    'd [XXXXXXXX] supervisor 512 Jan 16 18:53 login',
    'd [R----F-- supervisor 512 Jan 16 18:53 x',
    '- [R----F--] a 5 Jan 16 18:53 ',
  ]);
});

describe('EPLF', () => {
  check('eplf', [
    [
      '+i774.71425,m951188401,/,\tusers',
      {
        name: 'users',
        type: 'dir',
        unique: '774.71425',
        modified: 951188401000,
        modifiedPrecision: 'second',
      },
    ],
    [
      '+i774.49602,m917883130,r,s79126,up644,\tx y.exe',
      { name: 'x y.exe', type: 'file', size: 79126, mode: 0o644 },
    ],
    ['+r,zz9,s-1,mxx,\tname\twith tab', { name: 'name\twith tab', type: 'file' }],
    ['+,\t leading', { name: ' leading', type: 'unknown' }],
    ['+s5,r,m99999999999999999,\tlate', { name: 'late', size: 5 }],
  ]);
  checkNoise('eplf', ['+i774.71425,m951188401,/, users', '+/,\t', 'i1,/,\tx', '+']);
});

describe('EPLF directories', () => {
  test('a size told for a directory is left out', () => {
    expect(readOne('+/,s512,\tdir')).toEqual({ name: 'dir', type: 'dir' });
  });
});

describe('IBM i', () => {
  check('as400', [
    ['QSYS 5 02/23/09 15:09:41 *LONGESTTYP name', { name: 'name', type: 'unknown' }],
    [
      'ASUSER          8192 04/26/05 13:54:16 *DIR       dir/',
      {
        name: 'dir',
        type: 'dir',
        owner: 'ASUSER',
        modified: at('2005-04-26 13:54:16'),
        modifiedPrecision: 'second',
      },
    ],
    [
      'ASUSER        365255 02/28/01 15:41:40 *STMF      read me.txt',
      { name: 'read me.txt', type: 'file', size: 365255 },
    ],
    ['QPGMR 5 28.02.01 15:41:40 *STMF a', { name: 'a', modified: at('2001-02-28 15:41:40') }],
    ['QPGMR 5 28/02/01 15.41.40 *STMF a', { modified: at('2001-02-28 15:41:40') }],
    ['QPGMR 5 01/12/31 15:41:40 *STMF a', { modified: at('2031-01-12 15:41:40') }],
    ['QPGMR 5 98/12/31 15:41:40 *STMF a', { modified: at('1998-12-31 15:41:40') }],
    ['QSYS 77824 02/23/09 15:09:41 *FILE QPRINT.FILE', { name: 'QPRINT.FILE', type: 'file', size: 77824 }],
    ['QSYS 5 02/23/09 15:09:41 *LIB QGPL.LIB/', { name: 'QGPL.LIB', type: 'dir' }],
    ['QSYS 5 02/23/09 15:09:41 *PGM RUN.PGM', { name: 'RUN.PGM', type: 'unknown' }],
    [
      'QSYS            *MEM       SRC.FILE/MAIN.MBR',
      { name: 'SRC.FILE/MAIN.MBR', type: 'file', owner: 'QSYS' },
    ],
    ['ASUSER 5 02/28/01 15:41:40 *STMF        blanks', { name: '  blanks' }],
  ]);
  checkNoise('as400', [
    'ASUSER 8192 04/26/05 13:54:16 DIR dir/',
    'ASUSER x 04/26/05 13:54:16 *DIR dir/',
    'ASUSER 5 99/99/99 13:54:16 *DIR d/',
    'ASUSER *MEM',
    'ASUSER 5 04/26/05 *DIR dir/',
  ]);
  test('members are listed with their file in front', () => {
    const line = 'QSYS            *MEM       SRC.FILE/MAIN.MBR';
    expect(readOne(line, { dir: '/QSYS.LIB/A.LIB/SRC.FILE' }).name).toBe('MAIN.MBR');
    expect(readOne(line, { dir: 'SRC.FILE/' }).name).toBe('MAIN.MBR');
    expect(readOne(line, { dir: '/QSYS.LIB/A.LIB' }).name).toBe('SRC.FILE/MAIN.MBR');
  });
});

describe('VMS', () => {
  check('vms', [
    [
      'CII-MANUAL.TEX;1  213/216  29-JAN-1996 03:33:12  [ANONYMOU,ANONYMOUS] (RWED,RWED,,)',
      {
        name: 'CII-MANUAL.TEX',
        type: 'file',
        size: 213 * 512,
        sizeExact: false,
        mode: 0o700,
        owner: 'ANONYMOUS',
        group: 'ANONYMOU',
        modified: at('1996-01-29 03:33:12'),
      },
    ],
    [
      'SUB.DIR;1  1/3  5-MAR-1993 18:09',
      { name: 'SUB', type: 'dir', modified: at('1993-03-05 18:09'), modifiedPrecision: 'minute' },
    ],
    [
      'README.;12  7  5-MAR-1993 18:09:01.55 [SYSTEM] (RWED,RWED,RE,RE)',
      { name: 'README.', size: 3584, owner: 'SYSTEM', mode: 0o755, modified: at('1993-03-05 18:09:01.550') },
    ],
    [
      'A_VERY_LONG_FILE_NAME_INDEED.BACKUP;3\r\n     12/15   1-DEC-2020 10:00:00 [A,B] (RWED,RWED,RE,)',
      { name: 'A_VERY_LONG_FILE_NAME_INDEED.BACKUP', size: 6144, mode: 0o750 },
    ],
    ['LONG.TXT;3\r\n  12  1-DEC-2020 10:00:00  [A,B]\r\n      (RWED,RWED,RE,)', { name: 'LONG.TXT' }],
    ['UNSIZED.TXT;3   1-DEC-2020 10:00', { name: 'UNSIZED.TXT', modified: at('2020-12-01 10:00') }],
  ]);
  checkNoise('vms', [
    'X.TXT;1 %RMS-E-PRV, insufficient privilege or file protection violation',
    '%DIRECT-W-NOFILES, no files found',
    'NOVERSION.TXT 1/3 5-MAR-1993 18:09',
    'X.TXT;1',
    'X.TXT;1 1/3 5-XYZ-1993 18:09',
    'X.TXT;1 1/3 31-FEB-1993 18:09',
    ';1 1/3 5-MAR-1993 18:09',
  ]);
  test('a whole listing: header, footer, versions, a wrapped name that got no columns', () => {
    const text = [
      '',
      'Directory USERS:[ANNA.PUB]',
      '',
      'A.TXT;3  1/3  5-MAR-1993 18:09',
      'A.TXT;2  1/3  4-MAR-1993 18:09',
      'LOST.TXT;1',
      'B.TXT;1  1/3  4-MAR-1993 18:09',
      '',
      'Total of 4 files, 3/9 blocks.',
    ].join('\r\n');
    const listing = readEveryWay(text);
    expect(listing.entries.map((entry) => entry.name)).toEqual(['A.TXT', 'B.TXT']);
    expect(listing).toMatchObject({ format: 'vms', rejected: 1 });
  });
});

describe('MVS', () => {
  check('mvs', [
    ['APP001 3390 2024/01/31 1 15 FB 80 27920 PS X.DATA', { name: 'X.DATA', type: 'file' }],
    ["APP001 3390   2024/01/31  1   15  VB   255 27998  PO  'APP.LIB'", { name: 'APP.LIB', type: 'dir' }],
    [
      'MEM1      01.03 2002/09/12 2002/10/11 09:37    11    11     0 KIL001',
      { name: 'MEM1', type: 'file', owner: 'KIL001', modified: at('2002-10-11 09:37') },
    ],
  ]);
  checkNoise('mvs', [
    'APP001 3390 PS X.DATA',
    'MEM1',
    'Migrated X.DATA',
    'MEM1 01.03 2002/09/12 2002/19/11 09:37 11 11 0 KIL001',
    '1MEM 01.03 2002/09/12 2002/10/11 09:37 11 11 0 KIL001',
  ]);
  test('data sets behind their header', () => {
    const text = [
      'Volume Unit    Referred Ext Used Recfm Lrecl BlkSz Dsorg Dsname',
      'APP001 3390   **NONE**    1   15  FB      80 27920  PS  A.PLAIN',
      'APP001 3390   2024/01/31  1   15  U        0  6447  PO-E A.LOADLIB',
      'Migrated                                                A.OLD',
      'ARCIVE Not Direct Access Device                         A.TAPE',
      'Pseudo Directory                                        A.SUB',
      'APP002 3390                                       VSAM  A.CLUSTER',
      'User catalog connector here',
    ].join('\r\n');
    const listing = readEveryWay(text);
    expect(listing.entries).toEqual([
      { name: 'A.PLAIN', type: 'file' },
      { name: 'A.LOADLIB', type: 'dir' },
      { name: 'A.OLD', type: 'unknown' },
      { name: 'A.TAPE', type: 'unknown' },
      { name: 'A.SUB', type: 'dir' },
      { name: 'A.CLUSTER', type: 'special' },
    ]);
    expect(listing).toMatchObject({ format: 'mvs', rejected: 1 });
  });
  test('members behind their header, with and without statistics', () => {
    const text =
      ' Name     VV.MM   Created       Changed      Size  Init   Mod   Id\r\nA  01.00 2002/09/12 2002/10/11 09:37    11    11     0 ID\r\nBARE\r\n';
    expect(readEveryWay(text).entries.map((entry) => entry.name)).toEqual(['A', 'BARE']);
  });
  test('load modules behind their header', () => {
    const text =
      ' Name      Size     TTR   Alias-of AC --------- Attributes --------- Amode Rmode\r\nPROG     0001A0   000105          00 FO             RN RU            31    ANY\r\n';
    expect(readEveryWay(text).entries).toEqual([{ name: 'PROG', type: 'file', size: 0x1a0 }]);
  });
});

describe('NLST', () => {
  test('every line is a name', () => {
    const text =
      'a b\r\n  leading\r\ntotal 5\r\n.\r\n..\r\n\r\n./x\r\npub/y\r\n-rw-r--r-- 1 u g 5 Jan  1 12:00 z\r\n';
    const listing = readEveryWay(text, { format: 'names', dir: 'pub' });
    expect(listing.entries.map((entry) => entry.name)).toEqual([
      'a b',
      '  leading',
      'total 5',
      'x',
      'y',
      '-rw-r--r-- 1 u g 5 Jan  1 12:00 z',
    ]);
    expect(listing).toMatchObject({ format: 'names', rejected: 0 });
  });

  test.each([
    'ls: x: No such file or directory',
    '/bin/ls: x: whatever',
    'x: Permission denied',
    "Can't check for file existence",
  ])('rejected: %s', (line) => {
    expect(readEveryWay(line, { format: 'names' })).toEqual({ entries: [], format: 'names', rejected: 1 });
  });

  test('never detected', () => {
    expect(readEveryWay('readme.txt\r\nsrc\r\n')).toEqual({ entries: [], format: undefined, rejected: 2 });
  });
});
