import type { Settings } from './core.js';
import type { ServerLimits, ServerOptions, ServerTls } from './options.js';
import type { FxpPolicy } from './policy.js';

/** Limits of a server that was told nothing else. */
export const LIMITS: ServerLimits = {
  connections: 10_000,
  connectionsPerAddress: 0,
  loginTimeout: 30_000,
  handshakeTimeout: 10_000,
  // RFC 1123 4.1.3.2: at least five minutes.
  idleTimeout: 300_000,
  dataTimeout: 30_000,
  stallTimeout: 60_000,
  loginAttempts: 3,
  loginFailuresPerMinute: 10,
  digestBytes: 0,
  digestsAtOnce: 2,
  levelDelay: 5_000,
  foreignFailuresPerMinute: 30,
};

/** The FXP policy that is safe to leave on: only peers that prove themselves. */
export const FXP: FxpPolicy = {
  mode: 'verified',
  peers: [],
  direction: 'both',
  requireTls: true,
  minPort: 1024,
  deny: [],
};

const TLS: Omit<ServerTls, 'cert' | 'key'> = {
  required: true,
  minVersion: 'TLSv1.2',
  dataSessionReuse: 'offered',
  closeNotify: 'required',
};

/** Options with every default filled in. */
export function settingsOf(options: Omit<ServerOptions, 'listen' | 'users' | 'threads'>): Settings {
  const { tls, fxp, passive, limits, banner, hosts, temporary, modeZ } = options;
  return {
    tls: tls && { ...TLS, ...tls },
    fxp: { ...FXP, ...fxp },
    passive: passive ?? {},
    limits: { ...LIMITS, ...limits },
    banner: banner ?? 'FTP server ready.',
    hosts: (hosts ?? []).map((name) => name.toLowerCase()),
    temporary: temporary ?? 'replacing',
    modeZ: modeZ ?? false,
  };
}
