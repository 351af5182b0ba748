import { randomBytes } from 'node:crypto';
import type net from 'node:net';
import tls from 'node:tls';
import { pinOf } from '../tls.js';
import { SERVER_OPTIONS, serverContext } from '../tls-server.js';
import type { Course } from './course.js';
import { type TlsEnd, watchTlsEnd } from './ends.js';
import { codeOf, Failure } from './failure.js';
import type { DataPeer, DataTls, TlsMaterial } from './types.js';

/** RFC 7301; FileZilla asks for `ftp-data`. Others offered without one of these are refused (ALPACA). */
const ALPN = ['ftp-data', 'ftp'];
/** SSL_OP_NO_TICKET. */
const NO_TICKET = 0x4000;

/** Secure contexts of one certificate, made when first needed. */
export class Credentials {
  readonly material: TlsMaterial;
  #server: tls.SecureContext | undefined;
  #silent: tls.SecureContext | undefined;
  #client: tls.SecureContext | undefined;

  constructor(material: TlsMaterial) {
    this.material = material;
  }

  /**
   * Peers are TLS clients. The same choice of cipher suites as on the control connection: a session is resumed only with
   * a suite of the same hash (RFC 8446 4.2.11).
   */
  get server(): tls.SecureContext {
    this.#server ??= serverContext(this.material);
    return this.#server;
  }

  /**
   * As `server`, but sends no session tickets: a sending server that never reads them closes with RST and cuts the file.
   * Node cannot switch off those of TLS 1.3, so it ends at 1.2.
   *
   * @throws Failure `handshake` when 1.3 is the least that is allowed.
   */
  get silent(): tls.SecureContext {
    if (this.material.minVersion === 'TLSv1.3') {
      const message =
        'an upload from another server needs TLS 1.2 here, since session tickets of 1.3 would cut it, but the least version is set to 1.3: lower it or let the other server be the TLS server (CPSV, SSCN)';
      throw new Failure('handshake', 'TLS_VERSION', message);
    }
    this.#silent ??= serverContext(this.material, {
      maxVersion: 'TLSv1.2',
      secureOptions: SERVER_OPTIONS | NO_TICKET,
    });
    return this.#silent;
  }

  /** Peers are TLS servers (CPSV, SSCN): our certificate is shown when asked for. */
  get client(): tls.SecureContext {
    const { cert, key, minVersion } = this.material;
    this.#client ??= tls.createSecureContext({ cert, key, minVersion, ca: [] });
    return this.#client;
  }
}

/**
 * Binds the connections made from this context next to a control session: OpenSSL resumes only what was issued under the same
 * session id context, in TLS 1.2 and 1.3 and across contexts with the same ticket keys. A connection copies the value when it
 * is made, so one shared context serves all sessions, provided that nothing waits in between.
 *
 * @param id at most 32 octets.
 */
export function bindSession(context: tls.SecureContext, id: string): void {
  (context.context as { setSessionIdContext(id: string): void }).setSessionIdContext(id);
}

/** A data connection under TLS, handshake done. */
export interface Secured {
  socket: tls.TLSSocket;
  facts: NonNullable<DataPeer['tls']>;
  /** After the end was seen: did the peer say close_notify (RFC 8446 6.1)? */
  ended: () => TlsEnd;
}

/** What is asked of one handshake. */
export interface Proof {
  tls: DataTls;
  foreign: boolean;
  direction: 'send' | 'receive';
  /** Milliseconds. */
  timeout: number;
}

/**
 * The handshake and what it must prove.
 *
 * @throws Failure `handshake` when it fails, `refused` when a client's connection had to resume its session and did not.
 */
export async function prove(
  course: Course,
  raw: net.Socket,
  keys: Credentials,
  proof: Proof,
): Promise<Secured> {
  const { tls: order, foreign, timeout } = proof;
  const socket = order.role === 'server' ? asServer(raw, keys, proof) : asClient(raw, keys);
  const ended = watchTlsEnd(socket, raw);
  const event = order.role === 'server' ? 'secure' : 'secureConnect';
  try {
    await course.wait<void>(
      (resolve, reject) => {
        let proven = false;
        const broken = (error?: Error): void => {
          // From then on an end is the end of the file.
          if (!proven) reject(handshakeFailure(error));
        };
        // The tickets of a TLS 1.3 server are written behind this event. A file written before that is done would be told
        // done together with them, and the close_notify of its end come behind the FIN: the peer finds it cut.
        const done = (): void => {
          proven = true;
          setImmediate(resolve);
        };
        socket.once(event, done);
        socket.on('error', broken);
        socket.on('close', broken);
        socket.on('end', broken);
        return () => {
          socket.removeListener(event, done);
          socket.removeListener('close', broken);
          socket.removeListener('end', broken);
          socket.on('error', () => {});
          socket.removeListener('error', broken);
        };
      },
      {
        after: timeout,
        cause: () => new Failure('handshake', 'ETIMEDOUT', `no TLS within ${timeout / 1000} s`),
      },
    );
  } catch (error) {
    socket.destroy();
    throw error;
  }
  const facts = describe(socket);
  if (order.role === 'server' && order.resumption === 'required' && !foreign && !facts.resumed) {
    socket.destroy();
    throw new Failure(
      'refused',
      'NOT_RESUMED',
      'the data connection did not resume the TLS session of the control connection',
    );
  }
  return { socket, facts, ended };
}

function asServer(
  raw: net.Socket,
  keys: Credentials,
  { tls: order, foreign, direction }: Proof,
): tls.TLSSocket {
  const context = foreign && direction === 'receive' ? keys.silent : keys.server;
  // Foreign peers have no session of this control connection; a fresh context resumes nothing.
  const closed = foreign || order.resumption === 'off';
  bindSession(context, closed ? randomBytes(16).toString('hex') : order.sessionContext);
  const socket = new tls.TLSSocket(raw, {
    isServer: true,
    secureContext: context,
    requestCert: foreign,
    rejectUnauthorized: false,
    ALPNProtocols: ALPN,
  });
  // Without a `tls.Server` errors behind the handshake are told by this event only.
  socket.on('_tlsError', (error: Error) => socket.destroy(error));
  return socket;
}

function asClient(raw: net.Socket, keys: Credentials): tls.TLSSocket {
  return tls.connect({
    socket: raw,
    secureContext: keys.client,
    rejectUnauthorized: false,
    checkServerIdentity: () => undefined,
  });
}

function handshakeFailure(error: Error | undefined): Failure {
  const code = codeOf(error) || (error ? 'ERROR' : 'ECONNRESET');
  const what = error ? code : 'the peer closed the connection';
  return new Failure(
    'handshake',
    code,
    `no TLS on the data connection: ${what}`,
    error ? { cause: error } : {},
  );
}

function describe(socket: tls.TLSSocket): Secured['facts'] {
  const certificate = socket.getPeerX509Certificate();
  return {
    protocol: socket.getProtocol() ?? 'TLS',
    cipher: socket.getCipher()?.name ?? '',
    resumed: socket.isSessionReused(),
    ...(certificate ? { pin: pinOf(certificate) } : {}),
  };
}
