/** A server of ours on a loopback address of its own, with one user. */
import { randomBytes, randomInt, X509Certificate } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { pinOf } from '../../net/tls.js';
import { parseRange } from '../../protocol/ranges.js';
import type { SiteSettings } from '../../protocol/site.js';
import { selfSigned } from '../../server/certificate.js';
import type { FtpServer } from '../../server/options.js';
import { createServer } from '../../server/server.js';
import { memoryUsers } from '../../server/users/memory.js';
import { isCode } from '../system-error.js';

/** A server that runs, and how to reach it. */
export interface OwnServer {
  site: SiteSettings & { name: string };
  /** Folder of its user. */
  home: string;
  stop(): Promise<void>;
}

/**
 * Two servers, each on an address of its own, so that each is a stranger to the other: FXP is allowed with a peer that proves its
 * key, TLS is required on control and data.
 */
export async function startPair(
  folder: string,
  names: readonly [string, string],
): Promise<[OwnServer, OwnServer]> {
  const [one, two] = loopbackPair();
  try {
    return await startBoth(folder, names, [one, two]);
  } catch (error) {
    if (!isCode(error, 'EADDRNOTAVAIL')) throw error;
    // Only Linux has all of 127.0.0.0/8 without being told.
    return startBoth(folder, names, ['127.0.0.1', '127.0.0.1']);
  }
}

/** Two addresses that nobody else is likely to use now. */
function loopbackPair(): [string, string] {
  const net = `127.${randomInt(64, 250)}.${randomInt(1, 255)}`;
  const last = randomInt(1, 250);
  return [`${net}.${last}`, `${net}.${last + 1}`];
}

async function startBoth(
  folder: string,
  [a, b]: readonly [string, string],
  [one, two]: readonly [string, string],
): Promise<[OwnServer, OwnServer]> {
  const first = await startOne(join(folder, a), a, one, two);
  try {
    return [first, await startOne(join(folder, b), b, two, one)];
  } catch (error) {
    await first.stop();
    throw error;
  }
}

async function startOne(home: string, name: string, host: string, peer: string): Promise<OwnServer> {
  mkdirSync(home, { recursive: true });
  const password = randomBytes(18).toString('base64url');
  const { cert, key } = await selfSigned([host]);
  const server: FtpServer = await createServer({
    listen: { host, port: 0 },
    users: memoryUsers([{ name: 'demo', password, home }]),
    tls: { cert, key },
    // Loopback is denied unless it is listed; the key has to be proven all the same.
    fxp: { mode: 'verified', peers: [parseRange(peer)] },
    threads: 1,
  });
  const port = server.addresses[0]!.port;
  const pin = pinOf(new X509Certificate(cert));
  return {
    site: { name, host, port, tls: 'explicit', user: 'demo', password, pin },
    home,
    stop: () => server.close(),
  };
}
