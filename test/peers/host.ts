/**
 * What a peer stands on: an address and a port of its own, a folder of its own, and its processes.
 */
import { chmodSync, chownSync, lstatSync, mkdtempSync, readdirSync, readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** The user and group `nobody` and `nogroup` of Debian: the peers serve files with these rights, never as root. */
export const NOBODY = { uid: 65534, gid: 65534, name: 'nobody', group: 'nogroup' } as const;

/** True when this process may switch users, which most of the peers need. */
export const isRoot = process.getuid?.() === 0;

const poolId = Number(process.env.VITEST_POOL_ID ?? 0);
let hostsGiven = 0;

/**
 * A loopback address that no other peer of this process has, so that every server-to-server connection
 * comes from a foreign address. Workers and processes are kept apart by the middle octets.
 */
export function allocateHost(): string {
  hostsGiven += 1;
  if (hostsGiven > 254) throw new Error('this process has used up its 254 peer addresses');
  return `127.${10 + (poolId % 240)}.${process.pid % 256}.${hostsGiven}`;
}

/** A TCP port that was free on the address a moment ago, chosen by the system. */
export function freePort(host: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.once('error', reject);
    probe.listen(0, host, () => {
      const address = probe.address();
      const port = address !== null && typeof address === 'object' ? address.port : 0;
      probe.close(() => resolve(port));
    });
  });
}

/** A fresh folder that servers with dropped rights may enter (0755). */
export function workFolder(prefix: string): string {
  const folder = mkdtempSync(join(tmpdir(), `jackstay-${prefix}-`));
  chmodSync(folder, 0o755);
  return folder;
}

/** Gives a file or a whole tree to the user that the peers serve as; symbolic links themselves, not their targets. */
export function giveToNobody(path: string): void {
  if (!isRoot) return;
  const stat = lstatSync(path);
  if (stat.isSymbolicLink()) return;
  chownSync(path, NOBODY.uid, NOBODY.gid);
  if (stat.isDirectory()) for (const name of readdirSync(path)) giveToNobody(join(path, name));
}

/** State letter, parent and group of a process, or undefined when it is gone. */
function statusOf(pid: string): { state: string; parent: number; group: number } | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    // proc(5): the second field is the name in parentheses, which may itself hold blanks and parentheses.
    const [state = '', parent, group] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return { state, parent: Number(parent), group: Number(group) };
  } catch {
    return undefined;
  }
}

/**
 * The living processes that belong to a peer: the group led by `leader`, and every descendant, since some
 * servers give each session its own group.
 */
export function processesOf(leader: number): number[] {
  const alive = new Map<number, { parent: number; group: number }>();
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    const status = statusOf(name);
    if (status !== undefined && status.state !== 'Z') alive.set(Number(name), status);
  }
  const found = new Set<number>();
  for (const [pid, { group }] of alive) if (pid === leader || group === leader) found.add(pid);
  for (let before = -1; before !== found.size; ) {
    before = found.size;
    for (const [pid, { parent }] of alive) if (found.has(parent)) found.add(pid);
  }
  return [...found];
}

/** Sends a signal to each process, leaving out those that are gone already. */
export function signal(pids: readonly number[], name: NodeJS.Signals): void {
  for (const pid of pids) {
    try {
      process.kill(pid, name);
    } catch {
      // It ended by itself: that is what was wanted.
    }
  }
}

const STOP_ATTEMPTS = 1000;

/**
 * Stops every process of a peer and returns when all are stopped: a signal is only pending until its process
 * is next scheduled, and one that was still running may have forked.
 */
export function freezeAll(leader: number): void {
  const clock = new Int32Array(new SharedArrayBuffer(4));
  for (let n = 0; n < STOP_ATTEMPTS; n++) {
    const moving = processesOf(leader).filter((pid) => statusOf(String(pid))?.state !== 'T');
    if (moving.length === 0) return;
    signal(moving, 'SIGSTOP');
    Atomics.wait(clock, 0, 0, 1);
  }
  throw new Error(`the processes of ${leader} did not stop`);
}
