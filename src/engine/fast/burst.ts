import type { Connection } from '../../client/connection.js';
import type { HostPort } from '../../protocol/addresses.js';
import { concernsFile } from '../../protocol/codes.js';
import { type FtpError, toFtpError } from '../../protocol/errors.js';
import { arrivalPath, discard } from '../commit.js';
import type { FileJob, FileResult, Sent } from '../job.js';
import type { Lane } from '../lane.js';
import type { Outcome } from '../rig.js';
import type { Attempt } from '../route.js';
import type { Ticket } from '../router.js';
import type { Run } from '../run.js';
import { isBig } from '../waiting.js';
import { FastLink, type Landed, type Order, Overtaken } from './link.js';
import { finishWhole, storesWhole, storeWhole } from './whole.js';

/** Files that are not sent in a burst again: alone it is told what is wrong with them. */
const alone = new WeakSet<FileJob>();

/** What `sendFxp` does with a file that landed under its temporary name. */
export type Finish = (landed: {
  source: Connection;
  destination: Connection;
  offset: number;
  path: string;
  said: Landed;
}) => Promise<FileResult>;

/** True for a file that may leave behind others without a word of its own between: small, new, whole. */
export const isSmallAndNew = (job: FileJob): boolean =>
  job.attempts === 0 &&
  job.partial === 0 &&
  !job.continues &&
  job.size !== undefined &&
  !isBig(job) &&
  !alone.has(job);

/** The link of a lane, where this file may go over it with those that are under way. */
export function linkFor(lane: Lane, job: FileJob): FastLink | undefined {
  const { link } = lane;
  return link && isSmallAndNew(job) && link.open(lane.held('source'), lane.held('destination'))
    ? link
    : undefined;
}

/**
 * Send a file over the kept connection of its lane, behind those that are under way; nothing is waited for.
 *
 * @returns undefined where the file must go alone: no connection yet, a big or doubtful file.
 */
export function sendInBurst(
  run: Run,
  lane: Lane,
  job: FileJob,
  ticket: Ticket,
  finish: Finish,
): Sent | undefined {
  const link = ticket.proven ? linkFor(lane, job) : undefined;
  if (!link?.carries(ticket.attempt)) return undefined;
  const source = lane.connection('source');
  const destination = lane.connection('destination');
  const pair = { source, destination };
  const whole = storesWhole(run, job, ticket.attempt, pair);
  const path = whole ? job.target : arrivalPath(run, job);
  const size = job.size ?? 0;
  const order: Order = whole ? storeWhole(run, job) : ['STOR', path];
  const said = link.send(['RETR', job.source], order, size, (bytes) =>
    run.emit({ event: 'progress', path: job.relative, bytes, size, slot: lane.slot, live: true }),
  );
  if (!whole) job.partial = 'unknown';
  const burst = { run, job, ticket, link, destination, path: whole ? undefined : path };
  return {
    finish: async () => {
      try {
        const replies = await landedOr(burst, said);
        if (!whole) return await finish({ ...pair, offset: 0, path, said: replies });
        return await finishWhole(run, job, ticket.attempt, { ...pair, said: replies });
      } catch (error) {
        const failure = overtaken(link, error);
        // From the beginning: behind another file it may have got octets of a third one.
        if (failure instanceof Overtaken) job.partial = 0;
        throw failure;
      } finally {
        link.leave();
      }
    },
  };
}

interface Burst {
  run: Run;
  job: FileJob;
  ticket: Ticket;
  link: FastLink;
  destination: Connection;
  /** Its temporary name; absent where a file that fails leaves nothing. */
  path: string | undefined;
}

/** A file that landed and lost the sessions to another one's failure before it had its name is no fault of its own. */
function overtaken(link: FastLink, error: unknown): FtpError {
  const failure = toFtpError(error);
  return failure.kind === 'closed' && link.gaveUp && !(failure instanceof Overtaken)
    ? new Overtaken(failure.message)
    : failure;
}

/** A file that went alone, and is finished while others follow it over the same connection. */
export function beforeOthers({ link }: Lane, sent: Sent): Sent {
  if (!link) return sent;
  const finish = (): Promise<FileResult> =>
    sent.finish().catch((error: unknown) => {
      throw overtaken(link, error);
    });
  return { finish };
}

/** @throws Overtaken where the file is to be sent again at once; FtpError where it has failed for good. */
async function landedOr(burst: Burst, said: Promise<Landed>): Promise<Landed> {
  const { run, job, ticket, link, destination, path } = burst;
  try {
    const landed = await said;
    run.router?.flowed();
    ticket.settle('worked');
    return landed;
  } catch (error) {
    const failure = toFtpError(error);
    ticket.settle('open');
    if (failure instanceof Overtaken || failure.kind === 'aborted' || failure.kind === 'timeout')
      throw failure;
    if (link.drains && isFinal(failure, run.names)) {
      if (path !== undefined) await discard(destination, path);
      job.partial = 0;
      throw failure;
    }
    alone.add(job);
    if (!concernsFile({ code: failure.facts.reply?.code ?? 0 }))
      run.router?.broke(ticket.attempt, failure.message);
    throw new Overtaken(failure.message);
  }
}

/** Alone it would be answered the same; a destination may only dislike the temporary name. */
function isFinal({ retry, facts }: FtpError, { source, destination }: Run['names']): boolean {
  const code = facts.reply?.code ?? 0;
  return retry === 'never' && concernsFile({ code }) && facts.site === source && source !== destination;
}

/** The link as it is after a file went alone. */
export function linkAfter(run: Run, lane: Lane, attempt: Attempt, outcome: Outcome): void {
  if (outcome.kind !== 'done' || !attempt.fast) {
    lane.link = undefined;
    return;
  }
  if (lane.link?.endpoint === outcome.endpoint) {
    lane.link.used();
    return;
  }
  const { signal, settings, monitors } = run;
  lane.link = new FastLink({
    source: lane.connection('source'),
    destination: lane.connection('destination'),
    attempt,
    endpoint: outcome.endpoint,
    signal,
    stallTimeout: settings.stallTimeout,
    alive: async (side) => (await monitors[side]?.alive()) ?? 'unavailable',
  });
}

/** Where the connection of this attempt is, if it is still there. */
export function keptFor(lane: Lane, attempt: Attempt): HostPort | undefined {
  const { link } = lane;
  const open = link?.carries(attempt) && link.open(lane.held('source'), lane.held('destination'));
  return open ? link?.endpoint : undefined;
}
