/** Runs the soak against one server and says what it found. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Peer } from '../../test/peers/peer.js';
import { anonymousKibibytes } from '../server/process-tree.js';
import { actUntil, type Tally } from './actor.js';
import { Chance, contentOf } from './random.js';
import { type DataWay, SoakSession } from './session.js';
import { controlConnections, descriptorsOf, listeningPorts } from './sockets.js';

export interface SoakOptions {
  readonly clients: number;
  readonly seconds: number;
  /** Repeats a run, as far as the system lets it. */
  readonly seed: number;
  /** A second server, for copies to it. */
  readonly sink?: Peer | undefined;
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
  /** Anonymous memory. */
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
  /** Growth of the memory in the second half of the run, MiB per minute. */
  readonly slope: number;
  /** What the server said at the end: sessions by its own count (SITE WHO), and whether it still serves. */
  readonly end: string[];
}

const SHARED_FILES = 40;
/** Seconds of the first load: a heap takes its time to have its size. */
const warmUp = (seconds: number): number => Math.min(60, Math.max(3, seconds / 20), seconds);
const LOOKS = 40;
const STEADY_MS = 2500;

/** What the servers hold together. */
export function heldBy(...peers: readonly Peer[]): Held {
  const sum = (of: (peer: Peer) => number): number => peers.reduce((all, peer) => all + of(peer), 0);
  return {
    descriptors: sum(({ pid }) => descriptorsOf(pid)),
    listeners: sum(({ pid }) => listeningPorts(pid).length),
    sessions: sum(({ pid, port }) => controlConnections(pid, port)),
    mebibytes: sum(({ pid }) => anonymousKibibytes(pid)) / 1024,
  };
}

/** Rise of the straight line nearest to the values of the second half, per minute. */
export function slopeOf(values: readonly number[], seconds: number): number {
  const half = values.slice(values.length >> 1);
  const step = seconds / Math.max(1, values.length) / 60;
  const mean = half.reduce((sum, value) => sum + value, 0) / Math.max(1, half.length);
  const middle = (half.length - 1) / 2;
  const rise = half.reduce((sum, value, n) => sum + (n - middle) * (value - mean), 0);
  const run = half.reduce((sum, _, n) => sum + (n - middle) ** 2, 0);
  return run === 0 ? 0 : rise / run / step;
}

/** A last client: nobody else is in the books, and it is served. @returns faults. */
async function lastLook(peer: Peer, patience: number): Promise<string[]> {
  const session = await SoakSession.open(peer, false, patience);
  try {
    const who = await session.command('SITE WHO');
    const { octets, reply } = await session.receive('RETR /shared/0', { way: 'EPSV' });
    return [
      ...(/^200/.test(who) && !/^200 1 in all/m.test(who) ? [`SITE WHO: ${who.trim()}`] : []),
      ...(octets.equals(contentOf(0, 1)) && reply.startsWith('226') ? [] : [`RETR at the end: ${reply}`]),
    ];
  } finally {
    session.kill();
  }
}

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** What is held when no session is left and nothing more goes away, or at the deadline. */
async function settled(peers: readonly Peer[], ms: number, isLow: (held: Held) => boolean): Promise<Held> {
  const until = performance.now() + ms;
  for (;;) {
    const held = heldBy(...peers);
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
        sink: options.sink && { target: options.sink, home: options.sink.home },
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
  const peers = options.sink ? [peer, options.sink] : [peer];
  if (options.sink) {
    mkdirSync(join(options.sink.home, 'own'));
    options.sink.own();
  }
  const idle = heldBy(...peers);
  await load(peer, { ...options, seconds: warmUp(options.seconds) }, shared, tally);
  // Endpoints that were forgotten live on for a while, and connections linger: no more of the former, no change in the latter.
  let [last, since] = [Number.NaN, performance.now()];
  const before = await settled(peers, settle, ({ descriptors, listeners }) => {
    if (descriptors !== last) [last, since] = [descriptors, performance.now()];
    return listeners <= idle.listeners && performance.now() - since > STEADY_MS;
  });
  onNote?.(`before: ${JSON.stringify(before)}`);
  const memory: number[] = [];
  const begun = performance.now();
  await load(peer, options, shared, tally, () => {
    memory.push(Math.round(heldBy(...peers).mebibytes));
    onNote?.(
      `${Math.round((performance.now() - begun) / 1000)} s: ${JSON.stringify(tally.acts)}, ${memory.at(-1)} MiB`,
    );
  });
  const seconds = (performance.now() - begun) / 1000;
  const isLow = (held: Held): boolean =>
    held.descriptors <= before.descriptors && held.listeners <= before.listeners;
  const after = await settled(peers, settle, isLow);
  const end = await lastLook(peer, options.patience ?? 30_000);
  return { ...tally, seconds, before, after, memory, slope: slopeOf(memory, seconds), end };
}

/** What is wrong, one sentence each; empty when all is well. `mebibytes` is how much the memory may grow. */
export function faultsOf(report: SoakReport, mebibytes: number): string[] {
  const { before, after, wrong, hung, refused } = report;
  const grown = after.mebibytes - before.mebibytes;
  return [
    ...wrong.map((one) => `wrong octets: ${one}`),
    ...hung.map((one) => `hung: ${one}`),
    ...refused.map((one) => `refused: ${one}`),
    ...report.end,
    // Shorter runs end before a heap has its size.
    ...(report.seconds >= 600 && (report.slope * report.seconds) / 120 > mebibytes
      ? [`the memory rises by ${report.slope.toFixed(1)} MiB a minute`]
      : []),
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
