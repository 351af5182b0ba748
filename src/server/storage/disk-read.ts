import {
  closeSync,
  constants,
  fstatSync,
  lstatSync,
  openSync,
  read as readCallback,
  readSync,
  type Stats,
} from 'node:fs';
import { promisify } from 'node:util';
import { toFileError } from './errors.js';
import { Patience } from './patience.js';
import { FileError, type Source } from './types.js';
import { type Place, type Tree, walk } from './walk.js';

const readAsync = promisify(readCallback);

/**
 * Never a link at the end; a FIFO does not wait for its writer, a terminal does not become ours. Files are opened for
 * reading and writing of what is there.
 */
const SAFELY = (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0) | (constants.O_NOCTTY ?? 0);

const QUIET = { throwIfNoEntry: false } as const;

/** Throws unless it is a regular file: the data of devices, pipes and sockets is nobody's to move. */
export function checkRegular(stats: Stats): void {
  if (stats.isFile()) return;
  if (stats.isDirectory()) throw new FileError('is-directory', 'it is a directory');
  if (stats.isSymbolicLink()) throw new FileError('denied', 'it is a symbolic link');
  throw new FileError('denied', 'it is not a regular file');
}

const ROUNDS = 3;

/**
 * Where directories are not pinned, the path may have led elsewhere for just the moment of the open. Swaps that come back
 * in time could hide from one look; from several, each of directories and file, they would have to be lucky each time.
 */
function checkSame({ dir, name, stats: looked }: Place, { dev, ino }: Stats): void {
  let same = !looked || (looked.dev === dev && looked.ino === ino);
  for (let round = 0; same && round < ROUNDS; round += 1) {
    dir.verify();
    const now = lstatSync(dir.at(name), QUIET);
    same = now?.dev === dev && now.ino === ino;
  }
  if (!same) throw new FileError('busy', 'the file changed meanwhile');
}

/** Opens a regular file that was looked at before. @throws FileError, or the system's error. */
export function openRegular(place: Place, flags: number): { fd: number; stats: Stats } {
  const fd = openSync(place.dir.at(place.name), flags | SAFELY);
  try {
    const stats = fstatSync(fd);
    checkRegular(stats);
    if (!place.dir.pinned) checkSame(place, stats);
    return { fd, stats };
  } catch (error) {
    closeSync(fd);
    throw error;
  }
}

/** What a path leads to, opened for reading. @throws FileError, or the system's error. */
export function openForReading(tree: Tree, names: readonly string[]): { fd: number; stats: Stats } {
  const place = walk(tree, names, true);
  try {
    if (place.name === '') throw new FileError('is-directory', 'it is a directory');
    if (!place.stats) throw new FileError('not-found', 'there is no such file or directory');
    checkRegular(place.stats);
    return openRegular(place, constants.O_RDONLY);
  } finally {
    place.dir.release();
  }
}

/**
 * A file as it was when it was opened: what is appended later is not sent, and a file that becomes shorter fails, because
 * a clean end would tell the receiver that it has everything.
 *
 * Reads are synchronous, the fastest way from the page cache, until they take longer than `patience`; from then on this file is
 * read through the thread pool, one chunk ahead, so that a cold disk or a network file system holds up nobody else.
 */
export class DiskSource implements Source {
  readonly size: number;
  readonly #fd: number;
  readonly #end: number;
  readonly #patience: Patience;
  #at: number;
  #ahead: { buffer: Buffer; read: Promise<number> } | undefined;
  #pending: Promise<unknown> | undefined;
  #closed = false;

  /** @param patience milliseconds that reads may hold the thread, as `Patience` counts. */
  constructor(fd: number, span: { start: number; end: number }, patience: number) {
    const { start, end } = span;
    this.#fd = fd;
    this.#patience = new Patience(patience);
    this.#at = start;
    this.#end = end;
    this.size = end - start;
  }

  read(into: Buffer): number | Promise<number> {
    const wanted = Math.min(into.length, this.#end - this.#at);
    if (wanted <= 0 || this.#closed) return 0;
    if (this.#patience.isOver) return this.#readSlowly(into, wanted);
    const before = performance.now();
    let count: number;
    try {
      count = readSync(this.#fd, into, 0, wanted, this.#at);
    } catch (error) {
      throw toFileError(error);
    }
    this.#patience.answered(before);
    return this.#advance(count);
  }

  #advance(count: number): number {
    if (count === 0) throw new FileError('io', 'the file became shorter while it was read');
    this.#at += count;
    return count;
  }

  async #readSlowly(into: Buffer, wanted: number): Promise<number> {
    try {
      const ahead = this.#ahead;
      this.#ahead = undefined;
      const count = this.#advance(ahead ? await this.#take(ahead, into) : await this.#start(into, wanted));
      this.#readAhead(ahead?.buffer, into.length);
      return count;
    } catch (error) {
      throw toFileError(error);
    }
  }

  #start(into: Buffer, wanted: number): Promise<number> {
    const read = readAsync(this.#fd, into, 0, wanted, this.#at).then(({ bytesRead }) => bytesRead);
    this.#pending = read.catch(() => undefined);
    return read;
  }

  async #take(ahead: { buffer: Buffer; read: Promise<number> }, into: Buffer): Promise<number> {
    const count = await ahead.read;
    // A smaller buffer than the one before takes a part, and what is left is read again.
    return ahead.buffer.copy(into, 0, 0, Math.min(count, into.length));
  }

  #readAhead(used: Buffer | undefined, length: number): void {
    const wanted = Math.min(length, this.#end - this.#at);
    if (wanted <= 0 || this.#closed) return;
    const buffer = used && used.length >= wanted ? used : Buffer.allocUnsafeSlow(length);
    const read = this.#start(buffer, wanted);
    read.catch(() => undefined);
    this.#ahead = { buffer, read };
  }

  close(): void | Promise<void> {
    if (this.#closed) return undefined;
    this.#closed = true;
    // The number of a closed descriptor may be another file's while the pool still reads from it.
    if (this.#pending) return this.#pending.then(() => closeSync(this.#fd));
    closeSync(this.#fd);
    return undefined;
  }
}
