import type { Connection } from '../client/connection.js';
import { rename } from '../client/verbs.js';
import { FtpError } from '../protocol/errors.js';
import { baseName } from '../protocol/paths.js';
import type { Reply } from '../protocol/replies.js';
import { arrivalPath, commit, discard, exactTime, isNameRefused, resumePoint } from './commit.js';
import { beforeOthers, keptFor, linkAfter, sendInBurst } from './fast/burst.js';
import { compareTold, digestsAreTold } from './fast/told.js';
import type { Finding, Side } from './findings.js';
import type { FileJob, FileResult, Sent } from './job.js';
import type { Lane } from './lane.js';
import { compareMoved } from './moved.js';
import { arrived, type Choice, chooseOrder, judgeOrder, untilIdle } from './order.js';
import { routeInfo } from './plan.js';
import type { Ticket } from './router.js';
import type { Run } from './run.js';
import { runAttempt } from './run-attempt.js';
import { wayForSmall } from './small.js';
import { Mismatch, samePrefix, type Verified, verifyPair, wantsDigest } from './verify.js';
import { watchTransfer } from './watch.js';

/** Octets that are sent again when the tail of a partial file cannot be checked. */
const STEP_BACK = 64 * 1024;

/** Server to server: tries routes until one carries the file. @throws FtpError `no-route` when none is left. */
export async function sendFxp(run: Run, lane: Lane, job: FileJob): Promise<Sent> {
  for (;;) {
    const ticket = await run.router!.take();
    if (!ticket) throw run.router!.noRoute();
    const burst = sendInBurst(run, lane, job, ticket, (landed) => finish(run, job, ticket, landed));
    if (burst) return burst;
    try {
      await lane.connect();
      const sent = await tryRoute(run, lane, job, wayForSmall(run, lane, job, ticket));
      if (sent) return beforeOthers(lane, sent);
    } catch (error) {
      ticket.settle('open');
      throw error;
    }
  }
}

/** One attempt for one file; undefined when the pair cannot be joined this way. */
async function tryRoute(run: Run, lane: Lane, job: FileJob, ticket: Ticket): Promise<Sent | undefined> {
  const source = lane.connection('source');
  const destination = lane.connection('destination');
  const path = arrivalPath(run, job);
  const offset = await startingPoint(run, source, destination, job);
  if (offset === job.size && offset > 0)
    return { finish: () => finish(run, job, ticket, { source, destination, offset, path }) };
  job.partial = 'unknown';
  const choice = chooseOrder(run, lane, job, ticket);
  const giveUp = (error: unknown): never => {
    choice.trial?.abandon();
    throw error;
  };
  if (choice.trial) await untilIdle([source, destination]).catch(giveUp);
  const ended = await runAttempt({
    source,
    destination,
    attempt: ticket.attempt,
    sourcePath: job.source,
    destinationPath: path,
    offset,
    size: job.size,
    eager: choice.order !== 'plain',
    ahead: ticket.attempt.fast ? undefined : choice.ahead,
    digests: ticket.attempt.fast && digestsAreTold(run.settings.verify, source.facts, destination.facts),
    kept: keptFor(lane, ticket.attempt),
    signal: run.signal,
    watch: (stalled) => watch(run, lane, job, path, offset, stalled),
  }).catch(giveUp);
  const outcome = judgeOrder(run, job, ticket, choice, ended);
  linkAfter(run, lane, ticket.attempt, outcome);
  if ('forgeable' in outcome) {
    await tidy(lane, path);
    job.partial = 0;
  }
  switch (outcome.kind) {
    case 'done':
      // Only a source that is TLS client is known to cut files behind two positive replies: that route has to be
      // verified before others follow; every file is verified in any case.
      if (ticket.attempt.tls?.client !== 'source') ticket.settle('worked');
      return {
        finish: () => finish(run, job, ticket, { ...outcome, source, destination, offset, path, choice }),
      };
    case 'cannot':
      if (offset === 0 && !outcome.forgeable) await tidy(lane, path);
      ticket.settle(outcome.finding);
      // What fails on a proven route counts as a try of this file, with the pause that tries have between them.
      if (ticket.proven)
        throw new FtpError('closed', outcome.finding.message, { retry: 'later', phase: 'route' });
      return undefined;
    case 'stumbled':
      if (offset === 0) await tidy(lane, path);
      ticket.settle('open');
      return undefined;
    case 'failed':
      return failed(lane, job, path, ticket, outcome.error, outcome.side);
  }
}

/** Remove what a try without data left: also where that try cost the session. */
async function tidy(lane: Lane, path: string): Promise<void> {
  await lane.connect().catch(() => {});
  const destination = lane.held('destination');
  if (destination) await discard(destination, path);
}

/** A file that failed for good leaves nothing behind; one that may go on keeps what it has. */
async function failed(
  lane: Lane,
  job: FileJob,
  path: string,
  ticket: Ticket,
  error: FtpError,
  side: Side | undefined,
): Promise<undefined> {
  if (side === 'destination' && isNameRefused(error) && path !== job.target && !job.existing) {
    // Perhaps only the temporary name is refused (name rules): once under its own name, where nothing can be lost.
    job.direct = true;
    ticket.settle('open');
    return undefined;
  }
  const cuts = side === 'destination' && error.facts.reply?.code === 426;
  if (cuts && ticket.attempt.tls?.client === 'source') ticket.settle(truncates(ticket, error));
  // Under its own name a part is never built upon, and would be taken for the file.
  const useless = path === job.target && !job.existing;
  if (error.retry === 'never' || job.size === 0 || useless) {
    await tidy(lane, path);
    job.partial = 0;
  }
  throw error;
}

