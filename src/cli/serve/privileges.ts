import { execFileSync } from 'node:child_process';
import { FtpError } from '../../protocol/errors.js';
import { messageOf } from '../system-error.js';

/** Who the server runs as after it has bound its ports. */
export interface RunAs {
  /** Name or number. */
  user: string;
  /** Name or number; absent = the primary group of the user. */
  group?: string | undefined;
}

/** The same with what the system knows of it; made by `findRunAs`. */
export interface Target {
  /** For messages. */
  name: string;
  /** Name where there is one: initgroups(3) wants it. */
  user: string | number;
  uid: number;
  group: string | number;
}

/** The part of `process` that this needs; absent where the system has no such users. */
export interface Ids {
  getuid?(): number;
  geteuid?(): number;
  getgid?(): number;
  getegid?(): number;
  getgroups?(): number[];
  setgroups?(groups: (string | number)[]): void;
  initgroups?(user: string | number, group: string | number): void;
  setgid?(id: string | number): void;
  setuid?(id: string | number): void;
  setegid?(id: string | number): void;
  seteuid?(id: string | number): void;
}

/** True when this process has root's rights. */
export function isRoot(ids: Ids): boolean {
  return ids.geteuid?.() === 0 || ids.getuid?.() === 0;
}

/**
 * Refuse to serve with root's rights: a fault in the server would be a fault of the whole machine.
 *
 * @throws FtpError `usage` for root without a target and without `allowRoot`, and for a target that only root can reach.
 */
export function checkRoot(ids: Ids, rules: { target?: Target | undefined; allowRoot: boolean }): void {
  const { target } = rules;
  if (isRoot(ids)) {
    if (target || rules.allowRoot) return;
    throw new FtpError('usage', 'jackstay serve was started as root and no other user is configured', {
      advice:
        'Set run-as = "USER" under [server], start it as that user (ports from 1024), or insist with --allow-root.',
    });
  }
  if (target && ids.getuid && ids.getuid() !== target.uid)
    throw new FtpError('usage', `run-as wants ${target.name}, and only root can change to another user`, {
      advice: 'Start it as root, or take run-as out and start it as that user.',
    });
}

/** A word of digits is a number, not a name. */
const toId = (word: string): string | number => (/^\d+$/.test(word) ? Number(word) : word);

/** Ask the system for a number of a user: `-u` itself, `-g` its primary group (POSIX id). */
function askId(option: '-u' | '-g', user: string): number {
  const text = execFileSync('id', [option, '--', user], {
    encoding: 'utf8',
    env: { PATH: '/usr/bin:/bin' },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  if (!/^\d+\n$/.test(text)) throw new Error(`id ${option} answered ${JSON.stringify(text)}`);
  return Number(text);
}

/**
 * Look the user up. @throws FtpError `usage` when the system has none of that name, or it is root.
 */
export function findRunAs(runAs: RunAs, ask = askId): Target {
  const user = toId(runAs.user);
  const name = `user ${runAs.user}${runAs.group === undefined ? '' : `, group ${runAs.group}`}`;
  const advice =
    'Check run-as under [server]: an ordinary user of this machine, for example made by useradd --system.';
  let target: Target;
  try {
    const uid = typeof user === 'number' ? user : ask('-u', user);
    target = {
      name,
      user,
      uid,
      group: runAs.group === undefined ? ask('-g', runAs.user) : toId(runAs.group),
    };
  } catch (error) {
    throw new FtpError('usage', `run-as: this machine knows no ${name}`, { advice, cause: error });
  }
  if (target.uid === 0 || target.group === 0 || target.group === 'root')
    throw new FtpError('usage', `run-as: ${name} has root's rights`, { advice });
  return target;
}

/**
 * Give up root for good: groups first, then the group, then the user, for after setuid(2) the others are not allowed any more; then prove it. Ports are bound before, files are opened after.
 *
 * @throws FtpError `local`; the process must end then, for it may hold a part of root's rights.
 */
export function dropPrivileges(ids: Ids, target: Target): void {
  try {
    // A bare number has no entry from which initgroups(3) could take the groups.
    if (typeof target.user === 'number') ids.setgroups?.([target.group]);
    else ids.initgroups?.(target.user, target.group);
    ids.setgid?.(target.group);
    ids.setuid?.(target.uid);
  } catch (error) {
    throw new FtpError('local', `cannot become ${target.name}: ${messageOf(error)}`, {
      advice: 'Check run-as under [server]: user and group must exist on this machine.',
      cause: error,
    });
  }
  const left = rootLeft(ids);
  if (left !== undefined)
    throw new FtpError('local', `became ${target.name}, yet ${left}`, {
      advice: 'Choose a user for run-as that is neither root nor a member of its group.',
    });
}

/** What is left of root's rights; undefined when nothing. */
function rootLeft(ids: Ids): string | undefined {
  if (ids.getuid?.() === 0 || ids.geteuid?.() === 0) return 'the user is still root';
  if (ids.getgid?.() === 0 || ids.getegid?.() === 0) return 'the group is still that of root';
  // CVE-2024-48651: a supplementary group 0 gives what belongs to root's group.
  if (ids.getgroups?.().includes(0)) return 'the group of root is among the supplementary groups';
  try {
    ids.setuid?.(0);
  } catch {
    return undefined;
  }
  return 'it could become root again';
}

/**
 * Do `work` with the rights of the user to come, and root's again afterwards: what is made or read at the start is then
 * what a reload can reach. Without a target, or without root, `work` is just done.
 */
export async function asUser<T>(ids: Ids, target: Target | undefined, work: () => Promise<T>): Promise<T> {
  if (!target || ids.geteuid?.() !== 0) return work();
  const group = ids.getegid?.() ?? 0;
  ids.setegid?.(target.group);
  ids.seteuid?.(target.uid);
  try {
    return await work();
  } finally {
    ids.seteuid?.(0);
    ids.setegid?.(group);
  }
}
