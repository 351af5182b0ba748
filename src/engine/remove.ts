import { checkName } from '../protocol/names.js';
import { joinPath } from '../protocol/paths.js';
import type { Tree } from './tree.js';

/**
 * Remove a file, or a directory with all that is in it, contents first. Links are removed, never followed.
 *
 * @throws FtpError `refused` at the first thing that cannot be removed.
 */
export async function removeExtra(
  tree: Tree,
  path: string,
  directory: boolean,
  dryRun: boolean,
  gone: (path: string, kind: 'file' | 'dir') => void,
): Promise<void> {
  if (directory) {
    for (const entry of await tree.list(path)) {
      // A hostile name such as ../x would lead out of the directory.
      if (checkName(entry.name).ok)
        await removeExtra(tree, joinPath(path, entry.name), entry.type === 'dir', dryRun, gone);
    }
    if (!dryRun) await tree.removeDirectory(path);
    gone(path, 'dir');
    return;
  }
  if (!dryRun) await tree.removeFile(path);
  gone(path, 'file');
}
