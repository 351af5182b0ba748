/** Control connections of the server with a client at the other end, for tests; each test's are closed behind it. */
import { once } from 'node:events';
import net from 'node:net';
import tls from 'node:tls';
import { afterEach, beforeAll, vi } from 'vitest';
import { type ControlListener, listenControl } from '../../src/net/accept.js';
import type { TlsMaterial } from '../../src/net/plane/types.js';
import type { ServedControl, ServedHandlers } from '../../src/net/server-control.js';
import { serverContext } from '../../src/net/tls-server.js';
import type { FtpError } from '../../src/protocol/errors.js';
import { selfSigned } from '../../src/server/certificate.js';

export let material: TlsMaterial;
export let context: tls.SecureContext;
export const cleanups: (() => void)[] = [];

beforeAll(async () => {
  const pair = await selfSigned(['localhost', '127.0.0.1']);
  material = { ...pair, ticketKeys: new Uint8Array(48).fill(7), minVersion: 'TLSv1.2' };
  context = serverContext(material);
});
afterEach(() => {
  for (const cleanup of cleanups.splice(0)) cleanup();
});

/** One accepted connection, with what happened on it. */
export interface Served {
  control: ServedControl;
  received: string;
  /** Resolves when it is over. */
  over: Promise<FtpError | undefined>;
}

export interface Pair extends Served {
  client: net.Socket;
  /** What the client has received so far. */
  heard: () => string;
}

export async function listener(onConnection: (control: ServedControl) => void): Promise<ControlListener> {
  const made = await listenControl({ host: '127.0.0.1', port: 0 }, onConnection);
  cleanups.push(() => made.close());
  return made;
}

export function serve(control: ServedControl, more: Partial<ServedHandlers> = {}): Served {
  const served: Served = { control, received: '', over: Promise.resolve(undefined) };
  served.over = new Promise((resolve) => {
    control.attach({
      onData: (chunk) => {
        served.received += chunk.toString('latin1');
      },
      onClose: resolve,
      ...more,
    });
  });
  cleanups.push(() => control.destroy());
  return served;
}

/** A client and what serves it. */
export async function connected(
  more: Partial<ServedHandlers> = {},
  options: net.SocketConstructorOpts = {},
): Promise<Pair> {
  let accepted: (control: ServedControl) => void = () => {};
  const arrival = new Promise<ServedControl>((resolve) => {
    accepted = resolve;
  });
  const { port } = await listener(accepted);
  const client = new net.Socket(options);
  client.connect({ port, host: '127.0.0.1', localAddress: '127.0.0.3' });
  client.on('error', () => {});
  cleanups.push(() => client.destroy());
  let heard = '';
  client.on('data', (chunk) => {
    heard += chunk.toString('latin1');
  });
  await once(client, 'connect');
  const served = serve(await arrival, more);
  return Object.assign(served, { client, heard: () => heard });
}

export const until = (check: () => void): Promise<void> =>
  vi.waitFor(check, { timeout: 10_000, interval: 2 });
/** Enough turns of the loop for anything on the loopback interface to arrive. */
export const turns = async (): Promise<void> => {
  for (let i = 0; i < 30; i++) await new Promise((resolve) => setImmediate(resolve));
};
export const startTls = (control: ServedControl, more: { timeout?: number; requestCert?: boolean } = {}) =>
  control.startTls({ context, timeout: 10_000, ...more });

/** The client's side of a handshake, or the code of its error. */
export function asClient(
  socket: net.Socket,
  options: tls.ConnectionOptions = {},
): Promise<tls.TLSSocket | string> {
  socket.removeAllListeners('data');
  const secure = tls.connect({ socket, rejectUnauthorized: false, ...options });
  cleanups.push(() => secure.destroy());
  return new Promise((resolve) => {
    secure.on('error', (error) => resolve('code' in error ? String(error.code) : error.message));
    secure.once('secureConnect', () => resolve(secure));
  });
}

export async function secured(options: tls.ConnectionOptions = {}, more: { requestCert?: boolean } = {}) {
  const all = await connected();
  const handshake = startTls(all.control, more);
  const secure = await asClient(all.client, options);
  if (typeof secure === 'string') throw new Error(secure);
  return { ...all, served: all, secure, facts: await handshake };
}
