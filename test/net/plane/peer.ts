/** The other end of a data connection, and orders for ours. */
import { randomBytes } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import tls from 'node:tls';
import type {
  DataEndpoint,
  DataPeer,
  DataTls,
  DataTransfer,
  TlsMaterial,
  TransferListener,
  TransferOrder,
  TransferResult,
} from '../../../src/net/plane/types.js';
import { issueCertificate } from '../../peers/certs.js';
import type { TestFile, TestPeer } from './files.js';
import type { TestPlane } from './planes.js';

export const CLIENT = '127.0.0.1';
export const FOREIGN = '127.0.0.2';
export const STRANGER = '127.0.0.3';
export const PEER: TestPeer = { client: [CLIENT], foreign: [FOREIGN] };

export type Version = 'TLSv1.2' | 'TLSv1.3';
export type Order = TransferOrder<TestFile, TestPeer>;

export const serverCertificate = issueCertificate(CLIENT);
export const peerCertificate = issueCertificate(FOREIGN);

export function material(minVersion: Version = 'TLSv1.2'): TlsMaterial {
  return {
    cert: serverCertificate.cert,
    key: serverCertificate.key,
    ticketKeys: randomBytes(48),
    minVersion,
  };
}

export const AS_SERVER: DataTls = {
  role: 'server',
  resumption: 'offered',
  sessionContext: 'session of the tests',
  closeNotify: 'required',
};
export const AS_CLIENT: DataTls = { ...AS_SERVER, role: 'client' };

/** A folder of its own and what is in it. */
export class Folder {
  readonly path = mkdtempSync(join(tmpdir(), 'plane-'));

  file(name: string): string {
    return join(this.path, name);
  }

  write(name: string, content: Buffer | string): string {
    writeFileSync(this.file(name), content);
    return this.file(name);
  }

  read(name: string): Buffer {
    return readFileSync(this.file(name));
  }

  remove(): void {
    rmSync(this.path, { recursive: true, force: true });
  }
}

export function order(direction: 'send' | 'receive', path: string, more: Partial<Order> = {}): Order {
  return {
    direction,
    file: { path },
    peer: PEER,
    type: 'I',
    rate: 0,
    timeouts: { connect: 10_000, handshake: 10_000, stall: 10_000 },
    ...more,
  };
}

/** A transfer with what its listener heard. */
export interface Begun {
  transfer: DataTransfer;
  finished: Promise<TransferResult>;
  /** Resolves with the peer at the 150. */
  opened: Promise<DataPeer>;
  /** Resolves when more octets are asked for the first time. */
  asked: Promise<void>;
  asks: () => number;
}

export function begin(
  endpoint: DataEndpoint<TestFile, TestPeer>,
  given: Order,
  onMore?: (transfer: DataTransfer) => void,
): Begun {
  let asks = 0;
  let opened = (_: DataPeer): void => {};
  let asked = (): void => {};
  const openedOnce = new Promise<DataPeer>((resolve) => {
    opened = resolve;
  });
  const askedOnce = new Promise<void>((resolve) => {
    asked = resolve;
  });
  const listener: TransferListener = {
    onOpen: (peer) => opened(peer),
    onMore: () => {
      asks += 1;
      asked();
      onMore?.(transfer);
    },
  };
  const transfer = endpoint.transfer(given, listener);
  return { transfer, finished: transfer.finished, opened: openedOnce, asked: askedOnce, asks: () => asks };
}

/** Sockets of the tests; what a test leaves behind is closed after it. */
const sockets = new Set<net.Socket>();
const servers = new Set<net.Server>();

function kept<T extends net.Socket>(socket: T): T {
  sockets.add(socket);
  socket.on('error', () => {});
  socket.once('close', () => sockets.delete(socket));
  return socket;
}

export function closePeers(): void {
  for (const socket of sockets) socket.destroy();
  for (const server of servers) server.close();
  servers.clear();
}

/** A TCP connection to a passive endpoint. */
export async function dialIn(port: number, from = CLIENT, host = CLIENT): Promise<net.Socket> {
  const socket = kept(net.connect({ port, host, localAddress: from, allowHalfOpen: true }));
  await new Promise<void>((resolve, reject) => {
    socket.once('connect', resolve);
    socket.once('error', reject);
  });
  return socket;
}

/** A listener for an active endpoint; `connection` resolves with the first connection. */
export async function listen(host = CLIENT): Promise<{ port: number; connection: Promise<net.Socket> }> {
  const server = net.createServer({ allowHalfOpen: true });
  servers.add(server);
  const connection = new Promise<net.Socket>((resolve) => {
    server.once('connection', (socket) => {
      server.close();
      resolve(kept(socket));
    });
  });
  await new Promise<void>((resolve) => server.listen({ port: 0, host }, resolve));
  return { port: (server.address() as net.AddressInfo).port, connection };
}

/** TLS over a connection of the peer, in the role that is not ours. */
export function secure(
  socket: net.Socket,
  ours: 'server' | 'client',
  more: tls.TLSSocketOptions & tls.ConnectionOptions = {},
): tls.TLSSocket {
  const { cert, key } = peerCertificate;
  if (ours === 'server') return kept(tls.connect({ socket, rejectUnauthorized: false, ...more }));
  const secureContext = tls.createSecureContext({ cert, key, ...more });
  return kept(new tls.TLSSocket(socket, { isServer: true, requestCert: true, secureContext, ...more }));
}

/** All octets up to the end. */
export async function drain(socket: net.Socket): Promise<Buffer> {
  const parts: Buffer[] = [];
  socket.on('data', (part: Buffer) => parts.push(part));
  await ended(socket);
  return Buffer.concat(parts);
}

/** Resolves at the end of the stream or when the connection is gone. */
export function ended(socket: net.Socket): Promise<void> {
  return new Promise((resolve) => {
    if (socket.destroyed || socket.readableEnded) resolve();
    socket.once('end', resolve);
    socket.once('close', () => resolve());
    socket.resume();
  });
}

/** An endpoint and the peer's connection to it, in either kind; the transfer is begun. */
export async function pair(
  plane: TestPlane,
  kind: 'passive' | 'active',
  given: Order,
  from = CLIENT,
): Promise<Begun & { socket: net.Socket }> {
  if (kind === 'passive') {
    const endpoint = await plane.passive({ host: CLIENT, peer: PEER, lifetime: 10_000 }, () => {});
    const begun = begin(endpoint, given);
    return { ...begun, socket: await dialIn(endpoint.port, from) };
  }
  const { port, connection } = await listen(from);
  const begun = begin(plane.active({ host: from, port, localAddress: CLIENT, peer: PEER }), given);
  return { ...begun, socket: await connection };
}
