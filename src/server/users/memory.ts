import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import { type AddressRange, inRanges, parseRange } from '../../protocol/ranges.js';
import type { FxpPolicy } from '../policy.js';
import { storageSpec } from '../storage/objects.js';
import type { Storage, StorageSpec } from '../storage/types.js';
import type { Account, Mount, RightsRule, UserStore } from './types.js';

/** A user of `memoryUsers`. */
export interface MemoryUser {
  name: string;
  /** Not needed for anonymous. */
  password?: string;
  /** Directory of this machine, absolute; or `storage`. */
  home?: string;
  storage?: StorageSpec | Storage;
  /** Beside the home. */
  mounts?: readonly Mount[];
  groups?: readonly string[];
  /** Reads and lists only, any password, never FXP. */
  anonymous?: boolean;
  rights?: readonly RightsRule[];
  quota?: Account['quota'];
  rate?: Partial<Account['rate']>;
  maxLogins?: number;
  /** CIDR or addresses. */
  allowFrom?: readonly (AddressRange | string)[];
  fxp?: Partial<FxpPolicy>;
}

/** Users known to this process alone: for programs with a user list of their own, examples and tests. */
export function memoryUsers(users: readonly MemoryUser[]): Required<UserStore> {
  // Passwords are kept as digests under a key of this store: equal length, so that comparing takes equal time.
  const key = randomBytes(32);
  const digest = (password: string): Buffer => createHmac('sha256', key).update(password).digest();
  const entries = new Map(
    users.map((user) => [user.name, { account: accountOf(user), digest: digest(user.password ?? '') }]),
  );
  const nobody = digest(randomBytes(32).toString('hex'));
  const isRight = (name: string, password: string): boolean => {
    const entry = entries.get(name);
    const right = timingSafeEqual(entry?.digest ?? nobody, digest(password));
    return entry !== undefined && (right || entry.account.anonymous);
  };
  return {
    async login(name, password, address) {
      const right = isRight(name, password);
      const account = entries.get(name)?.account;
      if (!right || !account) return undefined;
      return account.allowFrom.length === 0 || inRanges(address, account.allowFrom) ? account : undefined;
    },
    async changePassword(name, old, fresh) {
      const entry = entries.get(name);
      if (!isRight(name, old) || !entry || entry.account.anonymous) return false;
      entry.digest = digest(fresh);
      return true;
    },
  };
}

function accountOf(user: MemoryUser): Account {
  const anonymous = user.anonymous ?? false;
  const given = user.storage ?? { kind: 'disk', root: user.home ?? '', links: 'inside' };
  const storage: StorageSpec = 'kind' in given ? given : storageSpec(given);
  if (storage.kind === 'disk' && storage.root === '') throw new TypeError(`${user.name} has no home`);
  return {
    name: user.name,
    groups: user.groups ?? [],
    anonymous,
    mounts: [{ path: '/', storage }, ...(user.mounts ?? [])],
    rights: anonymous ? [{ path: '/', rights: ['read', 'list'] }] : (user.rights ?? []),
    ...(user.quota && { quota: user.quota }),
    rate: { up: 0, down: 0, ...user.rate },
    maxLogins: user.maxLogins ?? 0,
    allowFrom: (user.allowFrom ?? []).map((range) => (typeof range === 'string' ? parseRange(range) : range)),
    fxp: anonymous ? { mode: 'off' } : (user.fxp ?? {}),
  };
}
