/**
 * A real FTP server under test: started on its own loopback address, answering before `launch` returns,
 * gone without trace after `stop`.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, mkdirSync, openSync, readFileSync, rmSync } from 'node:fs';
import { connect, Socket } from 'node:net';
import { join } from 'node:path';
import {
  allocateHost,
  freePort,
  freezeAll,
  giveToNobody,
  NOBODY,
  processesOf,
  signal,
  workFolder,
} from './host.js';

export { type PeerName, peerFolder, peerProgram, requirePeer, SYSTEM_PYTHON } from './programs.js';

/** What a peer is configured to do, for tests that depend on it. Facts about the program, not hopes. */
export interface PeerCaps {
  /** PORT to an address other than the client's is obeyed. */
  readonly foreignPort: boolean;
  /** A passive port serves a connection from an address other than the client's. */
  readonly foreignPassive: boolean;
  /** AUTH TLS is offered. */
  readonly tls: boolean;
  /** Data connections must resume the TLS session of the control connection. */
  readonly reuseRequired: boolean;
  /** The server can be the TLS client of a data connection. */
  readonly tlsClient: 'sscn' | 'none';
  readonly mlsd: boolean;
  /** Command that gives a digest, where there is one. */
  readonly digest: 'HASH' | 'CKSM' | 'none';
  readonly modeE: boolean;
}

/** A running peer. `home` on the local disk is `path` in its FTP name space, so tests may write and compare directly. */
export interface Peer {
  readonly name: string;
  readonly host: string;
  /** Control port; where `caps.tls` is true, AUTH TLS is offered here too (no implicit port). */
  readonly port: number;
  readonly user: string;
  readonly password: string;
  readonly home: string;
  /** FTP path of `home`: '/' for the servers that shut the user in. */
  readonly path: string;
  readonly caps: PeerCaps;
  readonly pid: number;
  /** All that the server has said so far: its output and its log files. */
  log(): string;
  /** Gives everything in `home` to the server's user. Call it after writing there with `fs`. */
  own(): void;
  /** SIGSTOP to every process of the server: connections stay open and nothing answers. */
  freeze(): void;
  thaw(): void;
  /** Ends every process and removes the folder. May be called twice. */
  stop(): Promise<void>;
}

/** Place and account of a peer that is about to be started. */
export interface PeerGround {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly password: string;
  /** Folder for configuration and logs, removed by `stop`. */
  readonly work: string;
  readonly home: string;
}

export interface PeerLaunch {
  readonly name: string;
  readonly ground: PeerGround;
  readonly command: readonly [string, ...string[]];
  readonly caps: PeerCaps;
  readonly path?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Starts the program itself as nobody, for servers that do not change users themselves. */
  readonly asNobody?: boolean;
  readonly logFiles?: readonly string[];
}

/** Makes the address, the account and the folders of a new peer. `home` belongs to nobody. */
export async function layGround(name: string, host = allocateHost()): Promise<PeerGround> {
  const work = workFolder(name);
  const home = join(work, 'home');
  mkdirSync(home, { mode: 0o755 });
  giveToNobody(home);
  return { host, port: await freePort(host), user: 'jackstay', password: 'rigged-line-7', work, home };
}

/**
 * Becomes the server, and leaves beside it a watcher that ends its process group and removes its folder when
 * the pipe on standard input closes: a test process that dies without stopping its peers leaves none behind.
 */
const WATCHED = 'exec 3<&0; { read -r _ <&3; rm -rf "$0"; kill -KILL 0; } & exec "$@" 3<&- </dev/null';

const ANSWER_ATTEMPTS = 500;
const ATTEMPT_PAUSE_MS = 20;
const END_ATTEMPTS = 100;

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** True when the port greets with 220, false when nobody listens there yet. */
function greets(ground: PeerGround): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(ground.port, ground.host);
    const end = (answer: boolean): void => {
      socket.destroy();
      resolve(answer);
    };
    socket.setTimeout(10_000, () => end(false));
    socket.once('error', () => end(false));
    socket.once('close', () => end(false));
    socket.once('data', (data) => {
      socket.end('QUIT\r\n');
      end(data.toString('latin1').startsWith('220'));
    });
  });
}

function readIfThere(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}

async function endProcesses(child: ChildProcess, pid: number): Promise<void> {
  child.ref();
  const ended = child.exitCode !== null || child.signalCode !== null;
  const exit = ended
    ? Promise.resolve()
    : new Promise<void>((resolve) => child.once('exit', () => resolve()));
  const all = processesOf(pid);
  signal(all, 'SIGKILL');
  await exit;
  for (let n = 0; n < END_ATTEMPTS; n++) {
    const left = [...processesOf(pid), ...all.filter((one) => readIfThere(`/proc/${one}/cmdline`) !== '')];
    if (left.length === 0) return;
    signal(left, 'SIGKILL');
    await pause(ATTEMPT_PAUSE_MS);
  }
}

/** Starts the server's program in a process group of its own and returns when its control port answers 220. */
export async function launch(spec: PeerLaunch): Promise<Peer> {
  const { ground } = spec;
  const outputFile = join(ground.work, 'output.log');
  const output = openSync(outputFile, 'w');
  if (spec.asNobody) giveToNobody(ground.work);
  const child = spawn('/bin/sh', ['-c', WATCHED, ground.work, ...spec.command], {
    cwd: ground.work,
    detached: true,
    stdio: ['pipe', output, output],
    env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', LANG: 'C.UTF-8', TZ: 'UTC', ...spec.env },
    ...(spec.asNobody ? { uid: NOBODY.uid, gid: NOBODY.gid } : {}),
  });
  closeSync(output);
  if (child.pid === undefined) throw new Error(`cannot start ${spec.name}`);
  const pid = child.pid;
  child.unref();
  if (child.stdin instanceof Socket) child.stdin.unref();
  const log = (): string => [outputFile, ...(spec.logFiles ?? [])].map(readIfThere).join('');
  const stop = async (): Promise<void> => {
    await endProcesses(child, pid);
    rmSync(ground.work, { recursive: true, force: true });
  };
  const answered = await awaitGreeting(ground, child);
  if (!answered) {
    const said = log().slice(-2000);
    await stop();
    throw new Error(`${spec.name} did not answer on ${ground.host}:${ground.port}\n${said}`);
  }
  const { name, caps, path = '/' } = spec;
  const { host, port, user, password, home } = ground;
  return {
    ...{ name, host, port, user, password, home, path, caps, pid, log, stop },
    own: () => giveToNobody(home),
    freeze: () => freezeAll(pid),
    thaw: () => signal(processesOf(pid), 'SIGCONT'),
  };
}

async function awaitGreeting(ground: PeerGround, child: ChildProcess): Promise<boolean> {
  for (let n = 0; n < ANSWER_ATTEMPTS; n++) {
    if (await greets(ground)) return true;
    if (child.exitCode !== null || child.signalCode !== null) return false;
    await pause(ATTEMPT_PAUSE_MS);
  }
  return false;
}
