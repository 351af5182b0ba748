/** One cell of the compatibility matrix: one technique between two servers, run by the engine, judged by the disks. */
import { createHash, randomBytes } from 'node:crypto';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type PoolOptions, SitePool } from '../../src/client/pool.js';
import { memoryTrust } from '../../src/client/trust.js';
import { type End, Lane } from '../../src/engine/lane.js';
import { type Attempt, plan } from '../../src/engine/plan.js';
import { runAttempt } from '../../src/engine/run-attempt.js';
import { Mismatch, verifyPair } from '../../src/engine/verify.js';
import { type FtpError, toFtpError } from '../../src/protocol/errors.js';
import { joinPath } from '../../src/protocol/paths.js';
import type { SiteSettings } from '../../src/protocol/site.js';
import { allocateHost } from '../peers/host.js';
import { handOver, type PeerId, peerOf, type RunningPeer } from './peers.js';
import { copyTree, plantTree, type TreeResult } from './tree.js';

/** Control connections in clear, or under TLS with protected data. */
export type Mode = 'plain' | 'tls';

/**
 * How a cell ended.
 * `ok`: both final replies 2xx, verified, and the same bytes on both disks · `T`: both 2xx, another file, caught by the
 * verification · `X`: a negative reply in the middle of the data · `refused`: a server says no to the technique ·
 * `unavailable`: excluded by what is known of the servers · `hang`: a time limit ended it · `error`: anything else ·
 * `missed`: the verification and the disks do not agree, which must never be.
 */
export type Mark = 'ok' | 'T' | 'X' | 'refused' | 'unavailable' | 'hang' | 'error' | 'missed';

export interface Cell {
  readonly attempt: string;
  readonly mark: Mark;
  /** Words of the engine for anything but `ok`. */
  readonly reason?: string;
  /** For `refused`: which side, and what the engine took it for, for example `source refuses-foreign-port`. */
  readonly finding?: string;
  readonly milliseconds: number;
}

/** Octets of the payload: many socket buffers, so that a cut tail shows. */
export const PAYLOAD_SIZE = 2 * 1024 * 1024;

const PAYLOAD = 'payload.bin';
/** Longest time for one cell; no server of the registry needs a tenth of it. */
const CELL_LIMIT_MS = 15_000;

const hashOf = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

function hashOfFile(path: string): string {
  try {
    return hashOf(readFileSync(path));
  } catch {
    return 'absent';
  }
}

/** A started server with the pools of sessions to it. */
export interface Berth {
  readonly peer: RunningPeer;
  readonly payloadHash: string;
  /** Resolves when the pair that has the server now is done. */
  free: Promise<void>;
  readonly pools: Record<Mode, SitePool>;
}

let cells = 0;

/** Started servers. Each is there twice, so that a server can also be joined with one of its own kind. */
export class Harbour {
  private readonly berths = new Map<string, Promise<Berth>>();

  /** @param onDialogue hears every command and reply, for the eyes of whoever looks for a fault. */
  constructor(private readonly onDialogue?: PoolOptions['onDialogue']) {}

  /** Starts a server on first use. */
  berth(id: PeerId, role: 'source' | 'destination'): Promise<Berth> {
    const key = `${id} ${role}`;
    const known = this.berths.get(key);
    if (known !== undefined) return known;
    const berth = moor(id, { trust: memoryTrust(), onDialogue: this.onDialogue });
    this.berths.set(key, berth);
    return berth;
  }

  /**
   * Runs `work` on two servers while no other pair has either of them: pyftpdlib 1.5.7 mixes up connections that end and
   * begin in one turn of its loop, and then hangs or sends 64 KiB too many.
   */
  async join<Result>(
    source: PeerId,
    destination: PeerId,
    mode: Mode,
    work: (pair: Pair) => Promise<Result>,
  ): Promise<Result> {
    const from = await this.berth(source, 'source');
    const to = await this.berth(destination, 'destination');
    const release = await take(from, to);
    const pair = new Pair(from, to, mode);
    try {
      return await work(pair);
    } finally {
      pair.release();
      release();
    }
  }

  /** Ends the sessions of a mode that is done: idle ones meet their servers' time limits, and pyftpdlib stumbles over that. */
  async leave(mode: Mode): Promise<void> {
    const all = await Promise.all(this.berths.values());
    await Promise.all(all.map(({ pools }) => pools[mode].close()));
  }

  async close(): Promise<void> {
    const all = await Promise.allSettled(this.berths.values());
    await Promise.all(
      all.map(async (result) => {
        if (result.status === 'rejected') return;
        const { peer, pools } = result.value;
        await Promise.all([pools.plain.close(), pools.tls.close()]);
        await peer.stop();
      }),
    );
  }
}

/** Waits for both servers, the source first: whoever waits for a destination waits for a pair at work. */
async function take(from: Berth, to: Berth): Promise<() => void> {
  const releases: (() => void)[] = [];
  for (const berth of [from, to]) {
    const before = berth.free;
    berth.free = new Promise((resolve) => releases.push(resolve));
    await before;
  }
  return () => {
    for (const release of releases) release();
  };
}

