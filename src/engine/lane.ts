import { setMaxListeners } from 'node:events';
import type { Connection } from '../client/connection.js';
import type { SitePool } from '../client/pool.js';
import type { FastLink } from './fast/link.js';
import type { Side } from './findings.js';
import { localTree, remoteTree, type Tree } from './tree.js';

/** One end of a run: a site with its pool, or this machine. */
export type End = { kind: 'remote'; pool: SitePool } | { kind: 'local' };

/** Sessions that a site grants now. */
export const limitOf = (end: End): number =>
  end.kind === 'remote' ? end.pool.limit : Number.POSITIVE_INFINITY;

/**
 * One worker's sessions: one of each site, leased for as long as the lane works and replaced when they die. A transfer
 * leases one session of each site, never two.
 */
export class Lane {
  readonly slot: number;
  /** The kept data connection between its two sessions (MODE E). */
  link: FastLink | undefined;
  readonly #ends: Record<Side, End>;
  readonly #connections: Partial<Record<Side, Connection>> = {};
  readonly #signal: AbortSignal | undefined;

  constructor(slot: number, source: End, destination: End, signal?: AbortSignal) {
    this.slot = slot;
    this.#ends = { source, destination };
    this.#signal = signal;
    // Every transfer under way listens to it.
    if (signal) setMaxListeners(0, signal);
  }

  /** Make sure that both sessions live. @throws FtpError of the login that failed. */
  async connect(): Promise<void> {
    const results = await Promise.allSettled([this.#ensure('source'), this.#ensure('destination')]);
    for (const result of results) if (result.status === 'rejected') throw result.reason;
  }

  /**
   * As `connect`, with sessions that are free or may be opened now.
   *
   * @returns false when there are none, or a login failed: the lane holds nothing then.
   */
  async tryConnect(): Promise<boolean> {
    const sides = ['source', 'destination'] as const;
    const got = await Promise.allSettled(sides.map((side) => this.#ensure(side, false)));
    const open = got.every((result) => result.status === 'fulfilled' && result.value);
    if (!open) this.release();
    return open;
  }

  async #ensure(side: Side, wait = true): Promise<boolean> {
    const end = this.#ends[side];
    if (end.kind === 'local') return true;
    const held = this.#connections[side];
    if (held && !held.session.closed) return true;
    delete this.#connections[side];
    const leased = wait ? await end.pool.lease() : await end.pool.lease(false);
    if (!leased) return false;
    this.#connections[side] = leased;
    return true;
  }

  /** The session of a remote side; `connect` must have succeeded. */
  connection(side: Side): Connection {
    const connection = this.#connections[side];
    if (!connection) throw new Error(`lane ${this.slot} has no session of the ${side}`);
    return connection;
  }

  /** The tree of one side, over this lane's session. */
  tree(side: Side): Tree {
    const end = this.#ends[side];
    return end.kind === 'local' ? localTree : remoteTree(this.connection(side), end.pool.meter, this.#signal);
  }

  /** As `connection`, or undefined while there is none. */
  held(side: Side): Connection | undefined {
    return this.#connections[side];
  }

  release(): void {
    this.link = undefined;
    for (const side of ['source', 'destination'] as const) {
      const end = this.#ends[side];
      const connection = this.#connections[side];
      delete this.#connections[side];
      if (connection && end.kind === 'remote') end.pool.release(connection);
    }
  }
}
