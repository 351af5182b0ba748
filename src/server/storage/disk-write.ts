import {
  accessSync,
  closeSync,
  constants,
  fchmodSync,
  fstatSync,
  ftruncateSync,
  futimesSync,
  linkSync,
  lstatSync,
  openSync,
  renameSync,
  type Stats,
  unlinkSync,
  write as writeCallback,
  writeSync,
} from 'node:fs';
import { promisify } from 'node:util';
import { checkRegular, openRegular } from './disk-read.js';
import { errnoOf, guarded, toFileError } from './errors.js';
import { temporaryName } from './names.js';
import { Patience } from './patience.js';
import { FileError, type Remains, type Sink, type WriteHow } from './types.js';
import { isAlias, type Place, type Tree, walk } from './walk.js';

const writeAsync = promisify(writeCallback);

const CREATE = constants.O_CREAT | constants.O_EXCL | (constants.O_NOFOLLOW ?? 0);
/** What link(2) answers on FAT, exFAT and some network file systems. */
const NO_HARD_LINKS = new Set(['EPERM', 'ENOSYS', 'ENOTSUP', 'EOPNOTSUPP', 'EMLINK']);
const QUIET = { throwIfNoEntry: false } as const;

/** The file to be written, looked at but not opened; links are never followed to it. */
function targetOf(tree: Tree, names: readonly string[]): Place {
  const place = walk(tree, names, false);
  try {
    if (place.name === '') throw new FileError('is-directory', 'it is a directory');
    const stats = lstatSync(place.dir.at(place.name), QUIET);
    if (stats) {
      checkRegular(stats);
      if (isAlias(place.dir, place.name, () => stats))
        throw new FileError('exists', 'the file exists under another spelling of its name');
    }
    return { ...place, stats };
  } catch (error) {
    place.dir.release();
    throw error;
  }
}

function checkHow(stats: Stats | undefined, how: WriteHow): void {
  if (how.mode === 'unique' && stats)
    throw new FileError('exists', 'there is already something of this name');
  const size = stats?.size ?? 0;
  const within = how.mode === 'resume' || how.mode === 'fill' || (how.mode === 'adjust' && !how.holes);
  if (within && how.offset > size)
    throw new FileError('bad-offset', `the file has ${size} octets, ${how.offset} is beyond its end`);
}

/** True when the octets go under another name until they are complete. */
function isHidden(stats: Stats | undefined, how: WriteHow): boolean {
  if (how.mode !== 'replace' && how.mode !== 'unique') return false;
  if (how.temporary === 'never') return false;
  return how.temporary === 'always' || stats !== undefined;
}

/** Could the file be written? Nothing is created. @throws FileError, or the system's error. */
export function admitFile(tree: Tree, names: readonly string[], how: WriteHow): void {
  const place = targetOf(tree, names);
  try {
    checkHow(place.stats, how);
    if (place.stats && !isHidden(place.stats, how)) accessSync(place.dir.at(place.name), constants.W_OK);
    else accessSync(place.dir.path, constants.W_OK | constants.X_OK);
  } finally {
    place.dir.release();
  }
}

/**
 * Opens a file for writing.
 *
 * @param patience milliseconds that writes may hold the thread, as `Patience` counts; then the thread pool writes.
 * @throws FileError, or the system's error.
 */
export function openSink(tree: Tree, names: readonly string[], how: WriteHow, patience: number): Sink {
  const place = targetOf(tree, names);
  try {
    checkHow(place.stats, how);
    if (isHidden(place.stats, how)) return new HiddenSink(place, how, patience);
    return new OpenSink(place, how, patience);
  } catch (error) {
    place.dir.release();
    throw error;
  }
}

/** Makes a new file; bits that were asked for are not cut by the umask. */
function create(place: Place, name: string, mode: number | undefined, flags: number): number {
  const fd = openSync(place.dir.at(name), flags | CREATE, mode ?? 0o666);
  try {
    place.dir.verify();
    if (mode !== undefined) fchmodSync(fd, mode & 0o777);
  } catch (error) {
    closeSync(fd);
    throw error;
  }
  return fd;
}

