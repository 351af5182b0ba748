import { abortError } from '../net/deadline.js';
import { toFtpError } from '../protocol/errors.js';
import type { Connection } from './connection.js';
import type { SitePool } from './pool.js';

/** Sessions lent to one call each, and taken away from it when its caller aborts. */
export class Leases {
  readonly #pool: SitePool;
  readonly #signal: AbortSignal | undefined;

  /** @param signal ends every call. */
  constructor(pool: SitePool, signal: AbortSignal | undefined) {
    this.#pool = pool;
    this.#signal = signal;
  }

  /**
   * Run `work` with a session and give the session back afterwards.
   *
   * @throws FtpError of the login or the work; `aborted` at once when a signal fires: the session is ended, as nobody knows
   *   what its server says next.
   */
  async use<T>(
    options: { signal?: AbortSignal },
    work: (connection: Connection, signal: AbortSignal | undefined) => Promise<T>,
  ): Promise<T> {
    const signal = either(this.#signal, options.signal);
    const connection = await this.#lease(signal);
    const abort = (): void => connection.session.destroy(abortError(signal));
    signal?.addEventListener('abort', abort, { once: true });
    try {
      return await work(connection, signal);
    } catch (error) {
      throw signal?.aborted ? abortError(signal) : toFtpError(error);
    } finally {
      signal?.removeEventListener('abort', abort);
      this.#pool.release(connection);
    }
  }

  async #lease(signal: AbortSignal | undefined): Promise<Connection> {
    if (signal?.aborted) throw abortError(signal);
    const leasing = this.#pool.lease();
    if (!signal) return leasing;
    let onAbort = (): void => {};
    const aborted = new Promise<never>((_, reject) => {
      onAbort = () => reject(abortError(signal));
      signal.addEventListener('abort', onAbort, { once: true });
    });
    try {
      return await Promise.race([leasing, aborted]);
    } catch (error) {
      // What comes too late goes back for the next call.
      leasing.then(
        (late) => this.#pool.release(late),
        () => {},
      );
      throw error;
    } finally {
      signal.removeEventListener('abort', onAbort);
    }
  }

  /** QUIT everywhere; never fails. */
  close(): Promise<void> {
    return this.#pool.close();
  }
}

function either(a: AbortSignal | undefined, b: AbortSignal | undefined): AbortSignal | undefined {
  return a && b ? AbortSignal.any([a, b]) : (a ?? b);
}
