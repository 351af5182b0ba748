import { abortError } from '../net/deadline.js';
import { isSiteFull } from '../protocol/codes.js';
import { FtpError } from '../protocol/errors.js';
import type { SiteSettings } from '../protocol/site.js';
import type { Connection, SessionState, TrafficMeter } from './connection.js';
import { Deferred } from './exchange.js';
import type { SiteFacts } from './facts.js';
import { type FullSite, fullSite, login } from './login.js';
import type { TrustStore } from './trust.js';

export interface PoolOptions {
  trust?: TrustStore | undefined;
  signal?: AbortSignal | undefined;
  commandTimeout?: number | undefined;
  connectTimeout?: number | undefined;
  /** Every line of every control connection, secrets masked: sent `>`, received `<`, remarks `*`. */
  onDialogue?:
    | ((site: string, session: number, direction: '>' | '<' | '*', text: string) => void)
    | undefined;
  onLogin?: ((facts: SiteFacts, connection: Connection) => void) | undefined;
  meter?: TrafficMeter | undefined;
}

/** Idle sessions older than this are asked NOOP before they are lent. */
const STALE = 15_000;

/**
 * The control connections to one site. At most `maxSessions` live at once; a server that says "too many" lowers the
 * limit to what it granted, and who asked waits for one to come back.
 */
export class SitePool {
  readonly site: FullSite;
  readonly meter: TrafficMeter;
  readonly #options: PoolOptions;
  readonly #idle: { connection: Connection; since: number }[] = [];
  readonly #waiting: Deferred<void>[] = [];
  #live = 0;
  #limit: number;
  #count = 0;
  #ended = false;
  /** The site was seen to lose what stands behind a command in one segment: one command at a time from the first login on. */
  cautious = false;
  /** Facts learned at the first login, shared by all sessions. */
  facts: SiteFacts | undefined;

  constructor(site: SiteSettings, options: PoolOptions = {}) {
    this.site = fullSite(site);
    this.#options = options;
    this.#limit = this.site.maxSessions;
    this.meter = options.meter ?? { files: 0, listings: 0 };
  }

  /** Most sessions that may live now; lowered when the server says so. */
  get limit(): number {
    return this.#limit;
  }

  /**
   * A session for one piece of work. Give it back with `release`.
   *
   * @param wait false: only if one is free or may be opened now, else undefined.
   * @throws FtpError of the login; `aborted`.
   */
  lease(wait: false): Promise<Connection | undefined>;
  lease(wait?: true): Promise<Connection>;
  async lease(wait = true): Promise<Connection | undefined> {
    for (;;) {
      if (this.#ended) throw new FtpError('closed', `${this.site.name}: the pool is closed`);
      if (this.#options.signal?.aborted) throw abortError(this.#options.signal);
      const idle = await this.#takeIdle();
      if (idle) return idle;
      if (this.#live < this.#limit) {
        const opened = await this.#open();
        if (opened) return opened;
      }
      if (!wait) return undefined;
      // Closed or aborted meanwhile: nobody would wake this one.
      if (this.#ended || this.#options.signal?.aborted) continue;
      const turn = new Deferred<void>();
      this.#waiting.push(turn);
      await turn.promise;
    }
  }

  async #takeIdle(): Promise<Connection | undefined> {
    for (let next = this.#idle.pop(); next; next = this.#idle.pop()) {
      const { connection, since } = next;
      if (connection.session.closed) continue;
      if (Date.now() - since < STALE) return connection;
      const alive = await connection.session
        .request('NOOP', undefined, { timeout: 5_000 })
        .catch(() => undefined);
      if (alive && alive.code < 400) return connection;
      // Its place is free again only when it is over.
      connection.session.destroy(new FtpError('closed', `${this.site.name}: the session was stale`));
    }
    return undefined;
  }

  /** Open one more; undefined when the site is full although others of ours live. */
  async #open(): Promise<Connection | undefined> {
    this.#live += 1;
    const number = ++this.#count;
    const state: SessionState = { prot: 'C', type: 'I' };
    try {
      const { onDialogue } = this.#options;
      const { session, facts } = await login(this.site, {
        ...this.#options,
        known: this.facts,
        cautious: this.cautious,
        onDialogue: onDialogue
          ? (direction, text) => onDialogue(this.site.name, number, direction, text)
          : undefined,
        onSession: (ticket) => {
          state.ticket = ticket;
        },
      });
      this.facts ??= facts;
      state.prot = this.facts.protP ? 'P' : 'C';
      session.endsAtAbort = this.facts.behaviour.staleAfterAbort === true;
      session.onClose(() => this.#gone());
      const connection = { session, site: this.site, facts: this.facts, state };
      this.#options.onLogin?.(this.facts, connection);
      return connection;
    } catch (error) {
      this.#gone();
      const reply = error instanceof FtpError ? error.facts.reply : undefined;
      const full = reply && isSiteFull({ ...reply, lines: [reply.text] });
      // A server that grants fewer sessions than asked: stay with those that live.
      if (full && this.#live > 0) {
        this.#limit = Math.max(1, this.#live);
        return undefined;
      }
      throw error;
    }
  }

  #gone(): void {
    this.#live -= 1;
    this.#wake();
  }

  #wake(): void {
    this.#waiting.shift()?.resolve();
  }

  /** Give a session back. One that is not idle is ended: nobody knows what its server will say next. */
  release(connection: Connection): void {
    if (connection.session.closed) return;
    if (!connection.session.idle || this.#ended) {
      connection.session.destroy(new FtpError('closed', `${this.site.name}: the session was not in order`));
      return;
    }
    this.#idle.push({ connection, since: Date.now() });
    this.#wake();
  }

  /** QUIT everywhere; never fails. */
  async close(): Promise<void> {
    this.#ended = true;
    for (const turn of this.#waiting.splice(0)) turn.resolve();
    for (const { connection } of this.#idle.splice(0)) connection.session.quit();
  }
}
