import type { Connection } from '../client/connection.js';
import type { SitePool } from '../client/pool.js';
import { size } from '../client/verbs.js';
import { toFtpError } from '../protocol/errors.js';

/** What a look at a growing file gave: octets, no such file (yet), no session to look with, or no answer. */
export type Look = { bytes: number } | 'nothing' | 'unavailable' | 'silent';

/**
 * One spare session of a site, opened when a transfer lasts, for SIZE of files on their way and for asking whether the
 * server still answers. Shared by all lanes; gives up for good when the site grants no more sessions.
 */
export class Monitor {
  readonly #pool: SitePool;
  #connection: Connection | undefined;
  #opening: Promise<void> | undefined;
  #refused = false;

  constructor(pool: SitePool) {
    this.#pool = pool;
  }

  /** SIZE of a path; never throws. */
  async look(path: string): Promise<Look> {
    return this.#ask(async (connection) => {
      const bytes = await size(connection, path);
      return bytes === undefined ? 'nothing' : { bytes };
    });
  }

  /** Does the server answer at all? */
  async alive(): Promise<'yes' | 'silent' | 'unavailable'> {
    const look = await this.#ask(async ({ session }) => {
      await session.request('NOOP');
      return 'nothing' as const;
    });
    return look === 'silent' || look === 'unavailable' ? look : 'yes';
  }

  async #ask(question: (connection: Connection) => Promise<Look>): Promise<Look> {
    try {
      const connection = await this.#lease();
      return connection ? await question(connection) : 'unavailable';
    } catch (error) {
      const { kind } = toFtpError(error);
      return kind === 'timeout' || kind === 'unreachable' ? 'silent' : 'unavailable';
    }
  }

  async #lease(): Promise<Connection | undefined> {
    await this.#opening;
    if (this.#connection && !this.#connection.session.closed) return this.#connection;
    if (this.#refused) return undefined;
    this.#opening = this.#open().finally(() => {
      this.#opening = undefined;
    });
    await this.#opening;
    return this.#connection;
  }

  async #open(): Promise<void> {
    this.#connection = await this.#pool.lease(false);
    this.#refused = this.#connection === undefined;
  }

  /** Give the session back. */
  release(): void {
    if (this.#connection) this.#pool.release(this.#connection);
    this.#connection = undefined;
    this.#refused = false;
  }
}
