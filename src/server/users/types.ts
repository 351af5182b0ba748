import type { AddressRange } from '../../protocol/ranges.js';
import type { FxpPolicy } from '../policy.js';
import type { StorageSpec } from '../storage/types.js';

/**
 * What may be done at a path. `read`: RETR, digests. `list`: directories are shown. `write`: new files and directories, going
 * on with a part (REST, APPE), times, modes. `delete`: whatever takes a file away: DELE, RMD, rename, overwrite.
 */
export type Right = 'read' | 'write' | 'delete' | 'list';

/** Rights below a path of the account's own tree; the longest path that fits decides. */
export interface RightsRule {
  path: string;
  rights: readonly Right[];
}

/** A storage shown at a path of the account's tree. */
export interface Mount {
  /** `/` is the home; every account has one. */
  path: string;
  storage: StorageSpec;
}

/** Everything the server needs to know of a user once the password was right. Groups are merged in already. */
export interface Account {
  name: string;
  groups: readonly string[];
  /** Read only, no FXP, any password. */
  anonymous: boolean;
  mounts: readonly Mount[];
  /** Default: everything below `/`. */
  rights: readonly RightsRule[];
  /** Octets and files in the home; absent = no limit. */
  quota?: { bytes?: number | undefined; files?: number | undefined } | undefined;
  /** Octets per second over all of the account's transfers; 0 = no limit. */
  rate: { up: number; down: number };
  /** Sessions at the same time; 0 = no limit. */
  maxLogins: number;
  /** Client addresses that may log in; empty = all. */
  allowFrom: readonly AddressRange[];
  /** Overrides of the server's FXP policy. */
  fxp: Partial<FxpPolicy>;
}

/** Who may log in. */
export interface UserStore {
  /**
   * The account when name and password are right and `address` is allowed, else undefined. Takes the same work for unknown
   * names as for wrong passwords.
   */
  login(name: string, password: string, address: string): Promise<Account | undefined>;
  /** SITE PSWD. @returns false when the old password is wrong. */
  changePassword?(name: string, old: string, fresh: string): Promise<boolean>;
}
