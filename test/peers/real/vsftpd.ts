import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { issueCertificate, placeCertificate } from '../certs.js';
import { NOBODY } from '../host.js';
import { launch, layGround, type Peer, type PeerGround, peerProgram } from '../peer.js';
import { wrappedUsers } from '../users.js';

export interface VsftpdOptions {
  /**
   * `promiscuous` serves FXP; `reuse-required` too, but wants TLS sessions resumed on data (its default);
   * `strict` is the stock refusal, without the reuse rule.
   */
  readonly variant?: 'promiscuous' | 'reuse-required' | 'strict';
  /** Offer AUTH TLS beside clear sessions (default true). */
  readonly tls?: boolean;
  /** Further lines of configuration; a later line wins. */
  readonly extra?: readonly string[];
}

const ACCOUNT = [
  'anonymous_enable=NO',
  'local_enable=YES',
  // PAM falls back to its `other` service, which asks the user database.
  'pam_service_name=jackstay-peer',
  `nopriv_user=${NOBODY.name}`,
  'chroot_local_user=YES',
  'allow_writeable_chroot=YES',
  'write_enable=YES',
  'local_umask=022',
];

function tlsLines(ground: PeerGround, reuse: boolean): string[] {
  const cert = placeCertificate(issueCertificate(ground.host), ground.work);
  return [
    'ssl_enable=YES',
    'force_local_data_ssl=NO',
    'force_local_logins_ssl=NO',
    'ssl_tlsv1=YES',
    'ssl_ciphers=HIGH',
    `rsa_cert_file=${cert.certFile}`,
    `rsa_private_key_file=${cert.keyFile}`,
    `require_ssl_reuse=${reuse ? 'YES' : 'NO'}`,
  ];
}

function configuration(ground: PeerGround, options: VsftpdOptions): string[] {
  const { variant = 'promiscuous', tls = true, extra = [] } = options;
  const foreign = variant === 'strict' ? 'NO' : 'YES';
  mkdirSync(join(ground.work, 'empty'), { mode: 0o755 });
  return [
    'listen=YES',
    'background=NO',
    `listen_address=${ground.host}`,
    `listen_port=${ground.port}`,
    `secure_chroot_dir=${join(ground.work, 'empty')}`,
    'seccomp_sandbox=NO',
    'isolate_network=NO',
    'isolate=NO',
    'max_clients=200',
    'max_per_ip=200',
    'max_login_fails=20',
    'delay_failed_login=0',
    'delay_successful_login=0',
    'xferlog_enable=YES',
    'log_ftp_protocol=YES',
    `vsftpd_log_file=${join(ground.work, 'vsftpd.log')}`,
    'mdtm_write=YES',
    'connect_from_port_20=NO',
    `port_promiscuous=${foreign}`,
    `pasv_promiscuous=${foreign}`,
    ...ACCOUNT,
    ...(tls ? tlsLines(ground, variant === 'reuse-required') : []),
    ...extra,
    '',
  ];
}

/** Starts vsftpd with one user shut into `home`. */
export async function startVsftpd(options: VsftpdOptions = {}): Promise<Peer> {
  const { variant = 'promiscuous', tls = true } = options;
  const ground = await layGround('vsftpd');
  const config = join(ground.work, 'vsftpd.conf');
  writeFileSync(config, configuration(ground, options).join('\n'));
  return launch({
    name: 'vsftpd',
    ground,
    command: [peerProgram('vsftpd'), config],
    env: wrappedUsers(ground),
    logFiles: [join(ground.work, 'vsftpd.log')],
    caps: {
      foreignPort: variant !== 'strict',
      foreignPassive: variant !== 'strict',
      tls,
      reuseRequired: variant === 'reuse-required',
      tlsClient: 'none',
      mlsd: false,
      digest: 'none',
      modeE: false,
    },
  });
}
