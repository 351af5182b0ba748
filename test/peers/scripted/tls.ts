/** TLS of a scripted server: one certificate for control and data connections, either role on either TCP side. */
import { createHash, X509Certificate } from 'node:crypto';
import type { Socket } from 'node:net';
import { connect, createSecureContext, type SecureContext, type SecureVersion, TLSSocket } from 'node:tls';
import { issueCertificate } from '../certs.js';

export interface Identity {
  readonly certificate: string;
  readonly pin: string;
  readonly context: SecureContext;
  /** The same without anything behind the handshake: in TLS 1.2 the ticket is a part of it (RFC 5077 3.3). */
  readonly quietContext: SecureContext;
}

/** Certificate and context for an address, signed by the test authority. */
export function identityFor(host: string, minVersion?: SecureVersion, maxVersion?: SecureVersion): Identity {
  const { cert, key } = issueCertificate(host);
  const versions = { ...(minVersion && { minVersion }), ...(maxVersion && { maxVersion }) };
  const spki = new X509Certificate(cert).publicKey.export({ type: 'spki', format: 'der' });
  return {
    certificate: cert,
    pin: createHash('sha256').update(spki).digest('hex'),
    // Without a context of its own, OpenSSL refuses to resume a session where a certificate is asked for.
    context: createSecureContext({ cert, key, sessionIdContext: host, ...versions }),
    quietContext: createSecureContext({ cert, key, sessionIdContext: host, maxVersion: 'TLSv1.2' }),
  };
}

/**
 * Addresses of scripted servers that send no session tickets as TLS server of an upload. The number of TLS 1.3
 * tickets cannot be set to 0 in Node: they use `quietContext`, and a scripted source looks here instead of waiting.
 */
export const quietHosts = new Set<string>();

/** Wraps the control connection as TLS server. What was read before is not carried over. */
export function secureControl(raw: Socket, identity: Identity): TLSSocket {
  return new TLSSocket(raw, { isServer: true, secureContext: identity.context });
}

export interface Handshake {
  readonly role: 'client' | 'server';
  readonly identity: Identity;
  readonly asksCertificate: boolean;
  /** As server, send no session ticket behind the handshake. */
  readonly isQuiet: boolean;
  readonly timeoutMs: number;
}

/** A TLS data connection; `ticket` resolves at the first session ticket from the peer. */
export interface SecureChannel {
  readonly socket: TLSSocket;
  readonly ticket: Promise<void>;
}

/** Runs the handshake on a connected data socket, whoever opened it. Rejects on failure and after `timeoutMs`. */
export function secureData(raw: Socket, how: Handshake): Promise<SecureChannel> {
  const secureContext = how.isQuiet ? how.identity.quietContext : how.identity.context;
  const socket =
    how.role === 'client'
      ? connect({ socket: raw, secureContext, rejectUnauthorized: false })
      : new TLSSocket(raw, {
          isServer: true,
          secureContext,
          requestCert: how.asksCertificate,
          rejectUnauthorized: false,
        });
  const ticket = new Promise<void>((resolve) => socket.once('session', () => resolve()));
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => fail(new Error('TLS handshake timed out')), how.timeoutMs);
    const fail = (error: Error): void => {
      clearTimeout(timer);
      socket.destroy();
      raw.destroy();
      reject(error);
    };
    socket.once('error', fail);
    socket.once('close', () => fail(new Error('closed during the TLS handshake')));
    socket.once(how.role === 'client' ? 'secureConnect' : 'secure', () => {
      clearTimeout(timer);
      socket.removeListener('error', fail);
      socket.removeAllListeners('close');
      // The event comes before our last handshake message has left: an end at once would overtake its close_notify.
      setImmediate(() => resolve({ socket, ticket }));
    });
  });
}
