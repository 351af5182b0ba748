import { z } from 'zod';
import { familyOf } from '../../protocol/addresses.js';
import type { ListenAddress } from '../../server/options.js';
import { FXP, LIMITS } from '../../server/settings.js';
import {
  fxpFields,
  lineField,
  listField,
  parsed,
  rangesField,
  sizeField,
  timeField,
} from '../../server/toml/fields.js';
import { readTime, TIME_FORM } from '../../server/toml/units.js';

const ADDRESS_FORM = 'ADDRESS:PORT such as "0.0.0.0:2121" or "[::]:2121"';

/** `0.0.0.0:2121`, `[::]:2121`, `localhost:2121`; undefined for anything else. */
export function readAddress(value: unknown): ListenAddress | undefined {
  if (typeof value !== 'string') return undefined;
  const [, v6, other, digits] = /^(?:\[([0-9A-Fa-f:.]+)\]|([^:[\]]+)):(\d{1,5})$/.exec(value) ?? [];
  const host = v6 ?? other ?? '';
  const port = Number(digits);
  const known = v6 === undefined ? familyOf(host) === 4 || host === 'localhost' : familyOf(host) === 6;
  return known && port <= 65_535 ? { host, port } : undefined;
}

function readAddresses(value: unknown): ListenAddress[] | undefined {
  const all = (Array.isArray(value) ? value : [value]).map(readAddress);
  return all.every((one) => one !== undefined) ? all : undefined;
}

function readPorts(value: unknown): { from: number; to: number } | undefined {
  if (typeof value !== 'string') return undefined;
  const [, from = 0, to = 0] = /^(\d{1,5}) ?- ?(\d{1,5})$/.exec(value)?.map(Number) ?? [];
  return from >= 1024 && from <= to && to <= 65_535 ? { from, to } : undefined;
}

function readCount(most: number): (value: unknown) => number | 'auto' | undefined {
  return (value) => {
    if (value === 'auto') return value;
    return Number.isInteger(value) && Number(value) >= 0 && Number(value) <= most ? Number(value) : undefined;
  };
}

function readProcesses(value: unknown): number | 'auto' | undefined {
  return value === 0 ? undefined : readCount(64)(value);
}

function readMask(value: unknown): number | undefined {
  return typeof value === 'string' && /^0?[0-7]{3}$/.test(value) ? Number.parseInt(value, 8) : undefined;
}

function readIpv4(value: unknown): string | undefined {
  return typeof value === 'string' && familyOf(value) === 4 ? value : undefined;
}

const NAME = /^[A-Za-z0-9_][A-Za-z0-9_.-]{0,63}\$?$/;

function readRunAs(value: unknown): { user: string; group?: string } | undefined {
  const [user = '', group, ...more] = typeof value === 'string' ? value.split(':') : [];
  if (!NAME.test(user) || more.length > 0) return undefined;
  if (group === undefined) return { user };
  return NAME.test(group) ? { user, group } : undefined;
}

const path = lineField(z);
const addresses = parsed(z, readAddresses, `${ADDRESS_FORM}, or a list of them`);
const count = z.int().min(0).max(1_000_000_000);
/** A wait that must end. */
const wait = parsed(z, (value) => readTime(value) || undefined, TIME_FORM);
// RFC 7151 3: a host name or an address literal in brackets.
const hostName = z.string().regex(/^(?:[A-Za-z0-9.-]{1,253}|\[[0-9A-Fa-f:.]+\])$/, 'must be host names');

const server = z.strictObject({
  listen: addresses.default([{ host: '0.0.0.0', port: 2121 }]),
  'implicit-tls': addresses.default([]),
  'passive-ports': parsed(z, readPorts, 'a range of ports from 1024 on such as "50000-50999"').optional(),
  'passive-address': parsed(z, readIpv4, 'an IPv4 address such as "203.0.113.5"').optional(),
  processes: parsed(z, readProcesses, 'a number from 1 to 64, or "auto" for one per core').default(1),
  threads: parsed(z, readCount(64), 'a number from 0 to 64, or "auto"').default('auto'),
  'users-file': path.default('users.toml'),
  hosts: z.array(hostName).max(1000).default([]),
  banner: lineField(z, 512).optional(),
  'temporary-uploads': z.enum(['never', 'replacing', 'always']).default('replacing'),
  'mode-z': z.boolean().default(false),
  umask: parsed(z, readMask, 'three octal digits in quotes such as "027"').default(0o027),
  'run-as': parsed(z, readRunAs, '"USER" or "USER:GROUP"').optional(),
  'allow-root': z.boolean().default(false),
  'pid-file': path.optional(),
  grace: timeField(z).default(30_000),
});

const tls = z.strictObject({
  cert: path.optional(),
  key: path.optional(),
  required: z.boolean().default(true),
  'min-version': z.enum(['1.2', '1.3']).default('1.2'),
  'data-session-reuse': z.enum(['required', 'offered', 'off']).default('offered'),
  'close-notify': z.enum(['required', 'optional']).default('required'),
});

const fields = fxpFields(z);
const fxp = z.strictObject({
  mode: fields.mode.default(FXP.mode),
  peers: fields.peers.default({ ranges: [], hosts: [] }),
  direction: fields.direction.default(FXP.direction),
  'require-tls': fields['require-tls'].default(FXP.requireTls),
  'min-port': fields['min-port'].default(FXP.minPort),
  deny: rangesField(z).default([]),
});

const limits = z.strictObject({
  'max-connections': count.default(LIMITS.connections),
  'max-connections-per-ip': count.default(200),
  'max-logins-per-user': count.default(0),
  'login-attempts': z.int().min(1).max(100).default(LIMITS.loginAttempts),
  'login-failures-per-minute': count.default(LIMITS.loginFailuresPerMinute),
  'login-timeout': wait.default(LIMITS.loginTimeout),
  'handshake-timeout': wait.default(LIMITS.handshakeTimeout),
  'idle-timeout': wait.default(LIMITS.idleTimeout),
  'data-timeout': wait.default(LIMITS.dataTimeout),
  'stall-timeout': wait.default(LIMITS.stallTimeout),
  'max-digest-size': sizeField(z).default(LIMITS.digestBytes),
  'max-digests': z.int().min(1).max(64).default(LIMITS.digestsAtOnce),
});

const log = z.strictObject({
  level: z.enum(['error', 'warn', 'info', 'debug']).default('info'),
  format: z.enum(['auto', 'json', 'terminal']).default('auto'),
  file: path.optional(),
  'audit-file': path.optional(),
});

const metrics = z.strictObject({
  listen: parsed(z, readAddress, ADDRESS_FORM).optional(),
  hosts: listField(z, (text) => text.toLowerCase()).default([]),
});

/** The whole configuration file. */
export const configSchema = z.strictObject({
  server: server.prefault({}),
  tls: tls.prefault({}),
  fxp: fxp.prefault({}),
  limits: limits.prefault({}),
  log: log.prefault({}),
  metrics: metrics.prefault({}),
});

/** The configuration as written, defaults filled in. */
export type ConfigFile = z.output<typeof configSchema>;
