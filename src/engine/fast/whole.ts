import type { Connection } from '../../client/connection.js';
import { changeMode } from '../../client/verbs.js';
import { dirName, joinPath } from '../../protocol/paths.js';
import { formatStoreFacts } from '../../protocol/store-facts.js';
import { discard } from '../commit.js';
import type { FileJob, FileResult } from '../job.js';
import { routeInfo } from '../plan.js';
import type { Attempt } from '../route.js';
import type { Run } from '../run.js';
import { Mismatch, type Verified, verifyPair, wantsDigest } from '../verify.js';
import type { Landed, Order } from './link.js';
import { compareTold, digestsAreTold } from './told.js';

interface Pair {
  source: Connection;
  destination: Connection;
}

/**
 * ESTO F: the destination itself gives the file its time and, once it is whole, its name (docs/server.md). Only behind a source
 * that stops at a file that fails: another one would send the next file in its place, and that one would get its name. And never
 * over an old target where the octets cross in clear: what was altered on the way is found out behind the rename.
 */
export function storesWhole(
  run: Run,
  job: FileJob,
  { security }: Attempt,
  { source, destination }: Pair,
): boolean {
  const { verify, times } = run.settings;
  if (job.existing && security === 'clear') return false;
  const modes = (destination.facts.features.value('ESTO') ?? '').toUpperCase().split(';');
  if (!modes.includes('F') || destination.facts.missing.has('ESTO')) return false;
  if (!source.facts.behaviour.dropsKept || job.size === undefined || (times && job.coarse)) return false;
  // Where digests are compared, they are those that the replies tell: nothing is compared behind a final name.
  return !wantsDigest(verify) || digestsAreTold(verify, source.facts, destination.facts);
}

/** The command at the destination. */
export function storeWhole({ settings }: Run, { target, size, modified }: FileJob): Order {
  return ['ESTO', formatStoreFacts({ modify: settings.times ? modified : undefined, size }, target)];
}

/** Prove a file that stands under its name, and do the rest. @throws Mismatch when it differs; then it is removed. */
export async function finishWhole(
  run: Run,
  job: FileJob,
  attempt: Attempt,
  { source, destination, said }: Pair & { said: Landed },
): Promise<FileResult> {
  const ends = { names: run.names, source: job.source, destination: job.target, size: job.size };
  try {
    const verified = proofOf(run, ends, said) ?? (await compareFiles(run, job, { source, destination }));
    if (run.settings.modes && job.mode !== undefined) await changeMode(destination, job.target, job.mode);
    for (const name of job.stale) await discard(destination, joinPath(dirName(job.target), name));
    return { bytes: job.size ?? 0, route: routeInfo(attempt), security: attempt.security, ...verified };
  } catch (error) {
    if (error instanceof Mismatch) await discard(destination, job.target);
    throw error;
  }
}

function proofOf(run: Run, ends: Parameters<typeof compareTold>[0], said: Landed): Verified | undefined {
  const { verify } = run.settings;
  // The destination compared the size itself.
  if (!wantsDigest(verify)) return { proof: verify };
  return compareTold(ends, said);
}

const compareFiles = (run: Run, job: FileJob, { source, destination }: Pair): Promise<Verified> =>
  verifyPair(
    { connection: source, path: job.source },
    { connection: destination, path: job.target },
    job.size,
    run.settings.verify,
  );
