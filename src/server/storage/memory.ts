import { setImmediate } from 'node:timers/promises';
import { digestOf } from './digest.js';
import { type Content, content, MemorySink, MemorySource } from './memory-file.js';
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

const BATCH = 256;

/** What a memory storage may hold. */
export interface MemoryOptions {
  /** Octets of all files together [64 MiB]; past it uploads end with `no-space`. */
  bytes?: number;
  /** Files and directories [100,000]. */
  entries?: number;
  /** Milliseconds since 1970 UTC; the time of new and changed files. Default: the clock. */
  now?: () => number;
}

interface Common {
  unique: string;
  mode: number;
  modify: number;
  create: number;
}

/** A directory of the tree. */
interface Folder extends Common {
  type: 'directory';
  children: Map<string, Node>;
  /** Uploads under way that do not show yet: the directory is not empty. */
  hidden: number;
}

/** A file of the tree; uploads that replace give it a new content, so that running reads keep the old one. */
export interface MemoryFile extends Common {
  type: 'file';
  content: Content;
}

type Node = Folder | MemoryFile;

function missing(): FileError {
  return new FileError('not-found', 'there is no such file or directory');
}

function taken(): FileError {
  return new FileError('exists', 'there is already something of this name');
}

/**
 * A storage that lives in this process: for tests, examples and trees that are made up. It has every ability; octets and
 * entries are bounded. Only a data plane of the same thread can use it (`StorageSpec` kind `object`).
 */
export function memoryStorage(options: MemoryOptions = {}): Storage {
  return new MemoryStorage(options);
}

class MemoryStorage implements Storage {
  readonly #limits: { bytes: number; entries: number };
  readonly #now: () => number;
  readonly #root: Folder;
  #entries = 0;
  #bytes = 0;
  #last = 0;

  constructor(options: MemoryOptions) {
    const { bytes = 64 * 1024 * 1024, entries = 100_000, now = Date.now } = options;
    this.#limits = { bytes, entries };
    this.#now = now;
    this.#root = this.#folder();
  }

