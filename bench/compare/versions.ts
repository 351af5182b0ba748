/** What the programs say about their versions. */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { peerProgram } from '../../test/peers/peer.js';
import { REPOSITORY } from '../harness.js';

/** The first thing like a version in what a shell command prints, on whatever channel. */
function found(command: string): string {
  const { stdout, stderr } = spawnSync('/bin/sh', ['-c', command], { encoding: 'utf8' });
  return /\d+\.\d+(?:\.\d+)*/.exec(`${stdout}${stderr}`)?.[0] ?? 'of unknown version';
}

const VERSIONS = {
  ProFTPD: () => found(`${peerProgram('proftpd')} --version`),
  // It prints on standard input.
  vsftpd: () => found(`${peerProgram('vsftpd')} -v 0>&1`),
  lftp: () => found('lftp --version'),
  'globus-url-copy': () => found('globus-url-copy -version'),
  'globus-gridftp-server': () => found(`${peerProgram('gridftp')} -version`),
  OpenSSL: () => found('openssl version'),
  Python: () => found('/usr/bin/python3 --version'),
  Jackstay: () =>
    (JSON.parse(readFileSync(join(REPOSITORY, 'package.json'), 'utf8')) as { version: string }).version,
  Node: () => process.versions.node,
};

export function versionsOf(...names: (keyof typeof VERSIONS)[]): Record<string, string> {
  return Object.fromEntries(names.map((name) => [name, VERSIONS[name]()]));
}
