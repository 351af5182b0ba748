/** Inputs to begin with: every verb with arguments of its kind, whole sessions, texts of each parser. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROWS } from '../../src/server/verbs/table.js';

/** The targets, and what share of the inputs each gets. */
export const TARGETS = { lines: 30, session: 20, verbs: 20, values: 28, settings: 2 } as const;
export type Target = keyof typeof TARGETS;

const ROOT = join(import.meta.dirname, '../..');
const verbs = ROWS.map(({ verb }) => verb);
const text = (...lines: string[]): string => lines.map((line) => `${line}\r\n`).join('');

const ARGUMENTS: Readonly<Record<string, readonly string[]>> = {
  USER: ['user', 'anonymous', 'half', 'far'],
  PASS: ['secret', ''],
  HOST: ['a.example', '[::1]'],
  TYPE: ['A', 'I', 'L 8', 'E', 'A T', 'A C'],
  STRU: ['F', 'R'],
  MODE: ['S', 'Z', 'B'],
  PORT: ['198,51,100,4,195,80', '192,0,2,7,195,80', '127,0,0,1,0,21', '256,1,1,1,1,1'],
  EPRT: ['|1|198.51.100.4|50000|', '|2|2001:db8::1|50000|', '|1|192.0.2.7|2121|', '|3|x|1|'],
  EPSV: ['', 'ALL', '1', '2'],
  REST: ['0', '3', '99999999999999999999'],
  RANG: ['0 2', '1 0', '5 2'],
  ALLO: ['100', '100 R 10', '99999999999'],
  OPTS: ['UTF8 ON', 'MLST type;size;', 'HASH MD5', 'MODE Z LEVEL 9', 'HASH'],
  PRET: ['RETR a', 'STOR z', 'APPE a', 'LIST', 'STOU'],
  LIST: ['', '-la', '-a /d', '-R', '/mnt'],
  NLST: ['', 'd', '-1 d'],
  MLSD: ['', '/d', '/mnt', 'a'],
  MLST: ['', '/a', 'd/b'],
  STAT: ['', '/', 'a', '-la d'],
  RNFR: ['a', '/d/b', 'd'],
  RNTO: ['a', '/d/z', '/mnt/other/a', 'd/e'],
  MFMT: ['20240102030405 a', '20240102030405.123 d/b'],
  MFCT: ['20240102030405 a'],
  MFF: ['Modify=20240102030405;UNIX.mode=644; a', 'create=20240102030405; a'],
  XCRC: ['a', '"a" 1 3', '"d/b" 0'],
  XMD5: ['"a ""b"""'],
  AUTH: ['TLS', 'TLS-C', 'SSL'],
  PBSZ: ['0', '1048576'],
  PROT: ['P', 'C', 'S'],
  SSCN: ['ON', 'OFF', ''],
  CEPR: ['ON', 'OFF'],
  LANG: ['', 'en', 'de', 'en-GB'],
  HELP: ['', 'RETR', 'SITE CHMOD'],
  SITE: ['HELP', 'WHO', 'CHMOD 644 a', 'UTIME 20240102030405 a', 'PSWD secret fresh', 'XDUPE 3', 'XDUPE'],
  'SITE UTIME': ['a 20240102030405 20240102030405 20240102030405 UTC', '202401020304 a'],
  'SITE CHMOD': ['0755 d'],
};
const PATHS = ['a', '/d/b', '../../etc/passwd', '/mnt/other/c', '', 'd', 'new name'];
const argumentsOf = (verb: string): readonly string[] => ARGUMENTS[verb] ?? PATHS;
const line = (verb: string, argument: string): string => (argument === '' ? verb : `${verb} ${argument}`);

