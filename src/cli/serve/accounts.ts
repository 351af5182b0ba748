import { existsSync } from 'node:fs';
import type { AddressRange } from '../../protocol/ranges.js';
import { type FileUsers, fileUsers } from '../../server/users/file.js';
import { memoryUsers } from '../../server/users/memory.js';
import type { Account, UserStore } from '../../server/users/types.js';
import { withLock } from '../lock.js';
import type { Start } from './start.js';

/** Who may log in, and how many they are. */
export interface Accounts extends UserStore {
  /** undefined: the users file does not exist yet. */
  readonly count: number | undefined;
  readonly anonymous: boolean;
  /** Directories of this machine that belong to a user. */
  roots(): readonly string[];
  /** @throws FtpError when the file is not valid; the users from before stay. */
  reload(): Promise<void>;
}

/** What the accounts are told from outside. */
export interface AccountParts {
  onProblem: (error: Error) => void;
  resolvePeers?: (hosts: readonly string[]) => Promise<readonly AddressRange[]>;
}

/**
 * The users of a configuration. A users file that does not exist yet is not an error: nobody can log in until
 * `jackstay user add` has made it.
 *
 * @throws FtpError as `fileUsers`.
 */
export async function openAccounts(
  { config, quick }: Pick<Start, 'config' | 'quick'>,
  parts: AccountParts,
): Promise<Accounts> {
  if (quick)
    return Object.assign(memoryUsers([quick]), {
      count: 1,
      anonymous: false,
      roots: () => [quick.home],
      reload: async () => {},
    });
  const accounts = new FileAccounts(config.usersFile, () =>
    fileUsers(config.usersFile, {
      ...parts,
      lock: withLock,
      maxLogins: config.maxLoginsPerUser,
    }),
  );
  await accounts.reload();
  return accounts;
}

class FileAccounts implements Accounts {
  readonly #file: string;
  readonly #open: () => Promise<FileUsers>;
  #users: FileUsers | undefined;

  constructor(file: string, open: () => Promise<FileUsers>) {
    this.#file = file;
    this.#open = open;
  }

  get count(): number | undefined {
    return this.#users?.names().length;
  }

  get anonymous(): boolean {
    return this.#users?.anonymous ?? false;
  }

  roots(): readonly string[] {
    return this.#users?.roots() ?? [];
  }

  async reload(): Promise<void> {
    if (this.#users) await this.#users.reload();
    else if (existsSync(this.#file)) this.#users = await this.#open();
  }

  async login(name: string, password: string, address: string): Promise<Account | undefined> {
    if (!this.#users) await this.reload().catch(() => {});
    return this.#users?.login(name, password, address);
  }

  async changePassword(name: string, old: string, fresh: string): Promise<boolean> {
    return (await this.#users?.changePassword(name, old, fresh)) ?? false;
  }
}
