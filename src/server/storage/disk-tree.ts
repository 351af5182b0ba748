import { type Stats, unlinkSync } from 'node:fs';
import { setImmediate } from 'node:timers/promises';
import { openDirectory, Reader, TURN } from './disk-list.js';
import { errnoOf, guarded, toFileError } from './errors.js';
import { isTemporary, splitPath } from './names.js';
import { FileError } from './types.js';
import { type Dir, hasDescriptorPaths, type Tree } from './walk.js';

/** Entries that one walk through a tree looks at. */
const MOST_ENTRIES = 5_000_000;
/** Milliseconds: no upload lasts longer without an octet. */
const STALE = 24 * 60 * 60 * 1000;

type Visit = (dir: Dir, name: string, stats: Stats) => void;

/** Calls `visit` for everything below a directory. Links are visited, not followed. @throws FileError past `most` entries. */
async function visitBelow(tree: Tree, first: readonly string[], visit: Visit, most: number): Promise<void> {
  let left = most;
  let until = performance.now() + TURN;
  const todo = [first];
  for (let names = todo.pop(); names; names = todo.pop()) {
    const reader = openBelow(tree, names, names === first);
    if (!reader) continue;
    try {
      for (let entry = guarded(() => reader.next()); entry; entry = guarded(() => reader.next())) {
        left -= 1;
        if (left < 0) throw new FileError('unsupported', `there are more than ${most} entries to look at`);
        const { name, stats } = entry;
        if (stats.isDirectory()) todo.push([...names, name]);
        visit(reader.dir, name, stats);
        if (left % 32 !== 0 || performance.now() < until) continue;
        await setImmediate();
        until = performance.now() + TURN;
      }
    } finally {
      reader.close();
    }
  }
}

/** A directory that went away or cannot be read counts for nothing, unless it is the one that was asked for. */
function openBelow(tree: Tree, names: readonly string[], asked: boolean): Reader | undefined {
  try {
    return new Reader(openDirectory(tree, names));
  } catch (error) {
    if (asked) throw toFileError(error);
    return undefined;
  }
}

/**
 * Octets and files below a path. Links and uploads under way count for nothing, a file with two names counts twice.
 * @throws FileError `unsupported` past five million entries.
 */
export async function usageBelow(tree: Tree, path: string): Promise<{ bytes: number; files: number }> {
  const sum = { bytes: 0, files: 0 };
  const names = guarded(() => splitPath(path));
  const count: Visit = (_, name, stats) => {
    if (!stats.isFile() || isTemporary(name)) return;
    sum.bytes += stats.size;
    sum.files += 1;
  };
  await visitBelow(tree, names, count, MOST_ENTRIES);
  return sum;
}

/**
 * Removes what uploads of a server that was killed left behind: temporary files that nobody wrote to for a day.
 *
 * @param root directory of a disk storage.
 * @param options `age` in milliseconds [a day], `most` entries to look at [5,000,000], `now` [the clock].
 * @returns how many files were removed.
 * @throws FileError when the root cannot be read or has more entries.
 */
export async function sweep(
  root: string,
  options: { age?: number; most?: number; now?: number } = {},
): Promise<number> {
  const { age = STALE, most = MOST_ENTRIES, now = Date.now() } = options;
  let removed = 0;
  const remove: Visit = (dir, name, stats) => {
    if (!isTemporary(name) || !stats.isFile() || now - stats.mtimeMs < age) return;
    try {
      unlinkSync(dir.at(name));
      removed += 1;
    } catch (error) {
      // Another process swept it, or it is not ours to remove.
      if (!['ENOENT', 'EACCES', 'EPERM', 'EROFS'].includes(errnoOf(error))) throw toFileError(error);
    }
  };
  await visitBelow({ root, links: 'never', pinned: hasDescriptorPaths() }, [], remove, most);
  return removed;
}
