import { createHash, type X509Certificate } from 'node:crypto';
import net from 'node:net';
import tls from 'node:tls';
import { FtpError } from '../protocol/errors.js';
import { withDeadline } from './deadline.js';

/** What the other end of a TLS connection showed. */
export interface TlsPeer {
  /** SHA-256 over the certificate's SubjectPublicKeyInfo, lower-case hex (TLSA 3 1 1, RFC 6698). */
  pin: string;
  /** True when chain, dates and name fit this machine's trust anchors. */
  authorized: boolean;
  /** Why not, as OpenSSL names it. */
  reason?: string;
  subject: string;
  issuer: string;
  /** As in the certificate. */
  validTo: string;
  /** `TLSv1.3`, `TLSv1.2`. */
  protocol: string;
}

export interface TlsOptions {
  /** Host as the user named it: SNI and name check. */
  host: string;
  timeout: number;
  signal?: AbortSignal | undefined;
  /** Session or ticket to resume, and the pin of the key it was made under. */
  resume?: { session: Buffer; pin: string } | undefined;
  alpn?: string[];
  /** Called with every ticket or session that the server hands out. */
  onSession?: (session: Buffer) => void;
  what: string;
}

/** Pin of a certificate. */
export function pinOf(certificate: X509Certificate): string {
  const spki = certificate.publicKey.export({ type: 'spki', format: 'der' });
  return createHash('sha256').update(spki).digest('hex');
}

function describePeer(socket: tls.TLSSocket, host: string, resumed: string | undefined): TlsPeer {
  const certificate = socket.getPeerX509Certificate();
  const protocol = socket.getProtocol() ?? 'TLS';
  // Under TLS 1.3 a resumed session shows no certificate: whoever resumes it holds the key of the first handshake.
  if (!certificate && resumed !== undefined && socket.isSessionReused()) {
    return {
      pin: resumed,
      authorized: false,
      reason: 'resumed',
      subject: '',
      issuer: '',
      validTo: '',
      protocol,
    };
  }
  if (!certificate) throw new FtpError('tls', `${host} showed no certificate`);
  const reason = socket.authorizationError as unknown;
  const text =
    reason instanceof Error ? ((reason as { code?: string }).code ?? reason.message) : String(reason ?? '');
  return {
    pin: pinOf(certificate),
    authorized: socket.authorized,
    ...(socket.authorized ? {} : { reason: text }),
    subject: certificate.subject.replaceAll('\n', ', '),
    issuer: certificate.issuer.replaceAll('\n', ', '),
    validTo: certificate.validTo,
    protocol,
  };
}

/**
 * TLS as client over a connected socket. The certificate is reported, not judged: the caller decides before it writes.
 *
 * @throws FtpError `tls` when the handshake fails, `timeout`, `aborted`.
 */
export function startTls(
  socket: net.Socket,
  options: TlsOptions,
): Promise<{ socket: tls.TLSSocket; peer: TlsPeer }> {
  return withDeadline(
    { timeout: options.timeout, signal: options.signal, what: options.what },
    (resolve, reject) => {
      let secure: tls.TLSSocket | undefined;
      let done = false;
      const fail = (error: Error): void => {
        const code = 'code' in error ? String(error.code) : '';
        reject(
          new FtpError('tls', `${options.what} failed: ${reasonOf(error, code)}`, {
            cause: error,
            retry: 'later',
          }),
        );
      };
      secure = tls.connect({
        socket,
        host: options.host,
        ...(net.isIP(options.host) === 0 ? { servername: options.host } : {}),
        minVersion: 'TLSv1.2',
        // Judged by the caller, by PKI, pin or memory, before the first octet is written.
        rejectUnauthorized: false,
        ...(options.resume ? { session: options.resume.session } : {}),
        ...(options.alpn ? { ALPNProtocols: options.alpn } : {}),
      });
      const { onSession } = options;
      if (onSession) secure.on('session', onSession);
      const onEnd = (): void => fail(new Error('the server closed the connection'));
      secure.once('error', fail);
      secure.once('close', onEnd);
      secure.once('secureConnect', () => {
        done = true;
        secure.removeListener('close', onEnd);
        try {
          const peer = describePeer(secure, options.host, options.resume?.pin);
          // The event comes before our last handshake message has left. Ended at once, as with an empty file, the connection
          // would be cut without it and without close_notify.
          setImmediate(() => {
            secure.removeListener('error', fail);
            resolve({ socket: secure, peer });
          });
        } catch (error) {
          secure.removeListener('error', fail);
          secure.on('error', () => {});
          secure.destroy();
          reject(error as Error);
        }
      });
      return () => {
        if (done) return;
        secure.on('error', () => {});
        secure.destroy();
        socket.destroy();
      };
    },
  );
}

function reasonOf(error: Error, code: string): string {
  if (code === 'ERR_SSL_WRONG_VERSION_NUMBER') return 'the server does not speak TLS here';
  if (code === 'ECONNRESET') return 'the server cut the connection';
  return code || error.message;
}
