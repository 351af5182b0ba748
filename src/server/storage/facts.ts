import type { Stats } from 'node:fs';
import type { FileFacts } from './types.js';

/** The facts of a file from what the system tells. */
export function factsOf(name: string, stats: Stats): FileFacts {
  const file = stats.isFile();
  const type = file ? 'file' : stats.isDirectory() ? 'directory' : stats.isSymbolicLink() ? 'link' : 'other';
  return {
    name,
    type,
    size: file ? stats.size : 0,
    // A time set by MFMT comes back as it was: doubles lose less than a microsecond.
    modify: Math.floor(stats.mtimeMs + 0.001),
    mode: stats.mode & 0o777,
    // Past 2^53 two files could seem one: then the fact is left out.
    unique: Number.isSafeInteger(stats.ino)
      ? `${stats.dev.toString(36)}g${stats.ino.toString(36)}`
      : undefined,
  };
}
