/** A data peer by hand: raw TLS of Node in either role, with any certificate or none. */
import 'reflect-metadata';
import { createPrivateKey, webcrypto, X509Certificate } from 'node:crypto';
import net from 'node:net';
import tls from 'node:tls';
import * as x509 from '@peculiar/x509';
import { pinOf } from '../../src/net/tls.js';
import { sessionIdentity } from '../../src/server/session-certificate.js';

/** What a peer shows. */
export interface Shown {
  cert?: string;
  key?: string;
}

/** How a peer behaves. */
export interface PeerHow extends Shown {
  /** TLS role of the peer. */
  role: 'client' | 'server';
  version?: 'TLSv1.2' | 'TLSv1.3';
  session?: Buffer | undefined;
}

const open = new Set<{ destroy(): void }>();

/** Ends what a test left behind. */
export function closeDataPeers(): void {
  for (const one of open) one.destroy();
  open.clear();
}

function kept<T extends { destroy(): void }>(one: T): T {
  open.add(one);
  return one;
}

/** A key of the peer's own. */
export const freshIdentity = sessionIdentity;

/** Pin of a certificate in PEM. */
export const pinOfPem = (pem: string): string => pinOf(new X509Certificate(pem));

/** A certificate that ended years ago and was for TLS servers only. */
export async function expiredIdentity(): Promise<Required<Shown>> {
  const curve = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;
  const keys = await webcrypto.subtle.generateKey(curve, true, ['sign', 'verify']);
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    keys,
    name: 'CN=old',
    notBefore: new Date('2019-01-01'),
    notAfter: new Date('2019-02-01'),
    signingAlgorithm: curve,
    extensions: [new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth])],
  });
  const pkcs8 = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', keys.privateKey));
  const key = createPrivateKey({ key: pkcs8, format: 'der', type: 'pkcs8' });
  return { cert: certificate.toString('pem'), key: String(key.export({ type: 'pkcs8', format: 'pem' })) };
}

/** A connection to a passive port. */
export async function connectTo(host: string, port: number, localAddress?: string): Promise<net.Socket> {
  const socket = kept(
    net.connect({ host, port, allowHalfOpen: true, ...(localAddress && { localAddress }) }),
  );
  await new Promise<void>((resolve, reject) => {
    socket.once('connect', () => resolve());
    socket.once('error', reject);
  });
  socket.on('error', () => {});
  return socket;
}

/** A port for an active endpoint; `connection` is the first one. */
export async function listenAt(
  host: string,
): Promise<{ port: number; connection: Promise<net.Socket>; close(): void }> {
  const server = net.createServer({ allowHalfOpen: true });
  const connection = new Promise<net.Socket>((resolve) => {
    server.once('connection', (socket) => {
      socket.on('error', () => {});
      resolve(kept(socket));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, host, resolve));
  const close = (): void => void server.close();
  open.add({ destroy: close });
  return { port: (server.address() as net.AddressInfo).port, connection, close };
}

/** TLS begun over a connection; errors are the other end's business. */
export function begin(raw: net.Socket, { role, version, session, ...shown }: PeerHow): tls.TLSSocket {
  const versions = version ? { minVersion: version, maxVersion: version } : {};
  let socket: tls.TLSSocket;
  if (role === 'client') {
    const resumed = session ? { session } : {};
    socket = tls.connect({ socket: raw, rejectUnauthorized: false, ...versions, ...shown, ...resumed });
  } else {
    const secureContext = tls.createSecureContext({ ...shown, ...versions });
    socket = new tls.TLSSocket(raw, {
      isServer: true,
      requestCert: true,
      rejectUnauthorized: false,
      secureContext,
    });
  }
  socket.on('error', () => {});
  return kept(socket);
}

/** Octets up to the end, whatever kind of end it is. */
export function received(socket: net.Socket): Promise<Buffer> {
  const parts: Buffer[] = [];
  socket.on('data', (part: Buffer) => parts.push(part));
  return new Promise((resolve) => {
    const end = (): void => resolve(Buffer.concat(parts));
    socket.once('end', end);
    socket.once('close', end);
    if (socket.destroyed || socket.readableEnded) end();
  });
}
