import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { issueCertificate, placeCertificate } from '../certs.js';
import { NOBODY } from '../host.js';
import { launch, layGround, type Peer, type PeerGround, peerFolder, peerProgram } from '../peer.js';
import { cryptPassword } from '../users.js';

export interface PureftpdOptions {
  /** `open` serves FXP to every user; `strict` is the stock refusal. */
  readonly variant?: 'open' | 'strict';
  /** Offer AUTH TLS beside clear sessions (default true). */
  readonly tls?: boolean;
  /** Address to listen on; a loopback address of its own when absent. */
  readonly host?: string;
  /** Further words of the command line. */
  readonly extra?: readonly string[];
}

/** Compiles the user database. The hash is $6$ because the default, argon2, costs seconds of CPU at each login. */
function makeUsers(ground: PeerGround): string {
  const list = join(ground.work, 'users');
  const database = join(ground.work, 'users.pdb');
  const hash = cryptPassword(ground.password);
  writeFileSync(list, `${ground.user}:${hash}:${NOBODY.uid}:${NOBODY.gid}::${ground.home}/./::::::::::::\n`);
  execFileSync(join(peerFolder('pureftpd'), 'usr/bin/pure-pw'), ['mkdb', database, '-f', list]);
  return database;
}

/** Starts Pure-FTPd with one virtual user shut into `home`. */
export async function startPureftpd(options: PureftpdOptions = {}): Promise<Peer> {
  const { variant = 'open', tls = true, extra = [] } = options;
  const ground = await layGround('pureftpd', options.host);
  const cert = placeCertificate(issueCertificate(ground.host), ground.work);
  const log = join(ground.work, 'transfers.log');
  const words = [
    '--bind',
    `${ground.host},${ground.port}`,
    '--login',
    `puredb:${makeUsers(ground)}`,
    '--minuid',
    '1',
  ];
  words.push('--chrooteveryone', '--noanonymous', '--dontresolve', '--syslogfacility', 'none');
  if (!ground.host.includes(':')) words.push('--ipv4only');
  words.push('--maxclientsnumber', '200', '--maxclientsperip', '200', '--pidfile', join(ground.work, 'pid'));
  words.push('--altlog', `clf:${log}`, '--allowdotfiles', '--limitrecursion', '200000:50');
  if (variant === 'open') words.push('--allowuserfxp');
  if (tls) words.push('--tls', '1', '--certfile', cert.pemFile);
  return launch({
    name: 'pureftpd',
    ground,
    command: [peerProgram('pureftpd'), ...words, ...extra],
    logFiles: [log],
    caps: {
      foreignPort: variant === 'open',
      foreignPassive: variant === 'open',
      tls,
      reuseRequired: false,
      tlsClient: 'none',
      mlsd: true,
      digest: 'none',
      modeE: false,
    },
  });
}
