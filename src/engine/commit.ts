import type { Connection } from '../client/connection.js';
import { changeMode, modified, removeFile, rename, setModified, size } from '../client/verbs.js';
import { commonDigest, type DigestCommand } from '../protocol/digests.js';
import { FtpError, toFtpError } from '../protocol/errors.js';
import { baseName, dirName, joinPath } from '../protocol/paths.js';
import type { FileJob } from './job.js';
import { partialName } from './partial.js';
import type { Run } from './run.js';
import { wantsDigest } from './verify.js';

/** Path under which a file is written before it is proven; the target itself where no temporary name can be used. */
export function arrivalPath(run: Run, job: FileJob): string {
  if (run.direct.value || job.direct) return job.target;
  const known = arrivals.get(job);
  if (known && known.size === job.size && known.modified === job.modified) return known.path;
  const { size, modified } = job;
  const path = joinPath(dirName(job.target), partialName(baseName(job.target), size, modified));
  arrivals.set(job, { size, modified, path });
  return path;
}

/** Temporary paths by job: asked for several times a file, and each costs a digest. */
const arrivals = new WeakMap<FileJob, Pick<FileJob, 'size' | 'modified'> & { path: string }>();

/** True when the answer to STOR says that the name is not wanted, not that the place is. */
export const isNameRefused = (error: FtpError): boolean =>
  error.kind === 'refused' && [501, 550, 553].includes(error.facts.reply?.code ?? 0);

/**
 * Octets of this version that are there already, and may be built upon. A wrong beginning is removed.
 *
 * @param digests what the source can compute: a complete file of a transfer that a server called failed counts only
 * where the digest can be compared.
 */
export async function resumePoint(
  run: Run,
  destination: Connection,
  job: FileJob,
  digests: readonly DigestCommand[],
): Promise<number> {
  if (run.direct.value || job.direct || job.partial === 0 || job.size === undefined) return 0;
  const path = arrivalPath(run, job);
  const have = job.partial === 'unknown' ? await size(destination, path) : job.partial;
  if (have === undefined || have === 0) return 0;
  const restart = destination.facts.behaviour.noRestStore || destination.facts.missing.has('REST');
  const doubtful = job.suspect && !provable(run, digests, destination);
  if (have > job.size || (have < job.size ? restart : doubtful)) {
    await discard(destination, path);
    return 0;
  }
  return have;
}

const provable = (run: Run, digests: readonly DigestCommand[], destination: Connection): boolean =>
  wantsDigest(run.settings.verify) && commonDigest(digests, destination.facts.digests) !== undefined;

/** DELE that may fail: the file may not be there, or the session may be gone. @returns true when it was removed. */
export async function discard(destination: Connection, path: string): Promise<boolean> {
  if (destination.session.closed) return false;
  try {
    await removeFile(destination, path);
    return true;
  } catch {
    return false;
  }
}

/** The time the target is to get, milliseconds since 1970 UTC: to the second where the source can tell it. */
export async function exactTime(run: Run, source: Connection, job: FileJob): Promise<number | undefined> {
  if (!run.settings.times || !job.coarse) return job.modified;
  return (await modified(source, job.source)) ?? job.modified;
}

/**
 * A proven file gets its time (`time`: milliseconds since 1970 UTC), its mode and its name; the old target goes only
 * now. Leaves in one segment where the server queues commands.
 */
export async function commit(
  run: Run,
  destination: Connection,
  job: FileJob,
  time: number | undefined,
): Promise<void> {
  const arrived = arrivalPath(run, job);
  const stampFirst = destination.facts.features.has('MFMT') && !destination.facts.missing.has('MFMT');
  const stamp = (path: string): Promise<unknown> =>
    attributes(run, destination, path, { time, mode: job.mode });
  if (arrived === job.target) {
    await stamp(job.target);
  } else if (stampFirst) {
    await Promise.all([stamp(arrived), replace(destination, arrived, job)]);
  } else {
    await replace(destination, arrived, job);
    await stamp(job.target);
  }
  for (const name of job.stale) await discard(destination, joinPath(dirName(job.target), name));
}

async function attributes(
  run: Run,
  destination: Connection,
  path: string,
  { time, mode }: { time: number | undefined; mode: number | undefined },
): Promise<void> {
  const { times, modes } = run.settings;
  const tasks: Promise<unknown>[] = [];
  if (times && time !== undefined) tasks.push(setModified(destination, path, time));
  if (modes && mode !== undefined) tasks.push(changeMode(destination, path, mode));
  await Promise.all(tasks);
}

/** RNTO over an existing target is not defined (RFC 959): where it is refused, the old one is removed first. */
async function replace(destination: Connection, arrived: string, job: FileJob): Promise<void> {
  try {
    await rename(destination, arrived, job.target);
  } catch (error) {
    const failure = toFtpError(error);
    if (failure.kind !== 'refused' || !job.existing) throw finalNameError(failure, arrived);
    await removeFile(destination, job.target);
    await rename(destination, arrived, job.target);
  }
}

/** What is there, proven, but could not get its name: said, not hidden. */
function finalNameError(failure: FtpError, arrived: string): FtpError {
  if (failure.kind !== 'refused') return failure;
  return new FtpError('refused', `${failure.message}; the complete file is at ${arrived}`, {
    ...failure.facts,
    advice: 'Rename it by hand, or allow renaming there.',
  });
}
