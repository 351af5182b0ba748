import { FtpError } from '../protocol/errors.js';
import { addressKey, type Counters, FailedLogins, localCounters } from './limits.js';
import type { ServerLimits } from './options.js';
import type { Session } from './session.js';
import type { Account, UserStore } from './users/types.js';

/** Outcome of a login. `release` gives the place back at logout. `full`: not now, whoever it is (421). */
export type LoginVerdict =
  | { ok: true; account: Account; release: () => void }
  | { ok: false; why: string; full?: boolean };

/** Outcome of a connection. `release` gives the place back. */
export type Admission = { ok: true; release: () => void } | { ok: false; why: string };

/** Who may come in: connections and logins, counted. */
export interface Gate {
  /** Before the greeting. A promise only where the counters are shared with other processes. */
  admit(address: string): Admission | Promise<Admission>;
  login(session: Pick<Session, 'link'>, name: string, password: string): Promise<LoginVerdict>;
}

/** What a gate counts with. */
export interface GateOptions {
  /** Shared with other processes [of this process]. */
  counters?: Counters | undefined;
  /** [of this process] */
  failures?: FailedLogins | undefined;
}

/** Limits of connections, of sessions per user and of wrong passwords (threats.md rows 26 and 28). */
export function countingGate(users: UserStore, limits: () => ServerLimits, options: GateOptions = {}): Gate {
  const { counters = localCounters(), failures = new FailedLogins() } = options;
  counters.onFailed?.((address, name) => failures.failed(address, name, limits().loginFailuresPerMinute));
  return {
    admit: (address) => admit(counters, address, limits()),
    async login(session, name, password) {
      const address = session.link.peerAddress;
      const perMinute = limits().loginFailuresPerMinute;
      if (failures.mustWait(address, name, perMinute)) {
        return { ok: false, why: 'too many wrong passwords in the last minutes', full: true };
      }
      const account = await checked(users, name, password, address);
      if (account === 'busy') return { ok: false, why: 'too many logins at once', full: true };
      if (!account) {
        failures.failed(address, name, perMinute);
        counters.failed?.(address, name);
        return { ok: false, why: 'wrong name, password or address' };
      }
      failures.succeeded(address, name);
      const key = `user ${account.name}`;
      if (!(await counters.acquire(key, account.maxLogins))) {
        return { ok: false, why: 'too many sessions of this user', full: true };
      }
      return { ok: true, account, release: once(() => counters.release(key)) };
    },
  };
}

function admit(counters: Counters, address: string, limits: ServerLimits): Admission | Promise<Admission> {
  const mine = `address ${addressKey(address)}`;
  const second = (free: boolean): Admission => {
    if (free) {
      return {
        ok: true,
        release: once(() => {
          counters.release(mine);
          counters.release(ALL);
        }),
      };
    }
    counters.release(ALL);
    return { ok: false, why: 'too many connections from this address' };
  };
  const first = (free: boolean): Admission | Promise<Admission> =>
    free
      ? then(counters.acquire(mine, limits.connectionsPerAddress), second)
      : { ok: false, why: 'too many connections' };
  return then(counters.acquire(ALL, limits.connections), first);
}

/** Key of all connections. */
const ALL = 'connections';

/** Goes on at once where the answer is there: local counters cost no turn of the loop. */
function then<T>(answer: boolean | Promise<boolean>, next: (yes: boolean) => T | Promise<T>): T | Promise<T> {
  return typeof answer === 'boolean' ? next(answer) : answer.then(next);
}

function once(work: () => void): () => void {
  let done = false;
  return () => {
    if (!done) work();
    done = true;
  };
}

/** @returns `busy` where the store has too much to do; other faults are thrown. */
async function checked(
  users: UserStore,
  name: string,
  password: string,
  address: string,
): Promise<Account | undefined | 'busy'> {
  try {
    return await users.login(name, password, address);
  } catch (error) {
    if (error instanceof FtpError && error.retry === 'later') return 'busy';
    throw error;
  }
}
