/** The attackers' end of a data connection: TCP, and TLS in either role with whatever certificate. No rule is kept. */
import { connect, type Socket } from 'node:net';
import { type ConnectionOptions, connect as connectTls, createSecureContext, TLSSocket } from 'node:tls';
import type { Credentials } from './credentials.js';

/** Longest time that a handshake may take. */
const HANDSHAKE_MS = 4_000;

/** A TCP connection from any loopback address; undefined where none comes about. */
export function reach(host: string, port: number, from?: string): Promise<Socket | undefined> {
  return new Promise((resolve) => {
    const local = from === undefined ? {} : { localAddress: from };
    const socket = connect({ host, port, allowHalfOpen: true, ...local });
    socket.on('error', () => resolve(undefined));
    socket.once('connect', () => resolve(socket));
  });
}

/** How an attacker does TLS. */
export interface Posing {
  /** Its own TLS role. */
  readonly role: 'client' | 'server';
  readonly credentials: Credentials;
  /** A session of another connection, to be resumed (role client). */
  readonly session?: Buffer | undefined;
  readonly maxVersion?: ConnectionOptions['maxVersion'];
}

/** The handshake over a connection; undefined where the other end does not take part to its end. */
export function pose(
  raw: Socket,
  { role, credentials, session, maxVersion }: Posing,
): Promise<TLSSocket | undefined> {
  const { cert, key } = credentials;
  const versions = maxVersion ? { maxVersion } : {};
  const socket =
    role === 'client'
      ? connectTls({
          socket: raw,
          cert,
          key,
          rejectUnauthorized: false,
          ...versions,
          ...(session && { session }),
        })
      : new TLSSocket(raw, {
          isServer: true,
          secureContext: createSecureContext({ cert, key, ...versions }),
          requestCert: true,
          rejectUnauthorized: false,
        });
  return new Promise((resolve) => {
    const end = (result: TLSSocket | undefined): void => {
      clearTimeout(timer);
      if (!result) raw.destroy();
      resolve(result);
    };
    const timer = setTimeout(() => end(undefined), HANDSHAKE_MS);
    socket.on('error', () => end(undefined));
    socket.once('close', () => end(undefined));
    socket.once(role === 'client' ? 'secureConnect' : 'secure', () => end(socket));
  });
}

/** Resolves when the other end has said something, which stays to be read, or is gone. */
export function spoken(raw: Socket): Promise<void> {
  return new Promise((resolve) => {
    raw.once('readable', resolve);
    raw.once('close', () => resolve());
    if (raw.destroyed) resolve();
  });
}

/** Everything up to the end of the connection, however it ends. @param sees each piece as it comes. */
export function swallow(socket: Socket, sees: (piece: Buffer) => void): Promise<void> {
  return new Promise((resolve) => {
    socket.on('data', sees);
    socket.once('end', resolve);
    socket.once('close', () => resolve());
    socket.on('error', () => resolve());
    if (socket.destroyed || socket.readableEnded) resolve();
    socket.resume();
  });
}
