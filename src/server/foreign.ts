import type { TransferResult } from '../net/plane/types.js';
import { Buckets } from './limits.js';
import type { ServerLimits } from './options.js';
import type { Session } from './session.js';

/** How many users are remembered. */
const MOST = 10_000;

/**
 * Connections to foreign addresses that failed, by user: whoever looks for open ports elsewhere fails often (RFC 2577 2).
 * Failures behind the proof do not count.
 */
export class ForeignFailures {
  readonly #failed: Buckets;
  readonly #limits: () => ServerLimits;

  constructor(limits: () => ServerLimits, now: () => number = () => performance.now()) {
    this.#limits = limits;
    this.#failed = new Buckets(MOST, now);
  }

  /** May a connection be tried? */
  admits({ account }: Session): boolean {
    const { foreignFailuresPerMinute: perMinute } = this.#limits();
    return perMinute <= 0 || this.#failed.level(account?.name ?? '', perMinute) >= 1;
  }

  failed({ account }: Session, { failure }: TransferResult): void {
    const { foreignFailuresPerMinute: perMinute } = this.#limits();
    const stage = failure?.stage;
    // Not one that ABOR ended: its answer is the same whatever is at the other end.
    const early = stage === 'connect' || stage === 'handshake' || stage === 'refused';
    if (perMinute > 0 && early) this.#failed.take(account?.name ?? '', perMinute);
  }
}
