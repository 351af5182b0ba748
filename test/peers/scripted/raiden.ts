/** RaidenFTPD from its documents: SSCN with query, no CPSV, digests, and times set by MDTM and MFMT. */
import { type Dialect, featReply, ORDINARY } from './dialect.js';
import { type ScriptedOptions, type ScriptedPeer, startScripted } from './server.js';

const FEATURES = [
  'SIZE',
  'MDTM',
  'MDTM YYYYMMDDHHMMSS filename',
  'MFMT',
  'LIST -laT',
  'STAT -laT',
  'MODE Z',
  'MLST type*;lang*;size*;modify*;create*;UNIX.mode*;UNIX.owner*;UNIX.group*;WIN32.ea*',
  'MLSD',
  'REST STREAM',
  'XCRC filename;start;end',
  'XMD5 filename;start;end',
  'TVFS',
  'CLNT client_type',
  'LANG EN;FR;JA;DE;IT;SV;ES;RU;ZH-TW;ZH-CN',
  'AUTH SSL',
  'AUTH TLS',
  'PROT',
  'PBSZ',
  'SSCN',
  'UTF8',
  'EPRT',
  'EPSV',
];

export const RAIDEN: Dialect = {
  ...ORDINARY,
  name: 'raidenftpd',
  greeting: ['220-RaidenFTPD', '220 ready'],
  features: featReply(FEATURES, '211-Extensions supported:', '211 END'),
  verbs: { CLNT: '200 Noted.', IDNT: '200 Noted.', CPSV: null },
  unknown: (verb) => `500 '${verb}': command not understood.`,
  preliminary: 'at-once',
  opening: ({ path }) => `150 Sending ${path}.`,
  // The SSCN text gives 421 to a failed handshake; the connection is closed with it.
  tlsFailed: '421 TLS handshake on the data connection failed',
  restStore: 'truncates',
  mdtmSets: true,
  listMissing: '550 No such file or directory',
};

/** Starts a RaidenFTPD. */
export const startRaiden = (options: ScriptedOptions = {}): Promise<ScriptedPeer> =>
  startScripted(RAIDEN, options);
