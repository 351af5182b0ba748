import { readFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { FtpError } from '../../protocol/errors.js';
import type { AddressRange } from '../../protocol/ranges.js';
import type { ListenAddress, ServerLimits, ServerOptions, ServerTls } from '../../server/options.js';
import type { FxpPolicy } from '../../server/policy.js';
import { readSettings } from '../../server/toml/read.js';
import type { Io } from '../io.js';
import { isCode, messageOf } from '../system-error.js';
import { faultsOf, warningsOf } from './cross-check.js';
import { type ConfigFile, configSchema } from './schema.js';

/** What `jackstay serve` runs with; every path is absolute, times are milliseconds. */
export interface ServeConfig {
  /** Where it was read; undefined when there is no file and all is default. */
  file: string | undefined;
  /** Relative paths began here; the certificate that is made by ourselves is kept here too. */
  folder: string;
  /** Implicit TLS included. */
  listen: ListenAddress[];
  passive: NonNullable<ServerOptions['passive']>;
  processes: number | 'auto';
  threads: number | 'auto';
  usersFile: string;
  /** Names for HOST (RFC 7151). */
  hosts: string[];
  banner: string | undefined;
  temporary: 'never' | 'replacing' | 'always';
  modeZ: boolean;
  umask: number;
  runAs: { user: string; group?: string } | undefined;
  allowRoot: boolean;
  pidFile: string | undefined;
  /** How long transfers may go on at a stop. */
  grace: number;
  /** Both or none: none is a certificate of our own making. */
  certificate: { cert: string; key: string } | undefined;
  tls: Omit<ServerTls, 'cert' | 'key'>;
  fxp: Omit<FxpPolicy, 'peers'> & { peers: { ranges: AddressRange[]; hosts: string[] } };
  limits: Partial<ServerLimits>;
  /** For users whose file says nothing; 0 = no limit. */
  maxLoginsPerUser: number;
  log: {
    level: 'error' | 'warn' | 'info' | 'debug';
    format: 'auto' | 'json' | 'terminal';
    file: string | undefined;
    auditFile: string | undefined;
  };
  metrics: { listen: ListenAddress | undefined; hosts: string[] };
  /** What is allowed and may not be meant; one sentence each. */
  warnings: string[];
}

/** Name of the configuration file in the configuration directory. */
export const CONFIG_NAME = 'jackstay.toml';

/**
 * The configuration of a file (docs/jackstay.toml). Without a path: `jackstay.toml` of the configuration directory, and all
 * defaults where there is none.
 *
 * @throws FtpError `usage` that lists every fault with its line, `local` when the file cannot be read.
 */
export async function loadConfig(path: string | undefined, { dirs }: Pick<Io, 'dirs'>): Promise<ServeConfig> {
  const file = resolve(path ?? join(dirs.config, CONFIG_NAME));
  const text = await readText(file, path === undefined);
  const config = await parseConfig(text ?? '', file);
  return text === undefined ? { ...config, file: undefined } : config;
}

/** As `loadConfig`, for a text that would stand in `file`. */
export async function parseConfig(text: string, file: string): Promise<ServeConfig> {
  const { value } = await readSettings(file, text, configSchema, faultsOf);
  return configOf(value, file, dirname(file));
}

async function readText(file: string, optional: boolean): Promise<string | undefined> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    if (optional && isCode(error, 'ENOENT')) return undefined;
    throw new FtpError('local', `cannot read the configuration ${file}: ${messageOf(error)}`, {
      advice: 'Give another with --config, or begin with a copy of docs/jackstay.toml.',
      cause: error,
    });
  }
}

function configOf(value: ConfigFile, file: string, folder: string): ServeConfig {
  const { server, tls, fxp, log, metrics } = value;
  const at = (path: string | undefined): string | undefined =>
    path === undefined ? undefined : resolve(folder, path);
  const implicit = server['implicit-tls'].map((one) => ({ ...one, implicitTls: true }));
  const { 'passive-ports': ports, 'passive-address': address } = server;
  return {
    file,
    folder,
    listen: [...server.listen, ...implicit],
    passive: { ...(ports && { ports }), ...(address !== undefined && { address }) },
    processes: server.processes,
    threads: server.threads,
    usersFile: resolve(folder, server['users-file']),
    hosts: server.hosts,
    banner: server.banner,
    temporary: server['temporary-uploads'],
    modeZ: server['mode-z'],
    umask: server.umask,
    runAs: server['run-as'],
    allowRoot: server['allow-root'],
    pidFile: at(server['pid-file']),
    grace: server.grace,
    certificate: tls.cert && tls.key ? { cert: at(tls.cert)!, key: at(tls.key)! } : undefined,
    tls: {
      required: tls.required,
      minVersion: tls['min-version'] === '1.3' ? 'TLSv1.3' : 'TLSv1.2',
      dataSessionReuse: tls['data-session-reuse'],
      closeNotify: tls['close-notify'],
    },
    fxp: {
      mode: fxp.mode,
      peers: fxp.peers,
      direction: fxp.direction,
      requireTls: fxp['require-tls'],
      minPort: fxp['min-port'],
      deny: fxp.deny,
    },
    limits: limitsOf(value),
    maxLoginsPerUser: value.limits['max-logins-per-user'],
    log: { level: log.level, format: log.format, file: at(log.file), auditFile: at(log['audit-file']) },
    metrics: { listen: metrics.listen, hosts: metrics.hosts },
    warnings: warningsOf(value),
  };
}

function limitsOf({ limits }: ConfigFile): Partial<ServerLimits> {
  return {
    connections: limits['max-connections'],
    connectionsPerAddress: limits['max-connections-per-ip'],
    loginTimeout: limits['login-timeout'],
    handshakeTimeout: limits['handshake-timeout'],
    idleTimeout: limits['idle-timeout'],
    dataTimeout: limits['data-timeout'],
    stallTimeout: limits['stall-timeout'],
    loginAttempts: limits['login-attempts'],
    loginFailuresPerMinute: limits['login-failures-per-minute'],
    digestBytes: limits['max-digest-size'],
    digestsAtOnce: limits['max-digests'],
  };
}

/** What a server needs beside its configuration. */
export interface ServerParts extends Pick<ServerOptions, 'users' | 'onEvent'> {
  /** PEM texts. */
  certificate: { cert: string; key: string };
  /** FXP peers given by name, resolved. */
  peers?: readonly AddressRange[];
  /** Networks of this machine: denied as FXP peers unless listed. */
  ownNetworks?: readonly AddressRange[];
}

/** Options of `createServer` for a configuration. */
export function toServerOptions(config: ServeConfig, parts: ServerParts): ServerOptions {
  const { peers = [], ownNetworks = [], users, onEvent, certificate } = parts;
  return {
    listen: config.listen,
    users,
    tls: { ...config.tls, ...certificate },
    fxp: {
      ...config.fxp,
      peers: [...config.fxp.peers.ranges, ...peers],
      deny: [...config.fxp.deny, ...ownNetworks],
    },
    passive: config.passive,
    hosts: config.hosts,
    limits: config.limits,
    temporary: config.temporary,
    modeZ: config.modeZ,
    ...(config.banner !== undefined && { banner: config.banner }),
    ...(config.threads !== 'auto' && { threads: config.threads }),
    ...(onEvent && { onEvent }),
  };
}
