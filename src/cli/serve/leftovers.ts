import { existsSync } from 'node:fs';
import { sep } from 'node:path';
import { sweep } from '../../server/storage/disk-tree.js';
import { messageOf } from '../system-error.js';
import type { Logs } from './logs.js';

/** Those that are below none of the others. */
function outermost(roots: readonly string[]): string[] {
  const within = (root: string, other: string): boolean =>
    other !== root && root.startsWith(other.endsWith(sep) ? other : `${other}${sep}`);
  return roots.filter((root) => !roots.some((other) => within(root, other)));
}

/**
 * Removes what uploads of a server that was killed left in these directories, one after the other, and tells the log. It never
 * fails: a directory that cannot be read keeps nobody from serving the others.
 */
export async function sweepLeftovers(roots: readonly string[], { say }: Pick<Logs, 'say'>): Promise<void> {
  for (const root of outermost(roots)) {
    // The home of a user who has not come yet.
    if (!existsSync(root)) continue;
    try {
      const files = await sweep(root);
      if (files > 0) {
        const fields = { event: 'swept', root, files };
        say('info', `removed ${files} temporary files of broken uploads in ${root}`, fields);
      }
    } catch (error) {
      const why = messageOf(error);
      say('warn', `temporary files of broken uploads in ${root} stay: ${why}`, {
        event: 'sweep-failed',
        root,
        why,
      });
    }
  }
}
