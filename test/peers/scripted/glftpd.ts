/**
 * glFTPd 2.13 as it was measured: a status line in every final reply, SSCN that always says CLIENT, a REST that
 * PASV and PORT forget, and a TLS client that closes without reading the session tickets.
 */
import { type Dialect, featReply, type Handler, ORDINARY, type Reply } from './dialect.js';
import { listArgument } from './files.js';
import { type ScriptedOptions, type ScriptedPeer, startScripted } from './server.js';
import { prot } from './verbs-access.js';
import { cpsv, epsv, listingText, pasv, rest, retr, store } from './verbs-data.js';
import { mkd, rnto } from './verbs-tree.js';

export interface GlftpdOptions extends ScriptedOptions {
  /** Write the line about the user file before the replies of RETR and STOR. */
  losesUserFile?: boolean;
}

const STATUS = '[Ul: 0.0MB] [Dl: 0.0MB] [Speed: 0.00K/s] [Free: 1024MB]';
const FEATURES = 'AUTH TLS,AUTH SSL,PBSZ,PROT,CPSV,SSCN,MDTM,SIZE,REST STREAM,SYST,EPRT,EPSV,CEPR'.split(',');

/** A reply of several lines, the last of which is the status line. */
const withStatus = (code: number, text: string): Reply => [`${code}- ${text}`, `${code}  ${STATUS}`];

/** The state follows the argument, the text never does. */
const sscn: Handler = (session, argument) => {
  if (/^(ON|OFF)$/i.test(argument)) session.sscn = /^ON$/i.test(argument);
  return '200 SSCN:CLIENT METHOD';
};

const cepr: Handler = (session, argument) => {
  session.cepr = /^ON$/i.test(argument);
  return '200 Command Successful.';
};

const stat: Handler = async (session, argument) => {
  if (session.transfer !== undefined) return session.dialect.progress(session.transfer);
  if (argument === '') return withStatus(211, 'Status of glFTPd');
  const { flags, path } = listArgument(argument);
  const text = await listingText(session, 'LIST', session.path(path), flags).catch(() => '');
  // The lines of this listing carry no code.
  return [`213- status of ${argument}:`, 'total 0', ...text.split('\r\n').slice(0, -1), '213 End of Status'];
};

/** PASV after EPSV ALL is refused as a bad sequence. */
const unlessEpsvAll =
  (handler: Handler): Handler =>
  (session, argument, verb) =>
    session.epsvAll ? '503 Bad sequence of commands.' : handler(session, argument, verb);

const beforeTransfer =
  (line: string | undefined, handler: Handler): Handler =>
  (session, argument, verb) => {
    if (line !== undefined) session.reply(line);
    return handler(session, argument, verb);
  };

const TRANSFERS: Readonly<Record<string, Handler>> = { RETR: retr, STOR: store(false), APPE: store(true) };

const VERBS: Dialect['verbs'] = {
  SSCN: sscn,
  CPSV: unlessEpsvAll(cpsv),
  PASV: unlessEpsvAll(pasv),
  EPSV: epsv,
  CEPR: cepr,
  // PROT is accepted before AUTH.
  PROT: prot,
  PBSZ: (_session, argument) => (argument === '0' ? '200 PBSZ 0 successful' : '504 PBSZ not accepted'),
  STAT: stat,
  REST: (session, argument, verb) =>
    /^\d+$/.test(argument) ? rest(session, argument, verb) : '350 Invalid restart point',
  MKD: (session, argument, verb) =>
    argument.includes('"') ? '553 Permission denied. (path-filter)' : mkd(session, argument, verb),
  RNTO: (session, argument, verb) =>
    session.previousVerb === 'RNFR' ? rnto(session, argument, verb) : '503 Bad sequence of commands.',
  ...Object.fromEntries(
    ['MLSD', 'MLST', 'MFMT', 'XCRC', 'XMD5', 'PRET', 'CLNT', 'OPTS'].map((verb) => [verb, null]),
  ),
};

export const GLFTPD: Dialect = {
  ...ORDINARY,
  name: 'glftpd',
  greeting: '220 glFTPd 2.13 ready.',
  loggedIn: withStatus(230, 'User logged in.'),
  farewell: withStatus(221, 'Goodbye'),
  badPassword: '530 Login incorrect.',
  tooManyLogins: '530 Sorry, your account is restricted to 2 simultaneous logins.',
  features: featReply(FEATURES, '211- Extensions supported:'),
  verbs: VERBS,
  unknown: (verb) => `500 '${verb}': Command not understood.`,
  emptyLine: "500 '': Command not understood.",
  mechanisms: /^(TLS|SSL|TLS-C)$/i,
  completed: () => withStatus(226, 'Transfer complete.'),
  unconnected: (_transfer, passive) =>
    passive ? "425 Can't open passive connection." : "425 Can't build data connection: Connection refused.",
  forgetsRest: true,
  restStore: 'truncates',
  restBeyondEnd: undefined,
  busy: (verb) => {
    if (/^(ABOR|STAT|NOOP)$/.test(verb)) return 'now';
    return verb === 'PASV' ? 'queue' : { refuse: '500 Command not understood.' };
  },
  progress: ({ verb, moved, total }) =>
    `213 Status: ${moved} ${verb === 'RETR' ? `of ${total ?? 0} ` : ''}bytes transferred`,
  foreign: {
    transfer: ({ verb }) =>
      `500 Transfers ${verb === 'RETR' ? 'to' : 'from'} 3rd party addresses are not supported.`,
    passive: '425 Transfers to 3rd party addresses are not supported.',
  },
  lowPort: undefined,
  // SSCN is for files only; CPSV holds for listings as well.
  obeysRole: (session, transfer) => session.cpsv || /^(RETR|STOR|APPE)$/.test(transfer.verb),
  quietTickets: true,
  tlsFailed: '435 Failed TLS negotiation on data channel (timeout), disconnected',
  acceptTimeoutMs: 15_000,
  namesEnd: '\n',
  listMissing: undefined,
  asciiSize: '504 SIZE not possible in ASCII mode',
};

/** Starts a glFTPd. As TLS 1.3 source it truncates unless `truncates: false` (its SSL_CLEAN_SHUTDOWN 1). */
export function startGlftpd(options: GlftpdOptions = {}): Promise<ScriptedPeer> {
  const line = options.losesUserFile ? '550 Unable to load your own user file!' : undefined;
  const transfers = Object.entries(TRANSFERS).map(([verb, handler]) => [verb, beforeTransfer(line, handler)]);
  const dialect = { ...GLFTPD, verbs: { ...VERBS, ...Object.fromEntries(transfers) } };
  return startScripted(dialect, { truncates: true, ...options });
}