const STORIES: readonly string[] = [
  text('EPSV', 'RETR a', 'PASV', 'STOR n', 'EPSV', 'STAT', 'ABOR', 'QUIT'),
  text('REST 3', 'EPSV', 'RETR a', 'STAT', 'NOOP', 'PWD', 'ABOR', 'NOOP'),
  text('RNFR a', 'RNTO z', 'DELE z', 'MKD x', 'CWD x', 'MKD y', 'RMD y', 'CDUP', 'RMD x', 'PWD'),
  text('AUTH TLS', 'USER a', 'PBSZ 0', 'PROT P', 'USER user', 'PASS secret', 'SSCN ON', 'CPSV', 'RETR a'),
  text('PBSZ 0', 'PROT P', 'CPSV', 'STOR b', 'PORT 192,0,2,7,195,80', 'RETR b', 'EPSV ALL', 'PASV'),
  text('USER user', 'PASS wrong', 'PASS secret', 'USER user', 'PASS wrong', 'USER user', 'PASS wrong'),
  text('TYPE A', 'EPSV', 'STOR t', 'SIZE t', 'TYPE I', 'SIZE t', 'HASH t', 'RANG 1 4', 'HASH t', 'APPE t'),
  text('SITE XDUPE 3', 'EPSV', 'STOR a', 'STOU', 'EPSV', 'STOU', 'EPSV', 'APPE a', 'EPSV', 'APPE a'),
  `${text('EPSV')}RETR d/b\r\n\xff\xf4\xff\xf2ABOR\r\nNOOP\r\n`,
  text('GET / HTTP/1.1', 'Host: x', ''),
  text('REIN', 'USER half', 'PASS secret', 'MKD q', 'EPSV', 'STOR q/1', 'EPSV', 'STOR q/2', 'AVBL', 'ALLO 9'),
  text('MODE Z', 'EPSV', 'MLSD', 'LIST', 'EPSV', 'LIST -a', 'PASV', 'NLST', 'FEAT', 'HELP', 'STAT'),
  `USER ${'x'.repeat(4100)}\r\nNOOP\r\n`,
];

const VALUES: readonly (readonly string[])[] = [
  ['198,51,100,4,195,80', '1,2,3,4,256,1', '90486,0,0,1,1,1'],
  ['|1|198.51.100.4|50000|', '|2|::ffff:1.2.3.4|1024|', '|2|fe80::1%eth0|9|', '!1!1.2.3.4!65536!'],
  ['192.0.2.0/24', '2001:db8::/32', '::ffff:192.0.2.0/120', '0177.0.0.1', '::/0'],
  ['20240229235959', '20240102030405.5', '00000101000000', '99991231235960'],
  ['../a/./b//c/', '/..', '/a/../../b'],
  ['"a" 1 2', '"a ""b""" 0', 'a b c', '"a" 2 1', '"a" 9007199254740993'],
  ['-la d', '-R', '-a', '- x'],
  ['64 KiB', '1.5M', '20 MiB/s', '500ms', '1d', '1e400 GiB'],
  ['\xc3\xa9\x80\xed\xa0\x80', '\xf0\x9f\x98\x80', '\xff\xfe'],
];

const SETTINGS = [
  '[server]\nlisten = "0.0.0.0:2121"\npassive-ports = "50000-50999"\n[fxp]\nmode = "listed"\npeers = ["192.0.2.0/24"]\n',
  '[limits]\nidle-timeout = "5m"\nmax-connections = 10\n[log]\nlevel = "debug"\n[metrics]\nlisten = "127.0.0.1:9100"\n',
];
const USERS = [
  '[users.a]\nhome = "/srv/a"\nquota = "1 GiB"\ngroups = ["g"]\n[groups.g]\nrate-up = "1 MiB/s"\n',
  '[anonymous]\nenabled = true\nhome = "/srv/pub"\n[defaults]\nmax-logins = 4\n',
];

const octets = (lead: readonly number[], rest: string | Buffer): Buffer =>
  Buffer.concat([Buffer.from(lead), typeof rest === 'string' ? Buffer.from(rest, 'latin1') : rest]);
const document = (name: string): Buffer => readFileSync(join(ROOT, 'docs', name));

/** Set-ups of a session: each login with each TLS. */
const SETUPS = Array.from({ length: 32 }, (_, bits) => bits);

export const SEEDS: Readonly<Record<Target, () => Buffer[]>> = {
  lines: () => [
    ...verbs.map((verb) => Buffer.from(text(line(verb, argumentsOf(verb)[0] ?? '')))),
    ...STORIES.map((story) => Buffer.from(story, 'latin1')),
    Buffer.from('AB\0OR\r\r\n\xff\xf2ABOR\rABOR\r\n\xff\xfb\x01A\xff\xffB \n', 'latin1'),
  ],
  session: () => STORIES.flatMap((story, n) => SETUPS.map((bits) => octets([bits, n * 37 + bits], story))),
  verbs: () =>
    verbs.flatMap((verb, n) =>
      argumentsOf(verb).map((argument, m) =>
        octets([[0, 2, 3, 24][m % 4]!, m * 11], octets([n], `${argument}\n`)),
      ),
    ),
  values: () => VALUES.flatMap((texts, n) => texts.map((one) => octets([n], one))),
  settings: () => [
    ...[...SETTINGS, document('jackstay.toml')].map((one) => octets([0], one)),
    ...[...USERS, document('users.toml')].map((one) => octets([1], one)),
  ],
};
