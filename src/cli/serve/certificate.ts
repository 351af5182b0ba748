import { existsSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { hostname, networkInterfaces } from 'node:os';
import { join } from 'node:path';
import { scopeOf } from '../../protocol/addresses.js';
import { certificateAt, type ServerCertificate } from '../../server/certificate.js';
import type { Io } from '../io.js';
import type { ServeConfig } from './config.js';

/** The certificate that is served, and its file: plain data. */
export interface Certificate extends ServerCertificate {
  file: string;
}

/**
 * The certificate of the configuration. Without one, the self-signed one that is kept in the folder of the configuration, or in
 * `STATE_DIRECTORY` where a service manager gives one (systemd.exec(5)); it is made when there is none yet.
 *
 * @throws FtpError as `certificateAt`.
 */
export async function certificateFor(config: ServeConfig, io: Pick<Io, 'env'>): Promise<Certificate> {
  const { certificate: own } = config;
  if (own) return { ...(await certificateAt(own.cert, own.key)), file: own.cert };
  const { folder, cert, key } = keptAt(config, io);
  if (!existsSync(folder)) await mkdir(folder, { recursive: true, mode: 0o700 });
  return { ...(await certificateAt(cert, key, namesOf(config))), file: cert };
}

/** The same, but nothing is made: undefined where the first start would. @throws FtpError as `certificateAt`. */
export async function existingCertificate(
  config: ServeConfig,
  io: Pick<Io, 'env'>,
): Promise<Certificate | undefined> {
  const { cert, key } = keptAt(config, io);
  if (!config.certificate && !existsSync(cert) && !existsSync(key)) return undefined;
  return certificateFor(config, io);
}

function keptAt(
  { folder }: ServeConfig,
  { env }: Pick<Io, 'env'>,
): { folder: string; cert: string; key: string } {
  // Several directories are divided by colons.
  const place = env.STATE_DIRECTORY?.split(':', 1)[0] || folder;
  return { folder: place, cert: join(place, 'server.crt'), key: join(place, 'server.key') };
}

/** Names and addresses under which clients may reach it. */
function namesOf({ hosts, listen, passive }: ServeConfig): string[] {
  const addresses = Object.values(networkInterfaces())
    .flatMap((all) => all ?? [])
    // fe80::/10 means something else on every machine.
    .filter(({ address }) => scopeOf(address) !== 'link-local')
    .map(({ address }) => address);
  const listened = listen.map(({ host }) => host).filter((host) => scopeOf(host) !== 'unspecified');
  const bare = hosts.map((name) => name.replace(/^\[(.*)\]$/, '$1'));
  const named = [...bare, hostname(), passive.address, ...listened, 'localhost', ...addresses];
  return [...new Set(named.filter((name): name is string => name !== undefined && isName(name)))];
}

const isName = (name: string): boolean => /^[A-Za-z0-9_](?:[A-Za-z0-9_.:-]{0,252})$/.test(name);
