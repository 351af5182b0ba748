/** Where a data connection is to come about: a passive listener of our own, or an address to dial. */
import { connect, createServer, type Server, type Socket } from 'node:net';
import type { Reply } from './dialect.js';

export interface Endpoint {
  readonly passive: boolean;
  readonly host: string;
  readonly port: number;
  /** Reason to refuse a transfer before anything is connected. */
  readonly foreign: boolean;
  /** The TCP connection. Rejects with `NoData` when none comes about. */
  open(): Promise<Socket>;
  /** Gives up: the listener closes, a pending `open` rejects, an unused connection ends. */
  close(): void;
}

/** No data connection, and the reply that says so where it is a special one. */
export class NoData extends Error {
  readonly reply: Reply | undefined;

  constructor(reply?: Reply) {
    super('no data connection');
    this.reply = reply;
  }
}

export interface ListenSettings {
  readonly host: string;
  readonly acceptTimeoutMs: number;
  /** The reply for a peer that may not connect, or undefined for one that may. */
  judge(address: string): Reply | undefined;
}

/** RFC 959 PASV: listens on a free port; the first connection is the one, and the listener closes with it. */
export function listen(settings: ListenSettings): Promise<Endpoint> {
  const server = createServer({ pauseOnConnect: true });
  const first = deferredSocket();
  server.once('connection', (socket) => {
    server.close();
    socket.on('error', () => {});
    const refusal = settings.judge(socket.remoteAddress ?? '');
    if (refusal === undefined) return first.settle(socket);
    socket.destroy();
    first.fail(new NoData(refusal));
  });
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, settings.host, () => resolve(passiveEndpoint(server, settings, first)));
  });
}

interface Deferred {
  readonly promise: Promise<Socket>;
  settle(socket: Socket): void;
  fail(error: Error): void;
}

function deferredSocket(): Deferred {
  let settle: (socket: Socket) => void = () => {};
  let fail: (error: Error) => void = () => {};
  const promise = new Promise<Socket>((resolve, reject) => {
    settle = resolve;
    fail = reject;
  });
  promise.catch(() => {});
  return { promise, settle, fail };
}

function passiveEndpoint(server: Server, settings: ListenSettings, first: Deferred): Endpoint {
  const address = server.address();
  const port = address !== null && typeof address === 'object' ? address.port : 0;
  let opened = false;
  let timer: NodeJS.Timeout | undefined;
  const close = (): void => {
    clearTimeout(timer);
    server.close();
    first.fail(new NoData());
    if (!opened) first.promise.then((socket) => socket.destroy()).catch(() => {});
  };
  const open = async (): Promise<Socket> => {
    opened = true;
    timer = setTimeout(close, settings.acceptTimeoutMs);
    const socket = await first.promise;
    clearTimeout(timer);
    return socket;
  };
  return { passive: true, host: settings.host, port, foreign: false, open, close };
}

export interface DialSettings {
  readonly host: string;
  readonly port: number;
  readonly from: string;
  readonly foreign: boolean;
}

/** RFC 959 PORT: an address to connect to when the transfer begins. */
export function dial(settings: DialSettings): Endpoint {
  let socket: Socket | undefined;
  const open = (): Promise<Socket> =>
    new Promise((resolve, reject) => {
      const { host, port, from } = settings;
      const made = connect({ host, port, localAddress: from });
      socket = made;
      made.on('error', () => {});
      made.once('close', () => reject(new NoData()));
      made.once('connect', () => {
        made.removeAllListeners('close');
        socket = undefined;
        resolve(made);
      });
    });
  return { ...settings, passive: false, open, close: () => socket?.destroy() };
}
