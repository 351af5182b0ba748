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

/** Identities of logins whose contexts are kept in a thread; each takes some ten KiB. */
const IDENTITIES = 64;
/** Milliseconds after its last use that the key of a login is forgotten here: the login may be over (docs/dcpa.md). */
const FORGET = 30_000;

/** Secure contexts of one certificate, made when first needed. */
export class Credentials {
  readonly material: TlsMaterial;
  #server: tls.SecureContext | undefined;
  #silent: tls.SecureContext | undefined;
  #client: tls.SecureContext | undefined;
  readonly #pinned = new Map<string, { credentials: Credentials; forget: NodeJS.Timeout }>();

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

  /**
   * Those of connections under a pin, with the identity that they show: made once for a login that is at work, since to
   * read key and certificate takes longer than a small file. Its ticket keys are its own, and every connection is bound to a random
   * session id context: nothing that was ever made is resumed.
   */
  pinned({ identity }: Pick<DataTls, 'identity'>): Credentials {
    const name = identity?.cert ?? '';
    const known = this.#pinned.get(name);
    if (known) {
      known.forget.refresh();
      return known.credentials;
    }
    const made = new Credentials({ ...this.material, ...identity, ticketKeys: randomBytes(48) });
    if (this.#pinned.size >= IDENTITIES) this.#drop(this.#pinned.keys().next().value!);
    this.#pinned.set(name, { credentials: made, forget: setTimeout(() => this.#drop(name), FORGET).unref() });
    return made;
  }

  #drop(name: string): void {
    clearTimeout(this.#pinned.get(name)?.forget);
    this.#pinned.delete(name);
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
 * @throws Failure `handshake` when it fails, `refused` when a client's connection had to resume its session and did not, or
 * the peer has not proven a key that is pinned.
 */
export async function prove(
  course: Course,
  raw: net.Socket,
  keys: Credentials,
  proof: Proof,
): Promise<Secured> {
  const { tls: order, foreign } = proof;
  const until = performance.now() + proof.timeout;
  // A peer that is no TLS client hears nothing of us, not even an alert (RFC 2577 2).
  if (order.role === 'server' && (foreign || order.pins)) await firstOctet(course, raw, proof.timeout);
  const timeout = Math.max(1, Math.ceil(until - performance.now()));
  const own = order.pins ? keys.pinned(order) : keys;
  const socket = order.role === 'server' ? asServer(raw, own, proof) : asClient(raw, own);
  const ended = watchTlsEnd(socket, raw);
  await shake(course, socket, { event: order.role === 'server' ? 'secure' : 'secureConnect', timeout }).catch(
    (error: unknown) => {
      socket.destroy();
      throw error;
    },
  );
  const facts = describe(socket);
  if (order.pins && (facts.resumed || !facts.pin || !order.pins.includes(facts.pin))) {
    socket.destroy();
    throw notProven(facts);
  }
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

/** The handshake itself. @throws Failure `handshake` */
function shake(
  course: Course,
  socket: tls.TLSSocket,
  { event, timeout }: { event: 'secure' | 'secureConnect'; timeout: number },
): Promise<void> {
  return course.wait<void>(
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
    { after: timeout, cause: () => tooLate(timeout) },
  );
}

const tooLate = (timeout: number): Failure =>
  new Failure('handshake', 'ETIMEDOUT', `no TLS within ${timeout / 1000} s`);

const notProven = ({ pin, resumed }: Secured['facts']): Failure =>
  new Failure(
    'refused',
    'NOT_PROVEN',
    resumed
      ? 'the peer resumed a session instead of proving its key'
      : pin === undefined
        ? 'the peer showed no certificate, and a key is pinned'
        : `the peer proved the key sha-256:${pin}, which is not pinned`,
  );

/** ContentType handshake: a ClientHello begins with it (RFC 8446 5.1). */
const HANDSHAKE = 0x16;

/** Waits until the peer begins, and leaves what it sent to be read. @throws Failure `handshake` when that is no TLS. */
function firstOctet(course: Course, raw: net.Socket, timeout: number): Promise<void> {
  return course
    .wait<void>(
      (resolve, reject) => {
        const look = (): void => {
          const chunk = raw.read() as Buffer | null;
          if (!chunk || chunk.length === 0) return;
          raw.unshift(chunk);
          if (chunk[0] === HANDSHAKE) resolve();
          else reject(new Failure('handshake', 'NO_TLS', 'what the peer sent is no TLS'));
        };
        const gone = (): void => reject(handshakeFailure(undefined));
        const broken = (error: Error): void => reject(handshakeFailure(error));
        raw.on('readable', look);
        raw.on('end', gone);
        raw.on('close', gone);
        raw.on('error', broken);
        return () => {
          raw.removeListener('readable', look);
          raw.removeListener('end', gone);
          raw.removeListener('close', gone);
          raw.removeListener('error', broken);
        };
      },
      { after: timeout, cause: () => tooLate(timeout) },
    )
    .catch((error: unknown) => {
      raw.destroy();
      throw error;
    });
}

/**
 * Waits until the peer of a pinned connection sends or ends properly. Under TLS 1.3 a client is done before the server has seen
 * its certificate: a peer that does not take our key goes now, and no file was opened for it.
 *
 * @throws Failure `handshake` when it goes, `stall` after `timeout` milliseconds.
 */
export function accepted(course: Course, { socket, ended }: Secured, timeout: number): Promise<void> {
  const message = `the peer sent nothing for ${timeout / 1000} s`;
  return course.wait<void>(
    (resolve, reject) => {
      const look = (): void => {
        // Octets stay where they are; the end is told by 'readable' too.
        if (socket.readableLength > 0 || ended() === 'notified') setImmediate(resolve);
        else if (ended() === 'cut') gone();
      };
      const gone = (error?: Error): void => {
        const cause = error ? { cause: error } : {};
        const code = codeOf(error) || 'ECONNRESET';
        reject(
          new Failure('handshake', code, 'the peer went without an octet: it did not take our key', cause),
        );
      };
      const closed = (): void => gone();
      socket.on('readable', look);
      socket.on('end', look);
      socket.on('error', gone);
      socket.on('close', closed);
      if (socket.destroyed) gone();
      else look();
      return () => {
        socket.removeListener('readable', look);
        socket.removeListener('end', look);
        socket.on('error', () => {});
        socket.removeListener('error', gone);
        socket.removeListener('close', closed);
      };
    },
    { after: timeout, cause: () => new Failure('stall', 'ETIMEDOUT', message) },
  );
}

function asServer(
  raw: net.Socket,
  keys: Credentials,
  { tls: order, foreign, direction }: Proof,
): tls.TLSSocket {
  const quiet = order.pins ? order.ticketless : foreign && direction === 'receive';
  const context = quiet ? keys.silent : keys.server;
  // Foreign peers have no session of this control connection; a fresh context resumes nothing.
  const closed = foreign || order.pins !== undefined || order.resumption === 'off';
  bindSession(context, closed ? randomBytes(16).toString('hex') : order.sessionContext);
  const socket = new tls.TLSSocket(raw, {
    isServer: true,
    secureContext: context,
    requestCert: foreign || order.pins !== undefined,
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
