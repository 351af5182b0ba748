import { fileURLToPath } from 'node:url';
import { launch, layGround, type Peer, peerProgram, SYSTEM_PYTHON } from '../peer.js';
import { wrappedUsers } from '../users.js';

const INETD = fileURLToPath(new URL('inetd.py', import.meta.url));

/**
 * Starts GNU inetutils ftpd behind a small inetd. The user is not shut into `home`.
 */
export async function startInetutils(): Promise<Peer> {
  const ground = await layGround('inetutils');
  const inetd = [INETD, ground.host, String(ground.port)];
  return launch({
    name: 'inetutils',
    ground,
    path: ground.home,
    command: [SYSTEM_PYTHON, ...inetd, peerProgram('inetutils'), '--ipv4', '--auth=default'],
    env: wrappedUsers(ground),
    caps: {
      foreignPort: false,
      foreignPassive: true,
      tls: false,
      reuseRequired: false,
      tlsClient: 'none',
      mlsd: false,
      digest: 'none',
      modeE: false,
    },
  });
}
