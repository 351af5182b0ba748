/**
 * What makes one FTP server differ from another, as far as its clients can notice: texts, orders and habits.
 * `ORDINARY` is a plain, well-behaved server in the manner of ProFTPD; a dialect states only its differences.
 */
import type { Session } from './session.js';
import type { Transfer } from './transfer.js';

/** The lines of one reply or of several, complete as sent but without CRLF. */
export type Reply = string | readonly string[];

/** Answers a command; undefined when it has written its replies itself, or writes none. */
export type Handler = (
  session: Session,
  argument: string,
  verb: string,
) => Reply | undefined | Promise<Reply | undefined>;

/** Verb to handler, to a fixed reply, or to null for a verb that this server does not know. */
export type VerbTable = Readonly<Record<string, Handler | Reply | null>>;

/** A command that comes while data move: run beside the transfer, kept until its end, or refused with this reply. */
export type BusyRule = 'now' | 'queue' | { readonly refuse: Reply };

export interface Dialect {
  readonly name: string;
  readonly greeting: Reply;
  readonly loggedIn: Reply;
  readonly farewell: Reply;
  readonly notLoggedIn: Reply;
  /** A reply that begins with 421 also closes the connection. */
  readonly badPassword: Reply;
  readonly tooManyLogins: Reply;
  readonly features: Reply;
  readonly system: Reply;
  readonly done: Reply;
  readonly verbs: VerbTable;
  unknown(verb: string): Reply;
  /** What is done with the commands of one packet: all, or the first while the rest is thrown away. */
  readonly reader: 'lines' | 'first-command-only';
  /** Reply to an empty command line; undefined for silence. */
  readonly emptyLine: Reply | undefined;
  /** Arguments of AUTH that start TLS. */
  readonly mechanisms: RegExp;
  /** When the 150 of a transfer is sent: before the data connection stands, or after. */
  readonly preliminary: 'at-once' | 'after-connect';
  opening(transfer: Transfer): Reply;
  completed(session: Session, transfer: Transfer): Reply;
  aborted(session: Session): Reply | undefined;
  /** Reply to ABOR itself. */
  readonly aborDone: Reply;
  broken(transfer: Transfer): Reply;
  /** No data connection came about. */
  unconnected(transfer: Transfer, passive: boolean): Reply;
  readonly noEndpoint: Reply;
  /** True: a reset in the middle of an upload still ends as success. */
  readonly trustsReset: boolean;
  /** PASV, PORT and their kin forget a REST sent before them. */
  readonly forgetsRest: boolean;
  /** What STOR after REST does with the old bytes behind the new ones. */
  readonly restStore: 'truncates' | 'keeps';
  /** RETR with an offset beyond the end; undefined sends nothing and succeeds. */
  readonly restBeyondEnd: Reply | undefined;
  readonly badRest: Reply;
  busy(verb: string, session: Session): BusyRule;
  progress(transfer: Transfer): Reply;
  passive(session: Session, host: string, port: number): Reply;
  /** Refusals while the `fxp` option forbids foreign addresses. Without `port`, PORT is accepted and the transfer refused. */
  readonly foreign: {
    readonly port?: Reply;
    transfer?(transfer: Transfer): Reply;
    readonly passive: Reply;
  };
  /** Refusal of PORT below 1024; undefined accepts it. */
  readonly lowPort: Reply | undefined;
  /** Address that active connections leave from, where it is not the server's own. */
  readonly dialsFrom?: string;
  /** CPSV also makes the next listing a TLS client, and so on: which transfers obey the role. */
  obeysRole(session: Session, transfer: Transfer): boolean;
  readonly asksCertificate: boolean;
  /** As TLS server of an upload the server sends no session tickets. */
  readonly quietTickets: boolean;
  readonly tlsFailed: Reply;
  readonly handshakeTimeoutMs: number;
  readonly acceptTimeoutMs: number;
  readonly listStyle: 'unix' | 'dos';
  readonly namesEnd: '\n' | '\r\n';
  /** LIST of what is not there; undefined gives an empty listing. */
  readonly listMissing: Reply | undefined;
  missing(verb: string, name: string): Reply;
  /** SIZE in TYPE A; undefined answers as in TYPE I. */
  readonly asciiSize: Reply | undefined;
  directorySize(name: string): Reply;
  readonly exists: Reply;
  made(path: string): Reply;
  readonly removed: Reply;
  readonly mdtmSets: boolean;
  digest(hex: string): Reply;
  readonly charset: 'utf8' | 'latin1';
}

