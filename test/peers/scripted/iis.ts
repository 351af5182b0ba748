/**
 * IIS 7 and later: MS-DOS listings, no MLSD, no SSCN, no CPSV, foreign addresses refused both ways by default,
 * UTF-8 names only after OPTS UTF8 ON, and one command taken from each packet.
 */
import { type Dialect, featReply, type Handler, ORDINARY } from './dialect.js';
import { type ScriptedOptions, type ScriptedPeer, startScripted } from './server.js';

const FEATURES = [
  'LANG EN*',
  'UTF8',
  'AUTH TLS;TLS-C;SSL;TLS-P;',
  'PBSZ',
  'PROT C;P;',
  'CCC',
  'HOST',
  'SIZE',
  'MDTM',
  'REST STREAM',
];

const opts: Handler = (session, argument) => {
  if (!/^UTF8 ON$/i.test(argument)) return '501 Option not supported.';
  session.charset = 'utf8';
  return '200 OPTS UTF8 command successful - UTF8 encoding now ON.';
};

export const IIS: Dialect = {
  ...ORDINARY,
  name: 'iis',
  greeting: '220 Microsoft FTP Service',
  loggedIn: '230 User logged in.',
  badPassword: '530 User cannot log in.',
  features: featReply(FEATURES, '211-Extended features supported:', '211 END'),
  system: '215 Windows_NT',
  verbs: {
    OPTS: opts,
    HOST: '220 Host accepted.',
    ...Object.fromEntries(
      ['SSCN', 'CPSV', 'MLSD', 'MLST', 'MFMT', 'XCRC', 'XMD5', 'CLNT'].map((verb) => [verb, null]),
    ),
  },
  unknown: () => '500 Command not understood.',
  reader: 'first-command-only',
  preliminary: 'at-once',
  opening: () => '125 Data connection already open; Transfer starting.',
  completed: () => '226 Transfer complete.',
  foreign: {
    port: '501 Server cannot accept argument.',
    passive: '425 Cannot open data connection.',
  },
  lowPort: '501 Server cannot accept argument.',
  tlsFailed: '425 Cannot open data connection.',
  listStyle: 'dos',
  listMissing: '550 The system cannot find the file specified.',
  missing: () => '550 The system cannot find the file specified.',
  directorySize: () => '550 Access is denied.',
  exists: '550 Cannot create a file when that file already exists.',
  made: (path) => `257 "${path}" directory created.`,
  charset: 'latin1',
};

/** Starts an IIS. Foreign addresses are refused unless `fxp: true`. */
export const startIis = (options: ScriptedOptions = {}): Promise<ScriptedPeer> =>
  startScripted(IIS, { fxp: false, ...options });
