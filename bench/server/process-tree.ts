/** What a server's processes have used, from proc(5): Linux only. */
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { processesOf } from '../../test/peers/host.js';

const TICKS_PER_SECOND = Number(execFileSync('getconf', ['CLK_TCK'], { encoding: 'utf8' }));

/** Text of a file of /proc, empty when the process is gone. */
function procText(pid: number, name: string): string {
  try {
    return readFileSync(`/proc/${pid}/${name}`, 'latin1');
  } catch {
    return '';
  }
}

/** The processes of a server, without the shell that watches over it (see `launch`). */
export function serverProcesses(leader: number): number[] {
  return processesOf(leader).filter(
    (pid) => pid === leader || !procText(pid, 'cmdline').startsWith('/bin/sh\0-c\0exec 3<&0'),
  );
}

/** CPU seconds of the threads that live: to the nanosecond where the kernel tells, for a session of a millisecond has no tick. */
function ownSeconds(pid: number, ticks: number): number {
  let threads: string[] = [];
  try {
    threads = readdirSync(`/proc/${pid}/task`);
  } catch {
    // It ended meanwhile.
  }
  let nanoseconds = 0;
  for (const thread of threads) {
    const [running] = procText(pid, `task/${thread}/schedstat`).split(' ');
    nanoseconds += Number(running);
  }
  // Of threads that have ended only the ticks tell.
  return Math.max(nanoseconds / 1e9, ticks / TICKS_PER_SECOND);
}

/**
 * CPU seconds, user and system, of all of a server's processes and of the children that they have waited for. A session
 * that ended is counted only then, so read it while the sessions live.
 */
export const cpuSeconds = (leader: number): number => cpuSecondsOf(serverProcesses(leader));

/** The same of processes that are known already, which is quick. One that is gone counts nothing. */
export function cpuSecondsOf(pids: readonly number[]): number {
  let seconds = 0;
  for (const pid of pids) {
    const stat = procText(pid, 'stat');
    // utime, stime, cutime, cstime: fields 14 to 17, of which the first two stand before this cut.
    const [user = 0, system = 0, childUser = 0, childSystem = 0] = stat
      .slice(stat.lastIndexOf(')') + 2)
      .split(' ')
      .slice(11, 15)
      .map(Number);
    seconds += ownSeconds(pid, user + system) + (childUser + childSystem) / TICKS_PER_SECOND;
  }
  return seconds;
}

/** Proportional set size in KiB of all of a server's processes: pages that they share are counted once. */
export function memoryKibibytes(leader: number): number {
  let total = 0;
  for (const pid of serverProcesses(leader)) {
    total += Number(/^Pss:\s+(\d+) kB/m.exec(procText(pid, 'smaps_rollup'))?.[1] ?? 0);
  }
  return total;
}

/**
 * Memory in KiB that nobody else has, of all of a server's processes: heaps, stacks, buffers. Unlike the proportional size it
 * does not change when other programs that share the same code come and go.
 */
export function anonymousKibibytes(leader: number): number {
  return serverProcesses(leader).reduce(
    (sum, pid) => sum + Number(/^RssAnon:\s+(\d+) kB/m.exec(procText(pid, 'status'))?.[1] ?? 0),
    0,
  );
}
