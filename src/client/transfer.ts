import type { Readable, Writable } from 'node:stream';
import { pump, type RateLimiter } from '../net/data.js';
import { type FtpError, toFtpError } from '../protocol/errors.js';
import type { Connection, TrafficMeter } from './connection.js';
import { openData } from './data.js';

export interface StreamOptions {
  /** Octets to skip (RETR) or already there (STOR): sent as REST. */
  offset?: number | undefined;
  meter?: TrafficMeter | undefined;
  onBytes?: ((bytes: number) => void) | undefined;
  rate?: RateLimiter | undefined;
  signal?: AbortSignal | undefined;
  /** Milliseconds without progress [30000]. */
  stallTimeout?: number | undefined;
  /** Use APPE, for servers whose STOR ignores REST. */
  append?: boolean | undefined;
}

/** What a data connection with this client reached. */
export interface StreamResult {
  bytes: number;
  verified: boolean;
  protected: boolean;
}

const counting =
  ({ meter, onBytes }: StreamOptions) =>
  (bytes: number): void => {
    if (meter) meter.files += bytes;
    onBytes?.(bytes);
  };

/** RETR into a stream, which is ended. @throws FtpError; the session stays usable or is ended. */
export async function retrieve(
  connection: Connection,
  path: string,
  sink: Writable,
  options: StreamOptions = {},
): Promise<StreamResult> {
  const { offset, signal } = options;
  const data = await openData(connection, { verb: 'RETR', argument: path, offset, signal });
  const what = `${connection.session.name}: RETR ${path}`;
  return finishing(connection, data, () =>
    pump(data.input, sink, {
      ...options,
      onBytes: counting(options),
      stallTimeout: options.stallTimeout ?? 30_000,
      what,
    }),
  );
}

/** STOR or APPE from a stream. @throws FtpError; what was sent so far stays at the server. */
export async function store(
  connection: Connection,
  path: string,
  source: Readable,
  options: StreamOptions = {},
): Promise<StreamResult> {
  const { offset, signal, append } = options;
  const request = append
    ? { verb: 'APPE' as const, argument: path, signal }
    : { verb: 'STOR' as const, argument: path, offset, signal };
  const data = await openData(connection, request);
  const what = `${connection.session.name}: STOR ${path}`;
  return finishing(connection, data, () =>
    pump(source, data.output, {
      ...options,
      onBytes: counting(options),
      stallTimeout: options.stallTimeout ?? 30_000,
      what,
    }),
  );
}

type Data = Awaited<ReturnType<typeof openData>>;

async function finishing(
  connection: Connection,
  data: Data,
  run: () => Promise<number>,
): Promise<StreamResult> {
  try {
    const bytes = await run().catch((error: unknown) => giveUp(connection, data, error));
    await data.finish();
    return { bytes, verified: data.verified, protected: data.protected };
  } catch (error) {
    // ProFTPD 1.3.8 takes no STOR under MODE Z: whatever failed under it is done without it from now on.
    if (connection.state.mode === 'Z') connection.facts.missing.add('MODE Z');
    throw error;
  }
}

async function giveUp({ session }: Connection, data: Data, error: unknown): Promise<never> {
  const failure = session.fault(error);
  const words = await lastWords(data);
  throw (failure.kind === 'closed' && words) || failure;
}

/** Milliseconds a server is given to say why its data connection broke. */
const LAST_WORDS = 500;

/** The server's own words (452 disk full, 550) say more than a broken socket. A server that says nothing is stopped. */
export async function lastWords(data: Data): Promise<FtpError | undefined> {
  let timer: NodeJS.Timeout | undefined;
  const silence = new Promise<'silent'>((resolve) => {
    timer = setTimeout(() => resolve('silent'), LAST_WORDS);
  });
  try {
    if ((await Promise.race([data.finish(), silence])) === 'silent') await data.cancel();
    return undefined;
  } catch (error) {
    return toFtpError(error);
  } finally {
    clearTimeout(timer);
  }
}

/** RETR here piped into STOR there: the data crosses this client. */
export async function relay(
  source: { connection: Connection; path: string },
  destination: { connection: Connection; path: string },
  options: StreamOptions = {},
): Promise<StreamResult> {
  const { offset, signal } = options;
  const from = await openData(source.connection, { verb: 'RETR', argument: source.path, offset, signal });
  let to: Data;
  try {
    to = await openData(destination.connection, { verb: 'STOR', argument: destination.path, offset, signal });
  } catch (error) {
    await from.cancel();
    throw error;
  }
  const what = `relay ${source.connection.session.name} -> ${destination.connection.session.name}`;
  try {
    const bytes = await pump(from.input, to.output, {
      ...options,
      onBytes: counting(options),
      stallTimeout: options.stallTimeout ?? 30_000,
      what,
    });
    await Promise.all([from.finish(), to.finish()]);
    return { bytes, verified: from.verified && to.verified, protected: from.protected && to.protected };
  } catch (error) {
    const failure = toFtpError(error);
    const words = await Promise.all([lastWords(to), lastWords(from)]);
    const refusals = words.filter((word) => word?.kind === 'refused');
    // 426 is only the echo of the other side's failure.
    const reason = refusals.find((word) => word?.facts.reply?.code !== 426) ?? refusals[0];
    throw (failure.kind === 'closed' && reason) || failure;
  }
}
