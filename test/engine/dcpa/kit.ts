/** Servers of ours that demand keys, sites whose certificates were checked, and somebody in the middle. */
import { X509Certificate } from 'node:crypto';
import { createServer, connect as dial, type Server, type Socket } from 'node:net';
import tls from 'node:tls';
import { onTestFinished } from 'vitest';
import type { Place } from '../../../src/engine/options.js';
import { pinOf } from '../../../src/net/tls.js';
import { parseRange } from '../../../src/protocol/ranges.js';
import type { SiteSettings } from '../../../src/protocol/site.js';
import type { ServerOptions, ServerTls } from '../../../src/server/options.js';
import { issueCertificate } from '../../peers/certs.js';
import { allocateHost, freePort } from '../../peers/host.js';
import type { Peer } from '../../peers/peer.js';
import { startServer, type TestServer } from '../../server/harness.js';

/** How a server of ours is set up. */
export interface OwnSetup {
  host?: string;
  mode?: 'off' | 'verified' | 'listed' | 'open';
  files?: Readonly<Record<string, string | Buffer>>;
  passive?: ServerOptions['passive'];
  rules?: Partial<ServerTls>;
}

/** A server of ours with a certificate of its own; loopback is denied as a peer unless it is listed. */
export async function own(setup: OwnSetup = {}): Promise<TestServer> {
  const { host = allocateHost(), mode = 'verified', files = {}, passive, rules } = setup;
  const { cert, key } = issueCertificate(host);
  const peers = mode === 'listed' ? [] : [parseRange('127.0.0.0/8'), parseRange('::1/128')];
  const server = await startServer({
    host,
    files,
    tls: { cert, key, required: true, ...rules },
    options: { fxp: { mode, peers, requireTls: true }, ...(passive ? { passive } : {}) },
  });
  onTestFinished(() => server.close());
  return server;
}

type Reachable = Pick<TestServer | Peer, 'host' | 'port'> & Partial<Pick<Peer, 'user' | 'password'>>;

/** A site whose control certificate is pinned, so that what it says is proven. */
export function pinned(server: Reachable, name: string, more: Partial<SiteSettings> = {}): SiteSettings {
  const { host, port, user = 'user', password = 'secret' } = server;
  const pin = pinOf(new X509Certificate(issueCertificate(host).cert));
  return { name, host, port, user, password, tls: 'explicit', pin, ...more };
}

export const at = (site: SiteSettings, path: string): Extract<Place, { kind: 'site' }> => ({
  kind: 'site',
  site,
  path,
});

/** What somebody between two servers came to see. */
export interface Middle {
  host: string;
  port: number;
  /** Data connections that came. */
  arrivals: number;
  /** Octets that could be read behind TLS. */
  seen: number;
}

/**
 * Stands where a server says that it listens: on an address of its own, at the one port of that server.
 *
 * @param speak what is done with each connection that comes.
 */
export async function inTheWay(
  speak: (socket: Socket, middle: Middle) => void,
): Promise<{ middle: Middle; passive: NonNullable<ServerOptions['passive']> }> {
  const host = allocateHost();
  const port = await freePort(host);
  const middle: Middle = { host, port, arrivals: 0, seen: 0 };
  const sockets = new Set<Socket>();
  const listener: Server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    middle.arrivals += 1;
    speak(socket, middle);
  });
  await new Promise<void>((resolve) => listener.listen(port, host, resolve));
  onTestFinished(async () => {
    for (const socket of sockets) socket.destroy();
    await new Promise((resolve) => listener.close(resolve));
  });
  return { middle, passive: { address: host, ports: { from: port, to: port } } };
}

/** TLS in the role that the other end does not have, with a certificate of nobody's choosing. */
export function disguise(socket: Socket, role: 'client' | 'server'): tls.TLSSocket {
  const { cert, key } = issueCertificate('127.0.0.1');
  const secure =
    role === 'client'
      ? tls.connect({ socket, cert, key, rejectUnauthorized: false })
      : new tls.TLSSocket(socket, {
          isServer: true,
          cert,
          key,
          requestCert: true,
          rejectUnauthorized: false,
        });
  secure.on('error', () => {});
  return secure;
}

/** Carries what one end says to the other behind TLS of its own on both sides, and counts it. */
export function splice(socket: Socket, middle: Middle, target: { host: string }): void {
  const onward = dial(middle.port, target.host);
  onward.on('error', () => socket.destroy());
  socket.once('close', () => onward.destroy());
  // Towards who connects a client, towards who listens a server: as the two expect of each other.
  const near = disguise(socket, 'client');
  const far = disguise(onward, 'server');
  for (const [from, to] of [
    [near, far],
    [far, near],
  ] as const)
    from.on('data', (chunk: Buffer) => {
      middle.seen += chunk.length;
      to.write(chunk);
    });
}
