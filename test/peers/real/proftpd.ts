import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { issueCertificate, placeCertificate } from '../certs.js';
import { NOBODY } from '../host.js';
import { launch, layGround, type Peer, type PeerGround, peerFolder, peerProgram } from '../peer.js';
import { cryptPassword } from '../users.js';

/** `open` serves FXP; `reuse-required` too, but wants TLS sessions resumed on data; `strict` is the stock refusal. */
export interface ProftpdOptions {
  readonly variant?: 'open' | 'reuse-required' | 'strict';
  /** Offer AUTH TLS beside clear sessions (default true). */
  readonly tls?: boolean;
  /** As TLS client, check the chain of the peer's certificate: the program's own default (default false here). */
  readonly verifiesChain?: boolean;
  /** Further lines of configuration. */
  readonly extra?: readonly string[];
}

function tlsLines(ground: PeerGround, { variant, verifiesChain = false }: ProftpdOptions): string[] {
  const cert = placeCertificate(issueCertificate(ground.host), ground.work);
  return [
    'TLSEngine on',
    'TLSRequired off',
    `TLSECCertificateFile ${cert.certFile}`,
    `TLSECCertificateKeyFile ${cert.keyFile}`,
    `TLSCACertificateFile ${cert.caFile}`,
    'TLSVerifyClient off',
    `TLSVerifyServer ${verifiesChain ? 'on' : 'off'}`,
    `TLSLog ${join(ground.work, 'tls.log')}`,
    ...(variant === 'reuse-required' ? [] : ['TLSOptions NoSessionReuseRequired']),
  ];
}

function configuration(ground: PeerGround, options: ProftpdOptions): string[] {
  const { variant = 'open', tls = true, extra = [] } = options;
  const modules = tls ? ['mod_tls.c', 'mod_digest.c'] : ['mod_digest.c'];
  return [
    `ModulePath ${join(peerFolder('proftpd'), 'usr/lib/proftpd')}`,
    ...modules.map((name) => `LoadModule ${name}`),
    'ServerName peer',
    'ServerType standalone',
    `DefaultAddress ${ground.host}`,
    'SocketBindTight on',
    `Port ${ground.port}`,
    'UseIPv6 off',
    'UseReverseDNS off',
    `User ${NOBODY.name}`,
    `Group ${NOBODY.group}`,
    `PidFile ${join(ground.work, 'pid')}`,
    'ScoreboardFile none',
    'TransferLog none',
    'WtmpLog off',
    'DelayEngine off',
    'MaxInstances 200',
    'MaxLoginAttempts 20',
    'TimeoutLinger 2',
    'AuthOrder mod_auth_file.c',
    `AuthUserFile ${join(ground.work, 'users')}`,
    'AuthFileOptions InsecurePerms',
    'RequireValidShell off',
    'DefaultRoot ~',
    'Umask 022',
    'AllowOverwrite on',
    'AllowStoreRestart on',
    'AllowRetrieveRestart on',
    `AllowForeignAddress ${variant === 'strict' ? 'off' : 'on'}`,
    'DigestEngine on',
    ...(tls ? tlsLines(ground, options) : []),
    ...extra,
    '',
  ];
}

/** Starts ProFTPD with one virtual user shut into `home`. */
export async function startProftpd(options: ProftpdOptions = {}): Promise<Peer> {
  const ground = await layGround('proftpd');
  const { variant = 'open', tls = true } = options;
  const hash = cryptPassword(ground.password);
  const user = `${ground.user}:${hash}:${NOBODY.uid}:${NOBODY.gid}::${ground.home}:/bin/false\n`;
  writeFileSync(join(ground.work, 'users'), user, { mode: 0o600 });
  const config = join(ground.work, 'proftpd.conf');
  writeFileSync(config, configuration(ground, options).join('\n'));
  return launch({
    name: 'proftpd',
    ground,
    command: [peerProgram('proftpd'), '--nodaemon', '--config', config],
    logFiles: [join(ground.work, 'tls.log')],
    caps: {
      foreignPort: variant !== 'strict',
      foreignPassive: variant !== 'strict',
      tls,
      reuseRequired: variant === 'reuse-required',
      tlsClient: tls ? 'sscn' : 'none',
      mlsd: true,
      digest: 'HASH',
      modeE: false,
    },
  });
}
