import { chmodSync, copyFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { launch, layGround, type Peer, peerProgram } from '../peer.js';
import { desCryptPassword, passwdLine, wrappedUsers } from '../users.js';

/**
 * Starts the Globus GridFTP server as nobody, with clear-text logins from a password file. The user is not
 * shut into `home`.
 */
export async function startGridftp(): Promise<Peer> {
  const ground = await layGround('gridftp');
  // The cache may lie where nobody cannot reach: the program is small, its libraries are the system's.
  const program = join(ground.work, 'globus-gridftp-server');
  copyFileSync(peerProgram('gridftp'), program);
  chmodSync(program, 0o755);
  const passwords = join(ground.work, 'passwords');
  writeFileSync(passwords, passwdLine(ground, desCryptPassword(ground.password)), { mode: 0o600 });
  const addresses = [
    '-control-interface',
    ground.host,
    '-data-interface',
    ground.host,
    '-hostname',
    ground.host,
  ];
  return launch({
    name: 'gridftp',
    ground,
    path: ground.home,
    command: [
      program,
      '-exec',
      program,
      '-port',
      String(ground.port),
      ...addresses,
      '-password-file',
      passwords,
      '-disable-usage-stats',
    ],
    asNobody: true,
    env: { ...wrappedUsers(ground), HOME: ground.home },
    caps: {
      foreignPort: true,
      foreignPassive: true,
      tls: false,
      reuseRequired: false,
      tlsClient: 'none',
      mlsd: true,
      digest: 'CKSM',
      modeE: true,
    },
  });
}
