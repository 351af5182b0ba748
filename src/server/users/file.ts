import { type Stats, statSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { platform } from 'node:os';
import { dirname, resolve } from 'node:path';
import { FtpError, toFtpError } from '../../protocol/errors.js';
import { type AddressRange, inRanges } from '../../protocol/ranges.js';
import { readSettings } from '../toml/read.js';
import { setPassword, type UserEditOptions } from './edit.js';
import { argon2Hasher, dummyHash, type Hasher, passwordFault } from './hash.js';
import { anonymousAccount, type Entry, mergeUser } from './merge.js';
import { ANONYMOUS_NAMES, nameFault, type UsersFile, usersFaults, usersSchema } from './schema.js';
import type { Account, UserStore } from './types.js';
import { VerifiedLogins, type VerifiedOptions } from './verified.js';

/** How a users file is read and used. */
export interface FileUsersOptions extends UserEditOptions {
  /** Sessions of one user at the same time, where the file does not say [0 = no limit]. */
  maxLogins?: number;
  /** Checks passwords [Argon2id, 2 at once]. */
  hasher?: Hasher;
  /** Right passwords that are not checked again. */
  verified?: VerifiedOptions;
  /** FXP peers given as host names; without it they are nobody. */
  resolvePeers?: (hosts: readonly string[]) => readonly AddressRange[] | Promise<readonly AddressRange[]>;
  /** The file changed and cannot be used: the users from before stay. Told once for each change. */
  onProblem?: (error: FtpError) => void;
}

/** The users of a file. */
export interface FileUsers extends UserStore {
  readonly file: string;
  changePassword(name: string, old: string, fresh: string): Promise<boolean>;
  /**
   * Read the file again now; without a call that happens at the first login after a change.
   *
   * @throws FtpError `usage` when it is not valid, `local` when it cannot be read; the users from before stay.
   */
  reload(): Promise<void>;
  /** Every name, sorted; anonymous is not one of them. */
  names(): readonly string[];
  /** Is the anonymous user switched on? */
  readonly anonymous: boolean;
  /** Directories of this machine that belong to a user, each once: homes and mounts. */
  roots(): readonly string[];
}

/** What is in use: replaced as a whole. */
interface Loaded {
  entries: ReadonlyMap<string, Entry>;
  anonymous: Account | undefined;
  dummy: string;
}

/**
 * Users in a TOML file (docs/server.md, "Users"). A change is seen at the next login.
 *
 * @throws FtpError `usage` when the file is not valid or open to other users of this machine, `local` when it cannot be read.
 */
export async function fileUsers(path: string, options: FileUsersOptions = {}): Promise<FileUsers> {
  const store = new FileStore(resolve(path), options);
  await store.reload();
  return store;
}

/** What a users file holds, checked. @throws as `fileUsers`. */
export async function readUsersFile(path: string): Promise<UsersFile> {
  const text = await readText(path);
  const { z } = await import('zod');
  return (await readSettings(path, text, usersSchema(z), usersFaults)).value;
}

class FileStore implements FileUsers {
  readonly #hasher: Hasher;
  readonly #verified: VerifiedLogins;
  #loaded: Loaded = { entries: new Map(), anonymous: undefined, dummy: dummyHash() };
  #signature = '';
  #reading: Promise<void> | undefined;

  constructor(
    readonly file: string,
    private readonly options: FileUsersOptions,
  ) {
    this.#hasher = options.hasher ?? argon2Hasher();
    this.#verified = new VerifiedLogins(options.verified);
  }

  get anonymous(): boolean {
    return this.#loaded.anonymous !== undefined;
  }

  names(): readonly string[] {
    return [...this.#loaded.entries.keys()].sort();
  }

  roots(): readonly string[] {
    const { entries, anonymous } = this.#loaded;
    const accounts = [...entries.values()].map(({ account }) => account);
    const mounts = [...accounts, ...(anonymous ? [anonymous] : [])].flatMap((account) => account.mounts);
    const roots = mounts.flatMap(({ storage }) => (storage.kind === 'disk' ? [storage.root] : []));
    return [...new Set(roots)];
  }

  async login(name: string, password: string, address: string): Promise<Account | undefined> {
    if (nameFault(name) !== undefined) return undefined;
    await this.#follow();
    const { entries, anonymous } = this.#loaded;
    if (anonymous && ANONYMOUS_NAMES.has(name))
      return mayComeFrom(anonymous, address) ? anonymous : undefined;
    const entry = entries.get(name);
    const usable = entry !== undefined && !entry.disabled && mayComeFrom(entry.account, address);
    if (!(await this.#isRight(name, password, usable ? entry : undefined))) return undefined;
    return usable ? this.#account(entry) : undefined;
  }

  async changePassword(name: string, old: string, fresh: string): Promise<boolean> {
    const entry = this.#loaded.entries.get(name);
    if (!(await this.#isRight(name, old, entry)) || entry === undefined) return false;
    const fault = passwordFault(fresh);
    if (fault !== undefined) throw new FtpError('usage', `the new password ${fault}`);
    await setPassword(this.file, name, await this.#hasher.hash(fresh), this.options);
    await this.reload();
    return true;
  }

  reload(): Promise<void> {
    this.#reading ??= this.#read().finally(() => {
      this.#reading = undefined;
    });
    return this.#reading;
  }

  async #read(): Promise<void> {
    this.#signature = signatureOf(this.file);
    const file = await readUsersFile(this.file);
    const how = { folder: dirname(this.file), maxLogins: this.options.maxLogins };
    const entries = new Map([...file.users.keys()].map((name) => [name, mergeUser(name, file, how)]));
    const { enabled, home } = file.anonymous;
    this.#loaded = {
      entries,
      anonymous: enabled && home !== undefined ? anonymousAccount(home, file, how) : undefined,
      dummy: dummyHash([...entries.values()].map((entry) => entry.password)),
    };
  }

  /** Read the file if it is not the one that was read last. */
  async #follow(): Promise<void> {
    if (this.#reading === undefined && signatureOf(this.file) === this.#signature) return;
    try {
      await this.reload();
    } catch (error) {
      this.options.onProblem?.(toFtpError(error));
    }
  }

  /** The same work whether there is such a user or not (RFC 2577 7); only what was right before is known at once. */
  async #isRight(name: string, password: string, entry: Entry | undefined): Promise<boolean> {
    if (passwordFault(password) !== undefined) return false;
    const hash = entry?.password ?? this.#loaded.dummy;
    const ticket = this.#verified.ticket(name, password, hash);
    if (this.#verified.has(ticket)) return true;
    const right = (await this.#hasher.verify(hash, password)) && entry !== undefined;
    if (right) this.#verified.add(ticket);
    return right;
  }

  async #account({ account, peers }: Entry): Promise<Account> {
    if (peers === undefined || peers.hosts.length === 0 || !this.options.resolvePeers) return account;
    const resolved = await this.options.resolvePeers(peers.hosts);
    return { ...account, fxp: { ...account.fxp, peers: [...peers.ranges, ...resolved] } };
  }
}

function mayComeFrom({ allowFrom }: Account, address: string): boolean {
  return allowFrom.length === 0 || inRanges(address, allowFrom);
}

// Synchronous: it costs some microseconds, where the thread pool may be full of hashes.
function signatureOf(file: string): string {
  const stats = statSync(file, { bigint: true, throwIfNoEntry: false });
  return stats === undefined ? 'none' : `${stats.ino}:${stats.size}:${stats.mtimeNs}:${stats.ctimeNs}`;
}

async function readText(file: string): Promise<string> {
  try {
    checkMode(file, statSync(file));
    return await readFile(file, 'utf8');
  } catch (error) {
    if (error instanceof FtpError) throw error;
    throw new FtpError('local', `cannot read the users file ${file}: ${toFtpError(error).message}`, {
      advice: 'Make it with: jackstay user add NAME --home DIR',
      cause: error,
    });
  }
}

function checkMode(file: string, stats: Stats): void {
  // Windows has no such bits and shows 0666 for every file.
  if ((stats.mode & 0o027) === 0 || platform() === 'win32') return;
  throw new FtpError(
    'usage',
    `${file} is open to others: its mode is ${(stats.mode & 0o777).toString(8).padStart(4, '0')}`,
    { advice: `It holds password hashes: chmod 600 ${file} (or 640, for a group of the server's own).` },
  );
}
