/**
 * drftpd as its source has it: PRET before PASV, 220 to SSCN, addresses of slaves in replies of several lines,
 * a checksum in the 226, and 226 after ABOR.
 */
import { access } from 'node:fs/promises';
import { type Dialect, featReply, type Handler, ORDINARY, sextet } from './dialect.js';
import { listArgument } from './files.js';
import { type ScriptedOptions, type ScriptedPeer, startScripted } from './server.js';
import { cpsv, listingText, pasv, port } from './verbs-data.js';

const FEATURES = [
  'PRET',
  'AUTH SSL',
  'PBSZ',
  'CPSV',
  'SSCN',
  'CLNT',
  'NOOP',
  'MLST type*,x.crc32*,size*,modify*,unix.owner*,unix.group*,x.slaves*,x.xfertime*',
];
const NO_PRET = '500 You need to use a client supporting PRET (PRE Transfer) to use PASV';

const sscn: Handler = (session, argument) => {
  if (!session.isSecure) return '500 You are not on a secure channel';
  if (!session.isPrivate) return '500 SSCN only works for encrypted transfers';
  if (/^(ON|OFF)$/i.test(argument)) session.sscn = /^ON$/i.test(argument);
  return `220 SSCN:${session.sscn ? 'CLIENT' : 'SERVER'} METHOD`;
};

/** Looks for the file before anything is opened; STOR of one that exists is a dupe. */
const pret: Handler = async (session, argument) => {
  session.setEndpoint(undefined);
  session.announced = undefined;
  const [verb = '', ...rest] = argument.split(' ');
  const name = verb.toUpperCase();
  const isThere = await access(session.server.tree.real(session.path(rest.join(' ')))).then(
    () => true,
    () => false,
  );
  if (name === 'RETR' && !isThere) return '550 Requested action not taken. File unavailable.';
  if (name === 'STOR' && isThere) return '553 Requested action not taken. File exists.';
  if (!/^(RETR|STOR|APPE|LIST|NLST|MLSD)$/.test(name))
    return '504 Command not implemented for that parameter.';
  session.announced = name;
  return /^(LIST|NLST|MLSD)$/.test(name)
    ? '200 OK, planning to use master for upcoming LIST transfer'
    : '200 OK, planning to use slave1 for upcoming transfer';
};

const afterPret =
  (handler: Handler): Handler =>
  (session, argument, verb) =>
    session.announced === undefined ? NO_PRET : handler(session, argument, verb);

const securePassive: Handler = async (session, argument, verb) => {
  if (!session.isSecure) return '500 You are not on a secure channel';
  if (!session.isPrivate) return '500 SSCN only works for encrypted transfers';
  const reply = await cpsv(session, argument, verb);
  // The role is undone after the transfer only for the verb in upper case.
  if (session.typedVerb !== 'CPSV') session.sscn = true;
  return reply;
};

const aim: Handler = async (session, argument, verb) => {
  const reply = await port(session, argument, verb);
  if (typeof reply !== 'string' || !reply.startsWith('200')) return reply;
  const own = argument.split(',').slice(0, 4).join('.') === session.peerAddress;
  if (own) return '200 Command okay';
  return [
    `200- FXP allowed. If you're not FXPing then set your IP to ${session.peerAddress}`,
    '200 Command okay',
  ];
};

const stat: Handler = async (session, argument) => {
  if (session.transfer !== undefined) return session.dialect.progress(session.transfer);
  const { flags, path } = listArgument(argument);
  const text = await listingText(session, 'LIST', session.path(path), flags).catch(() => '');
  return [
    '213-STAT',
    ...text
      .split('\r\n')
      .slice(0, -1)
      .map((line) => `213-${line}`),
    '213 End of STAT',
  ];
};

export const DRFTPD: Dialect = {
  ...ORDINARY,
  name: 'drftpd',
  greeting: '220 drftpd ready',
  features: featReply(FEATURES, '211-Extensions supported:'),
  verbs: {
    SSCN: sscn,
    PRET: pret,
    PASV: afterPret(pasv),
    CPSV: afterPret(securePassive),
    PORT: aim,
    STAT: stat,
    ...Object.fromEntries(['EPSV', 'EPRT', 'MFMT', 'XCRC', 'XMD5'].map((verb) => [verb, null])),
  },
  unknown: () => '502 Command not implemented.',
  preliminary: 'at-once',
  opening: ({ verb }) =>
    `150 File status okay; about to open data connection ${verb === 'STOR' ? 'to' : 'from'} slave1.`,
  completed: (_session, { verb, checksum }) =>
    verb === 'RETR' || verb === 'STOR'
      ? [`226- Checksum from transfer: ${checksum}`, '226 Closing data connection']
      : '226 Closing data connection',
  // The reply to ABOR is the only one, and it has the code of success.
  aborted: () => undefined,
  aborDone: '226 Transfer aborted',
  passive: (session, host, number) =>
    /^(LIST|NLST|MLSD)$/.test(session.announced ?? '')
      ? `227 Entering Passive Mode (${sextet(host, number)}).`
      : ['227- Using slave1 for upcoming transfer', `227 Entering Passive Mode (${sextet(host, number)}).`],
  foreign: {
    transfer: () => '426 You are not allowed to FXP from here.',
    passive: '426 You are not allowed to FXP from here.',
  },
  lowPort: undefined,
  asciiSize: undefined,
};

/** Starts a drftpd. A lower-case `cpsv` works, but leaves the role as TLS client behind for later transfers. */
export const startDrftpd = (options: ScriptedOptions = {}): Promise<ScriptedPeer> =>
  startScripted(DRFTPD, options);
