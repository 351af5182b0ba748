/** What every FTP client program under test can be asked to do, and how its program is run. */
import { spawn } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { SYSTEM_PYTHON } from '../peers/programs.js';

export type TlsUse = 'none' | 'explicit' | 'implicit';
export type DataMode = 'active' | 'passive';

/** How the control connection is protected (the data then too), and who opens the data connections. */
export interface Way {
  readonly tls: TlsUse;
  readonly mode: DataMode;
}

/** All combinations. */
export const everyWay = (tls: readonly TlsUse[], modes: readonly DataMode[]): Way[] =>
  tls.flatMap((one) => modes.map((mode) => ({ tls: one, mode })));

/** One server as a client is to use it. */
export interface Target extends Way {
  readonly host: string;
  /** Control port, the one for `tls`. */
  readonly port: number;
  readonly user: string;
  readonly password: string;
  /** PEM file of the authority that signed the server's certificate, which is checked where the client can. */
  readonly caFile: string;
  /** Folder of this client alone: HOME, configuration, state. */
  readonly home: string;
}

/**
 * A client. Remote paths are absolute, local ones too. Each call is a run of its own: connect, log in, act, leave. A call
 * rejects when the program says that it failed. What is absent the program cannot do.
 */
export interface ClientDriver {
  readonly name: ClientName;
  readonly ways: readonly Way[];
  upload?(target: Target, local: string, remote: string): Promise<void>;
  /** Under TLS it closes the connection of an empty file without close_notify, so that the server has to refuse the file. */
  readonly cutsEmptyFiles?: true;
  download(target: Target, remote: string, local: string): Promise<void>;
  /** Sends what the remote file lacks of the local one. */
  resumeUpload?(target: Target, local: string, remote: string): Promise<void>;
  /** Fetches what the local file lacks of the remote one. */
  resumeDownload?(target: Target, remote: string, local: string): Promise<void>;
  /** Names in a directory. */
  list(target: Target, folder: string): Promise<string[]>;
  rename?(target: Target, from: string, to: string): Promise<void>;
  remove?(target: Target, path: string): Promise<void>;
  makeDirectory?(target: Target, path: string): Promise<void>;
  removeDirectory?(target: Target, path: string): Promise<void>;
  /** Modification time in milliseconds since 1970 UTC. */
  modified?(target: Target, path: string): Promise<number>;
  setModified?(target: Target, path: string, at: number): Promise<void>;
}

/** The program of each client; the libraries need none. */
const PROGRAMS = {
  curl: '/usr/bin/curl',
  lftp: '/usr/bin/lftp',
  ncftp: '/usr/bin/ncftp',
  ncftpls: '/usr/bin/ncftpls',
  tnftp: '/usr/bin/tnftp',
  wget: '/usr/bin/wget',
  rclone: '/usr/bin/rclone',
  nmap: '/usr/bin/nmap',
  testssl: '/usr/bin/testssl',
  ftplib: SYSTEM_PYTHON,
} as const;

type ProgramName = keyof typeof PROGRAMS;
export type ClientName = Exclude<ProgramName, 'ncftpls' | 'nmap' | 'testssl'> | 'basic-ftp' | 'jackstay';

/**
 * Why a client or scanner cannot be had on this machine, or undefined when it can: for `describe.skipIf(reason)` with the
 * reason in the title. Throws instead when CI=true, so that nothing is skipped there unseen.
 */
export function requireClient(name: ClientName | ProgramName): string | undefined {
  if (name === 'basic-ftp' || name === 'jackstay') return undefined;
  try {
    accessSync(PROGRAMS[name], constants.X_OK);
    return undefined;
  } catch {
    const reason = `${name} is not installed: run scripts/setup-peers.sh`;
    if (process.env.CI === 'true') throw new Error(reason);
    return reason;
  }
}

export interface RunOptions {
  /** Standard input. */
  readonly input?: string;
  /** Folder that is HOME. */
  readonly home: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Killed after this long [30000]. */
  readonly limitMs?: number;
}

/** What a program said and how it ended; `status` is null when a signal ended it. */
export interface Ran {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a client or scanner to its end, whatever that is. */
export function runAny(name: ProgramName, args: readonly string[], options: RunOptions): Promise<Ran> {
  const { input = '', home, env, limitMs = 30_000 } = options;
  return new Promise((resolve, reject) => {
    const child = spawn(PROGRAMS[name], args, {
      cwd: home,
      env: { PATH: '/usr/bin:/bin', LANG: 'C.UTF-8', LC_ALL: 'C.UTF-8', TZ: 'UTC', HOME: home, ...env },
      timeout: limitMs,
      killSignal: 'SIGKILL',
    });
    const [stdout, stderr]: [Buffer[], Buffer[]] = [[], []];
    child.stdout.on('data', (chunk: Buffer) => stdout.push(chunk));
    child.stderr.on('data', (chunk: Buffer) => stderr.push(chunk));
    child.once('error', reject);
    // A program that ends before it has read its input.
    child.stdin.on('error', () => {});
    child.stdin.end(input);
    const text = (chunks: Buffer[]): string => Buffer.concat(chunks).toString('utf8');
    child.once('close', (status) => resolve({ status, stdout: text(stdout), stderr: text(stderr) }));
  });
}

/** The same, for runs that must succeed: standard output. Rejects with all that the program said. */
export async function run(name: ProgramName, args: readonly string[], options: RunOptions): Promise<string> {
  const { status, stdout, stderr } = await runAny(name, args, options);
  if (status !== 0) throw new Error(`${name} ${args.join(' ')} ended with ${status}\n${stdout}\n${stderr}`);
  return stdout;
}

/** `/` and the names of a path, each escaped for a URL. */
export const urlPath = (path: string): string => path.split('/').map(encodeURIComponent).join('/');

/** Names in a listing in the manner of `ls -l`: what follows the eighth column. */
export function listedNames(listing: string): string[] {
  return listing
    .split(/\r?\n/)
    .map((line) => /^(?:\S+\s+){8}(.*)$/.exec(line)?.[1] ?? '')
    .filter((name) => !['', '.', '..'].includes(name));
}

/** `20261122T...` forms: the time-val of RFC 3659 2.3, whole seconds. */
export function timeValue(at: number): string {
  return new Date(at).toISOString().slice(0, 19).replace(/[-T:]/g, '');
}

/** The time in a reply such as `213 20261122154400`. Throws where there is none. */
export function parseTimeValue(text: string): number {
  const found = /(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)/.exec(text);
  if (found === null) throw new Error(`no time in: ${text}`);
  const [year = 0, month = 1, ...rest] = found.slice(1).map(Number);
  return Date.UTC(year, month - 1, ...rest);
}
