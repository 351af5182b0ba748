/** The clients that are compared: how each copies one remote folder to another, server to server. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { REPOSITORY } from './harness.js';

/** One server as a client sees it. */
export interface Site {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly password: string;
}

export interface CopyTask {
  readonly source: Site;
  readonly sink: Site;
  /** Paths of the two folders on their servers; the second does not exist yet. */
  readonly from: string;
  readonly to: string;
  /** Sessions per site. */
  readonly parallel: number;
  /** A folder for the client's own state. */
  readonly state: string;
}

export interface Client {
  readonly name: string;
  /** Why it cannot take part, or undefined. */
  readonly missing: string | undefined;
  command(task: CopyTask): readonly string[];
  env(task: CopyTask): Readonly<Record<string, string>>;
}

const url = (site: Site, path: string): string =>
  `ftp://${site.user}:${site.password}@${site.host}:${site.port}${path}`;

function lftp(name: string, settings: readonly string[]): Client {
  return {
    name,
    missing: existsSync('/usr/bin/lftp') ? undefined : 'lftp is not installed',
    command: ({ source, sink, from, to, parallel }) => {
      const set = ['ftp:use-fxp yes', 'ftp:ssl-allow no', 'net:max-retries 3', 'net:timeout 20', ...settings];
      const mirror = `mirror --no-perms --parallel=${parallel} ${url(source, from)} ${url(sink, to)}`;
      return ['/usr/bin/lftp', '--norc', '-c', [...set.map((one) => `set ${one}`), mirror].join('; ')];
    },
    env: ({ state }) => ({ HOME: state, LFTP_HOME: state }),
  };
}

const jackstayProgram = join(REPOSITORY, 'bin', 'jackstay');
const jackstayBuilt = join(REPOSITORY, 'dist', 'cli', 'main.js');

export const CLIENTS: readonly Client[] = [
  lftp('lftp mirror', []),
  lftp('lftp mirror, sync-mode off', ['ftp:sync-mode off']),
  {
    name: 'jackstay copy',
    missing: existsSync(jackstayBuilt) ? undefined : 'it is not built: npm run build',
    command: ({ source, sink, from, to, parallel }) => [
      ...[jackstayProgram, 'copy', '--json', '--parallel', String(parallel)],
      ...[url(source, from), url(sink, to)],
    ],
    env: ({ state }) => ({ HOME: state, JACKSTAY_HOME: state }),
  },
];

const copyOne = (name: string, ...flags: string[]): Client => ({
  name,
  missing: existsSync(jackstayBuilt) ? undefined : 'it is not built: npm run build',
  command: ({ source, sink, from, to }) => [
    ...[jackstayProgram, 'copy', '--json', ...flags],
    ...[url(source, `/${from}`), url(sink, `/${to}`)],
  ],
  env: ({ state }) => ({ HOME: state, JACKSTAY_HOME: state }),
});

/** The clients that copy one file: by size as lftp does, and with the digest that both servers compute. */
export const BIG_FILE_CLIENTS: readonly Client[] = [
  {
    ...lftp('lftp get with FXP', []),
    command: ({ source, sink, from, to }) => {
      const set = ['ftp:use-fxp yes', 'ftp:ssl-allow no', 'net:max-retries 3', 'net:timeout 20'];
      const get = `get ${url(source, from)} -o ${url(sink, to)}`;
      return ['/usr/bin/lftp', '--norc', '-c', [...set.map((one) => `set ${one}`), get].join('; ')];
    },
  },
  copyOne('jackstay copy --verify size', '--verify', 'size'),
  copyOne('jackstay copy', '--verify', 'auto'),
];
