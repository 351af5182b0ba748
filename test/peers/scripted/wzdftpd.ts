/**
 * wzdftpd 0.9 as it was measured: runs the first command of a packet and forgets the rest, sticky CPSV, a bare
 * SSCN that switches it off, and success for uploads whose connection was reset.
 */
import { basename } from 'node:path';
import { type Dialect, featReply, type Handler, ORDINARY } from './dialect.js';
import { listArgument } from './files.js';
import { factLine, itemOf } from './listing.js';
import { type ScriptedOptions, type ScriptedPeer, startScripted } from './server.js';
import { cpsv, epsv, listingText } from './verbs-data.js';
import { mkd } from './verbs-tree.js';

const FEATURES = [
  'NON-FREE FTPD SUCKS',
  'MDTM',
  'SIZE',
  'SITE',
  'REST STREAM',
  'PRET',
  'XCRC',
  'XMD5',
  'MLST Type*;Size*;Modify*;Perm*;Unique*;UNIX.mode;',
  'AUTH TLS',
  'PBSZ',
  'PROT',
  'SSCN',
  'CPSV',
  'UTF8',
];

/** Without an argument it means OFF; ON and OFF in any case. */
const sscn: Handler = (session, argument) => {
  if (!/^(ON|OFF|)$/i.test(argument)) return '550 SSCN: Invalid argument';
  session.sscn = /^ON$/i.test(argument);
  return `200 SSCN:${session.sscn ? 'CLIENT' : 'SERVER'} METHOD`;
};

/** The role stays TLS client until SSCN OFF. */
const stickyCpsv: Handler = async (session, argument, verb) => {
  const reply = await cpsv(session, argument, verb);
  session.sscn = true;
  return reply;
};

/** EPSV ALL is answered twice, so that every later reply is one too late. */
const epsvAllTwice: Handler = async (session, argument, verb) =>
  /^ALL$/i.test(argument) ? ['200 Command okay', '501 Invalid argument'] : epsv(session, argument, verb);

/** The entry has no leading space and names the real path. */
const leakyMlst: Handler = async (session, argument) => {
  const real = session.server.tree.real(session.path(argument));
  return itemOf(real, basename(real)).then(
    (item) => ['250-Listing', factLine(item, real), '250 End'],
    () => '501 File not found',
  );
};

const stat: Handler = async (session, argument) => {
  if (session.transfer !== undefined) return '501 Argument too big';
  if (argument === '') return ['211-Status', ' wzdftpd', '211 End of status'];
  const { flags, path } = listArgument(argument);
  const text = await listingText(session, 'LIST', session.path(path), flags).catch(() => undefined);
  if (text === undefined) return '550 No such file or directory';
  return [`213-Status of ${path || '.'}:`, ...text.split('\r\n').slice(0, -1), '213 End of Status'];
};

export const WZDFTPD: Dialect = {
  ...ORDINARY,
  name: 'wzdftpd',
  greeting: '220 wzd server ready.',
  loggedIn: ['230-Welcome', '230 User logged in, proceed.'],
  badPassword: '421 Login incorrect.',
  features: featReply(FEATURES, '211-Extensions supported'),
  verbs: {
    SSCN: sscn,
    CPSV: stickyCpsv,
    EPSV: epsvAllTwice,
    PRET: '200 Command okay',
    CLNT: '502 Command not implemented.',
    PBSZ: '200 PBSZ command OK',
    MODE: '502 Command not implemented.',
    STRU: '502 Command not implemented.',
    MLST: leakyMlst,
    STAT: stat,
    MFMT: null,
    STOU: null,
    PWD: (session) => `257 "${session.directory}" is current directory.`,
    MKD: (session, argument, verb) =>
      argument.includes('"') ? '553 Path filter' : mkd(session, argument, verb),
  },
  unknown: () => '502 Command not implemented.',
  reader: 'first-command-only',
  emptyLine: undefined,
  // Any name of a mechanism starts TLS.
  mechanisms: /^.*$/,
  preliminary: 'at-once',
  opening: (transfer) => `150 Opening BINARY data connection for ${transfer.path}`,
  completed: () => ['226-Closing data connection.', '226 Transfer complete.'],
  broken: () => '426 Data connection closed, transfer aborted.',
  unconnected: ({ verb }, passive) => {
    if (passive) return '501 PASV timeout';
    // Only RETR notices that nobody answers at the address of PORT.
    return verb === 'RETR' ? '426 Data connection refused' : '226 Closing data connection.';
  },
  trustsReset: true,
  restStore: 'truncates',
  restBeyondEnd: undefined,
  badRest: '501 Invalid REST marker',
  foreign: { port: '501 FXP not allowed', passive: '501 FXP not allowed' },
  lowPort: '501 Port not allowed',
  // The active connection leaves from the default address, not from the one that listens.
  dialsFrom: '127.0.0.1',
  asksCertificate: true,
  tlsFailed: '426 Data connection closed, TLS negotiation failed.',
  handshakeTimeoutMs: 5_000,
  listMissing: '550 No such file or directory',
  noEndpoint: '501 No data connection available - issue PORT or PASV first',
  missing: (verb, name) =>
    /^(SIZE|MDTM|DELE)$/.test(verb) ? '501 File not found' : `550 ${name}: No such file or directory`,
  asciiSize: undefined,
  directorySize: () => '213 4096',
  exists: '553 could not create dir: exists',
  // The table of messages has no text for these two codes.
  made: () => ['257- command ok', '257 No message for this code'],
  removed: ['258- command ok', '258 No message for this code'],
};

/** Starts a wzdftpd. */
export const startWzdftpd = (options: ScriptedOptions = {}): Promise<ScriptedPeer> =>
  startScripted(WZDFTPD, options);
