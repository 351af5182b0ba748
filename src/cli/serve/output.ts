import { closeSync, openSync, write, writeSync } from 'node:fs';
import { FtpError } from '../../protocol/errors.js';
import type { Output } from '../io.js';
import { messageOf } from '../system-error.js';

/** Where whole lines go. */
export interface LineOutput {
  /** `line` ends with its line feed. Never waits, never throws. */
  write(line: string): void;
  /**
   * Open the file of this name again, for it may have been moved away; nothing for streams.
   *
   * @throws FtpError `local`; the old file is used on.
   */
  reopen(): void;
  /** Resolves once everything is at its place. */
  drain(): Promise<void>;
  /** What waits to its place now, for the process ends without warning. */
  flush(): void;
}

/** Characters that may wait for a disk that does not take them; what comes after is lost, and told. */
const MOST_WAITING = 16 * 1024 * 1024;

/**
 * Lines to a file: appended, mode 0640 when made. What has come together
 * is one write, so lines of several processes in one file do not mix. A disk that is slow or full never holds up the caller;
 * `onFault` hears of the first loss of each outage.
 */
export class FileOutput implements LineOutput {
  readonly #path: string | undefined;
  readonly #onFault: (why: string) => void;
  #fd: number;
  #waiting: string[] = [];
  #length = 0;
  #writing: Buffer | undefined;
  #faulty = false;
  readonly #retired: number[] = [];
  readonly #idle: (() => void)[] = [];

  /** `to`: a path, or a descriptor that stays open. @throws FtpError `local` where the file cannot be opened. */
  constructor(to: string | number, onFault: (why: string) => void) {
    this.#onFault = onFault;
    this.#path = typeof to === 'string' ? to : undefined;
    this.#fd = typeof to === 'string' ? openForAppend(to) : to;
  }

  write(line: string): void {
    if (this.#length + line.length > MOST_WAITING) {
      this.#fault('it is slower than its lines come');
      return;
    }
    this.#waiting.push(line);
    this.#length += line.length;
    if (!this.#writing) this.#next();
  }

  reopen(): void {
    if (this.#path === undefined) return;
    const fresh = openForAppend(this.#path);
    const old = this.#fd;
    this.#fd = fresh;
    this.#faulty = false;
    // A write that is under way still needs the old descriptor: it goes when that write is done.
    if (this.#writing) this.#retired.push(old);
    else closeSync(old);
  }

  drain(): Promise<void> {
    if (!this.#writing) return Promise.resolve();
    return new Promise((resolve) => this.#idle.push(resolve));
  }

  flush(): void {
    const rest = this.#waiting.join('');
    this.#waiting = [];
    this.#length = 0;
    try {
      for (let octets = Buffer.from(rest); octets.length > 0; ) {
        octets = octets.subarray(writeSync(this.#fd, octets));
      }
    } catch (error) {
      this.#fault(messageOf(error));
    }
  }

  #next(): void {
    for (const old of this.#retired.splice(0)) closeSync(old);
    if (this.#waiting.length === 0) {
      for (const resolve of this.#idle.splice(0)) resolve();
      return;
    }
    const octets = Buffer.from(this.#waiting.join(''));
    this.#waiting = [];
    this.#length = 0;
    this.#put(octets, this.#fd);
  }

  #put(octets: Buffer, fd: number): void {
    this.#writing = octets;
    write(fd, octets, (error, count) => {
      this.#writing = undefined;
      if (error) this.#fault(error.message);
      else if (count < octets.length) return this.#put(octets.subarray(count), fd);
      else this.#faulty = false;
      this.#next();
    });
  }

  #fault(why: string): void {
    if (this.#faulty) return;
    this.#faulty = true;
    this.#onFault(why);
  }
}

function openForAppend(path: string): number {
  try {
    return openSync(path, 'a', 0o640);
  } catch (error) {
    throw new FtpError('local', `the log ${path} cannot be opened: ${messageOf(error)}`, {
      advice: 'Make its directory, writable for the user that the server runs as.',
      cause: error,
    });
  }
}

/** Lines to a stream of the command line. */
export function streamOutput(stream: Output): LineOutput {
  return {
    write: (line) => void stream.write(line),
    reopen: () => {},
    drain: () => Promise.resolve(),
    flush: () => {},
  };
}
