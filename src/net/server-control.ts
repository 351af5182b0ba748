import type net from 'node:net';
import type tls from 'node:tls';
import { plainAddress } from '../protocol/addresses.js';
import { FtpError } from '../protocol/errors.js';
import { pinOf } from './tls.js';
import { newSessionContext, serveTls } from './tls-server.js';

/** What happens on a control connection. */
export interface ServedHandlers {
  /** Octets of the client; the buffer may be kept. */
  onData(chunk: Buffer): void;
  /** The client sends no more (FIN, close_notify) but may still read. Absent: the connection is ended. */
  onEnd?(): void;
  /** Called once, when the connection is over; an error when it broke. */
  onClose(error: FtpError | undefined): void;
}

/** How `startTls` accepts. */
export interface ControlTls {
  /** Of `serverContext`. */
  context: tls.SecureContext;
  /** Milliseconds until the handshake must be done. */
  timeout: number;
  /** Ask for a certificate [false]; it is shown as `pin`, not judged. */
  requestCert?: boolean | undefined;
}

/** A control connection under TLS. */
export interface ControlTlsFacts {
  /** Session id context: data connections of this client resume sessions made under it, and no others. */
  contextId: string;
  /** `TLSv1.3`, `TLSv1.2`. */
  protocol: string;
  /** As OpenSSL names it. */
  cipher: string;
  /** RFC 7301: `ftp`, or undefined when the client offered nothing. */
  alpn: string | undefined;
  /** RFC 6066 3: the name the client asked for; hostile until compared. */
  servername: string | undefined;
  /** SHA-256 over the client's public key, lower-case hex, when it showed a certificate and proved it. */
  pin: string | undefined;
  /** Octets that came in clear behind AUTH and were thrown away (CVE-2011-1575); more than 0 is an attack or a bug. */
  dropped: number;
}

/** Octets of replies not read by the client beyond which it is cut off. */
const SEND_LIMIT = 256 * 1024;
/** Milliseconds for the client to take the last reply and close. */
const LINGER = 2_000;
const ALPN = ['ftp'];

const OWNER = Symbol('control connection of a socket');
type Owned = net.Socket & { [OWNER]?: ServedControl };

/** A handshake that is under way. */
interface Handshake {
  contextId: string;
  dropped: number;
  resolve(facts: ControlTlsFacts): void;
  reject(error: FtpError): void;
}

// One function for all connections, not one for each: thousands of them are idle.
function onData(this: Owned, chunk: Buffer): void {
  this[OWNER]?.received(chunk);
}
function onEnd(this: Owned): void {
  this[OWNER]?.halfClosed();
}
function onError(this: Owned, error: Error): void {
  this[OWNER]?.broke(error);
}
function onClose(this: Owned): void {
  this[OWNER]?.closed(this);
}
function onSecure(this: Owned): void {
  this[OWNER]?.secured();
}
function onIgnored(): void {}
/** As `onData`: no closure for each reply. */
function flushed(control: ServedControl): void {
  control.flush();
}

/** The server's end of one control connection, clear or TLS: octets in, octets out. */
export class ServedControl {
  /** The client, IPv4-mapped forms reduced. */
  readonly peerAddress: string;
  readonly peerPort: number;
  readonly localAddress: string;
  readonly localPort: number;
  /** Undefined while the connection is clear. */
  tls: ControlTlsFacts | undefined;
  #socket: Owned;
  #handlers: ServedHandlers | undefined;
  #pending: Uint8Array[] = [];
  #held = 0;
  #cause: FtpError | undefined;
  #handshake: Handshake | undefined;
  #securing = false;
  #paused = false;
  #ending = false;
  #over = false;

  private constructor(socket: net.Socket, peerAddress: string, localAddress: string) {
    this.peerAddress = plainAddress(peerAddress);
    this.peerPort = socket.remotePort ?? 0;
    this.localAddress = plainAddress(localAddress);
    this.localPort = socket.localPort ?? 0;
    this.#socket = socket;
    this.#listen();
  }

  /** @returns undefined when the client is gone again already. */
  static accept(socket: net.Socket): ServedControl | undefined {
    const { remoteAddress, localAddress } = socket;
    if (remoteAddress !== undefined && localAddress !== undefined) {
      return new ServedControl(socket, remoteAddress, localAddress);
    }
    socket.on('error', onIgnored);
    socket.destroy();
    return undefined;
  }