/** A source that is TLS client closes before it has read the session tickets; the reset takes the tail with it. */
const truncates = ({ attempt }: Ticket, error: FtpError): Finding => ({
  side: 'source',
  obstacle: 'truncates',
  attempt: attempt.id,
  message: `${error.message}: the source as TLS client cuts files`,
});

function watch(
  run: Run,
  lane: Lane,
  job: FileJob,
  path: string,
  offset: number,
  stalled: (reason: string, side?: Side) => void,
): () => void {
  const { source, destination } = run.monitors;
  if (!source || !destination) return () => {};
  return watchTransfer({
    monitors: { source, destination },
    destination: lane.connection('destination'),
    path,
    offset,
    size: job.size,
    stallTimeout: run.settings.stallTimeout,
    names: run.names,
    onBytes: (bytes) =>
      run.emit({
        event: 'progress',
        path: job.relative,
        bytes,
        size: job.size ?? 0,
        slot: lane.slot,
        live: true,
      }),
    stalled,
  });
}

/** Where to begin: what an earlier run left, or a target that is proven to be a beginning of the source. */
async function startingPoint(
  run: Run,
  source: Connection,
  destination: Connection,
  job: FileJob,
): Promise<number> {
  const path = arrivalPath(run, job);
  if (job.continues && !run.direct.value && job.existing?.size !== undefined) {
    job.continues = false;
    const have = job.existing.size;
    const same = await samePrefix(
      { connection: source, path: job.source },
      { connection: destination, path: job.target },
      have,
    );
    if (same) {
      await rename(destination, job.target, path);
      job.existing = undefined;
      return have;
    }
  }
  const have = await resumePoint(run, destination, job, source.facts.digests);
  if (have === 0 || have === job.size) return have;
  const same = await samePrefix(
    { connection: source, path: job.source },
    { connection: destination, path },
    have,
  );
  if (same === true) return have;
  if (same === undefined) return Math.max(0, have - STEP_BACK);
  await discard(destination, path);
  return 0;
}

interface Landed {
  source: Connection;
  destination: Connection;
  offset: number;
  path: string;
  /** Of its commands; absent where the file lay there. */
  choice?: Choice;
  /** Final replies of the transfer; absent where the file lay there. */
  said?: Record<Side, Reply>;
  /** Octets that the source announced when it began. */
  announced?: number | undefined;
}

/** Verify, then commit; the ticket learns whether the route is good. */
async function finish(run: Run, job: FileJob, ticket: Ticket, landed: Landed): Promise<FileResult> {
  const { source, destination, offset, path } = landed;
  try {
    const [verified, time] = await Promise.all([
      told(run, job, landed) ??
        verifyPair(
          { connection: source, path: job.source },
          { connection: destination, path },
          job.size,
          run.settings.verify,
          offset === 0 ? landed.announced : undefined,
        ),
      exactTime(run, source, job),
      askMoved(run, job, landed),
    ]);
    ticket.settle('worked');
    if (landed.choice) arrived(job, landed.choice);
    noteDirect(run, job);
    await commit(run, destination, job, time);
    return {
      bytes: (job.size ?? 0) - offset,
      route: routeInfo(ticket.attempt),
      security: ticket.attempt.security,
      ...verified,
    };
  } catch (error) {
    if (error instanceof Mismatch) await mismatch(job, ticket, landed, error);
    else ticket.settle('open');
    landed.choice?.trial?.abandon();
    throw error;
  }
}

/** What the replies prove of a whole file, where both servers tell digests. */
function told({ settings, names }: Run, job: FileJob, { offset, path, said }: Landed): Verified | undefined {
  if (!said || offset > 0 || !wantsDigest(settings.verify)) return undefined;
  return compareTold({ names, source: job.source, destination: path, size: job.size }, said);
}

/** Not where the file lay there complete: the servers would tell of another one. */
async function askMoved(run: Run, { size }: FileJob, landed: Landed): Promise<void> {
  const { source, destination, offset } = landed;
  if (run.settings.verify === 'none' || (offset > 0 && offset === size)) return;
  await compareMoved(source, destination, size === undefined ? undefined : size - offset);
}

function noteDirect(run: Run, job: FileJob): void {
  if (!job.direct || run.direct.value) return;
  run.direct.value = true;
  run.emit({
    event: 'warning',
    message: `${run.names.destination} takes no temporary names: files are written under their own name`,
  });
}

/** A short file may be continued; anything else that differs is removed. A route that cuts files is given up. */
async function mismatch(
  job: FileJob,
  ticket: Ticket,
  { destination, offset, path, choice }: Landed,
  error: Mismatch,
): Promise<void> {
  const { attempt } = ticket;
  if (choice && error.how !== 'source-changed') arrived(job, choice, error.message);
  if (error.how === 'source-changed') {
    ticket.settle('open');
    job.stale = [...job.stale, baseName(path)].filter((name) => name !== baseName(job.target));
    job.size = undefined;
  } else if (error.how === 'short' && attempt.tls?.client === 'source') {
    ticket.settle(truncates(ticket, error));
    // The route's fault, not the file's.
    job.attempts -= 1;
  } else if (offset === 0 && job.attempts > 0) {
    ticket.settle({ side: 'destination', obstacle: 'unknown', attempt: attempt.id, message: error.message });
  } else ticket.settle('open');
  await discard(destination, path);
  job.partial = 0;
}
