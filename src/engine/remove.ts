import { abortError } from '../net/deadline.js';
import { checkName } from '../protocol/names.js';
import { joinPath } from '../protocol/paths.js';
import type { Filter } from './filter.js';
import type { Tree } from './tree.js';

/** What stands at the target and not at the source. */
export interface Extra {
  path: string;
  /** Relative to the target, for the filter. */
  relative: string;
  directory: boolean;
}

export interface RemoveRules {
  dryRun: boolean;
  /** What it hides is not this run's business, and stays. */
  filter: Filter;
  signal: AbortSignal;
  gone: (path: string, kind: 'file' | 'dir') => void;
}

/**
 * Remove a file, or a directory with all that is in it, contents first. Links are removed, never followed.
 *
 * @returns false when something of it stays, because the filter hides it or its name cannot be used.
 * @throws FtpError `refused` at the first thing that cannot be removed; `aborted`.
 */
export async function removeExtra(tree: Tree, extra: Extra, rules: RemoveRules): Promise<boolean> {
  const { path, relative, directory } = extra;
  if (rules.signal.aborted) throw abortError(rules.signal);
  if (!rules.filter(relative, directory)) return false;
  if (directory && !(await empty(tree, extra, rules))) return false;
  if (!rules.dryRun) await (directory ? tree.removeDirectory(path) : tree.removeFile(path));
  rules.gone(path, directory ? 'dir' : 'file');
  return true;
}

async function empty(tree: Tree, { path, relative }: Extra, rules: RemoveRules): Promise<boolean> {
  let all = true;
  for (const { name, type } of await tree.list(path)) {
    // A hostile name such as ../x would lead out of the directory.
    const removed =
      checkName(name).ok &&
      (await removeExtra(
        tree,
        { path: joinPath(path, name), relative: joinPath(relative, name), directory: type === 'dir' },
        rules,
      ));
    all &&= removed;
  }
  return all;
}