/**
 * What both ways of writing share: whole chunks, and how it ends, which is once. Nothing is forced to the disk at the end
 * (fsync): a power cut may lose the last seconds, as with every FTP server in its default.
 */
abstract class DiskSink implements Sink {
  protected readonly fd: number;
  protected readonly place: Place;
  protected readonly how: WriteHow;
  protected written = 0;
  /** Where the last octet of `writeAt` ends. */
  protected reach = 0;
  readonly #patience: Patience;
  #position: number | undefined;
  #begun = false;
  #pending: Promise<void> | undefined;
  #end: Remains | 'complete' | undefined;
  #open = true;
  /** Not for `append`: where the end is, only the system knows. */
  readonly writeAt?: NonNullable<Sink['writeAt']>;

  constructor(place: Place, fd: number, how: WriteHow, patience: number) {
    this.place = place;
    this.fd = fd;
    this.how = how;
    this.#patience = new Patience(patience);
    // At the end, whatever it is then.
    if (how.mode === 'append') return;
    this.#position = how.mode === 'resume' || how.mode === 'adjust' ? how.offset : 0;
    const first = how.mode === 'adjust' ? how.offset : 0;
    this.writeAt = (chunk, offset) => {
      this.reach = Math.max(this.reach, offset + chunk.length);
      return this.#write(chunk, first + offset);
    };
  }

  /** Called before the first octet and before the end: old octets are not given up for a transfer that brings none. */
  protected abstract begin(): void;
  /** The file is whole and still open. */
  protected complete(): void {}
  protected abstract settle(): void;
  protected abstract discard(): Remains;

  write(chunk: Buffer): void | Promise<void> {
    const at = this.#position;
    // Only one write runs at a time.
    if (at !== undefined) this.#position = at + chunk.length;
    return this.#write(chunk, at);
  }

  /** @param at undefined = at the end. */
  #write(chunk: Buffer, at: number | undefined): void | Promise<void> {
    if (this.#end !== undefined) throw new FileError('io', 'the upload has ended already');
    if (!this.#begun) guarded(() => this.begin());
    this.#begun = true;
    if (this.#patience.isOver) return this.#writeSlowly(chunk, at);
    const before = performance.now();
    let done = 0;
    // write(2) may take a part, on a disk that is nearly full or at a limit.
    while (done < chunk.length) {
      const from = done;
      const place = at === undefined ? null : at + from;
      done += this.#took(guarded(() => writeSync(this.fd, chunk, from, chunk.length - from, place)));
    }
    this.#patience.answered(before);
    return undefined;
  }

  #took(count: number): number {
    if (count === 0) throw new FileError('no-space', 'the file system takes no more octets');
    this.written += count;
    return count;
  }

  #writeSlowly(chunk: Buffer, at: number | undefined): Promise<void> {
    const work = this.#writeRest(chunk, at);
    const before = this.#pending;
    const pending = Promise.allSettled([before, work]).then(() => {
      if (this.#pending === pending) this.#pending = undefined;
    });
    this.#pending = pending;
    return work;
  }

  async #writeRest(chunk: Buffer, at: number | undefined): Promise<void> {
    let done = 0;
    try {
      while (done < chunk.length) {
        const place = at === undefined ? null : at + done;
        const { bytesWritten } = await writeAsync(this.fd, chunk, done, chunk.length - done, place);
        done += this.#took(bytesWritten);
      }
    } catch (error) {
      throw toFileError(error);
    }
  }

  commit(): void | Promise<void> {
    // The number of a closed descriptor may be another file's while the pool still writes to it.
    return this.#pending ? this.#pending.then(() => this.#commit()) : this.#commit();
  }

