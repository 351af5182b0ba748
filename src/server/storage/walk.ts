import {
  closeSync,
  constants,
  fstatSync,
  lstatSync,
  openSync,
  readdirSync,
  readlinkSync,
  realpathSync,
  type Stats,
  statSync,
} from 'node:fs';
import { decodeText } from '../../protocol/text.js';
import { errnoOf } from './errors.js';
import { nativePath, otherForm } from './names.js';
import { FileError } from './types.js';

/** Linux: a descriptor that only names a directory; it opens without a right to read it. Not in `constants`. */
export const O_PATH = 0o10000000;
const OPEN_DIRECTORY = O_PATH | (constants.O_DIRECTORY ?? 0) | (constants.O_NOFOLLOW ?? 0);
const MOST_LINKS = 16;
const QUIET = { throwIfNoEntry: false } as const;

/**
 * A directory that stays the one it is, whatever its path comes to mean. On Linux a descriptor, and names below it are
 * reached by /proc/self/fd, which is openat(2) and its family: no swap of a parent directory can lead elsewhere. On other
 * systems the real path, each component of which was looked at and is looked at again by `verify`.
 */
export class Dir {
  /** The directory as a path, for the system. */
  readonly path: string | Buffer;
  readonly #fd: number;
  readonly #seen: readonly Seen[];
  #holders = 1;

  constructor(path: string | Buffer, fd: number, seen: readonly Seen[] = []) {
    this.path = fd >= 0 ? `/proc/self/fd/${fd}` : path;
    this.#fd = fd;
    this.#seen = seen;
  }

  /** No swap of a directory can change what it is. */
  get pinned(): boolean {
    return this.#fd >= 0;
  }

  at(name: string): string | Buffer {
    return nativePath(this.path, name);
  }

  /** What it is itself. */
  stats(): Stats {
    return this.#fd >= 0 ? fstatSync(this.#fd) : lstatSync(this.path);
  }