/** Text of a path inside the double quotes of a 257 reply (RFC 959 appendix II). */
export const quoted = (path: string): string => `"${path.replaceAll('"', '""')}"`;

/** RFC 959 form of address and port: six decimal octets. */
export const sextet = (host: string, port: number): string =>
  [...host.split('.'), String(port >> 8), String(port & 255)].join(',');

const FEATURES = [
  'AUTH TLS',
  'EPRT',
  'EPSV',
  'MDTM',
  'MFMT',
  'MLST modify*;perm*;size*;type*;unique*;UNIX.mode*;',
  'PBSZ',
  'PROT',
  'REST STREAM',
  'SIZE',
  'SSCN',
  'TVFS',
  'UTF8',
  'XCRC',
  'XMD5',
];

/** A FEAT reply (RFC 2389 3.2): each feature on a line of its own behind one space. */
export const featReply = (lines: readonly string[], head = '211-Features:', end = '211 End'): Reply => [
  head,
  ...lines.map((line) => ` ${line}`),
  end,
];

export const ORDINARY: Dialect = {
  name: 'ordinary',
  greeting: '220 FTP server ready',
  loggedIn: '230 User logged in',
  farewell: '221 Goodbye.',
  notLoggedIn: '530 Please login with USER and PASS',
  badPassword: '530 Login incorrect.',
  tooManyLogins: '530 Sorry, too many logins from this user',
  features: featReply(FEATURES),
  system: '215 UNIX Type: L8',
  done: '200 Command successful',
  verbs: {},
  unknown: (verb) => `500 ${verb} not understood`,
  reader: 'lines',
  emptyLine: '500 Invalid command: try being more creative',
  mechanisms: /^(TLS|SSL|TLS-C|TLS-P)$/i,
  preliminary: 'after-connect',
  opening: (transfer) => `150 Opening BINARY mode data connection for ${transfer.path}`,
  completed: () => '226 Transfer complete',
  aborted: () => '426 Transfer aborted. Data connection closed',
  aborDone: '226 Abort successful',
  broken: () => '426 Transfer aborted. Data connection closed',
  unconnected: () => '425 Unable to build data connection: Connection refused',
  noEndpoint: '425 Unable to build data connection: Connection refused',
  trustsReset: false,
  forgetsRest: false,
  restStore: 'keeps',
  restBeyondEnd: '554 Restart position exceeds file size',
  badRest: '501 REST requires a value greater than or equal to 0',
  busy: (verb) => (/^(ABOR|STAT|NOOP|PWD)$/.test(verb) ? 'now' : 'queue'),
  progress: (transfer) => [
    '211-Status of the FTP server',
    ` ${transfer.verb} ${transfer.path} (${transfer.moved})`,
    '211 End of status',
  ],
  passive: (_session, host, port) => `227 Entering Passive Mode (${sextet(host, port)}).`,
  foreign: {
    port: '500 Illegal PORT command',
    passive: '425 Unable to build data connection: Permission denied',
  },
  lowPort: '500 Illegal PORT command',
  obeysRole: (_session, transfer) => /^(RETR|STOR|APPE|STOU)$/.test(transfer.verb),
  asksCertificate: false,
  quietTickets: false,
  tlsFailed: '425 Unable to build data connection: Operation not permitted',
  handshakeTimeoutMs: 15_000,
  acceptTimeoutMs: 30_000,
  listStyle: 'unix',
  namesEnd: '\r\n',
  listMissing: ['150 Opening ASCII mode data connection for file list', '450 No such file or directory'],
  missing: (_verb, name) => `550 ${name}: No such file or directory`,
  asciiSize: '550 SIZE not allowed in ASCII mode',
  directorySize: (name) => `550 ${name}: not a regular file`,
  exists: '550 File exists',
  made: (path) => `257 ${quoted(path)} - Directory successfully created`,
  removed: '250 RMD command successful',
  mdtmSets: false,
  digest: (hex) => `250 ${hex}`,
  charset: 'utf8',
};
