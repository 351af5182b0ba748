import type { Entry } from '../protocol/entry.js';
import { checkName } from '../protocol/names.js';
import { joinPath } from '../protocol/paths.js';

/** Directories deeper than this are a loop made of links that the server shows as directories. */
export const DEEPEST = 64;

/** An entry and its path, which begins with the path at which the walk began. */
export interface Found {
  path: string;
  entry: Entry;
}

/** What can be walked: anything that lists a directory. */
export interface Walkable {
  list(path: string): Promise<Entry[]>;
}

/**
 * Everything below a directory, each directory before what it holds, in the order of the listing. Neither links
 * are followed nor directories whose names are no plain component (see `checkName`): a hostile listing cannot lead elsewhere.
 *
 * @throws FtpError of the listing that failed.
 */
export async function* walk(files: Walkable, path: string, depth = 0): AsyncGenerator<Found> {
  const entries = await files.list(path);
  for (const entry of entries) {
    const below = joinPath(path, entry.name);
    yield { path: below, entry };
    const enter = entry.type === 'dir' && depth < DEEPEST && checkName(entry.name).ok;
    if (enter) yield* walk(files, below, depth + 1);
  }
}