  #listen(): void {
    const socket = this.#socket;
    socket[OWNER] = this;
    socket.on('end', onEnd);
    socket.on('error', onError);
    socket.on('close', onClose);
  }

  /** Begin to read. Called once. */
  attach(handlers: ServedHandlers): void {
    this.#handlers = handlers;
    if (this.#over) {
      queueMicrotask(() => handlers.onClose(this.#cause));
      return;
    }
    this.#socket.on('data', onData);
    this.#socket.resume();
  }

  /**
   * Writes of one turn leave as one segment: at its end, so that the replies of a row of small files wake the client once. A
   * client that does not read its replies is cut off past 256 KiB. */
  write(octets: Uint8Array): void {
    if (this.#over || this.#ending) return;
    if (this.#held + this.#socket.writableLength > SEND_LIMIT) {
      this.#fail(new FtpError('closed', 'the client does not read its replies'));
      return;
    }
    this.#held += octets.length;
    this.#pending.push(octets);
    if (this.#pending.length === 1) setImmediate(flushed, this);
  }

  /** Send what was written. @internal */
  flush(): void {
    const [first] = this.#pending;
    if (!first) return;
    const octets = this.#pending.length === 1 ? first : Buffer.concat(this.#pending);
    this.#pending = [];
    this.#held = 0;
    if (!this.#over && this.#socket.writable) this.#socket.write(octets);
  }

  /**
   * Room for more: what was written has left. Resolves too when the connection is over. A client that takes nothing for
   * `patience` milliseconds is cut off.
   */
  drained(patience: number): Promise<void> {
    this.flush();
    const socket = this.#socket;
    if (this.#over || !socket.writableNeedDrain) return Promise.resolve();
    return new Promise((resolve) => {
      const late = (): void => this.#fail(new FtpError('closed', 'the client does not read its replies'));
      const timer = setTimeout(late, patience);
      const done = (): void => {
        clearTimeout(timer);
        socket.removeListener('drain', done);
        socket.removeListener('close', done);
        resolve();
      };
      socket.on('drain', done);
      socket.on('close', done);
    });
  }

  /** Read no more for now: the client has to wait. */
  pause(): void {
    this.#paused = true;
    if (!this.#securing && !this.#ending) this.#socket.pause();
  }

  resume(): void {
    this.#paused = false;
    if (!this.#securing) this.#socket.resume();
  }

  /**
   * Go over to TLS (RFC 4217 4), or begin with it. Replies written before leave first, in clear; octets of the client that
   * were read and not taken yet are thrown away (CVE-2011-1575): called in the turn that wrote the 234, nothing of the
   * handshake is among them.
   *
   * @throws FtpError `tls`, `timeout` or `closed`; the connection is over then.
   */
  async startTls(options: ControlTls): Promise<ControlTlsFacts> {
    if (this.#securing || this.tls)
      throw new FtpError('usage', 'the control connection is under TLS already');
    if (this.#over || this.#ending) throw this.#cause ?? new FtpError('closed', 'the connection is over');
    this.#securing = true;
    const dropped = this.#discard();
    const seconds = options.timeout / 1000;
    const late = (): void => this.#fail(new FtpError('timeout', `no TLS handshake within ${seconds} s`));
    const timer = setTimeout(late, options.timeout);
    try {
      this.flush();
      if (this.#socket.writableLength > 0) await this.#sent();
      if (this.#over) throw this.#cause ?? new FtpError('closed', 'the client closed the connection');
      return await this.#shake(options, dropped);
    } finally {
      clearTimeout(timer);
      this.#securing = false;
      this.#handshake = undefined;
    }
  }

  /** Take no more octets in clear. @returns how many were waiting. */
  #discard(): number {
    const socket = this.#socket;
    socket.removeListener('data', onData);
    socket.pause();
    let dropped = 0;
    for (let chunk = socket.read() as Buffer | null; chunk; chunk = socket.read() as Buffer | null) {
      dropped += chunk.length;
    }
    return dropped;
  }

  /** What was written has left, or the connection is over. */
  #sent(): Promise<void> {
    return new Promise((resolve) => this.#socket.write('', () => resolve()));
  }

  #shake({ context, requestCert }: ControlTls, dropped: number): Promise<ControlTlsFacts> {
    const contextId = newSessionContext();
    const plain = this.#socket;
    plain.removeListener('end', onEnd);
    const socket = serveTls(plain, { context, sessionContext: contextId, alpn: ALPN, requestCert });
    this.#socket = socket;
    this.#listen();
    socket.on('secure', onSecure);
    // Node holds TLS errors back on sockets that no tls.Server owns; this event still tells them.
    socket.on('_tlsError', onError);
    return new Promise((resolve, reject) => {
      this.#handshake = { contextId, dropped, resolve, reject };
    });
  }

  /** Called by the socket. @internal */
  secured(): void {
    const handshake = this.#handshake;
    if (!handshake) return;
    const socket = this.#socket as tls.TLSSocket;
    this.tls = {
      contextId: handshake.contextId,
      protocol: socket.getProtocol() ?? 'TLS',
      cipher: socket.getCipher()?.name ?? '',
      alpn: socket.alpnProtocol || undefined,
      servername: servernameOf(socket),
      pin: pinShown(socket),
      dropped: handshake.dropped,
    };
    socket.removeListener('secure', onSecure);
    this.#securing = false;
    this.#handshake = undefined;
    socket.on('data', onData);
    if (this.#paused) socket.pause();
    handshake.resolve(this.tls);
  }

  /** Called by the socket. @internal */
  received(chunk: Buffer): void {
    // After `end` the client's octets are read and dropped: left unread they would make the system send a reset, and the
    // last reply would be lost with it.
    if (!this.#ending && !this.#over) this.#handlers?.onData(chunk);
  }

  /** Called by the socket. @internal */
  halfClosed(): void {
    if (this.#handshake) this.#fail(new FtpError('tls', 'the client closed the connection in the handshake'));
    else if (this.#handlers?.onEnd && !this.#ending) this.#handlers.onEnd();
    else this.end();
  }

  /** Called by the socket. @internal */
  broke(error: Error): void {
    this.#fail(this.#errorOf(error));
  }

  /** Called by the socket. @internal */
  closed(socket: net.Socket): void {
    // The TCP connection below TLS: the socket above it still has to tell why.
    if (socket === this.#socket) this.#ended();
    else this.#socket.destroy();
  }

  #errorOf(error: Error): FtpError {
    const code = 'code' in error ? String(error.code) : error.message;
    if (this.#handshake) return new FtpError('tls', `the TLS handshake failed: ${code}`, { cause: error });
    return new FtpError('closed', `the control connection broke: ${code}`, { cause: error });
  }

  #fail(cause: FtpError): void {
    this.#cause ??= cause;
    this.destroy();
  }

  #ended(): void {
    if (this.#over) return;
    this.#over = true;
    this.#pending = [];
    this.#handshake?.reject(this.#cause ?? new FtpError('closed', 'the client closed the connection'));
    this.#handlers?.onClose(this.#cause);
  }

  /** Send what was written, then FIN (with close_notify under TLS); after 2 s without the client's own, close. */
  end(): void {
    if (this.#over || this.#ending) return;
    if (this.#securing) {
      this.destroy();
      return;
    }
    this.flush();
    this.#ending = true;
    const socket = this.#socket;
    if (!this.#handlers) socket.on('data', onData);
    socket.resume();
    socket.end();
    const timer = setTimeout(() => socket.destroy(), LINGER);
    timer.unref();
    socket.once('close', () => clearTimeout(timer));
  }

  /** At once: what was written and has not left is lost. */
  destroy(): void {
    this.#socket.destroy();
    this.#ended();
  }
}

/** A key that Node cannot read is none: the certificate comes from the client. */
function pinShown(socket: tls.TLSSocket): string | undefined {
  try {
    const certificate = socket.getPeerX509Certificate();
    return certificate && pinOf(certificate);
  } catch {
    return undefined;
  }
}

/** Node says `false` without SNI, which its types leave out. */
function servernameOf(socket: tls.TLSSocket): string | undefined {
  const { servername } = socket as { servername?: string | false | null };
  return servername || undefined;
}