  #commit(): void {
    if (this.#end === 'complete') return;
    if (this.#end !== undefined) throw new FileError('io', 'the upload has ended already');
    try {
      if (!this.#begun) this.begin();
      this.complete();
      const { modify } = this.how;
      if (modify !== undefined) futimesSync(this.fd, Date.now() / 1000, modify / 1000);
      // Some file systems tell of a full disk or quota only at close.
      this.closeFile();
      this.place.dir.verify();
      this.settle();
      this.#end = 'complete';
      this.place.dir.release();
    } catch (error) {
      this.#abandon();
      throw toFileError(error);
    }
  }

  /** Safe after a `commit` that failed: it tells what that left. */
  abandon(): Remains | Promise<Remains> {
    return this.#pending ? this.#pending.then(() => this.#abandon()) : this.#abandon();
  }

  #abandon(): Remains {
    if (this.#end === 'complete') throw new FileError('io', 'the upload is complete already');
    if (this.#end !== undefined) return this.#end;
    this.#end = 'part';
    try {
      this.closeFile();
    } catch {
      // What could not be stored is what is being given up.
    }
    try {
      this.#end = this.discard();
    } catch (error) {
      throw toFileError(error);
    } finally {
      this.place.dir.release();
    }
    return this.#end;
  }

  protected closeFile(): void {
    if (!this.#open) return;
    this.#open = false;
    closeSync(this.fd);
  }
}

function isGone(error: unknown): boolean {
  return errnoOf(error) === 'ENOENT';
}

/** Octets go under the target's own name. */
class OpenSink extends DiskSink {
  readonly #ino: number;

  constructor(place: Place, how: WriteHow, patience: number) {
    const appends = how.mode === 'append';
    const flags = constants.O_WRONLY | (appends ? (constants.O_APPEND ?? 0) : 0);
    const fd = place.stats ? openRegular(place, flags).fd : create(place, place.name, how.fileMode, flags);
    super(place, fd, how, patience);
    this.#ino = fstatSync(fd).ino;
  }

  protected begin(): void {
    // The file may have become shorter since it was looked at: a gap would be filled with zeros that nobody sent.
    const { mode, offset } = this.how;
    if (mode === 'resume' || mode === 'fill' || mode === 'adjust') checkHow(fstatSync(this.fd), this.how);
    if (this.place.stats && (mode === 'replace' || mode === 'resume'))
      ftruncateSync(this.fd, mode === 'resume' ? offset : 0);
  }

  /** What lies behind the file that came is not part of it. */
  protected override complete(): void {
    const { mode, offset } = this.how;
    if (mode === 'fill') ftruncateSync(this.fd, Math.max(offset, this.reach));
  }

  protected settle(): void {}

  protected discard(): Remains {
    if (this.written > 0) return 'part';
    if (this.place.stats) return 'old';
    const path = this.place.dir.at(this.place.name);
    if (lstatSync(path, QUIET)?.ino === this.#ino) unlinkSync(path);
    return 'nothing';
  }
}

/** Octets go under a temporary name in the same directory; the target is the old file or nothing until the end. */
class HiddenSink extends DiskSink {
  readonly #temporary: string;
  readonly #unique: boolean;

  constructor(place: Place, how: WriteHow, patience: number) {
    const temporary = temporaryName();
    const mode = place.stats ? place.stats.mode & 0o777 : how.fileMode;
    super(place, create(place, temporary, mode, constants.O_WRONLY), how, patience);
    this.#temporary = temporary;
    this.#unique = how.mode === 'unique';
  }

  protected begin(): void {}

  protected settle(): void {
    const { dir, name } = this.place;
    if (!this.#unique) {
      renameSync(dir.at(this.#temporary), dir.at(name));
      return;
    }
    // Unlike rename(2), link(2) does not replace what came there meanwhile.
    try {
      linkSync(dir.at(this.#temporary), dir.at(name));
      unlinkSync(dir.at(this.#temporary));
    } catch (error) {
      if (!NO_HARD_LINKS.has(errnoOf(error)) || lstatSync(dir.at(name), QUIET)) throw error;
      renameSync(dir.at(this.#temporary), dir.at(name));
    }
  }

  protected discard(): Remains {
    try {
      unlinkSync(this.place.dir.at(this.#temporary));
    } catch (error) {
      if (!isGone(error)) throw error;
    }
    return this.place.stats ? 'old' : 'nothing';
  }
}
