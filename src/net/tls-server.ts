import { constants, randomBytes } from 'node:crypto';
import type net from 'node:net';
import tls from 'node:tls';
import type { TlsMaterial } from './plane/types.js';

/** AEAD with forward secrecy only; AES-128 first where the client has AES in hardware, else ChaCha20. */
const CIPHERS = [
  'TLS_AES_128_GCM_SHA256',
  'TLS_AES_256_GCM_SHA384',
  'TLS_CHACHA20_POLY1305_SHA256',
  // No DHE: a client makes it cost more than it pays (CVE-2002-20001).
  'ECDHE-ECDSA-AES128-GCM-SHA256',
  'ECDHE-RSA-AES128-GCM-SHA256',
  'ECDHE-ECDSA-AES256-GCM-SHA384',
  'ECDHE-RSA-AES256-GCM-SHA384',
  'ECDHE-ECDSA-CHACHA20-POLY1305',
  'ECDHE-RSA-CHACHA20-POLY1305',
].join(':');

/** SSL_CTX_set_options(3) of every connection that is the TLS server. */
export const SERVER_OPTIONS =
  constants.SSL_OP_NO_RENEGOTIATION | constants.SSL_OP_NO_COMPRESSION | constants.SSL_OP_PRIORITIZE_CHACHA;

/**
 * How long a session may be resumed, in seconds: data connections resume the control connection's, which may be open all
 * day.
 */
const SESSION_TIMEOUT = 24 * 60 * 60;

/**
 * The context of every connection where this server is the TLS server, control and data. The same keys for tickets in
 * every thread: a session made on the control connection is resumed on a data connection (RFC 5077 4).
 *
 * @param more what is different.
 * @throws Error of OpenSSL when certificate and key are not a pair, or not PEM.
 */
export function serverContext(material: TlsMaterial, more: tls.SecureContextOptions = {}): tls.SecureContext {
  return tls.createSecureContext({
    // No authority: what clients show is reported by its key, never judged by chains; and the list that is sent is empty.
    ca: [],
    cert: material.cert,
    key: material.key,
    minVersion: material.minVersion,
    ciphers: CIPHERS,
    honorCipherOrder: true,
    ecdhCurve: 'X25519:P-256:P-384',
    ticketKeys: Buffer.from(material.ticketKeys),
    sessionTimeout: SESSION_TIMEOUT,
    secureOptions: SERVER_OPTIONS,
    ...more,
  });
}

/** A session id context nobody can guess: 16 octets in hex (at most 32 fit, RFC 5246 7.4.1.2). */
export const newSessionContext = (): string => randomBytes(16).toString('hex');

/** How `serveTls` accepts. */
export interface ServeTls {
  context: tls.SecureContext;
  /** Only sessions made under the same one are resumed (RFC 5246 F.1.4). */
  sessionContext: string;
  /** A client that offers others, and none of these, gets a fatal alert (RFC 7301 3.2, CVE-2021-3618). */
  alpn: readonly string[];
  /** Ask for a certificate; it is shown to the caller, not judged. */
  requestCert?: boolean | undefined;
}

/**
 * TLS as server over a connected socket. The handshake runs; the socket emits `secure` when it is done, `_tlsError` or
 * `error` when it fails. What was read from the socket before and not taken is given to TLS.
 */
export function serveTls(socket: net.Socket, options: ServeTls): tls.TLSSocket {
  // Copied into the connection when it is made: the context is shared, its session id context is set for each in turn.
  const native = options.context.context as { setSessionIdContext(id: string): void };
  native.setSessionIdContext(options.sessionContext);
  return new tls.TLSSocket(socket, {
    isServer: true,
    secureContext: options.context,
    ALPNProtocols: [...options.alpn],
    requestCert: options.requestCert ?? false,
    rejectUnauthorized: false,
  });
}
