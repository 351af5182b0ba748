import type net from 'node:net';
import type { Course } from './course.js';
import { asFailure, Failure } from './failure.js';
import type { Arrival } from './gate.js';
import { type Credentials, prove, type Secured } from './secure.js';
import type { DataPeer, TransferOrder } from './types.js';

/** Milliseconds that the peer's close_notify is waited for after ours. */
const LINGER = 2000;
/** Milliseconds in which a pinned key must be proven: strangers may hold up the port no longer. */
const PROOF = 5000;

/** A connection ready for octets. */
export interface Link extends Arrival {
  raw: net.Socket;
  peer: DataPeer;
  secured?: Secured | undefined;
}

/** A connection before its handshake. */
export function rawLink(arrival: Arrival): Link {
  const { socket: raw, address } = arrival;
  raw.on('error', () => {});
  return { ...arrival, raw, peer: { address, port: raw.remotePort ?? 0 } };
}

/** What a handshake is part of. */
export interface LinkParts {
  order: Pick<TransferOrder<unknown, unknown>, 'tls' | 'direction' | 'timeouts'>;
  credentials(): Credentials | undefined;
  course: Course;
  /** When the connection was begun to be made, `performance.now()`. */
  asked: number;
}

/** The handshake that the order asks for. @throws Failure; under pins the connection is gone then. */
export async function secureLink(
  link: Link,
  { order, credentials, course, asked }: LinkParts,
): Promise<Link> {
  const { tls, direction, timeouts } = order;
  const { raw, foreign, peer } = link;
  if (!tls) return link;
  const keys = credentials();
  if (!keys) throw new Failure('handshake', 'NO_CERTIFICATE', 'this server has no certificate');
  const left =
    timeouts.proof === undefined ? Number.POSITIVE_INFINITY : asked + timeouts.proof - performance.now();
  const timeout = Math.max(1, Math.min(timeouts.handshake, left, tls.pins ? PROOF : left));
  const secured = await prove(course, raw, keys, { tls, foreign, direction, timeout }).catch(
    (error: unknown) => {
      if (tls.pins) raw.destroy();
      throw asFailure('handshake', error);
    },
  );
  return { ...link, socket: secured.socket, secured, peer: { ...peer, tls: secured.facts } };
}

/** Our close_notify is on its way; the peer's is read before the connection goes, or it would be answered with RST. */
export function linger(socket: net.Socket, { ended }: Secured, leaving: Set<net.Socket>): void {
  if (!socket.writableEnded) socket.end();
  if (ended() !== 'open') {
    socket.destroySoon();
    return;
  }
  leaving.add(socket);
  const timer = setTimeout(() => socket.destroy(), LINGER);
  socket.once('end', () => socket.destroySoon());
  socket.once('close', () => {
    clearTimeout(timer);
    leaving.delete(socket);
  });
  socket.resume();
}
