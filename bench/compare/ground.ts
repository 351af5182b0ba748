/** Where comparisons take place: folders of files, delays before servers, and the comparison of what arrived. */
import { randomFillSync } from 'node:crypto';
import {
  closeSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  rmSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { testAuthority } from '../../test/peers/certs.js';
import { type DelayProxy, startDelayProxy } from '../../test/peers/delay-proxy.js';
import { workFolder } from '../../test/peers/host.js';
import type { Peer } from '../../test/peers/peer.js';
import { differences } from '../harness.js';
import { type ClientRun, runClient } from './client.js';
import { saidBy, siteOf, summaryIn, type Task } from './contenders.js';
import { CpuWatch } from './cpu-watch.js';
import type { Measured } from './types.js';

const MIB = 1024 * 1024;
export const SMALL_FILE = 10_240;

/** A folder below the home with so many files of random octets; made once. @returns its name. */
export function plantFiles(peer: Peer, count: number, size = SMALL_FILE): string {
  const name = `files-${count}`;
  const folder = join(peer.home, name);
  mkdirSync(folder);
  const octets = Buffer.alloc(size);
  for (let n = 0; n < count; n++)
    writeFileSync(join(folder, `file-${String(n).padStart(5, '0')}.bin`), randomFillSync(octets));
  peer.own();
  return name;
}

/** One big file; no MiB of it is like another. */
export function plantBigFile(path: string, mebibytes: number): void {
  const chunk = randomFillSync(Buffer.alloc(MIB));
  const file = openSync(path, 'w', 0o644);
  for (let n = 0; n < mebibytes; n++) {
    chunk.writeUInt32LE(n);
    writeSync(file, chunk);
  }
  closeSync(file);
}

/** Whether two files hold the same octets. */
export function sameFile(one: string, other: string): boolean {
  const [first, second] = [Buffer.allocUnsafe(4 * MIB), Buffer.allocUnsafe(4 * MIB)];
  const fds = [openSync(one, 'r')];
  try {
    fds.push(openSync(other, 'r'));
    for (;;) {
      const [a, b] = [readSync(fds[0]!, first), readSync(fds[1]!, second)];
      if (a !== b || !first.subarray(0, a).equals(second.subarray(0, b))) return false;
      if (a === 0) return true;
    }
  } catch {
    return false;
  } finally {
    for (const fd of fds) closeSync(fd);
  }
}

/** Whether two trees of folders and plain files are equal by name and by every octet. */
export function treesEqual(one: string, other: string): boolean {
  try {
    const [names, others] = [readdirSync(one, { withFileTypes: true }), readdirSync(other)];
    return (
      names.length === others.length &&
      names.every((entry) => {
        const [mine, theirs] = [join(one, entry.name), join(other, entry.name)];
        return entry.isDirectory()
          ? treesEqual(mine, theirs)
          : readFileSync(mine).equals(readFileSync(theirs));
      })
    );
  } catch {
    // One of them is not there, or a file is a folder.
    return false;
  }
}

/** A server, and a delay of so many milliseconds in each direction before its control port. */
export interface Place {
  readonly peer: Peer;
  readonly delays: ReadonlyMap<number, DelayProxy>;
}

export async function placeOf(peer: Peer, delays: readonly number[]): Promise<Place> {
  const proxies = new Map<number, DelayProxy>();
  for (const delayMs of new Set(delays))
    if (delayMs > 0) proxies.set(delayMs, await startDelayProxy({ target: peer, delayMs }));
  return { peer, delays: proxies };
}

export async function closePlaces(places: readonly Place[]): Promise<void> {
  for (const { peer, delays } of places) {
    for (const proxy of delays.values()) await proxy.stop();
    await peer.stop();
  }
}

/** What one run moves from where to where. */
export interface Errand {
  readonly source: Place;
  readonly sink: Place;
  readonly from: string;
  readonly to: string;
  readonly sessions: number;
  readonly tls: boolean;
  readonly delay: number;
  readonly expected: number;
  readonly profile: string | undefined;
  /** A folder of plain files, or one file. */
  readonly what: 'folder' | 'file';
}

/** What a run does, as a process: a contender with its task, or anything else that moves a file. */
export type Start = (task: Task) => {
  readonly command: readonly string[];
  readonly env: Readonly<Record<string, string>>;
};

function stateFolder(): string {
  const state = workFolder('bench');
  writeFileSync(join(state, 'ca.crt'), testAuthority().cert);
  return state;
}

const failureOf = (run: ClientRun): { failure?: string } =>
  run.failure === undefined ? {} : { failure: run.failure };

/** Seconds that the process says the octets took (`moved 1.5`), where it says so: without its start. */
const movedIn = (output: string): number | undefined => {
  const [, seconds] = /^moved ([\d.]+)$/m.exec(output) ?? [];
  return seconds === undefined ? undefined : Number(seconds);
};

/** One run: from its start to its end, what it cost, and whether the same octets are at the sink. */
export async function runErrand(start: Start, errand: Errand): Promise<Measured> {
  const { source, sink, from, to, sessions, tls, delay, expected, profile, what } = errand;
  const state = stateFolder();
  const [origin, target] = [join(source.peer.home, from), join(sink.peer.home, to)];
  const { command, env } = start({
    source: siteOf(source.peer, source.delays.get(delay)),
    sink: siteOf(sink.peer, sink.delays.get(delay)),
    ...{ from, to, sessions, tls, state, profile },
  });
  try {
    // Of many small files only the rate is told, and nothing shall run beside them.
    const watch = what === 'file' ? new CpuWatch([source.peer.pid, sink.peer.pid]) : undefined;
    const run = await runClient(command, env, expected);
    const serverCpuSeconds = watch?.stop();
    const summary = summaryIn(run.output);
    return {
      seconds: movedIn(run.output) ?? run.seconds,
      identical: what === 'file' ? sameFile(origin, target) : differences(origin, target).length === 0,
      ...failureOf(run),
      ...(summary === undefined ? {} : { said: saidBy(summary) }),
      values: {
        clientCpuSeconds: run.cpuSeconds,
        clientMebibytes: run.peakMebibytes,
        // Without the start and the end of the program.
        ...(summary === undefined ? {} : { reportedSeconds: summary.seconds }),
        ...(serverCpuSeconds === undefined ? {} : { serverCpuSeconds }),
      },
    };
  } finally {
    rmSync(state, { recursive: true, force: true });
    rmSync(target, { recursive: true, force: true });
  }
}
