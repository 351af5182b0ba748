import {
  closeSync,
  lstatSync,
  lutimesSync,
  mkdirSync,
  renameSync,
  rmdirSync,
  type Stats,
  statfsSync,
  unlinkSync,
} from 'node:fs';
import { cachedDigest, digestOf } from './digest.js';
import { linkTarget, listDirectory, openDirectory } from './disk-list.js';
import { setMode } from './disk-mode.js';
import { DiskSource, openForReading } from './disk-read.js';
import { usageBelow } from './disk-tree.js';
import { admitFile, openSink } from './disk-write.js';
import { guarded } from './errors.js';
import { factsOf } from './facts.js';
import { splitPath } from './names.js';
import { spanOf } from './span.js';
import {
  type DigestAlgorithm,
  FileError,
  type FileFacts,
  type Range,
  type Sink,
  type Source,
  type Storage,
  type WriteHow,
} from './types.js';
import { hasDescriptorPaths, isAlias, type Place, type Tree, walk } from './walk.js';

const QUIET = { throwIfNoEntry: false } as const;

/** How a disk storage treats what it meets. */
export interface DiskOptions {
  /** `inside` [default]: links are followed as long as they stay below the root. `never`: they are errors. */
  links?: 'inside' | 'never' | undefined;
  /** Directories are pinned by descriptors [where the system has /proc/self/fd]; false takes the way of other systems. */
  pinned?: boolean | undefined;
  /**
   * Milliseconds that one read or write may hold the thread [10]. A page cache answers within one; a file that takes longer,
   * on a cold disk or a network, goes on through the thread pool.
   */
  patience?: number | undefined;
}

function gone(): FileError {
  return new FileError('not-found', 'there is no such file or directory');
}

/** The directory a path's last component lies in, and that component as it is now. Links are not followed at the end. */
function lookAt(tree: Tree, path: string): Place & { stats: Stats } {
  const place = walk(tree, splitPath(path), false);
  try {
    const stats = place.name === '' ? place.dir.stats() : lstatSync(place.dir.at(place.name), QUIET);
    if (!stats || (place.name !== '' && isAlias(place.dir, place.name, () => stats))) throw gone();
    return { ...place, stats };
  } catch (error) {
    place.dir.release();
    throw error;
  }
}

/** What a path leads to, links followed: a file or a directory. */
function targetOf(tree: Tree, path: string): Place & { stats: Stats } {
  const place = walk(tree, splitPath(path), true);
  try {
    const stats = place.name === '' ? place.dir.stats() : place.stats;
    if (!stats) throw gone();
    if (!stats.isFile() && !stats.isDirectory())
      throw new FileError('denied', 'it is neither a file nor a directory');
    return { ...place, stats };
  } catch (error) {
    place.dir.release();
    throw error;
  }
}

function using<P extends Place, T>(place: P, work: (place: P) => T): T {
  try {
    return work(place);
  } finally {
    place.dir.release();
  }
}

function notRoot(place: Place): void {
  if (place.name === '') throw new FileError('denied', 'it is the root of the storage');
}

/** What a rename may put an end to: nothing, the same file, or a regular file. */
function checkReplaced(source: Stats, { dir, name }: Place): void {
  if (name === '') throw new FileError('exists', 'there is already something of this name');
  const stats = lstatSync(dir.at(name), QUIET);
  // The same file: nothing happens, or on a file system that folds case its name gets another spelling.
  if (!stats || (stats.ino === source.ino && stats.dev === source.dev)) return;
  if (!stats.isFile() || source.isDirectory() || isAlias(dir, name, () => stats))
    throw new FileError('exists', 'there is already something of this name');
}

/**
 * Files of this machine below one directory. Made for a worker thread: its system calls are synchronous, which is the
 * fastest way from a page cache, and everything that may take long (listings, digests, a disk that is cold) gives way.
 *
 * No path leads out of the root: every component is opened for itself, without following links, from a descriptor of the
 * root; a link is resolved here and followed only when it stays inside. Uploads and deletions never follow a link at the
 * end. Only regular files are read or written. On systems without /proc/self/fd the components are looked at, and looked
 * at again around each open; there, somebody with an account on this machine who swaps directories at the right moments
 * could still lead an operation elsewhere.
 *
 * On file systems that fold case or Unicode composition a file answers only to the spelling that its directory has, so
 * that rights by path cannot be dodged. A link lends the rights of the place where it stands: only the operator of the
 * machine can make one. Names of uploads under way (`.jackstay-in.`) cannot be used.
 */
export class DiskStorage implements Storage {
  readonly #tree: Tree;
  readonly #patience: number;

