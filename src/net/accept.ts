import net from 'node:net';
import { ServedControl } from './server-control.js';

/** Where control connections are accepted. */
export interface ListenControl {
  /** Literal address; `::` takes IPv4 as well unless `ipv6Only`. */
  host: string;
  /** 0 = chosen by the system. */
  port: number;
  /** Connections that may wait to be accepted [1024]. */
  backlog?: number | undefined;
  ipv6Only?: boolean | undefined;
  /** An accept that failed (too many open files): the listener goes on. */
  onError?: ((error: Error) => void) | undefined;
}

/** A listener of control connections. */
export interface ControlListener {
  readonly host: string;
  /** As given by the system. */
  readonly port: number;
  /** Accept no more; connections that were accepted go on. */
  close(): void;
}

/** Seconds of silence after which the system asks whether the client is still there. */
const KEEP_ALIVE = 30;

/**
 * Listen for control connections (RFC 959 5.2).
 *
 * @param onConnection called as each comes in; nothing is read until it is attached or ended.
 * @returns once connections are accepted.
 * @throws Error of the system with its code: EADDRINUSE, EACCES, EADDRNOTAVAIL.
 */
export function listenControl(
  options: ListenControl,
  onConnection: (control: ServedControl) => void,
): Promise<ControlListener> {
  const { host, port, backlog = 1024, ipv6Only = false, onError } = options;
  const server = net.createServer(
    {
      // Replies to commands that came before the client's FIN are still sent.
      allowHalfOpen: true,
      // Nothing is read before it is known who reads it.
      pauseOnConnect: true,
      noDelay: true,
      keepAlive: true,
      keepAliveInitialDelay: KEEP_ALIVE * 1000,
    },
    (socket) => {
      const control = ServedControl.accept(socket);
      if (control) onConnection(control);
    },
  );
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen({ host, port, backlog, ipv6Only }, () => {
      server.removeAllListeners('error');
      server.on('error', (error) => onError?.(error));
      const { address, port: given } = server.address() as net.AddressInfo;
      resolve({ host: address, port: given, close: () => void server.close() });
    });
  });
}
