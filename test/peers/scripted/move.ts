/** The bytes of a transfer on their way, counted, and held where a test wants them held. */
import type { Socket } from 'node:net';
import { wasReset } from '../../../src/net/plane/ends.js';
import type { Hooks } from './options.js';
import type { Transfer } from './transfer.js';

/** How long a truncating source waits for the session ticket that makes its close destructive. */
const TICKET_WAIT_MS = 2_000;

const closed = (socket: Socket): Promise<void> =>
  new Promise((resolve) => (socket.closed ? resolve() : socket.once('close', () => resolve())));

function write(socket: Socket, chunk: Buffer): Promise<boolean> {
  return new Promise((resolve) => {
    socket.write(chunk, (error) => resolve(error === null || error === undefined));
  });
}

async function passGate(transfer: Transfer, hooks: Hooks): Promise<void> {
  const gate = hooks.gate?.(transfer);
  if (gate !== undefined) await Promise.race([gate, transfer.released]);
}

/** A trap that has taken over holds the transfer until it is aborted. */
async function passTrap(transfer: Transfer, socket: Socket, hooks: Hooks): Promise<void> {
  const half = (transfer.total ?? 0) / 2;
  if (transfer.moved < half || !hooks.trapData?.('data', transfer, socket)) return;
  await transfer.released;
}

/** Sends all chunks and waits until both sides have closed. True when the connection broke before. */
export async function send(
  socket: Socket,
  transfer: Transfer,
  hooks: Hooks,
  chunks: AsyncIterable<Buffer>,
): Promise<boolean> {
  let broken = false;
  socket.on('error', () => {
    broken = true;
  });
  // What the receiver sends is not looked at, but has to be read so that its end is noticed.
  socket.resume();
  if (/^(LIST|NLST|MLSD)$/.test(transfer.verb) && hooks.trapData?.('listing', transfer, socket)) {
    await transfer.released;
  }
  for await (const chunk of chunks) {
    await passGate(transfer, hooks);
    await passTrap(transfer, socket, hooks);
    if (!(await write(socket, chunk))) return true;
    transfer.count(chunk);
  }
  await passTrap(transfer, socket, hooks);
  const whole = closed(socket);
  socket.end();
  await whole;
  return broken;
}

/**
 * The close that loses data, made certain. A TLS 1.3 client that closes with unread session tickets resets the
 * connection, and the reset overtakes the last bytes. Here one half is sent, then the reset; the reply is still 226.
 */
export async function sendShort(
  socket: Socket,
  transfer: Transfer,
  hooks: Hooks,
  flow: { readonly total: number; readonly chunks: AsyncIterable<Buffer> },
): Promise<boolean> {
  const half = async function* (): AsyncGenerator<Buffer> {
    let left = Math.floor(flow.total / 2);
    for await (const chunk of flow.chunks) {
      if (left <= 0) return;
      yield chunk.subarray(0, left);
      left -= chunk.length;
    }
  };
  if (!(await ticketArrives(transfer))) return send(socket, transfer, hooks, flow.chunks);
  socket.on('error', () => {});
  for await (const chunk of half()) {
    await passGate(transfer, hooks);
    if (!(await write(socket, chunk))) return true;
    transfer.count(chunk);
  }
  const end = closed(socket);
  transfer.raw?.resetAndDestroy();
  socket.destroy();
  await end;
  return false;
}

function ticketArrives(transfer: Transfer): Promise<boolean> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => resolve(false), TICKET_WAIT_MS);
    transfer.ticket?.then(() => {
      clearTimeout(timer);
      resolve(true);
    });
  });
}

/** Takes what comes until the end of the stream. True when the connection broke. */
export function receive(
  socket: Socket,
  transfer: Transfer,
  hooks: Hooks,
  take: (chunk: Buffer) => Promise<void>,
): Promise<boolean> {
  let broken = false;
  let work = Promise.resolve();
  const one = async (chunk: Buffer): Promise<void> => {
    await passGate(transfer, hooks);
    await take(chunk);
    transfer.count(chunk);
    await passTrap(transfer, socket, hooks);
  };
  return new Promise((resolve) => {
    socket.on('data', (chunk: Buffer) => {
      socket.pause();
      work = work.then(() => one(chunk)).then(() => void socket.resume());
    });
    socket.on('error', () => {
      broken = true;
    });
    socket.on('end', () => {
      // A reset behind the last octets reaches Node as the end of the stream.
      if (transfer.raw && wasReset(transfer.raw)) broken = true;
      socket.end();
    });
    socket.on('close', () => work.then(() => resolve(broken)));
    // A passive connection comes in paused, so that TLS may be laid over it.
    socket.resume();
  });
}