  #common(mode: number): Common {
    const now = this.#now();
    this.#last += 1;
    return { unique: `m${this.#last.toString(36)}`, mode, modify: now, create: now };
  }

  #folder(): Folder {
    return { type: 'directory', children: new Map(), hidden: 0, ...this.#common(0o755) };
  }

  #find(names: readonly string[]): Node {
    let node: Node = this.#root;
    for (const name of names) {
      if (node.type !== 'directory')
        throw new FileError('not-directory', 'a part of the path is not a directory');
      const next = node.children.get(name);
      if (!next) throw missing();
      node = next;
    }
    return node;
  }

  #findFolder(names: readonly string[]): Folder {
    const node = this.#find(names);
    if (node.type !== 'directory') throw new FileError('not-directory', 'it is not a directory');
    return node;
  }

  #findFile(path: string): MemoryFile {
    const node = this.#find(splitPath(path));
    if (node.type === 'directory') throw new FileError('is-directory', 'it is a directory');
    return node;
  }

  /** The directory that the last component lies in. */
  #parent(path: string): { folder: Folder; name: string } {
    const names = splitPath(path);
    const name = names.pop();
    if (name === undefined) throw new FileError('denied', 'it is the root of the storage');
    return { folder: this.#findFolder(names), name };
  }

  #add(folder: Folder, name: string, node: Node): void {
    if (this.#entries >= this.#limits.entries)
      throw new FileError('no-space', `the storage is full: ${this.#limits.entries} files and directories`);
    this.#entries += 1;
    folder.children.set(name, node);
    folder.modify = this.#now();
  }

  #drop(folder: Folder, name: string): void {
    const node = folder.children.get(name);
    if (node?.type === 'file') this.#forget(node.content);
    if (folder.children.delete(name)) this.#entries -= 1;
    folder.modify = this.#now();
  }

  #forget(old: Content): void {
    old.gone = true;
    if (old.writers === 0) this.#bytes -= old.length;
  }

  async stat(path: string): Promise<FileFacts> {
    const names = splitPath(path);
    return factsOf(names.at(-1) ?? '', this.#find(names));
  }

  async *list(path: string): AsyncGenerator<readonly FileFacts[]> {
    const folder = this.#findFolder(splitPath(path));
    let batch: FileFacts[] = [];
    for (const [name, node] of folder.children) {
      batch.push(factsOf(name, node));
      if (batch.length < BATCH) continue;
      yield batch;
      batch = [];
      await setImmediate();
    }
    if (batch.length > 0) yield batch;
  }

  async read(path: string, range: Range): Promise<Source> {
    const file = this.#findFile(path);
    return new MemorySource(file.content, spanOf(range, file.content.length));
  }

  #target(path: string, how: WriteHow): { folder: Folder; name: string; file: MemoryFile | undefined } {
    if (path === '/') throw new FileError('is-directory', 'it is a directory');
    const { folder, name } = this.#parent(path);
    const file = folder.children.get(name);
    if (file?.type === 'directory') throw new FileError('is-directory', 'it is a directory');
    if (how.mode === 'unique' && file) throw taken();
    const size = file?.content.length ?? 0;
    const within = how.mode === 'resume' || how.mode === 'fill' || (how.mode === 'adjust' && !how.holes);
    if (within && how.offset > size)
      throw new FileError('bad-offset', `the file has ${size} octets, ${how.offset} is beyond its end`);
    return { folder, name, file };
  }

  async admit(path: string, how: WriteHow): Promise<void> {
    this.#target(path, how);
  }

  async write(path: string, how: WriteHow): Promise<Sink> {
    const { folder, name, file } = this.#target(path, how);
    const inPlace = how.mode !== 'replace' && how.mode !== 'unique';
    const hidden = !inPlace && (how.temporary === 'always' || (how.temporary === 'replacing' && file));
    const fresh: MemoryFile = file ?? {
      type: 'file',
      content: content(),
      ...this.#common((how.fileMode ?? 0o644) & 0o777),
    };
    if (!file && !hidden) this.#add(folder, name, fresh);
    if (hidden) folder.hidden += 1;
    return new MemorySink({
      how,
      hidden: Boolean(hidden),
      existed: file !== undefined,
      file: fresh,
      charge: (bytes) => this.#charge(bytes),
      touch: (at = this.#now()) => {
        fresh.modify = at;
      },
      place: (made) => this.#place(folder, name, fresh, made, how),
      ended: () => {
        if (hidden) folder.hidden -= 1;
      },
      remove: () => {
        if (folder.children.get(name) === fresh) this.#drop(folder, name);
      },
    });
  }

  #charge(bytes: number): void {
    if (this.#bytes + bytes > this.#limits.bytes)
      throw new FileError('no-space', `the storage is full: ${this.#limits.bytes} octets`);
    this.#bytes += bytes;
  }

  /** A hidden upload is complete: it takes the name, whatever file has it now. */
  #place(folder: Folder, name: string, file: MemoryFile, made: Content, how: WriteHow): void {
    const now = folder.children.get(name);
    if (now && how.mode === 'unique') throw taken();
    if (now?.type === 'directory') throw new FileError('is-directory', 'it is a directory');
    if (now) this.#drop(folder, name);
    const common = this.#common(now?.mode ?? file.mode);
    this.#add(folder, name, { ...file, ...common, modify: how.modify ?? common.modify, content: made });
  }

  async mkdir(path: string): Promise<void> {
    if (path === '/') throw taken();
    const { folder, name } = this.#parent(path);
    if (folder.children.has(name)) throw taken();
    this.#add(folder, name, this.#folder());
  }

  async rmdir(path: string): Promise<void> {
    const { folder, name } = this.#parent(path);
    const node = folder.children.get(name);
    if (!node) throw missing();
    if (node.type !== 'directory') throw new FileError('not-directory', 'it is not a directory');
    if (node.children.size + node.hidden > 0) throw new FileError('not-empty', 'the directory is not empty');
    this.#drop(folder, name);
  }

  async remove(path: string): Promise<void> {
    this.#findFile(path);
    const { folder, name } = this.#parent(path);
    this.#drop(folder, name);
  }

  async rename(from: string, to: string): Promise<void> {
    const node = this.#find(splitPath(from));
    const source = this.#parent(from);
    if (to === '/') throw taken();
    const target = this.#parent(to);
    const old = target.folder.children.get(target.name);
    if (old === node) return;
    if (old && (old.type === 'directory' || node.type === 'directory')) throw taken();
    if (node.type === 'directory' && to.startsWith(`${from}/`))
      throw new FileError('bad-name', 'a directory cannot be moved into itself');
    if (old) this.#drop(target.folder, target.name);
    source.folder.children.delete(source.name);
    target.folder.children.set(target.name, node);
    source.folder.modify = this.#now();
    target.folder.modify = source.folder.modify;
  }

  async setTimes(path: string, times: { modify?: number; create?: number }): Promise<void> {
    const node = this.#find(splitPath(path));
    node.modify = times.modify ?? node.modify;
    node.create = times.create ?? node.create;
  }

  async chmod(path: string, mode: number): Promise<void> {
    this.#find(splitPath(path)).mode = mode & 0o777;
  }

  async available(path: string): Promise<number> {
    this.#findFolder(splitPath(path));
    return this.#limits.bytes - this.#bytes;
  }

  async usage(path: string): Promise<{ bytes: number; files: number }> {
    const sum = { bytes: 0, files: 0 };
    const todo = [this.#findFolder(splitPath(path))];
    for (let folder = todo.pop(); folder; folder = todo.pop()) {
      for (const node of folder.children.values()) {
        if (node.type === 'directory') todo.push(node);
        else {
          sum.bytes += node.content.length;
          sum.files += 1;
        }
      }
    }
    return sum;
  }

  async digest(
    path: string,
    algorithm: DigestAlgorithm,
    range: Range,
    signal?: AbortSignal,
  ): Promise<string> {
    return digestOf(await this.read(path, range), algorithm, signal);
  }
}

function factsOf(name: string, node: Node): FileFacts {
  const { type, modify, create, mode, unique } = node;
  return { name, type, size: node.type === 'file' ? node.content.length : 0, modify, create, mode, unique };
}
