import type net from 'node:net';
import { nextTick } from 'node:process';
import { plainAddress } from '../protocol/addresses.js';
import { FtpError } from '../protocol/errors.js';
import { type ConnectOptions, connectTcp } from './connect.js';
import { startTls, type TlsOptions, type TlsPeer } from './tls.js';

export interface ControlHandlers {
  onData(chunk: Buffer): void;
  /** Called once, when the connection is over; the error says how. */
  onClose(error: FtpError): void;
}

/** Octets of one control connection, clear or TLS. Writes of one turn leave as one segment. */
export class ControlSocket {
  #socket: net.Socket;
  readonly #handlers: ControlHandlers;
  #pending: Buffer[] = [];
  #cause: FtpError | undefined;
  #closed = false;
  #detach: () => void = () => {};
  /** The server's address, IPv4-mapped forms reduced. */
  readonly peerAddress: string;
  readonly localAddress: string;

  private constructor(socket: net.Socket, handlers: ControlHandlers) {
    this.#socket = socket;
    this.#handlers = handlers;
    this.peerAddress = plainAddress(socket.remoteAddress ?? '');
    this.localAddress = plainAddress(socket.localAddress ?? '');
    this.#attach();
  }

  static async open(options: ConnectOptions, handlers: ControlHandlers): Promise<ControlSocket> {
    return new ControlSocket(await connectTcp(options), handlers);
  }

  #attach(): void {
    const socket = this.#socket;
    const onData = (chunk: Buffer): void => this.#handlers.onData(chunk);
    const onError = (error: Error): void => {
      const code = 'code' in error ? String(error.code) : '';
      this.#cause ??= new FtpError('closed', `the control connection broke: ${code || error.message}`, {
        retry: 'later',
        cause: error,
      });
    };
    const onClose = (): void => this.#ended();
    socket.on('data', onData);
    socket.on('error', onError);
    socket.on('close', onClose);
    this.#detach = () => {
      socket.removeListener('data', onData);
      socket.removeListener('error', onError);
      socket.removeListener('close', onClose);
    };
  }

  #ended(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#handlers.onClose(
      this.#cause ?? new FtpError('closed', 'the server closed the control connection', { retry: 'later' }),
    );
  }

  /** Stop reading now: nothing may be taken as a reply between the 234 and the handshake (CVE-2021-22947). */
  hold(): void {
    this.#socket.pause();
    this.#socket.removeAllListeners('data');
  }

  /** Go over to TLS on the same connection. After `hold`, or from the start with implicit TLS. */
  async secure(options: TlsOptions): Promise<TlsPeer> {
    this.#detach();
    const plain = this.#socket;
    plain.on('error', () => {});
    const { socket, peer } = await startTls(plain, options).catch((error: unknown) => {
      plain.destroy();
      this.#closed = true;
      throw error;
    });
    this.#socket = socket;
    this.#attach();
    return peer;
  }

  write(octets: Buffer): void {
    if (this.#closed) return;
    this.#pending.push(octets);
    // Behind all that the answers at hand lead to, and not only behind the first step: one segment, one call.
    if (this.#pending.length === 1) nextTick(() => this.#flush());
  }

  #flush(): void {
    const octets = Buffer.concat(this.#pending);
    this.#pending = [];
    if (!this.#closed && this.#socket.writable) this.#socket.write(octets);
  }

  /** End at once. The first cause given is the one reported. */
  destroy(cause: FtpError): void {
    this.#cause ??= cause;
    this.#socket.destroy();
    this.#ended();
  }

  /** End politely: send what is pending, then FIN. The other side has `limit` milliseconds to end its own; nothing waits for that. */
  end(limit: number): void {
    this.#flush();
    const socket = this.#socket;
    socket.end();
    socket.unref();
    const timer = setTimeout(() => socket.destroy(), limit).unref();
    socket.once('close', () => clearTimeout(timer));
  }
}
