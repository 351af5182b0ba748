/** Every server that the contract suite joins with every other one. */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { giveToNobody } from '../peers/host.js';
import { type PeerName, peerProgram, requirePeer, SYSTEM_PYTHON } from '../peers/peer.js';
import { startGridftp } from '../peers/real/gridftp.js';
import { startInetutils } from '../peers/real/inetutils.js';
import { startJackstay } from '../peers/real/jackstay.js';
import { startProftpd } from '../peers/real/proftpd.js';
import { startPureftpd } from '../peers/real/pureftpd.js';
import { startPyftpdlib } from '../peers/real/pyftpdlib.js';
import { startVsftpd } from '../peers/real/vsftpd.js';
import { startDrftpd } from '../peers/scripted/drftpd.js';
import { startGlftpd } from '../peers/scripted/glftpd.js';
import { startIis } from '../peers/scripted/iis.js';
import { startIoftpd } from '../peers/scripted/ioftpd.js';
import { startRaiden } from '../peers/scripted/raiden.js';
import { startWzdftpd } from '../peers/scripted/wzdftpd.js';

/** Name of a peer in the tables. */
export type PeerId = (typeof PEER_IDS)[number];

/** Order of rows and columns: real programs first. */
export const PEER_IDS = [
  'jackstay',
  'proftpd',
  'proftpd-reuse',
  'proftpd-strict',
  'pureftpd',
  'vsftpd',
  'vsftpd-reuse',
  'vsftpd-strict',
  'pyftpdlib',
  'inetutils',
  'gridftp',
  'glftpd',
  'wzdftpd',
  'drftpd',
  'raiden',
  'ioftpd',
  'iis',
  'iis-strict',
] as const;

/** What the suite needs of a running server, real or scripted. `home` on the local disk is `path` at the server. */
export interface RunningPeer {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly password: string;
  readonly home: string;
  readonly path: string;
  stop(): Promise<void>;
}

export interface ContractPeer {
  readonly id: PeerId;
  /** The program, and what its operator has set. */
  readonly title: string;
  readonly setting: string;
  readonly kind: 'real' | 'scripted';
  readonly tls: boolean;
  /** Why it cannot be had on this machine. */
  absence(): string | undefined;
  /** Version of the program; for a scripted peer that of the program it was modelled on. */
  version(): string;
  start(): Promise<RunningPeer>;
}

const manifest = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as {
  version: string;
};

/** Output of a program that is asked for its version: some write it to standard error, or end with an error. */
function ask(command: string, ...words: string[]): string {
  const script = '"$@" 2>&1 | head -n 3; true';
  const output = execFileSync('/bin/sh', ['-c', script, 'sh', command, ...words], { encoding: 'utf8' });
  return /\d+\.\d+(?:\.\d+)*[a-z]?/.exec(output)?.[0] ?? 'unknown';
}

const VERSIONS: Readonly<Record<PeerName, () => string>> = {
  proftpd: () => ask(peerProgram('proftpd'), '-v'),
  pureftpd: () => ask(peerProgram('pureftpd'), '--help'),
  // vsftpd writes its version to its standard input.
  vsftpd: () => ask('/bin/sh', '-c', '"$0" -v 0>&1', peerProgram('vsftpd')),
  pyftpdlib: () => ask(SYSTEM_PYTHON, '-c', 'import pyftpdlib; print(pyftpdlib.__ver__)'),
  inetutils: () => ask(peerProgram('inetutils'), '--version'),
  gridftp: () => ask(peerProgram('gridftp'), '-version'),
};

function real(
  id: PeerId,
  name: PeerName,
  title: string,
  setting: string,
  tls: boolean,
  start: () => Promise<RunningPeer>,
): ContractPeer {
  const absence = () => requirePeer(name);
  return { id, title, setting, kind: 'real', tls, absence, version: VERSIONS[name], start };
}

/** Our own server: it is always there. */
function own(id: PeerId, setting: string, start: () => Promise<RunningPeer>): ContractPeer {
  const version = (): string => manifest.version;
  return {
    id,
    title: 'Jackstay',
    setting,
    kind: 'real',
    tls: true,
    absence: () => undefined,
    version,
    start,
  };
}

function scripted(
  id: PeerId,
  title: string,
  version: string,
  setting: string,
  start: () => Promise<RunningPeer>,
): ContractPeer {
  const absence = () => undefined;
  return { id, title, setting, kind: 'scripted', tls: true, absence, version: () => version, start };
}

const variant = {
  reuse: { variant: 'reuse-required' },
  strict: { variant: 'strict' },
} as const;

export const PEERS: readonly ContractPeer[] = [
  own('jackstay', '[fxp] mode = "listed"', () => startJackstay({ quiet: true })),
  real(
    'proftpd',
    'proftpd',
    'ProFTPD',
    'AllowForeignAddress on, TLSOptions NoSessionReuseRequired',
    true,
    startProftpd,
  ),
  real(
    'proftpd-reuse',
    'proftpd',
    'ProFTPD',
    'AllowForeignAddress on, TLS session reuse required',
    true,
    () => startProftpd(variant.reuse),
  ),
  real('proftpd-strict', 'proftpd', 'ProFTPD', 'AllowForeignAddress off', true, () =>
    startProftpd(variant.strict),
  ),
  real('pureftpd', 'pureftpd', 'Pure-FTPd', '-w (AllowUserFXP)', true, startPureftpd),
  real(
    'vsftpd',
    'vsftpd',
    'vsftpd',
    'port_promiscuous, pasv_promiscuous, require_ssl_reuse=NO',
    true,
    startVsftpd,
  ),
  real(
    'vsftpd-reuse',
    'vsftpd',
    'vsftpd',
    'port_promiscuous, pasv_promiscuous, TLS session reuse required',
    true,
    () => startVsftpd(variant.reuse),
  ),
  real('vsftpd-strict', 'vsftpd', 'vsftpd', 'foreign addresses refused, require_ssl_reuse=NO', true, () =>
    startVsftpd(variant.strict),
  ),
  real('pyftpdlib', 'pyftpdlib', 'pyftpdlib', 'permit_foreign_addresses', true, startPyftpdlib),
  real('inetutils', 'inetutils', 'inetutils ftpd', 'as it is, no TLS', false, startInetutils),
  real('gridftp', 'gridftp', 'Globus GridFTP', 'clear-text logins, no TLS', false, startGridftp),
  scripted('glftpd', 'glFTPd', '2.13', 'as it is', startGlftpd),
  scripted('wzdftpd', 'wzdftpd', '0.9', 'as it is', startWzdftpd),
  scripted('drftpd', 'drftpd', 'from its source', 'as it is', startDrftpd),
  scripted('raiden', 'RaidenFTPd', 'from its documents', 'as it is', startRaiden),
  scripted('ioftpd', 'ioFTPD', '7.7', 'as it is', startIoftpd),
  scripted('iis', 'Microsoft IIS', '7 and later', 'matchClientAddressForPort and -ForPasv false', () =>
    startIis({ fxp: true }),
  ),
  scripted('iis-strict', 'Microsoft IIS', '7 and later', 'foreign addresses refused', startIis),
];

/** A peer by its name. */
export const peerOf = (id: PeerId): ContractPeer => PEERS.find((peer) => peer.id === id)!;

/** Gives a peer's files to the user it serves as. The scripted ones serve as this process. */
export function handOver(id: PeerId, path: string): void {
  if (peerOf(id).kind === 'real') giveToNobody(path);
}
