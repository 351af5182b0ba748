import type net from 'node:net';
import type tls from 'node:tls';
import { getSystemErrorName } from 'node:util';

/** How a TLS connection ended: not yet, by the peer's close_notify, or without one (RFC 8446 6.1). */
export type TlsEnd = 'open' | 'notified' | 'cut';

/** The part of Node's sockets that tells one end of a stream from another. */
interface Handle {
  reading?: boolean;
  readStart(): number;
}

function handleOf(socket: net.Socket): Handle | undefined {
  const handle = (socket as { _handle?: Partial<Handle> | null })._handle;
  return typeof handle?.readStart === 'function' ? (handle as Handle) : undefined;
}

/** Calls `onEnd` when Node is about to push the end of the stream; the end is pushed when it returns true. */
function beforeEnd(socket: net.Socket, onEnd: () => boolean): void {
  const push = socket.push.bind(socket);
  socket.push = (chunk: unknown, encoding?: BufferEncoding): boolean =>
    chunk === null && !onEnd() ? false : push(chunk, encoding);
}

/**
 * Node reports close_notify and a cut connection by the same 'end'. They differ in the TCP connection below at the very moment
 * when the end is pushed: the system's end of stream stops reading there, while after close_notify it goes on (or had been
 * stopped by us, and then nothing but what was read before can have ended it).
 *
 * @returns how it ended so far; `cut` where this Node does not let us see it.
 */
export function watchTlsEnd(socket: tls.TLSSocket, raw: net.Socket): () => TlsEnd {
  let ended: TlsEnd = 'open';
  const below = handleOf(raw);
  beforeEnd(socket, () => {
    if (ended === 'open') ended = below && stillReading(below) ? 'notified' : 'cut';
    return true;
  });
  return () => ended;
}

function stillReading(handle: Handle): boolean {
  if (handle.reading === false) return true;
  const status = handle.readStart();
  return status < 0 && getSystemErrorName(status) === 'EALREADY';
}

/**
 * libuv takes a reset behind a partial read for the end of the stream (POLLHUP), and half a file would count as whole. A
 * connection that was only ended by the peer still has a peer; one that was reset has none.
 */
export function wasReset(socket: net.Socket): boolean {
  const handle = (socket as { _handle?: { getpeername?(into: object): number } | null })._handle;
  return handle?.getpeername !== undefined && handle.getpeername({}) !== 0;
}
