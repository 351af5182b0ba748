/** Our own servers in a comparison: as built, silent, and profiled where that is asked for. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { giveToNobody, processesOf, signal } from '../../test/peers/host.js';
import type { Peer } from '../../test/peers/peer.js';
import { type JackstayPeer, notBuilt, startJackstay } from '../../test/peers/real/jackstay.js';

let started = 0;

/** A folder of its own for the profiles of one server, which runs as nobody. */
export function profileFolder(profile: string): string {
  started += 1;
  const folder = join(profile, `server-${started}`);
  mkdirSync(folder, { recursive: true });
  giveToNobody(folder);
  return folder;
}

/** One user stands for all clients, and no comparison is about the bounds on failures. Throws when nothing is built. */
export function startOurs(options: { profile?: string | undefined } = {}): Promise<JackstayPeer> {
  const missing = notBuilt();
  if (missing !== undefined) throw new Error(missing);
  const { profile } = options;
  if (profile === undefined) return startJackstay({ built: true, quiet: true });
  return startJackstay({ built: true, quiet: true, profile: profileFolder(profile) });
}

const LOOKS = 500;
const PAUSE = 20;

/** Asks servers to end by themselves, for only then V8 writes what it has gathered, and waits for it. */
export async function endProfiled(peers: readonly Peer[]): Promise<void> {
  for (const { pid } of peers) signal([pid], 'SIGTERM');
  for (let n = 0; n < LOOKS && peers.some(({ pid }) => processesOf(pid).includes(pid)); n++)
    await new Promise((resolve) => setTimeout(resolve, PAUSE));
}
