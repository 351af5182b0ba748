import net from 'node:net';
import type { Duplex, Readable, Writable } from 'node:stream';
import { Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { plainAddress } from '../protocol/addresses.js';
import { FtpError } from '../protocol/errors.js';
import { withDeadline } from './deadline.js';

/** Octets per read and in flight per direction. */
export const DATA_BUFFER = 1024 * 1024;

/** A listener for one data connection in active mode (PORT, EPRT). */
export interface ActiveListener {
  host: string;
  port: number;
  /** The server's connection, also where it came before this was asked for (pyftpdlib and Globus connect at PORT). */
  accept(timeout: number, signal?: AbortSignal): Promise<net.Socket>;
  close(): void;
}

/**
 * Listen on the local end of the control connection, port chosen by the system, until the server connects.
 *
 * @param peer address of the server: connections of others are dropped and the wait goes on (RFC 2577 8).
 */
export async function listenActive(localAddress: string, peer: string): Promise<ActiveListener> {
  const server = net.createServer({ noDelay: true, pauseOnConnect: true });
  let arrived: net.Socket | undefined;
  let stranger: string | undefined;
  server.on('connection', (socket) => {
    socket.on('error', () => {});
    const from = plainAddress(socket.remoteAddress ?? '');
    if (from === peer && !arrived) {
      arrived = socket;
      server.emit('arrived');
      return;
    }
    if (from !== peer) stranger = from;
    socket.destroy();
  });
  const address = await new Promise<net.AddressInfo>((resolve, reject) => {
    server.once('error', reject);
    server.listen({ host: localAddress, port: 0 }, () => resolve(server.address() as net.AddressInfo));
  });
  let taken = false;
  return {
    host: plainAddress(address.address),
    port: address.port,
    close: () => {
      server.close();
      if (!taken) arrived?.destroy();
    },
    accept: (timeout, signal) =>
      withDeadline<net.Socket>({ timeout, signal, what: 'waiting for the server to connect' }, (resolve) => {
        const take = (): void => {
          taken = true;
          resolve(arrived!);
        };
        if (arrived) take();
        else server.once('arrived', take);
        return () => server.removeListener('arrived', take);
      }).catch((error: FtpError) => {
        throw stranger === undefined ? error : turnedAway(error, stranger, peer);
      }),
  };
}

function turnedAway({ kind, message, facts }: FtpError, stranger: string, peer: string): FtpError {
  return new FtpError(kind, `${message}; ${stranger} connected instead of ${peer} and was turned away`, {
    ...facts,
    advice: 'The server dials from another address than its own: use passive mode for this site.',
  });
}

export interface PumpOptions {
  onBytes?: ((bytes: number) => void) | undefined;
  /** Octets per second; absent = as fast as it goes. */
  rate?: RateLimiter | undefined;
  signal?: AbortSignal | undefined;
  /** Milliseconds without an octet after which it is given up. */
  stallTimeout: number;
  /** Names both ends in messages. */
  what: string;
}

/** Shared budget of octets per second; `take` resolves when they may pass. */
export interface RateLimiter {
  take(bytes: number): Promise<void>;
}

/** A token bucket without bursts beyond a tenth of a second. */
export function rateLimiter(bytesPerSecond: number): RateLimiter {
  let free = Date.now();
  return {
    take(bytes) {
      const now = Date.now();
      free = Math.max(free, now - 100) + (bytes / bytesPerSecond) * 1000;
      const wait = free - now;
      return wait <= 0 ? Promise.resolve() : new Promise((resolve) => setTimeout(resolve, wait));
    },
  };
}

/**
 * Move octets from one stream to the other with back-pressure, until the source ends; both are closed.
 *
 * @returns octets moved. @throws FtpError `timeout` without progress, `closed` when an end breaks, `aborted`.
 */
export async function pump(
  source: Readable | Duplex,
  sink: Writable | Duplex,
  options: PumpOptions,
): Promise<number> {
  let moved = 0;
  const stall = new AbortController();
  const late = (): void => {
    const message = `${options.what}: no octet for ${options.stallTimeout / 1000} s`;
    stall.abort(new FtpError('timeout', message, { retry: 'later', phase: 'transfer' }));
  };
  let timer = setTimeout(late, options.stallTimeout);
  const meter = new Transform({
    readableHighWaterMark: DATA_BUFFER,
    writableHighWaterMark: DATA_BUFFER,
    transform(chunk: Buffer, _encoding, done) {
      moved += chunk.length;
      clearTimeout(timer);
      timer = setTimeout(late, options.stallTimeout);
      options.onBytes?.(chunk.length);
      if (!options.rate) done(null, chunk);
      else options.rate.take(chunk.length).then(() => done(null, chunk), done);
    },
  });
  const signal = options.signal ? AbortSignal.any([options.signal, stall.signal]) : stall.signal;
  try {
    await pipeline(source, meter, sink, { signal });
    return moved;
  } catch (error) {
    if (stall.signal.aborted) throw stall.signal.reason;
    if (options.signal?.aborted) throw new FtpError('aborted', 'stopped by the caller');
    throw broken(error, options.what);
  } finally {
    clearTimeout(timer);
  }
}

function broken(error: unknown, what: string): FtpError {
  // A stream of the caller may say exactly what is wrong.
  if (error instanceof FtpError) return error;
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  const text = code || (error instanceof Error ? error.message : String(error));
  if (code === 'ENOSPC' || code === 'EDQUOT') {
    return new FtpError('local', `${what}: the disk is full (${code})`, {
      retry: 'never',
      cause: error,
      advice: 'Free some space and run the same command again.',
    });
  }
  const local = error instanceof Error && 'syscall' in error && 'path' in error;
  if (local) return new FtpError('local', `${what}: ${text}`, { retry: 'never', cause: error });
  return new FtpError('closed', `${what}: the data connection broke: ${text}`, {
    retry: 'later',
    cause: error,
  });
}
