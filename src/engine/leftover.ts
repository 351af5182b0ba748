import type { FtpError } from '../protocol/errors.js';
import { arrivalPath } from './commit.js';
import type { FileJob } from './job.js';
import type { Lane } from './lane.js';
import type { Run } from './run.js';

/**
 * Path of what a failed file leaves at the destination; an empty one is removed. Where nobody can look, because the
 * server is away or hangs, it is taken to be there.
 *
 * @param error the failure: after a lost connection the server is asked over a new one.
 * @returns undefined when nothing is left. Never fails.
 */
export async function leftover(
  run: Run,
  lane: Lane,
  job: FileJob,
  { kind }: FtpError,
): Promise<string | undefined> {
  if (job.partial === 0) return undefined;
  const path = arrivalPath(run, job);
  try {
    if (kind === 'closed') await lane.connect();
    const tree = lane.tree('destination');
    const entry = await tree.stat(path);
    if (entry?.size !== 0) return entry && path;
    await tree.removeFile(path);
    return undefined;
  } catch {
    return path;
  }
}
