import { constants, promises as fs } from 'node:fs';
import type { Connection, TrafficMeter } from '../client/connection.js';
import { list, listsAtOnce, stat } from '../client/list.js';
import { makeDirectory, modified, removeDirectory, removeFile } from '../client/verbs.js';
import type { Entry, EntryType } from '../protocol/entry.js';
import { FtpError } from '../protocol/errors.js';
import { joinPath } from '../protocol/paths.js';
import { decodeText, encodeText } from '../protocol/text.js';

/** The tree operations that walking needs, on a server or on this machine. Paths are absolute, `/` between components. */
export interface Tree {
  readonly kind: 'remote' | 'local';
  /** Several listings may be asked for at once: none needs a data connection. */
  readonly atOnce: boolean;
  list(path: string): Promise<Entry[]>;
  stat(path: string): Promise<Entry | undefined>;
  /** Exact modification time, milliseconds since 1970 UTC. */
  modified(path: string): Promise<number | undefined>;
  /** True when made, false when it was there. */
  makeDirectory(path: string): Promise<boolean>;
  removeFile(path: string): Promise<void>;
  removeDirectory(path: string): Promise<void>;
}

/** A server's tree over one session. */
export function remoteTree(connection: Connection, meter: TrafficMeter, signal?: AbortSignal): Tree {
  return {
    kind: 'remote',
    atOnce: listsAtOnce(connection),
    list: (path) => list(connection, path, { meter, signal }),
    stat: (path) => stat(connection, path, { meter, signal }),
    modified: (path) => modified(connection, path),
    makeDirectory: (path) => makeDirectory(connection, path, true),
    removeFile: (path) => removeFile(connection, path),
    removeDirectory: (path) => removeDirectory(connection, path),
  };
}

/** A local path as octets: names that are not UTF-8 survive (see `decodeText`). */
export const localPath = (path: string): Buffer => encodeText(path);

function typeOf(stats: { isFile(): boolean; isDirectory(): boolean; isSymbolicLink(): boolean }): EntryType {
  if (stats.isFile()) return 'file';
  if (stats.isDirectory()) return 'dir';
  return stats.isSymbolicLink() ? 'link' : 'special';
}

async function localEntry(path: string, name: string, follow: boolean): Promise<Entry | undefined> {
  try {
    const stats = await (follow ? fs.stat(localPath(path)) : fs.lstat(localPath(path)));
    return {
      name,
      type: typeOf(stats),
      size: stats.size,
      modified: Math.floor(stats.mtimeMs / 1000) * 1000,
      mode: stats.mode & 0o7777,
    };
  } catch (error) {
    if (codeOf(error) === 'ENOENT' || codeOf(error) === 'ENOTDIR') return undefined;
    throw localError(error, path);
  }
}

const codeOf = (error: unknown): string =>
  error instanceof Error && 'code' in error ? String(error.code) : '';

/** A failure of the local file system, with the path. */
export function localError(error: unknown, path: string): FtpError {
  const code = codeOf(error);
  const words: Record<string, string> = {
    EACCES: 'no permission',
    ENOENT: 'there is no such file',
    ENOSPC: 'the disk is full',
    EISDIR: 'it is a directory',
    ENOTDIR: 'a part of the path is no directory',
  };
  return new FtpError(
    'local',
    `${path}: ${words[code] ?? (error instanceof Error ? error.message : String(error))}`,
    { cause: error, retry: 'never' },
  );
}

/** This machine's tree. Symbolic links are told as links, except where the path itself was named by the user. */
export const localTree: Tree = {
  kind: 'local',
  atOnce: false,
  async list(path) {
    const names = await fs.readdir(localPath(path), { encoding: 'buffer' }).catch((error: unknown) => {
      throw localError(error, path);
    });
    const entries: Entry[] = [];
    for (const octets of names) {
      const name = decodeText(octets);
      const entry = await localEntry(joinPath(path, name), name, false);
      if (entry) entries.push(entry);
    }
    return entries;
  },
  stat: (path) => localEntry(path, path.slice(path.lastIndexOf('/') + 1), true),
  modified: async (path) => (await localEntry(path, path, true))?.modified,
  async makeDirectory(path) {
    try {
      return (await fs.mkdir(localPath(path), { recursive: true, mode: 0o777 })) !== undefined;
    } catch (error) {
      throw localError(error, path);
    }
  },
  removeFile: (path) =>
    fs.unlink(localPath(path)).catch((error: unknown) => Promise.reject(localError(error, path))),
  removeDirectory: (path) =>
    fs.rmdir(localPath(path)).catch((error: unknown) => Promise.reject(localError(error, path))),
};

/** Open flags for a local target: never through a symbolic link that somebody put there (CVE-2014-4877). */
export const LOCAL_TARGET = constants.O_WRONLY | constants.O_CREAT | constants.O_NOFOLLOW;
