import { Refusal } from './reply.js';
import type { FileFacts, StorageSpec } from './storage/types.js';
import { isWithin, rightsAt } from './users/rights.js';
import type { Account, Right, RightsRule } from './users/types.js';

const READ_ONLY: readonly Right[] = ['read', 'list'];

/** A path of the account's tree, found in a storage. */
export interface Place {
  /** Absolute and normal, in the account's tree. */
  path: string;
  storage: StorageSpec;
  /** The same file in its storage. */
  inner: string;
  /** True for the root of a mount: it cannot be renamed or removed. */
  mountPoint: boolean;
}

/**
 * Absolute and normal form of a path as the client named it (RFC 3659 6, TVFS): `/` separates, `.` and `..` are taken
 * literally here and never reach a storage, `..` stops at the root.
 */
export function normalPath(cwd: string, named: string): string {
  const parts: string[] = [];
  const whole = named.startsWith('/') ? named : `${cwd}/${named}`;
  for (const part of whole.split('/')) {
    if (part === '' || part === '.') continue;
    if (part === '..') parts.pop();
    else parts.push(part);
  }
  return `/${parts.join('/')}`;
}

/** What an account sees: its home and the storages mounted in it, each path with its rights. */
export class Tree {
  readonly account: Account;

  constructor(account: Account) {
    this.account = account;
  }

  /** @returns the place, whether the file exists or not. */
  locate(cwd: string, named: string): Place {
    const path = normalPath(cwd, named);
    let best: { path: string; storage: StorageSpec } | undefined;
    for (const mount of this.account.mounts) {
      if (isWithin(path, mount.path) && (!best || mount.path.length > best.path.length)) best = mount;
    }
    if (!best) throw new Refusal(550, 'No such file or directory.');
    const inner = best.path === '/' ? path : path.slice(best.path.length) || '/';
    return { path, storage: best.storage, inner, mountPoint: path === best.path };
  }

  /** Rights of the account; anonymous never has more than to read (threats.md row 27). */
  get rules(): readonly RightsRule[] {
    const { anonymous, rights } = this.account;
    if (!anonymous) return rights;
    const some = rights.length > 0 ? rights : [{ path: '/', rights: READ_ONLY }];
    return some.map(({ path, rights: given }) => ({
      path,
      rights: READ_ONLY.filter((right) => given.includes(right)),
    }));
  }

  may(right: Right, path: string): boolean {
    return rightsAt(this.rules, path).includes(right);
  }

  /**
   * The one place where a path is authorised, for every verb (threats.md row 37).
   *
   * @throws Refusal with `code` when a right is missing.
   */
  authorize(right: Right, place: Place, code: 550 | 553 = 550): void {
    if (!this.may(right, place.path)) throw new Refusal(code, 'Permission denied.');
  }

  /**
   * Would a rename dodge the rules (threats.md row 37)? What moves must not leave rules behind that are for parts of it,
   * come under such, or gain a right.
   */
  dodges(from: string, to: string): boolean {
    const { rules } = this;
    const hasRulesInside = (top: string): boolean =>
      rules.some(({ path }) => path !== top && isWithin(path, top));
    const before = rightsAt(rules, from);
    const gains = rightsAt(rules, to).some((right) => !before.includes(right));
    return gains || hasRulesInside(from) || hasRulesInside(to);
  }

  /** Mount points that are shown as directories inside `path`. */
  mountsIn(path: string): FileFacts[] {
    const top = path === '/' ? '/' : `${path}/`;
    const names = new Set<string>();
    for (const mount of this.account.mounts) {
      if (mount.path === '/' || !mount.path.startsWith(top) || mount.path === path) continue;
      names.add(mount.path.slice(top.length).split('/', 1)[0]!);
    }
    return [...names].map((name) => ({ name, type: 'directory', size: 0, modify: 0 }));
  }
}
