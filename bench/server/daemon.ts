/** `jackstay serve` as it is installed: configuration, a users file with argon2id, one process or several. */
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { issueCertificate, placeCertificate } from '../../test/peers/certs.js';
import { launch, layGround, type Peer, type PeerGround } from '../../test/peers/peer.js';
import { REPOSITORY } from '../harness.js';

const PROGRAM = join(REPOSITORY, 'bin', 'jackstay');

function configuration(
  { host, port, work }: PeerGround,
  processes: number | 'auto',
  sessions: number,
): string {
  const { certFile, keyFile } = placeCertificate(issueCertificate(host), work);
  const lines = [
    '[server]',
    `listen = "${host}:${port}"`,
    `processes = ${JSON.stringify(processes)}`,
    'umask = "022"',
    '[tls]',
    `cert = "${certFile}"`,
    `key = "${keyFile}"`,
    'required = false',
    '[fxp]',
    'mode = "listed"',
    'peers = ["127.0.0.0/8"]',
    'require-tls = false',
    '[limits]',
    `max-connections = ${sessions}`,
    'max-connections-per-ip = 0',
    '[log]',
    'level = "warn"',
  ];
  return `${lines.join('\n')}\n`;
}

/** Starts what was built, as nobody, with one user shut into `home`. */
export async function startDaemon(processes: number | 'auto', sessions: number): Promise<Peer> {
  const ground = await layGround('jackstay');
  const config = join(ground.work, 'jackstay.toml');
  writeFileSync(config, configuration(ground, processes, sessions));
  const env = { HOME: ground.work, JACKSTAY_HOME: ground.work };
  const user = ['user', 'add', ground.user, '--config', config, '--home', ground.home, '--password-stdin'];
  execFileSync(process.execPath, [PROGRAM, ...user], {
    input: `${ground.password}\n`,
    stdio: ['pipe', 'ignore', 'inherit'],
    env: { ...process.env, ...env },
  });
  return launch({
    name: 'jackstay',
    ground,
    command: [process.execPath, PROGRAM, 'serve', '--config', config],
    env,
    asNobody: true,
    caps: {
      foreignPort: true,
      foreignPassive: true,
      tls: true,
      reuseRequired: false,
      tlsClient: 'sscn',
      mlsd: true,
      digest: 'HASH',
      modeE: false,
    },
  });
}
