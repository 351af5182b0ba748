import { fileURLToPath } from 'node:url';
import { issueCertificate, placeCertificate } from '../certs.js';
import { launch, layGround, type Peer, SYSTEM_PYTHON } from '../peer.js';

export interface PyftpdlibOptions {
  /** `open` serves FXP; `strict` is the stock refusal. */
  readonly variant?: 'open' | 'strict';
  /** Offer AUTH TLS beside clear sessions (default true). */
  readonly tls?: boolean;
  /** Address to listen on; a loopback address of its own when absent. */
  readonly host?: string;
  /** Most connections at once (default 512). */
  readonly sessions?: number;
  /** Write no log. */
  readonly quiet?: boolean;
}

const SERVER = fileURLToPath(new URL('pyftpdlib-server.py', import.meta.url));

/** Starts pyftpdlib, as nobody, with one user shut into `home`. */
export async function startPyftpdlib(options: PyftpdlibOptions = {}): Promise<Peer> {
  const { variant = 'open', tls = true, sessions = 512, quiet = false } = options;
  const ground = await layGround('pyftpdlib', options.host);
  const cert = placeCertificate(issueCertificate(ground.host), ground.work);
  const foreign = variant === 'open';
  const account = [ground.user, ground.password, ground.home, foreign ? 'yes' : 'no'];
  return launch({
    name: 'pyftpdlib',
    ground,
    command: [
      SYSTEM_PYTHON,
      SERVER,
      ground.host,
      String(ground.port),
      ...account,
      ...(tls ? [cert.pemFile] : []),
    ],
    env: { PEER_SESSIONS: String(sessions), PEER_LOG: quiet ? 'ERROR' : 'INFO' },
    asNobody: true,
    caps: {
      foreignPort: foreign,
      foreignPassive: foreign,
      tls,
      reuseRequired: false,
      tlsClient: 'none',
      mlsd: true,
      digest: 'none',
      modeE: false,
    },
  });
}
