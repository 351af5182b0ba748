/** Runs the soak against one server and says what it found. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Peer } from '../../test/peers/peer.js';
import { memoryKibibytes } from '../server/process-tree.js';
import { actUntil, type Tally } from './actor.js';
import { Chance, contentOf } from './random.js';
import type { DataWay } from './session.js';
import { controlConnections, descriptorsOf, listeningPorts } from './sockets.js';

export interface SoakOptions {
  readonly clients: number;
  readonly seconds: number;
  /** Repeats a run, as far as the system lets it. */
  readonly seed: number;
  /** Share of sessions under TLS, 0 to 1. */
  readonly tls?: number;
  readonly ways?: readonly DataWay[];
  /** Deadline of each wait, milliseconds [30000]. */
  readonly patience?: number;
  /** How long the server may take to let go of everything behind the last client, milliseconds [60000]. */
  readonly settle?: number;
  /** Called now and then with a line for people. */
  readonly onNote?: (text: string) => void;
}

/** What the server holds. */
export interface Held {
  readonly descriptors: number;
  readonly listeners: number;
  /** Control connections that it has not closed. */
  readonly sessions: number;
  readonly mebibytes: number;
}

export interface SoakReport extends Tally {
  readonly seconds: number;
  /** After a first short load, when what is made once is made. */
  readonly before: Held;
  /** When it has settled, or has not within `settle`. */
  readonly after: Held;
  /** Memory at regular moments of the run, MiB. */
  readonly memory: readonly number[];
}

const SHARED_FILES = 40;
const WARM_SECONDS = 3;
const LOOKS = 40;
const STEADY_MS = 2500;

export function heldBy(peer: Peer): Held {
  return {
    descriptors: descriptorsOf(peer.pid),
    listeners: listeningPorts(peer.pid).length,
    sessions: controlConnections(peer.pid, peer.port),
    mebibytes: memoryKibibytes(peer.pid) / 1024,
  };
}

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** What is held when no session is left and nothing more goes away, or at the deadline. */
async function settled(peer: Peer, ms: number, isLow: (held: Held) => boolean): Promise<Held> {
  const until = performance.now() + ms;
  for (;;) {
    const held = heldBy(peer);
    if ((held.sessions === 0 && isLow(held)) || performance.now() > until) return held;
    await pause(100);
  }
}

function plant(peer: Peer, chance: Chance): number[] {
  const sizes = Array.from({ length: SHARED_FILES }, (_, n) =>
    n === 0 ? 1 : chance.below(n % 8 === 0 ? 1 << 20 : 100_000),
  );
  mkdirSync(join(peer.home, 'shared'));
  mkdirSync(join(peer.home, 'own'));
  for (const [n, size] of sizes.entries())
    writeFileSync(join(peer.home, 'shared', String(n)), contentOf(n, size));
  peer.own();
  return sizes;
}

/** A load of `seconds` by `clients` at once. */
async function load(
  peer: Peer,
  options: SoakOptions,
  shared: readonly number[],
  tally: Tally,
  onTick?: () => void,
): Promise<void> {
  const { clients, seconds, seed, tls = 0.3, patience = 30_000, ways = ['PASV', 'EPSV', 'PORT'] } = options;
  const until = performance.now() + seconds * 1000;
  const timer = onTick && setInterval(onTick, (seconds * 1000) / LOOKS);
  const { host, port, user, password, home } = peer;
  const actor = (id: number): Promise<void> => {
    const chance = new Chance(seed * 1000 + id);
    const secure = peer.caps.tls && chance.isTrue(tls);
    return actUntil(
      {
        ...{ target: { host, port, user, password }, home, chance, id, shared, ways, patience },
        ...{ tls: secure, mlsd: peer.caps.mlsd },
      },
      tally,
      () => performance.now() >= until,
    );
  };
  try {
    await Promise.all(Array.from({ length: clients }, (_, id) => actor(id)));
  } finally {
    clearInterval(timer);
  }
}

const freshTally = (): Tally => ({ acts: {}, octets: 0, wrong: [], hung: [], refused: [] });

/** Runs it. The server stays. Rejects only for faults of the soak itself. */
export async function soak(peer: Peer, options: SoakOptions): Promise<SoakReport> {
  const { settle = 60_000, onNote } = options;
  const shared = plant(peer, new Chance(options.seed));
  const tally = freshTally();
  const idle = heldBy(peer);
  await load(peer, { ...options, seconds: Math.min(WARM_SECONDS, options.seconds) }, shared, tally);
  // Endpoints that were forgotten live on for a while, and connections linger: no more of the former, no change in the latter.
  let [last, since] = [Number.NaN, performance.now()];
  const before = await settled(peer, settle, ({ descriptors, listeners }) => {
    if (descriptors !== last) [last, since] = [descriptors, performance.now()];
    return listeners <= idle.listeners && performance.now() - since > STEADY_MS;
  });
  onNote?.(`before: ${JSON.stringify(before)}`);
  const memory: number[] = [];
  const begun = performance.now();
  await load(peer, options, shared, tally, () => {
    memory.push(Math.round(memoryKibibytes(peer.pid) / 1024));
    onNote?.(
      `${Math.round((performance.now() - begun) / 1000)} s: ${JSON.stringify(tally.acts)}, ${memory.at(-1)} MiB`,
    );
  });
  const seconds = (performance.now() - begun) / 1000;
  const isLow = (held: Held): boolean =>
    held.descriptors <= before.descriptors && held.listeners <= before.listeners;
  return { ...tally, seconds, before, after: await settled(peer, settle, isLow), memory };
}

/** What is wrong, one sentence each; empty when all is well. `mebibytes` is how much the memory may grow. */
export function faultsOf(report: SoakReport, mebibytes: number): string[] {
  const { before, after, wrong, hung, refused } = report;
  const grown = after.mebibytes - before.mebibytes;
  return [
    ...wrong.map((one) => `wrong octets: ${one}`),
    ...hung.map((one) => `hung: ${one}`),
    ...refused.map((one) => `refused: ${one}`),
    ...(after.sessions > 0 ? [`${after.sessions} sessions are left`] : []),
    ...(after.descriptors > before.descriptors
      ? [`${after.descriptors} descriptors are open, ${before.descriptors} before`]
      : []),
    ...(after.listeners > before.listeners
      ? [`${after.listeners} ports listen, ${before.listeners} before`]
      : []),
    ...(grown > mebibytes ? [`the memory grew by ${Math.round(grown)} MiB`] : []),
  ];
}
