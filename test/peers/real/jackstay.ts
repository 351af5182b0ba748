import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath, pathToFileURL } from 'node:url';
import type { ServerOptions, ServerTls } from '../../../src/server/index.js';
import { issueCertificate } from '../certs.js';
import { freePort } from '../host.js';
import { launch, layGround, type Peer } from '../peer.js';

export interface JackstayOptions {
  /** `listed` serves FXP with every loopback address; `strict` with none. */
  readonly variant?: 'listed' | 'strict';
  /** Offer TLS beside clear sessions (default true). */
  readonly tls?: boolean;
  /** Further options of the server, as far as they are plain data; they win. */
  readonly server?: Partial<Omit<ServerOptions, 'users' | 'listen' | 'tls' | 'onEvent' | 'counters'>>;
  /** Rules of TLS other than that it is not required. */
  readonly rules?: Partial<ServerTls>;
  /** Run what `npm run build` made instead of the sources. */
  readonly built?: boolean;
  /** Write no events. */
  readonly quiet?: boolean;
  /** A folder that nobody may write to: CPU profiles of its threads go there when SIGTERM ends it. */
  readonly profile?: string;
}

/** Our own server as a peer, with TLS from the first octet on a second port. */
export interface JackstayPeer extends Peer {
  readonly implicitPort: number;
}

const SCRIPT = fileURLToPath(new URL('jackstay-server.mjs', import.meta.url));
// By its path: the server's process runs in another folder.
const LOADER = pathToFileURL(createRequire(import.meta.url).resolve('tsx')).href;
const REPOSITORY = fileURLToPath(new URL('../../..', import.meta.url));
const SOURCES = `${REPOSITORY}src/server/index.ts`;
const BUILT = `${REPOSITORY}dist/server/index.js`;

/** Why the built server cannot be had, or undefined. */
export const notBuilt = (): string | undefined =>
  existsSync(BUILT) ? undefined : 'it is not built: npm run build';

/** Starts our server as a process of its own, as nobody, with one user shut into `home`. */
export async function startJackstay(options: JackstayOptions = {}): Promise<JackstayPeer> {
  const { variant = 'listed', tls = true, built = false, quiet = false, profile } = options;
  const ground = await layGround('jackstay');
  const { host, port, user, password, home } = ground;
  const implicitPort = await freePort(host);
  const { cert, key } = issueCertificate(host);
  const listen = [{ host, port }, ...(tls ? [{ host, port: implicitPort, implicitTls: true }] : [])];
  const foreign = variant === 'listed';
  const settings = {
    ...{ module: pathToFileURL(built ? BUILT : SOURCES).href, user, password, home, quiet, listen },
    fxp: { mode: foreign ? 'listed' : 'off', requireTls: false },
    fxpPeers: foreign ? ['127.0.0.0/8'] : [],
    ...(tls && { tls: { cert, key, required: false, ...options.rules } }),
    ...options.server,
    limits: { loginFailuresPerMinute: 0, loginAttempts: 20, ...options.server?.limits },
  };
  const profiling = profile === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${profile}`];
  const peer = await launch({
    name: 'jackstay',
    ground,
    command: [process.execPath, ...profiling, ...(built ? [] : ['--import', LOADER]), SCRIPT],
    env: { JACKSTAY_PEER: JSON.stringify(settings), TMPDIR: ground.work },
    asNobody: true,
    caps: {
      foreignPort: foreign,
      foreignPassive: foreign,
      tls,
      reuseRequired: options.rules?.dataSessionReuse === 'required',
      tlsClient: tls ? 'sscn' : 'none',
      mlsd: true,
      digest: 'HASH',
      modeE: true,
    },
  });
  return { ...peer, implicitPort };
}
