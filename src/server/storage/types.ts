import type { Sink, Source } from '../../net/plane/types.js';

export {
  FileError,
  type FileErrorCode,
  type Remains,
  type Sink,
  type Source,
} from '../../net/plane/types.js';

/** One file or directory, as MLSx and LIST show it (RFC 3659 7.5). */
export interface FileFacts {
  /** Last component; '' for the root of the storage. */
  name: string;
  type: 'file' | 'directory' | 'link' | 'other';
  /** Octets; 0 for anything but files. */
  size: number;
  /** Milliseconds since 1970 UTC. */
  modify: number;
  create?: number | undefined;
  /** Permission bits, 0 to 0o777. */
  mode?: number | undefined;
  /** Same value = same file (RFC 3659 7.5.2). */
  unique?: string | undefined;
}

/** How a file is written. */
export interface WriteHow {
  /**
   * `replace`: STOR. `resume`: STOR after REST, at `offset`. `append`: APPE. `unique`: STOU, the name must be new. `fill`: what
   * is there stays, `writeAt` fills its holes and goes on behind it (MODE E after REST with ranges). `adjust`: octets go over
   * what is there from `offset` on, `writeAt` counts from there too, and all else stays (ESTO A).
   */
  mode: 'replace' | 'resume' | 'append' | 'unique' | 'fill' | 'adjust';
  /**
   * For `resume` and `adjust`, and for `fill` the end of the last range that is there; beyond the end of the file is
   * `bad-offset`, but see `holes`.
   */
  offset: number;
  /** `adjust`: an offset beyond the end leaves a hole, which reads as zeros. */
  holes?: boolean | undefined;
  /**
   * `never`: octets go under the target's name at once. `replacing`: an existing file is replaced only when the upload is
   * complete, a new one shows at once. `always`: the name shows only when complete.
   */
  temporary: 'never' | 'replacing' | 'always';
  /** Permission bits of a new file. */
  fileMode?: number | undefined;
  /** The file gets this time when it is complete, before its name shows it; milliseconds since 1970 UTC. */
  modify?: number | undefined;
}

/** Octets of a file: from `start`, to `end` (exclusive) or the end of the file. */
export interface Range {
  start: number;
  end?: number | undefined;
}

/** Digest algorithms of HASH and the X verbs. */
export type DigestAlgorithm = 'SHA-256' | 'SHA-512' | 'SHA-1' | 'MD5' | 'CRC32';

/**
 * A tree of files. Paths are absolute, `/` separated, normal (no `.`, `..`, empty components), decoded by `decodeText`:
 * octets that are not UTF-8 are lone surrogates and come back as the same octets.
 *
 * Every method fails with `FileError` and nothing else. No path leads out of the root.
 */
export interface Storage {
  /** Links are followed inside the root. */
  stat(path: string): Promise<FileFacts>;
  /** Batches of at most a few hundred, in the order of the medium; links as what they point at, or `link` when dangling. */
  list(path: string): AsyncIterable<readonly FileFacts[]>;
  /** @throws FileError `bad-offset` when the range begins beyond the end. */
  read(path: string, range: Range): Promise<Source>;
  /** Could `write` work? Nothing is created. */
  admit(path: string, how: WriteHow): Promise<void>;
  write(path: string, how: WriteHow): Promise<Sink>;
  mkdir(path: string): Promise<void>;
  rmdir(path: string): Promise<void>;
  remove(path: string): Promise<void>;
  /** Replaces an existing file, never a directory. */
  rename(from: string, to: string): Promise<void>;
  /** Milliseconds since 1970 UTC. */
  setTimes?(path: string, times: { modify?: number; create?: number }): Promise<void>;
  /** Permission bits. */
  chmod?(path: string, mode: number): Promise<void>;
  /** Octets that can still be stored below the path (AVBL). */
  available?(path: string): Promise<number>;
  /** Octets and files below the path, for quotas. */
  usage?(path: string): Promise<{ bytes: number; files: number }>;
  /** Lower-case hex. Where absent, the server reads the file itself. */
  digest?(path: string, algorithm: DigestAlgorithm, range: Range, signal?: AbortSignal): Promise<string>;
}

/** Which storage, as plain data: a worker thread makes its own from it. */
export type StorageSpec =
  | {
      kind: 'disk';
      /** Absolute path on this machine. */
      root: string;
      /** `inside`: links are followed as long as they stay below the root. `never`: a link is an error. */
      links: 'inside' | 'never';
    }
  /** An object of this thread, by its number; only a plane of this thread can open it. */
  | { kind: 'object'; id: number };
