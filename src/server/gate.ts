import type { ServerLimits } from './options.js';
import type { Session } from './session.js';
import type { Account, UserStore } from './users/types.js';

/** Outcome of a login. `release` gives the place back at logout. */
export type LoginVerdict =
  | { ok: true; account: Account; release: () => void }
  | { ok: false; why: string; full?: boolean };

/** Who may come in: connections and logins, counted. */
export interface Gate {
  /** Before the greeting. */
  admit(address: string): { ok: true; release: () => void } | { ok: false; why: string };
  login(session: Session, name: string, password: string): Promise<LoginVerdict>;
}

/** Counts in this process. */
export function countingGate(users: UserStore, limits: () => ServerLimits): Gate {
  const perAddress = new Map<string, number>();
  const perUser = new Map<string, number>();
  let all = 0;
  const take = (map: Map<string, number>, key: string): (() => void) => {
    map.set(key, (map.get(key) ?? 0) + 1);
    return () => {
      const left = (map.get(key) ?? 1) - 1;
      if (left > 0) map.set(key, left);
      else map.delete(key);
    };
  };
  return {
    admit(address) {
      const { connections, connectionsPerAddress } = limits();
      if (connections > 0 && all >= connections) return { ok: false, why: 'too many connections' };
      if (connectionsPerAddress > 0 && (perAddress.get(address) ?? 0) >= connectionsPerAddress) {
        return { ok: false, why: 'too many connections from this address' };
      }
      all += 1;
      const leave = take(perAddress, address);
      return {
        ok: true,
        release: () => {
          all -= 1;
          leave();
        },
      };
    },
    async login(session, name, password) {
      const account = await users.login(name, password, session.link.peerAddress);
      if (!account) return { ok: false, why: 'wrong name, password or address' };
      if (account.maxLogins > 0 && (perUser.get(name) ?? 0) >= account.maxLogins) {
        return { ok: false, why: 'too many sessions of this user', full: true };
      }
      return { ok: true, account, release: take(perUser, name) };
    },
  };
}