async function moor(id: PeerId, options: PoolOptions): Promise<Berth> {
  const peer = await peerOf(id).start();
  plantTree(id, peer);
  const payload = randomBytes(PAYLOAD_SIZE);
  const file = join(peer.home, PAYLOAD);
  writeFileSync(file, payload);
  handOver(id, file);
  const pool = (mode: Mode): SitePool => new SitePool(siteOf(id, peer, mode), options);
  return {
    peer,
    payloadHash: hashOf(payload),
    free: Promise.resolve(),
    pools: { plain: pool('plain'), tls: pool('tls') },
  };
}

/** Some servers dial from 127.0.0.1 whatever they listen on: a client there would make them look like the client. */
const localAddress = allocateHost();

/** The server as a user names it. */
export function siteOf(id: PeerId, peer: RunningPeer, mode: Mode): SiteSettings {
  const { host, port, user, password } = peer;
  const tls = mode === 'tls' ? 'explicit' : 'none';
  return { name: id, host, port, user, password, tls, localAddress };
}

/** Two servers and a session of each, kept from cell to cell. */
export class Pair {
  private readonly lane: Lane;

  constructor(
    private readonly from: Berth,
    private readonly to: Berth,
    private readonly mode: Mode,
  ) {
    const end = (berth: Berth): End => ({ kind: 'remote', pool: berth.pools[mode] });
    this.lane = new Lane(0, end(from), end(to));
  }

  /** All attempts that the engine knows for two servers, excluded ones too. */
  async attempts(): Promise<string[]> {
    const { attempts, excluded } = await this.plan();
    return [...attempts, ...excluded.map((each) => each.attempt)].map(({ id }) => id);
  }

  private async plan(): Promise<ReturnType<typeof plan>> {
    await this.lane.connect();
    return plan(this.lane.connection('source').facts, this.lane.connection('destination').facts, 'clear');
  }

  /** Moves the payload by exactly this attempt. Never throws for what a server does. */
  async run(id: string): Promise<Cell> {
    const { attempts, excluded } = await this.plan();
    const attempt = attempts.find((each) => each.id === id);
    if (attempt === undefined) {
      const reason = excluded.find((each) => each.attempt.id === id)?.reason ?? 'not an attempt';
      return { attempt: id, mark: 'unavailable', reason, milliseconds: 0 };
    }
    cells += 1;
    const name = `arrived-${cells}.bin`;
    const started = Date.now();
    const verdict = await this.move(attempt, name);
    const milliseconds = Date.now() - started;
    rmSync(join(this.to.peer.home, name), { force: true });
    return { attempt: id, ...verdict, milliseconds };
  }

  private async move(attempt: Attempt, name: string): Promise<Omit<Cell, 'attempt' | 'milliseconds'>> {
    const sourcePath = joinPath(this.from.peer.path, PAYLOAD);
    const destinationPath = joinPath(this.to.peer.path, name);
    const outcome = await runAttempt({
      source: this.lane.connection('source'),
      destination: this.lane.connection('destination'),
      attempt,
      sourcePath,
      destinationPath,
      offset: 0,
      eager: false,
      watch: (stalled) => {
        const timer = setTimeout(() => stalled('time limit of the cell'), CELL_LIMIT_MS);
        return () => clearTimeout(timer);
      },
    });
    if (outcome.kind === 'cannot') {
      const { side, obstacle, message } = outcome.finding;
      return { mark: 'refused', finding: `${side} ${obstacle}`, reason: message };
    }
    if (outcome.kind === 'failed') return { mark: markOf(outcome.error), reason: outcome.error.message };
    return this.judge(sourcePath, destinationPath, name);
  }

  /** What the engine's verification says, held against the bytes on the disks. */
  private async judge(
    sourcePath: string,
    destinationPath: string,
    name: string,
  ): Promise<Pick<Cell, 'mark' | 'reason'>> {
    await this.lane.connect();
    const at = (side: 'source' | 'destination', path: string) => ({
      connection: this.lane.connection(side),
      path,
    });
    let complaint: string | undefined;
    try {
      await verifyPair(at('source', sourcePath), at('destination', destinationPath), PAYLOAD_SIZE, 'auto');
    } catch (error) {
      const failure = toFtpError(error);
      if (!(failure instanceof Mismatch)) return { mark: 'error', reason: failure.message };
      complaint = failure.message;
    }
    const same = hashOfFile(join(this.to.peer.home, name)) === this.from.payloadHash;
    if (same !== (complaint === undefined))
      return { mark: 'missed', reason: complaint ?? 'another file arrived, and the verification passed it' };
    return complaint === undefined ? { mark: 'ok' } : { mark: 'T', reason: complaint };
  }

  /** The whole engine: a tree of files, by whatever way it finds. */
  copyTree(): Promise<TreeResult> {
    const site = (berth: Berth): SiteSettings => berth.pools[this.mode].site;
    return copyTree({ ...this.from.peer, site: site(this.from) }, { ...this.to.peer, site: site(this.to) });
  }

  release(): void {
    this.lane.release();
  }
}

function markOf({ kind, facts }: FtpError): Mark {
  if (kind === 'timeout') return 'hang';
  return facts.reply?.code === 426 ? 'X' : 'error';
}
