import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { FtpError } from '../../protocol/errors.js';
import type { ListenAddress } from '../../server/options.js';
import type { Io } from '../io.js';
import { type Certificate, certificateFor } from './certificate.js';
import { CONFIG_NAME, loadConfig, parseConfig, type ServeConfig } from './config.js';
import type { Target } from './privileges.js';
import { readAddress } from './schema.js';

/** One user in memory, to try the server out. */
export interface QuickUser {
  name: string;
  password: string;
  /** Absolute. */
  home: string;
}

/** What the flags of `jackstay serve` ask for beside the configuration. */
export interface Request {
  config?: string | undefined;
  listen?: ListenAddress[] | undefined;
  quick?: QuickUser | undefined;
  allowRoot: boolean;
  /** The log is JSON wherever it goes. */
  json: boolean;
}

/** All that a serving process works with: plain data, for it crosses processes. */
export interface Start {
  config: ServeConfig;
  certificate: Certificate;
  quick: QuickUser | undefined;
  /** The log is JSON wherever it goes. */
  json: boolean;
  /** The user to become; undefined = stay who one is. */
  target: Target | undefined;
}

/** The configuration with what the flags change. @throws FtpError as `loadConfig`. */
export async function configFor(request: Request, io: Pick<Io, 'dirs'>): Promise<ServeConfig> {
  const { quick, listen, allowRoot } = request;
  const config = quick
    ? { ...(await parseConfig('', join(io.dirs.config, CONFIG_NAME))), file: undefined }
    : await loadConfig(request.config, io);
  return {
    ...config,
    ...(quick && { processes: 1, threads: 1, listen: [{ host: '127.0.0.1', port: 2121 }] }),
    ...(listen && { listen: [...listen, ...config.listen.filter(({ implicitTls }) => implicitTls)] }),
    ...(allowRoot && { allowRoot }),
  };
}

/** Everything that is needed to serve, read and checked. @throws FtpError that says what is wrong. */
export async function startFor(
  request: Request,
  io: Pick<Io, 'dirs' | 'env'>,
  target: Target | undefined,
): Promise<Start> {
  const config = await configFor(request, io);
  const certificate = await certificateFor(config, io);
  return { config, certificate, quick: request.quick, json: request.json, target };
}

/** An address on the command line. @throws FtpError `usage`. */
export function listenAddress(text: string): ListenAddress {
  const address = readAddress(text);
  if (address) return address;
  throw new FtpError('usage', `--listen ${text} is not an address to listen on`, {
    advice: 'Write ADDRESS:PORT, for example 0.0.0.0:2121 or [::]:2121.',
  });
}

/** How many processes serve. */
export function processesOf({ processes }: ServeConfig): number {
  return processes === 'auto' ? availableParallelism() : processes;
}
