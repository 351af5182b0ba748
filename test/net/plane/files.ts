/** Files and peers as the plane's tests name them: plain data, opened the same way in every thread. */
import { closeSync, existsSync, fstatSync, openSync, readSync, renameSync, rmSync, writeSync } from 'node:fs';
import type { PlaneParts } from '../../../src/net/plane/inline.js';
import {
  FileError,
  type Opener,
  type PeerVerdict,
  type Sink,
  type Source,
} from '../../../src/net/plane/types.js';

/** A file of the tests. */
export interface TestFile {
  path: string;
  /** Answers come later, as from a slow disk. */
  slow?: boolean;
  /** The size is not told. */
  unsized?: boolean;
  /** Octets are taken in order only. */
  inOrder?: boolean;
  /** Sent from here on. */
  from?: number;
  /** Fails in this step. */
  fails?: 'open' | 'read' | 'admit' | 'sink' | 'write' | 'commit';
  /** Where sources and sinks that are still open leave a mark. */
}

/** Who may be the peer: addresses of the client and of other servers. */
export interface TestPeer {
  client: string[];
  foreign: string[];
}

export const judge = ({ client, foreign }: TestPeer, address: string): PeerVerdict => {
  if (client.includes(address)) return { allow: true, foreign: false };
  if (foreign.includes(address)) return { allow: true, foreign: true };
  return { allow: false, why: `${address} is a stranger` };
};

function later<T>(value: T, slow: boolean | undefined): T | Promise<T> {
  return slow ? new Promise((resolve) => setImmediate(() => resolve(value))) : value;
}

function source(file: TestFile): Source {
  if (file.fails === 'open' || !existsSync(file.path)) throw new FileError('not-found', 'no such file');
  const fd = openSync(file.path, 'r');
  const { from = 0 } = file;
  let read = 0;
  return {
    ...(file.unsized ? {} : { size: fstatSync(fd).size - from }),
    read(into) {
      if (file.fails === 'read' && read > 0) throw new FileError('io', 'the disk is broken');
      const count = readSync(fd, into, 0, into.length, from + read);
      read += count;
      return later(count, file.slow);
    },
    close: () => closeSync(fd),
  };
}

function sink(file: TestFile): Sink {
  if (file.fails === 'sink') throw new FileError('denied', 'not there');
  const part = `${file.path}.part`;
  const fd = openSync(part, 'w');
  const put = (chunk: Buffer, at: number | null): void | Promise<void> => {
    if (file.fails === 'write') throw new FileError('no-space', 'the disk is full');
    if (!file.slow) {
      writeSync(fd, chunk, 0, chunk.length, at);
      return undefined;
    }
    // The buffer is read late: it must not have been used again by then.
    return new Promise<void>((resolve) =>
      setImmediate(() => {
        writeSync(fd, chunk, 0, chunk.length, at);
        resolve();
      }),
    );
  };
  return {
    write: (chunk) => put(chunk, null),
    ...(file.inOrder ? {} : { writeAt: put }),
    commit() {
      if (file.fails === 'commit') throw new FileError('quota', 'too much');
      closeSync(fd);
      renameSync(part, file.path);
    },
    abandon() {
      closeSync(fd);
      rmSync(part);
      return existsSync(file.path) ? 'old' : 'nothing';
    },
  };
}

const opener: Opener<TestFile> = {
  source: (file) => (later(0, file.slow) === 0 ? source(file) : Promise.resolve().then(() => source(file))),
  admit(file) {
    if (file.fails === 'admit') throw new FileError('exists', 'already there');
    return undefined;
  },
  sink,
};

export const parts: PlaneParts<TestFile, TestPeer> = { opener, judge };
