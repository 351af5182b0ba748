import { type Dir as DirHandle, lstatSync, opendirSync, type Stats } from 'node:fs';
import { setImmediate } from 'node:timers/promises';
import { decodeText } from '../../protocol/text.js';
import { guarded } from './errors.js';
import { factsOf } from './facts.js';
import { isTemporary, splitPath } from './names.js';
import { FileError, type FileFacts } from './types.js';
import { type Dir, type Tree, walk } from './walk.js';

/** Entries of one batch, and how many names are asked of the system at once. */
const BATCH = 256;
/** Milliseconds of work after which the thread's other transfers get their turn. */
export const TURN = 8;
const QUIET = { throwIfNoEntry: false } as const;

/** Opens a directory. @throws FileError, or the system's error. */
export function openDirectory(tree: Tree, names: readonly string[]): Dir {
  const { dir, name, stats } = walk(tree, names, true);
  if (name === '') return dir;
  try {
    if (!stats) throw new FileError('not-found', 'there is no such file or directory');
    if (stats.isSymbolicLink()) throw new FileError('denied', 'it is a symbolic link that is not followed');
    return dir.open(name);
  } finally {
    dir.release();
  }
}

/** What a link points at, links followed; undefined where it dangles, leads out of the root or may not be followed. */
export function linkTarget(tree: Tree, names: readonly string[]): Stats | undefined {
  if (tree.links === 'never') return undefined;
  try {
    const { dir, name, stats } = walk(tree, names, true);
    const found = name === '' ? dir.stats() : stats;
    dir.release();
    return found;
  } catch {
    return undefined;
  }
}

/** A directory as it is read, a name at a time; never more than `BATCH` of them in memory. */
export class Reader {
  readonly dir: Dir;
  readonly #handle: DirHandle;

  constructor(dir: Dir) {
    this.dir = dir;
    try {
      // latin1: one character for each octet, which costs half of what buffers cost.
      this.#handle = opendirSync(dir.path, { encoding: 'latin1', bufferSize: BATCH });
    } catch (error) {
      dir.release();
      throw error;
    }
  }

  /** The next entry that still exists, uploads under way included; undefined at the end. */
  next(): { name: string; stats: Stats } | undefined {
    for (;;) {
      const entry = this.#handle.readSync();
      if (!entry) return undefined;
      const octets = entry.name;
      const name = /^[\0-\x7f]*$/.test(octets) ? octets : decodeText(Buffer.from(octets, 'latin1'));
      const stats = lstatSync(this.dir.at(name), QUIET);
      if (stats) return { name, stats };
    }
  }

  close(): void {
    this.#handle.closeSync();
    this.dir.release();
  }
}

/** Batches of at most `BATCH` entries; every few milliseconds of work the thread is given to others. */
export async function* listDirectory(tree: Tree, path: string): AsyncGenerator<FileFacts[]> {
  const names = guarded(() => splitPath(path));
  const reader = guarded(() => new Reader(openDirectory(tree, names)));
  try {
    for (;;) {
      const batch: FileFacts[] = [];
      const more = guarded(() => fill(batch, reader, tree, names));
      if (batch.length > 0) yield batch;
      if (!more) return;
      await setImmediate();
    }
  } finally {
    reader.close();
  }
}

function fill(batch: FileFacts[], reader: Reader, tree: Tree, names: readonly string[]): boolean {
  const until = performance.now() + TURN;
  while (batch.length < BATCH) {
    const entry = reader.next();
    if (!entry) return false;
    const { name, stats } = entry;
    if (isTemporary(name)) continue;
    const target = stats.isSymbolicLink() ? linkTarget(tree, [...names, name]) : undefined;
    batch.push(factsOf(name, target ?? stats));
    // The clock costs less than an entry, but not nothing.
    if (batch.length % 32 === 0 && performance.now() > until) break;
  }
  return true;
}
