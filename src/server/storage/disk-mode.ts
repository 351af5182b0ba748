import { chmodSync, closeSync, constants, fchmodSync, fstatSync, openSync } from 'node:fs';
import { FileError } from './types.js';
import { O_PATH, type Place } from './walk.js';

/**
 * Sets the permission bits of what was looked at, a file or a directory; never through a link that took its place.
 * @throws FileError, or the system's error.
 */
export function setMode({ dir, name }: Pick<Place, 'dir' | 'name'>, mode: number): void {
  const path = dir.at(name === '' ? '.' : name);
  // A descriptor that only names the file can be had without a right to read it.
  const how = dir.pinned ? O_PATH : constants.O_RDONLY | (constants.O_NONBLOCK ?? 0);
  const fd = openSync(path, how | (constants.O_NOFOLLOW ?? 0));
  try {
    const stats = fstatSync(fd);
    if (!stats.isFile() && !stats.isDirectory()) throw new FileError('busy', 'the file changed meanwhile');
    dir.verify();
    if (dir.pinned) chmodSync(`/proc/self/fd/${fd}`, mode & 0o777);
    else fchmodSync(fd, mode & 0o777);
  } finally {
    closeSync(fd);
  }
}
