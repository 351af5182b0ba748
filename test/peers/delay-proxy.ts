/**
 * Distance between a client and a server, for control connections: every byte arrives a fixed time later, in
 * order, at full throughput. Data connections do not pass here, as in a real server-to-server transfer.
 */
import { connect, createServer, type Socket } from 'node:net';

export interface DelayProxyOptions {
  /** The server's control port. */
  readonly target: { readonly host: string; readonly port: number };
  /** Delay of each direction in milliseconds; a round trip takes twice as long. */
  readonly delayMs: number;
  /**
   * Address to listen on; default: the target's own, so that addresses in PASV replies still equal the one
   * that the client is connected to.
   */
  readonly host?: string;
}

export interface DelayProxy {
  readonly host: string;
  readonly port: number;
  /** Control connections taken so far. */
  connections(): number;
  stop(): Promise<void>;
}

/** The server sees its clients here, as it would without the proxy. */
const CLIENT_ADDRESS = '127.0.0.1';

/** Hands what comes from one socket to the other, late. One queue, so nothing can overtake. */
function carry(from: Socket, to: Socket, delayMs: number): void {
  const queue: (() => void)[] = [];
  const later = (action: () => void): void => {
    queue.push(action);
    setTimeout(() => queue.shift()?.(), delayMs);
  };
  from.on('data', (chunk) => later(() => to.write(chunk)));
  from.on('end', () => later(() => to.end()));
  from.on('error', () => later(() => to.destroy()));
  from.on('close', () => later(() => to.destroy()));
}

/** Starts a proxy on a port chosen by the system. */
export async function startDelayProxy(options: DelayProxyOptions): Promise<DelayProxy> {
  const { target, delayMs, host = target.host } = options;
  const sockets = new Set<Socket>();
  let taken = 0;
  const track = (socket: Socket): Socket => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
    return socket.setNoDelay(true);
  };
  const server = createServer({ allowHalfOpen: true, noDelay: true }, (near) => {
    taken += 1;
    const far = connect({
      host: target.host,
      port: target.port,
      localAddress: CLIENT_ADDRESS,
      allowHalfOpen: true,
    });
    carry(track(near), track(far), delayMs);
    carry(far, near, delayMs);
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, host, resolve);
  });
  const address = server.address();
  const port = address !== null && typeof address === 'object' ? address.port : 0;
  const stop = async (): Promise<void> => {
    const closed = new Promise<void>((resolve) => server.close(() => resolve()));
    for (const socket of sockets) socket.destroy();
    await closed;
  };
  return { host, port, connections: () => taken, stop };
}
