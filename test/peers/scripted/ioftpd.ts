/** ioFTPD 7.7: a Windows server that calls itself UNIX, with SSCN, one-shot CPSV, XCRC, and IDNT for trusted proxies only. */
import { type Dialect, featReply, type Handler, ORDINARY } from './dialect.js';
import { listArgument } from './files.js';
import { type ScriptedOptions, type ScriptedPeer, startScripted } from './server.js';
import { cpsv, listingText } from './verbs-data.js';

export interface IoftpdOptions extends ScriptedOptions {
  /** Addresses that may send IDNT. Default: none. */
  proxies?: readonly string[];
}

const FEATURES = [
  'AUTH SSL',
  'AUTH TLS',
  'CLNT',
  'CPSV',
  'LIST -1aAdflLRsTU',
  'MDTM',
  'MDTM YYYYMMDDHHMMSS filename',
  'PBSZ',
  'PROT',
  'REST STREAM',
  'SIZE',
  'SSCN',
  'STAT -1aAdflLRsTU',
  'TVFS',
  'XCRC filename;start;end',
];

/** Any case of ON and OFF; bare it tells the state. */
const sscn: Handler = (session, argument) => {
  if (!/^(ON|OFF|)$/i.test(argument)) return "501 'SSCN': Invalid arguments.";
  if (argument !== '') session.sscn = /^ON$/i.test(argument);
  return `200 SSCN:${session.sscn ? 'CLIENT' : 'SERVER'} METHOD`;
};

/** From anybody but a trusted proxy it ends the connection. */
const idnt =
  (proxies: readonly string[]): Handler =>
  (session) => {
    if (!proxies.includes(session.peerAddress)) session.destroy();
    return undefined;
  };

const stat: Handler = async (session, argument) => {
  if (session.transfer !== undefined) return session.dialect.progress(session.transfer);
  const { flags, path } = listArgument(argument);
  const text = await listingText(session, 'LIST', session.path(path), flags).catch(() => '');
  return [
    '212-Status',
    ...text
      .split('\r\n')
      .slice(0, -1)
      .map((line) => `212-${line}`),
    '212 End of Status',
  ];
};

const VERBS: Dialect['verbs'] = {
  SSCN: sscn,
  CPSV: cpsv,
  STAT: stat,
  CLNT: '200 Noted.',
  ...Object.fromEntries(['MLSD', 'MLST', 'MFMT', 'XMD5', 'EPSV', 'EPRT'].map((verb) => [verb, null])),
};

export const IOFTPD: Dialect = {
  ...ORDINARY,
  name: 'ioftpd',
  greeting: '220 FTP Server ready.',
  features: featReply(FEATURES, '211-Extensions supported:', '211 END'),
  system: '215 UNIX Type: L8',
  verbs: VERBS,
  unknown: (verb) => `500 '${verb}': Command not understood`,
  preliminary: 'at-once',
  opening: ({ path, verb }) =>
    `150 Opening BINARY mode data connection for ${verb === 'LIST' ? 'directory listing' : path}.`,
  completed: (_session, { verb }) =>
    verb === 'LIST' ? '226 LIST command complete.' : '226 Transfer complete.',
  mdtmSets: true,
  digest: (hex) => `250 ${hex.toLowerCase()}`,
  listMissing: undefined,
};

/** Starts an ioFTPD. */
export const startIoftpd = (options: IoftpdOptions = {}): Promise<ScriptedPeer> =>
  startScripted({ ...IOFTPD, verbs: { ...VERBS, IDNT: idnt(options.proxies ?? []) } }, options);
