/** The servers that are compared, each set up to serve thousands of sessions and to write no log of transfers. */

import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { issueCertificate } from '../../test/peers/certs.js';
import {
  launch,
  layGround,
  type Peer,
  peerProgram,
  requirePeer,
  SYSTEM_PYTHON,
} from '../../test/peers/peer.js';
import { notBuilt } from '../../test/peers/real/jackstay.js';
import { startProftpd } from '../../test/peers/real/proftpd.js';
import { startPureftpd } from '../../test/peers/real/pureftpd.js';
import { startPyftpdlib } from '../../test/peers/real/pyftpdlib.js';
import { startVsftpd } from '../../test/peers/real/vsftpd.js';
import { startDaemon } from './daemon.js';

export interface Contender {
  readonly name: string;
  /** Why it cannot take part, or undefined. */
  readonly missing: string | undefined;
  readonly version: () => string;
  /** A process or more for each session: fewer sessions tell as much and do not fill the machine. */
  readonly forks: boolean;
  readonly mlsd: boolean;
  /** Cases that it cannot take part in, `section, case`, with the reason. */
  readonly cannot?: Readonly<Record<string, string>>;
  start(): Promise<Peer>;
}

const SESSIONS = 6000;

const said = (program: string, ...args: string[]): string => {
  try {
    return execFileSync(program, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'], input: '' });
  } catch {
    return '';
  }
};
const found = (text: string): string => /\d+(?:\.\d+)+\w*/.exec(text)?.[0] ?? 'unknown';

const require = createRequire(import.meta.url);
const packageVersion = (name: string): string =>
  (JSON.parse(readFileSync(require.resolve(`${name}/package.json`), 'utf8')) as { version: string }).version;

const FTP_SRV = fileURLToPath(new URL('ftp-srv.mjs', import.meta.url));

async function startFtpSrv(): Promise<Peer> {
  const ground = await layGround('ftp-srv', '127.0.0.1');
  const { cert, key } = issueCertificate(ground.host);
  return launch({
    name: 'ftp-srv',
    ground,
    command: [process.execPath, FTP_SRV],
    env: { JACKSTAY_FTP_SRV: JSON.stringify({ ...ground, cert, key }) },
    caps: {
      foreignPort: true,
      foreignPassive: true,
      tls: true,
      reuseRequired: false,
      tlsClient: 'none',
      mlsd: false,
      digest: 'none',
      modeE: false,
    },
  });
}

const ours = (name: string, processes: number | 'auto'): Contender => ({
  name,
  missing: notBuilt(),
  version: () => packageVersion('../..'),
  forks: false,
  mlsd: true,
  start: () => startDaemon(processes, SESSIONS),
});

export const CONTENDERS: readonly Contender[] = [
  {
    name: 'vsftpd',
    missing: requirePeer('vsftpd'),
    version: () => found(said('/bin/sh', '-c', `${peerProgram('vsftpd')} -v 0>&1 2>&1`)),
    forks: true,
    mlsd: false,
    start: () =>
      startVsftpd({
        extra: ['xferlog_enable=NO', 'log_ftp_protocol=NO', 'max_clients=0', 'max_per_ip=0'],
      }),
  },
  {
    name: 'Pure-FTPd',
    missing: requirePeer('pureftpd'),
    version: () => found(said(peerProgram('pureftpd'), '--help')),
    forks: true,
    mlsd: true,
    start: () =>
      startPureftpd({
        extra: ['--maxclientsnumber', String(SESSIONS), '--maxclientsperip', String(SESSIONS)],
      }),
  },
  {
    name: 'ProFTPD',
    missing: requirePeer('proftpd'),
    version: () => found(said(peerProgram('proftpd'), '--version')),
    forks: true,
    mlsd: true,
    start: () => startProftpd({ extra: [`MaxInstances ${SESSIONS}`] }),
  },
  {
    name: 'pyftpdlib',
    missing: requirePeer('pyftpdlib'),
    version: () => found(said(SYSTEM_PYTHON, '-c', 'import pyftpdlib; print(pyftpdlib.__ver__)')),
    forks: false,
    mlsd: true,
    start: () => startPyftpdlib({ sessions: SESSIONS, quiet: true }),
  },
  {
    name: 'ftp-srv',
    missing: undefined,
    version: () => packageVersion('ftp-srv'),
    forks: false,
    mlsd: false,
    // It has not yet taken the socket from the clear session when a fast client's handshake arrives.
    cannot: { 'sessions, TLS 1.3': 'takes a quick handshake for a command' },
    start: startFtpSrv,
  },
  ours('jackstay', 1),
  ours('jackstay (process per core)', 'auto'),
];
