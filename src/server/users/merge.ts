import { resolve } from 'node:path';
import type { FxpPolicy } from '../policy.js';
import type { StorageSpec } from '../storage/types.js';
import type { PeerList } from '../toml/fields.js';
import type { AccountSettings, UserSettings, UsersFile } from './schema.js';
import type { Account, Mount } from './types.js';

/** An account made from its file, with what only the store needs to know. */
export interface Entry {
  /** Its FXP peers hold the address blocks only. */
  account: Account;
  password: string;
  disabled: boolean;
  /** FXP peers by name, to be resolved. */
  peers: PeerList | undefined;
}

/** What holds where neither user, group nor `[defaults]` say it. */
export interface MergeOptions {
  /** Directory that relative homes and mounts begin in. */
  folder: string;
  /** Sessions of one user at the same time [0 = no limit]. */
  maxLogins?: number | undefined;
}

/**
 * One user's account: each key comes from the user, else from the first of its groups that sets it, else from `[defaults]`.
 * `quota`, `rate`, `fxp` and `mounts` are merged part by part; `{user}` in a home or mount of a group stands for the name.
 */
export function mergeUser(name: string, file: UsersFile, options: MergeOptions): Entry {
  const user = file.users.get(name)!;
  const layers = layersOf(user, file);
  const links = first(layers, 'links') ?? 'inside';
  const disk = (path: string): StorageSpec => ({
    kind: 'disk',
    root: resolve(options.folder, path.replaceAll('{user}', name)),
    links,
  });
  const fxp = parts(layers, 'fxp');
  const quota = parts(layers, 'quota');
  const account: Account = {
    name,
    groups: user.groups,
    anonymous: false,
    mounts: mountsOf(layers, disk),
    rights: first(layers, 'rights') ?? [],
    ...(Object.keys(quota).length > 0 && { quota }),
    rate: { up: 0, down: 0, ...parts(layers, 'rate') },
    maxLogins: first(layers, 'maxLogins') ?? options.maxLogins ?? 0,
    allowFrom: first(layers, 'allowFrom') ?? [],
    fxp: policyOf(fxp),
  };
  return { account, password: user.password, disabled: first(layers, 'disabled') ?? false, peers: fxp.peers };
}

/** The anonymous account: reads and lists below its home, never FXP (RFC 1635; RFC 2577 8). */
export function anonymousAccount(home: string, file: UsersFile, options: MergeOptions): Account {
  const root = resolve(options.folder, home);
  return {
    name: 'anonymous',
    groups: [],
    anonymous: true,
    mounts: [{ path: '/', storage: { kind: 'disk', root, links: file.defaults.links ?? 'inside' } }],
    rights: [{ path: '/', rights: ['read', 'list'] }],
    rate: { up: 0, down: file.anonymous.rate?.down ?? file.defaults.rate?.down ?? 0 },
    maxLogins: file.anonymous.maxLogins ?? 0,
    allowFrom: file.anonymous.allowFrom ?? [],
    fxp: { mode: 'off' },
  };
}

function layersOf(user: UserSettings, file: UsersFile): AccountSettings[] {
  const groups = user.groups.map((group) => file.groups.get(group) ?? {});
  return [user, ...groups, file.defaults];
}

function first<K extends keyof AccountSettings>(
  layers: readonly AccountSettings[],
  key: K,
): AccountSettings[K] | undefined {
  return layers.find((layer) => layer[key] !== undefined)?.[key];
}

/** The parts of a table, each from the first layer that sets it. */
function parts<K extends 'quota' | 'rate' | 'fxp'>(
  layers: readonly AccountSettings[],
  key: K,
): NonNullable<AccountSettings[K]> {
  return Object.assign({}, ...layers.map((layer) => layer[key] ?? {}).reverse()) as NonNullable<
    AccountSettings[K]
  >;
}

function mountsOf(layers: readonly AccountSettings[], disk: (path: string) => StorageSpec): Mount[] {
  const mounts: Mount[] = [{ path: '/', storage: disk(first(layers, 'home') ?? '.') }];
  const merged = new Map(layers.toReversed().flatMap((layer) => [...(layer.mounts ?? [])]));
  for (const [path, folder] of merged) mounts.push({ path, storage: disk(folder) });
  return mounts;
}

function policyOf({ peers, ...rest }: NonNullable<AccountSettings['fxp']>): Partial<FxpPolicy> {
  return { ...rest, ...(peers && { peers: peers.ranges }) };
}