  /** @param root absolute path; it need not exist before the first call. */
  constructor(root: string, options: DiskOptions = {}) {
    const { links = 'inside', pinned = hasDescriptorPaths(), patience = 10 } = options;
    this.#patience = patience;
    this.#tree = { root, links, pinned };
  }

  async stat(path: string): Promise<FileFacts> {
    return guarded(() =>
      using(lookAt(this.#tree, path), ({ name, stats }) => {
        const names = splitPath(path);
        const target = stats.isSymbolicLink() ? linkTarget(this.#tree, names) : undefined;
        return factsOf(names.at(-1) ?? name, target ?? stats);
      }),
    );
  }

  list(path: string): AsyncIterable<readonly FileFacts[]> {
    return listDirectory(this.#tree, path);
  }

  async read(path: string, range: Range): Promise<Source> {
    return guarded(() => {
      const { fd, stats } = openForReading(this.#tree, splitPath(path));
      try {
        return new DiskSource(fd, spanOf(range, stats.size), this.#patience);
      } catch (error) {
        closeSync(fd);
        throw error;
      }
    });
  }

  async admit(path: string, how: WriteHow): Promise<void> {
    guarded(() => admitFile(this.#tree, splitPath(path), how));
  }

  async write(path: string, how: WriteHow): Promise<Sink> {
    return guarded(() => openSink(this.#tree, splitPath(path), how, this.#patience));
  }

  async mkdir(path: string): Promise<void> {
    guarded(() =>
      using(walk(this.#tree, splitPath(path), false), ({ dir, name }) => {
        if (name === '') throw new FileError('exists', 'there is already something of this name');
        dir.verify();
        mkdirSync(dir.at(name));
      }),
    );
  }

  async rmdir(path: string): Promise<void> {
    guarded(() =>
      using(lookAt(this.#tree, path), (place) => {
        notRoot(place);
        if (!place.stats.isDirectory()) throw new FileError('not-directory', 'it is not a directory');
        place.dir.verify();
        rmdirSync(place.dir.at(place.name));
      }),
    );
  }

  /** A link is removed itself, never what it points at. */
  async remove(path: string): Promise<void> {
    guarded(() =>
      using(lookAt(this.#tree, path), (place) => {
        if (place.stats.isDirectory()) throw new FileError('is-directory', 'it is a directory');
        place.dir.verify();
        unlinkSync(place.dir.at(place.name));
      }),
    );
  }

  /** A link is renamed itself. Only a regular file is replaced. */
  async rename(from: string, to: string): Promise<void> {
    guarded(() =>
      using(lookAt(this.#tree, from), (source) => {
        notRoot(source);
        using(walk(this.#tree, splitPath(to), false), (target) => {
          checkReplaced(source.stats, target);
          source.dir.verify();
          target.dir.verify();
          renameSync(source.dir.at(source.name), target.dir.at(target.name));
        });
      }),
    );
  }

  /** Times of creation cannot be set on Unix: `unsupported`. */
  async setTimes(path: string, times: { modify?: number; create?: number }): Promise<void> {
    guarded(() => {
      if (times.create !== undefined)
        throw new FileError('unsupported', 'the time of creation cannot be set here');
      const { modify } = times;
      if (modify === undefined) return;
      using(targetOf(this.#tree, path), ({ dir, name, stats }) => {
        dir.verify();
        // `.`: the directory itself, which the descriptor's own path would be a link to.
        lutimesSync(dir.at(name === '' ? '.' : name), stats.atimeMs / 1000, modify / 1000);
      });
    });
  }

  async chmod(path: string, mode: number): Promise<void> {
    guarded(() => using(targetOf(this.#tree, path), (place) => setMode(place, mode)));
  }

  async available(path: string): Promise<number> {
    return guarded(() => {
      const dir = openDirectory(this.#tree, splitPath(path));
      try {
        const { bavail, bsize } = statfsSync(dir.path, { bigint: true });
        const bytes = bavail * bsize;
        return bytes > Number.MAX_SAFE_INTEGER ? Number.MAX_SAFE_INTEGER : Number(bytes);
      } finally {
        dir.release();
      }
    });
  }

  usage(path: string): Promise<{ bytes: number; files: number }> {
    return usageBelow(this.#tree, path);
  }

  /** Digests of files that did not change since are kept, the last thousand of this thread. */
  async digest(
    path: string,
    algorithm: DigestAlgorithm,
    range: Range,
    signal?: AbortSignal,
  ): Promise<string> {
    const opened = guarded(() => openForReading(this.#tree, splitPath(path)));
    return cachedDigest(opened.fd, range, algorithm, (fd, span) =>
      digestOf(new DiskSource(fd, span, this.#patience), algorithm, signal),
    );
  }
}
