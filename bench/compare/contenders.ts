/** The clients that are compared: how each copies a remote folder or file to another server, server to server. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Peer } from '../../test/peers/peer.js';
import { REPOSITORY } from '../harness.js';

/** One server as a client sees it: its own port, or that of a delay before it. */
export interface Site {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly password: string;
  /** FTP path of the home, without a slash at its end: empty for the servers that shut the user in. */
  readonly path: string;
}

export const siteOf = (peer: Peer, near: { host: string; port: number } = peer): Site => ({
  ...{ host: near.host, port: near.port, user: peer.user, password: peer.password },
  path: peer.path.replace(/\/$/, ''),
});

export interface Task {
  readonly source: Site;
  readonly sink: Site;
  /** Names below the homes; of folders, the second does not exist yet. */
  readonly from: string;
  readonly to: string;
  /** Sessions per site. */
  readonly sessions: number;
  /** Control and data connections under TLS. */
  readonly tls: boolean;
  /** A folder for the client's own state, with the certificate of the authority in `ca.crt`. */
  readonly state: string;
  /** Folder for a CPU profile of our client. */
  readonly profile: string | undefined;
}

export interface Contender {
  readonly name: string;
  /** Who compares what, behind the transfer or in it. */
  readonly verifies: string;
  /** Why it cannot take part, or undefined. */
  readonly missing: string | undefined;
  command(task: Task): readonly string[];
  env(task: Task): Readonly<Record<string, string>>;
}

const url = (site: Site, name: string, scheme = 'ftp'): string =>
  `${scheme}://${site.user}:${site.password}@${site.host}:${site.port}${site.path}/${name}`;

const LFTP = '/usr/bin/lftp';
const GLOBUS = '/usr/bin/globus-url-copy';
const PROGRAM = join(REPOSITORY, 'bin', 'jackstay');
const BUILT = join(REPOSITORY, 'dist', 'cli', 'main.js');

const absence = (program: string): string | undefined =>
  existsSync(program) ? undefined : `${program} is not installed: run scripts/setup-peers.sh`;

const notBuilt = existsSync(BUILT) ? undefined : 'jackstay is not built: npm run build';

/** Server to server or not at all; under TLS the data as well. */
const lftpSettings = (tls: boolean): string[] => [
  ...['ftp:use-fxp yes', 'ftp:fxp-force yes', 'net:max-retries 3', 'net:timeout 60'],
  ...(tls
    ? [
        'ftp:ssl-force yes',
        'ftp:ssl-protect-data yes',
        'ftp:ssl-protect-fxp yes',
        'ssl:verify-certificate no',
      ]
    : ['ftp:ssl-allow no']),
];

/** @param what `mirror` of a folder or `get` of a file. */
export function lftp(name: string, what: 'mirror' | 'get', ...settings: string[]): Contender {
  return {
    name,
    verifies: 'nothing: both servers said 226',
    missing: absence(LFTP),
    command: ({ source, sink, from, to, sessions, tls }) => {
      const set = [...lftpSettings(tls), ...settings].map((one) => `set ${one}`);
      const places = [url(source, from), url(sink, to)];
      const order =
        what === 'mirror'
          ? `mirror --no-perms --parallel=${sessions} ${places.join(' ')}`
          : `get ${places[0]} -o ${places[1]}`;
      return [LFTP, '--norc', '-c', [...set, order].join('; ')];
    },
    env: ({ state }) => ({ HOME: state, LFTP_HOME: state }),
  };
}

/** Words behind `node` that make it write a profile into the folder when it ends. */
const profiled = (folder: string | undefined): string[] =>
  folder === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${join(folder, 'client')}`];

export function jackstay(name: string, verifies: string, ...flags: string[]): Contender {
  return {
    name,
    verifies,
    missing: notBuilt,
    command: ({ source, sink, from, to, sessions, tls, profile }) => {
      const scheme = tls ? 'ftps' : 'ftp';
      const places = [url(source, from, scheme), url(sink, to, scheme)];
      const program = [process.execPath, ...profiled(profile), PROGRAM];
      return [...program, 'copy', '--json', '--parallel', String(sessions), ...flags, ...places];
    },
    env: ({ state }) => ({
      HOME: state,
      JACKSTAY_HOME: state,
      NODE_EXTRA_CA_CERTS: join(state, 'ca.crt'),
    }),
  };
}

/** @param what a `folder` with what is in it, or a `file`. */
export function globus(name: string, what: 'folder' | 'file', ...flags: string[]): Contender {
  return {
    name,
    verifies: 'nothing: both servers said 226',
    missing: absence(GLOBUS),
    command: ({ source, sink, from, to, sessions }) => {
      const end = what === 'folder' ? '/' : '';
      const many = [
        ...(what === 'folder' ? ['-r', '-cd'] : []),
        ...(sessions > 1 ? ['-cc', `${sessions}`] : []),
      ];
      return [GLOBUS, ...many, ...flags, url(source, from) + end, url(sink, to) + end];
    },
    env: ({ state }) => ({ HOME: state }),
  };
}

/** What a run of the contender is. */
export const startOf =
  (contender: Contender) =>
  (task: Task): { command: readonly string[]; env: Readonly<Record<string, string>> } => ({
    command: contender.command(task),
    env: contender.env(task),
  });

/** The last line of our client's `--json`. */
interface Told {
  readonly seconds: number;
  readonly route: { readonly kind: string; readonly by?: string } | null;
  readonly security: string | null;
  readonly verified: Readonly<Record<string, number>>;
}

/** Undefined where there is no such line. */
export function summaryIn(output: string): Told | undefined {
  const line = output.split('\n').findLast((each) => each.startsWith('{"event":"summary"'));
  return line === undefined ? undefined : (JSON.parse(line) as Told);
}

/** How our client says that it went: kind of route, security, and how many files it proved by digest and by size. */
export function saidBy({ route, security, verified }: Told): string {
  const proofs = Object.entries(verified).flatMap(([how, count]) => (count > 0 ? [`${how} ${count}`] : []));
  const way = route === null ? ['nothing moved'] : [route.kind, ...(route.by ? [route.by] : [])];
  return [...way, security, ...proofs].filter((word) => word !== null).join(', ');
}
