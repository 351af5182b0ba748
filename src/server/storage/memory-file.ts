import { FileError, type Remains, type Sink, type Source, type WriteHow } from './types.js';

/** Octets of a file in memory: `buffer` may be longer than what counts. */
export interface Content {
  buffer: Buffer;
  length: number;
  /** Uploads that write it in place. */
  writers: number;
  /** It has no name any more: its octets count until the last writer is done. */
  gone: boolean;
}

/** An empty file. */
export function content(): Content {
  return { buffer: Buffer.alloc(0), length: 0, writers: 0, gone: false };
}

function put(into: Content, at: number, chunk: Buffer): void {
  const length = Math.max(into.length, at + chunk.length);
  if (length > into.buffer.length) {
    const larger = Buffer.alloc(Math.max(length, into.buffer.length * 2, 1024));
    into.buffer.copy(larger, 0, 0, into.length);
    into.buffer = larger;
  }
  // Two uploads in place, one of which cut the file: a gap is zeros, as on a disk, and not what was there before.
  if (at > into.length) into.buffer.fill(0, into.length, at);
  chunk.copy(into.buffer, at);
  into.length = length;
}

/** Reads a file as long as it was when it was opened; one that became shorter fails, as on a disk. */
export class MemorySource implements Source {
  readonly size: number;
  readonly #content: Content;
  readonly #end: number;
  #at: number;

  constructor(from: Content, span: { start: number; end: number }) {
    this.#content = from;
    this.#at = span.start;
    this.#end = span.end;
    this.size = span.end - span.start;
  }

  read(into: Buffer): number {
    const wanted = Math.min(into.length, this.#end - this.#at);
    if (wanted <= 0) return 0;
    const { buffer, length } = this.#content;
    const count = buffer.copy(into, 0, this.#at, Math.min(this.#at + wanted, length));
    if (count === 0) throw new FileError('io', 'the file became shorter while it was read');
    this.#at += count;
    return count;
  }

  close(): void {}
}

/** What a sink needs of its storage. */
export interface MemoryTarget {
  how: WriteHow;
  /** Octets are kept apart until they are complete. */
  hidden: boolean;
  existed: boolean;
  file: { content: Content };
  /** @throws FileError `no-space`. */
  charge: (bytes: number) => void;
  /** @param at [now] */
  touch: (at?: number) => void;
  /** The hidden octets take the name. */
  place: (made: Content) => void;
  /** The upload is over, however it ended. */
  ended: () => void;
  /** The new file goes away again. */
  remove: () => void;
}

/** Writes a file in memory; begins, ends and fails as a disk does. */
export class MemorySink implements Sink {
  readonly #target: MemoryTarget;
  readonly #content: Content;
  #at = 0;
  #written = 0;
  /** Where the last octet of `writeAt` ends. */
  #reach = 0;
  #begun = false;
  #end: Remains | 'complete' | undefined;
  /** Not for `append`, as on a disk. */
  readonly writeAt?: (chunk: Buffer, offset: number) => void;

  constructor(target: MemoryTarget) {
    this.#target = target;
    this.#content = target.hidden ? content() : target.file.content;
    this.#content.writers += 1;
    const { mode, offset: at } = target.how;
    if (mode === 'append') return;
    const first = mode === 'adjust' ? at : 0;
    this.#at = first;
    this.writeAt = (chunk, offset) => {
      this.#open();
      this.#put(chunk, first + offset);
      this.#reach = Math.max(this.#reach, offset + chunk.length);
    };
  }

  #finish(end: Remains | 'complete'): void {
    if (this.#end === undefined) {
      this.#target.ended();
      this.#content.writers -= 1;
      if (this.#content.gone && this.#content.writers === 0) this.#target.charge(-this.#content.length);
    }
    this.#end = end;
  }

  #begin(): void {
    if (this.#begun) return;
    this.#begun = true;
    const { how, hidden, existed, charge } = this.#target;
    if (hidden || !existed) return;
    if (how.mode === 'append') return;
    const kept = how.mode === 'replace' || how.mode === 'unique' ? 0 : how.offset;
    if (kept > this.#content.length && !how.holes)
      throw new FileError('bad-offset', 'the file became shorter than the offset');
    if (how.mode === 'fill' || how.mode === 'adjust') return;
    charge(kept - this.#content.length);
    this.#content.length = kept;
    this.#at = kept;
  }

  write(chunk: Buffer): void {
    this.#open();
    const at = this.#target.how.mode === 'append' ? this.#content.length : this.#at;
    this.#put(chunk, at);
    this.#at = at + chunk.length;
  }

  #open(): void {
    if (this.#end !== undefined) throw new FileError('io', 'the upload has ended already');
    this.#begin();
  }

  #put(chunk: Buffer, at: number): void {
    this.#target.charge(Math.max(0, at + chunk.length - this.#content.length));
    put(this.#content, at, chunk);
    this.#written += chunk.length;
    this.#target.touch();
  }

  /** What lies behind the file that came is not part of it. */
  #trim(): void {
    const { how, charge } = this.#target;
    const length = Math.max(how.offset, this.#reach);
    if (how.mode !== 'fill' || length >= this.#content.length) return;
    charge(length - this.#content.length);
    this.#content.length = length;
  }

  commit(): void {
    if (this.#end === 'complete') return;
    if (this.#end !== undefined) throw new FileError('io', 'the upload has ended already');
    try {
      this.#begin();
      this.#trim();
      const { hidden, how } = this.#target;
      if (hidden) this.#target.place(this.#content);
      else if (how.modify !== undefined) this.#target.touch(how.modify);
      this.#finish('complete');
    } catch (error) {
      this.abandon();
      throw error;
    }
  }

  abandon(): Remains {
    if (this.#end === 'complete') throw new FileError('io', 'the upload is complete already');
    if (this.#end === undefined) this.#finish(this.#discard());
    return this.#end ?? 'nothing';
  }

  #discard(): Remains {
    const { hidden, existed, remove } = this.#target;
    if (hidden) {
      this.#content.gone = true;
      return existed ? 'old' : 'nothing';
    }
    if (this.#written > 0) return 'part';
    if (existed) return 'old';
    remove();
    return 'nothing';
  }
}
