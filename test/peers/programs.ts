/** Where the programs of the peers are, and whether this machine has them. */
import { accessSync, constants } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { isRoot } from './host.js';

/** Folder of each server under the peers' cache, and its program in it. The layout is made by scripts/setup-peers.sh. */
const PROGRAMS = {
  proftpd: 'usr/sbin/proftpd',
  pureftpd: 'usr/sbin/pure-ftpd',
  vsftpd: 'usr/sbin/vsftpd',
  inetutils: 'usr/sbin/ftpd',
  gridftp: 'usr/sbin/globus-gridftp-server',
} as const;

/** The distribution's own interpreter: another `python3` may stand before it on PATH, without the modules. */
export const SYSTEM_PYTHON = '/usr/bin/python3';

export type PeerName = keyof typeof PROGRAMS | 'pyftpdlib';

function cacheFolder(): string {
  const cache = process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache');
  return process.env.JACKSTAY_PEERS ?? join(cache, 'jackstay', 'peers');
}

/** Folder that a server was unpacked into; file system paths of its package begin there. */
export function peerFolder(name: keyof typeof PROGRAMS): string {
  return join(cacheFolder(), name);
}

/** The server's program. */
export function peerProgram(name: keyof typeof PROGRAMS): string {
  return join(peerFolder(name), PROGRAMS[name]);
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

function absence(name: PeerName | 'lftp'): string | undefined {
  if (name === 'lftp') return isExecutable('/usr/bin/lftp') ? undefined : 'lftp is not installed';
  if (!isRoot) return `${name} needs root`;
  if (!isExecutable('/usr/bin/openssl')) return 'openssl is not installed';
  if (name !== 'pyftpdlib')
    return isExecutable(peerProgram(name))
      ? undefined
      : `${name} is not unpacked: run scripts/setup-peers.sh`;
  return isExecutable('/usr/lib/python3/dist-packages/pyftpdlib')
    ? undefined
    : 'python3-pyftpdlib is not installed';
}

/**
 * Why a peer cannot be had on this machine, or undefined when it can: for `describe.skipIf(reason)` with the
 * reason in the title. Throws instead when CI=true, so that nothing is skipped there unseen.
 */
export function requirePeer(name: PeerName | 'lftp'): string | undefined {
  const reason = absence(name);
  if (reason !== undefined && process.env.CI === 'true') throw new Error(`peer ${name}: ${reason}`);
  return reason;
}