  /** @throws FileError `not-directory` when `name` is anything but a directory, links included. */
  open(name: string): Dir {
    const path = this.at(name);
    if (this.#fd >= 0) return new Dir(path, openSync(path, OPEN_DIRECTORY));
    const stats = lstatSync(path);
    if (!stats.isDirectory()) throw new FileError('not-directory', 'a part of the path is not a directory');
    return new Dir(path, -1, [...this.#seen, { path, dev: stats.dev, ino: stats.ino }]);
  }

  /** @throws FileError `busy` when a directory of the path was swapped since it was looked at. */
  verify(): void {
    for (const { path, dev, ino } of this.#seen) {
      const now = lstatSync(path, QUIET);
      if (now?.dev !== dev || now.ino !== ino)
        throw new FileError('busy', 'a directory of the path changed meanwhile');
    }
  }

  hold(): this {
    this.#holders += 1;
    return this;
  }

  release(): void {
    this.#holders -= 1;
    if (this.#holders === 0 && this.#fd >= 0) closeSync(this.#fd);
  }
}

interface Seen {
  path: string | Buffer;
  dev: number;
  ino: number;
}

let descriptors: boolean | undefined;

/** Whether /proc/self/fd works here. */
export function hasDescriptorPaths(): boolean {
  if (descriptors === undefined) {
    try {
      const fd = openSync('/', OPEN_DIRECTORY);
      descriptors = statSync(`/proc/self/fd/${fd}`).ino === fstatSync(fd).ino;
      closeSync(fd);
    } catch {
      descriptors = false;
    }
  }
  return descriptors;
}

/**
 * The root is opened for every walk: a kept descriptor would stay with a directory that its operator moved away, and would
 * keep its file system from being unmounted. Links in the path of the root itself are the operator's and are followed.
 */
function openRoot({ root, pinned }: Tree): Dir {
  try {
    if (pinned) return new Dir(root, openSync(root, O_PATH | (constants.O_DIRECTORY ?? 0)));
    const path = realpathSync.native(root);
    const stats = lstatSync(path);
    if (stats.isDirectory()) return new Dir(path, -1, [{ path, dev: stats.dev, ino: stats.ino }]);
  } catch (error) {
    if (errnoOf(error) !== 'ENOTDIR')
      throw new FileError('io', `the root of the storage cannot be opened (${errnoOf(error)})`);
  }
  throw new FileError('not-directory', 'the root of the storage is not a directory');
}

/** What absolute links inside may begin with: the root as it was given, and with its own links resolved. */
function prefixesOf(root: string): string[] {
  return [root, realpathSync.native(root)].map((path) => path.replace(/\/+$/, ''));
}

/** Where a path leads: `name` in `dir`, or `dir` itself when `name` is ''. The receiver releases `dir`. */
export interface Place {
  dir: Dir;
  name: string;
  /** Of the last component, where it was looked at and exists. Never that of a link that was followed. */
  stats?: Stats | undefined;
}

/** A root, how links below it are treated, and whether directories are pinned by descriptors. */
export interface Tree {
  root: string;
  links: 'inside' | 'never';
  pinned: boolean;
}

/**
 * A file system that folds case or composition finds a file under several names, but rights are granted by path. So a
 * name counts only when it is the one in the directory. Costs one lstat where names are not folded.
 */
export function isAlias(dir: Dir, name: string, stats: () => Stats): boolean {
  const other = otherForm(name);
  const found = other === undefined ? undefined : lstatSync(dir.at(other), QUIET);
  if (!found) return false;
  const own = stats();
  if (found.ino !== own.ino || found.dev !== own.dev) return false;
  return !readdirSync(dir.path, { encoding: 'buffer' }).some((octets) => decodeText(octets) === name);
}

/** One walk from the root down, a component at a time. */
class Walk {
  readonly #tree: Tree;
  /** Directories from the root to where the walk stands, all held. */
  readonly #stack: Dir[];
  /** Components to come, the next one last. */
  readonly #todo: string[];
  /** How many of `#todo`, from the bottom, were named by the client and not by a link. */
  #own: number;
  #links = 0;

  constructor(tree: Tree, names: readonly string[]) {
    this.#tree = tree;
    this.#stack = [openRoot(tree)];
    this.#todo = [...names].reverse();
    this.#own = names.length;
  }

  get #top(): Dir {
    return this.#stack[this.#stack.length - 1]!;
  }

  run(follow: boolean): Place {
    try {
      return this.#run(follow);
    } finally {
      for (const dir of this.#stack) dir.release();
    }
  }

  #run(follow: boolean): Place {
    while (this.#todo.length > 0) {
      const name = this.#todo.pop()!;
      const own = this.#todo.length < this.#own;
      if (own) this.#own = this.#todo.length;
      if (name === '' || name === '.') continue;
      if (name === '..') this.#up();
      else if (this.#todo.length > 0) this.#enter(name, own);
      else {
        const place = this.#last(name, follow, own);
        if (place) return place;
      }
    }
    return { dir: this.#top.hold(), name: '' };
  }

  #up(): void {
    if (this.#stack.length === 1) throw outside();
    this.#stack.pop()!.release();
  }

  #enter(name: string, own: boolean): void {
    const parent = this.#top;
    try {
      this.#stack.push(parent.open(name));
    } catch (error) {
      if (!(error instanceof FileError) && !['ENOTDIR', 'ELOOP'].includes(errnoOf(error))) throw error;
      if (!lstatSync(parent.at(name), QUIET)?.isSymbolicLink()) throw error;
      this.#follow(name);
      return;
    }
    if (own && isAlias(parent, name, () => this.#top.stats()))
      throw new FileError('not-found', 'there is no such file or directory');
  }

  #last(name: string, follow: boolean, own: boolean): Place | undefined {
    const dir = this.#top;
    if (!follow) return { dir: dir.hold(), name };
    const stats = lstatSync(dir.at(name), QUIET);
    if (stats && own && isAlias(dir, name, () => stats)) return { dir: dir.hold(), name };
    if (stats?.isSymbolicLink() && this.#tree.links === 'inside') {
      this.#follow(name);
      return undefined;
    }
    return { dir: dir.hold(), name, stats };
  }

  #follow(name: string): void {
    if (this.#tree.links === 'never')
      throw new FileError('denied', 'the path has a symbolic link, and links are switched off');
    this.#links += 1;
    if (this.#links > MOST_LINKS)
      throw new FileError('denied', `the path has more than ${MOST_LINKS} symbolic links`);
    const target = decodeText(readlinkSync(this.#top.at(name), { encoding: 'buffer' }));
    const names = target.startsWith('/') ? this.#fromRoot(target) : target.split('/');
    for (let i = names.length - 1; i >= 0; i -= 1) this.#todo.push(names[i]!);
  }

  /** An absolute link: below the root, seen from the root. */
  #fromRoot(target: string): string[] {
    const prefix = prefixesOf(this.#tree.root).find(
      (each) => target === each || target.startsWith(`${each}/`),
    );
    if (prefix === undefined) throw outside();
    while (this.#stack.length > 1) this.#stack.pop()!.release();
    return target.slice(prefix.length).split('/');
  }
}

function outside(): FileError {
  return new FileError('denied', 'a symbolic link leads out of the storage');
}

/**
 * Walks to the last component of a path.
 * @param follow a link at the end is followed too, and the result has `stats`.
 * @throws FileError, or the system's error.
 */
export function walk(tree: Tree, names: readonly string[], follow: boolean): Place {
  return new Walk(tree, names).run(follow);
}
