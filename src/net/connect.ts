import net from 'node:net';
import { FtpError } from '../protocol/errors.js';
import { withDeadline } from './deadline.js';

export interface ConnectOptions {
  host: string;
  port: number;
  localAddress?: string | undefined;
  /** Milliseconds. */
  timeout: number;
  signal?: AbortSignal | undefined;
}

const ADVICE: Record<string, string> = {
  ECONNREFUSED: 'Nothing listens there: check host and port, and that the server runs.',
  ENOTFOUND: 'The name does not resolve: check the host name and DNS.',
  EAI_AGAIN: 'DNS does not answer: check the network.',
  EHOSTUNREACH: 'There is no route to that host: check the network and the firewall.',
  ENETUNREACH: 'There is no route to that network: check the network and the address family.',
  ETIMEDOUT: 'The host does not answer: check the address and the firewall.',
  ECONNRESET: 'The connection was cut while it was made: a firewall or a connection limit may be the cause.',
};

function codeOf(error: unknown): string {
  if (error instanceof AggregateError) return codeOf(error.errors[0]);
  return error instanceof Error && 'code' in error ? String(error.code) : '';
}

/**
 * Open a TCP connection with keep-alive (30 s) and without Nagle.
 *
 * @throws FtpError `unreachable`, `timeout`, `aborted`.
 */
export function connectTcp(options: ConnectOptions): Promise<net.Socket> {
  const { host, port } = options;
  const what = `connecting to ${host} port ${port}`;
  return withDeadline<net.Socket>({ ...options, what }, (resolve, reject) => {
    let connected = false;
    const socket = net.connect({
      host,
      port,
      noDelay: true,
      keepAlive: true,
      keepAliveInitialDelay: 30_000,
      allowHalfOpen: false,
      ...(options.localAddress === undefined ? {} : { localAddress: options.localAddress }),
    });
    const onError = (error: Error): void => {
      const code = codeOf(error);
      const advice = ADVICE[code];
      reject(
        new FtpError('unreachable', `${what} failed: ${code || error.message}`, {
          retry: 'later',
          cause: error,
          ...(advice === undefined ? {} : { advice }),
        }),
      );
    };
    socket.once('error', onError);
    socket.once('connect', () => {
      connected = true;
      socket.removeListener('error', onError);
      resolve(socket);
    });
    return () => {
      if (connected) return;
      socket.on('error', () => {});
      socket.destroy();
    };
  });
}
