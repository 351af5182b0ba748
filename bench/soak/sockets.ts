/** What a server's processes hold open, from proc(5): Linux only. */
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { serverProcesses } from '../server/process-tree.js';

/** States of TCP in /proc/net/tcp. */
const LISTEN = '0A';
const CLOSING = new Set(['06', LISTEN]);

/** What each descriptor of the processes refers to: `socket:[123]`, `/a/path`, `anon_inode:...`. */
function targetsOf(leader: number): string[] {
  const found: string[] = [];
  for (const pid of serverProcesses(leader)) {
    let names: string[] = [];
    try {
      names = readdirSync(`/proc/${pid}/fd`);
    } catch {
      // It ended meanwhile.
    }
    for (const name of names) {
      try {
        found.push(readlinkSync(`/proc/${pid}/fd/${name}`));
      } catch {
        // It was closed meanwhile.
      }
    }
  }
  return found;
}

/** Open descriptors of all processes of a server. */
export const descriptorsOf = (leader: number): number => targetsOf(leader).length;

interface TcpSocket {
  readonly port: number;
  readonly state: string;
}

/** The TCP sockets that the processes hold. */
function socketsOf(leader: number): TcpSocket[] {
  const held = new Set(targetsOf(leader).map((target) => /^socket:\[(\d+)\]$/.exec(target)?.[1]));
  return ['tcp', 'tcp6'].flatMap((table) =>
    readFileSync(`/proc/net/${table}`, 'latin1')
      .split('\n')
      .slice(1)
      .map((line) => line.trim().split(/\s+/))
      .filter((fields) => held.has(fields[9]))
      .map((fields) => ({
        port: Number.parseInt(fields[1]?.split(':')[1] ?? '', 16),
        state: fields[3] ?? '',
      })),
  );
}

/** Ports on which the server listens, its control ports too. */
export const listeningPorts = (leader: number): number[] =>
  socketsOf(leader)
    .filter(({ state }) => state === LISTEN)
    .map(({ port }) => port);

/** Connections to its control port that the server has not closed. */
export const controlConnections = (leader: number, controlPort: number): number =>
  socketsOf(leader).filter(({ port, state }) => port === controlPort && !CLOSING.has(state)).length;
