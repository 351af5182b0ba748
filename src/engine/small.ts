import { commonDigest } from '../protocol/digests.js';
import type { FileJob } from './job.js';
import type { Lane } from './lane.js';
import { describeAttempt, routeInfo } from './plan.js';
import type { Attempt } from './route.js';
import type { Ticket } from './router.js';
import type { Run } from './run.js';
import { SIDES } from './shapes.js';
import { wantsDigest } from './verify.js';

/**
 * Octets of a file that is whole at the destination before a source that is TLS client may cut it: what is under way when such a
 * source closes is lost, and this much has left by then. Measured with ProFTPD: 100 KB arrived whole each time, 1 MB did not.
 */
const SMALL_FILE = 64 * 1024;

/** The other way of a run for small files, by the way that was found; `undefined`: there is none, or it cut a file. */
const others = new WeakMap<Run, { found: Attempt; other: Attempt | undefined }>();

/**
 * A small file between two servers that are slow as TLS client goes with the source as TLS client, where the way that was found has
 * the destination: such a destination holds back two messages of the handshake, such a source one. Only where each file is compared
 * by digest, and never one that failed before. If such a file is cut all the same, all go the way that was found.
 */
export function wayForSmall(run: Run, lane: Lane, job: FileJob, ticket: Ticket): Ticket {
  const { attempt, proven } = ticket;
  if (!proven || job.attempts > 0 || job.size === undefined || job.size > SMALL_FILE) return ticket;
  let known = others.get(run);
  if (known?.found !== attempt) {
    known = { found: attempt, other: findOther(run, lane, attempt) };
    others.set(run, known);
  }
  const { other } = known;
  if (!other) return ticket;
  return {
    attempt: other,
    proven,
    settle: (result) => {
      ticket.settle('open');
      if (typeof result === 'string') return;
      others.set(run, { found: attempt, other: undefined });
      run.emit({
        event: 'route-failed',
        route: routeInfo(other),
        summary: describeAttempt(other, run.names),
        reason: result.message,
        side: result.side,
      });
    },
  };
}

function findOther(run: Run, lane: Lane, found: Attempt): Attempt | undefined {
  const { verify } = run.settings;
  const facts = SIDES.map((side) => lane.connection(side).facts);
  const [source, destination] = facts;
  if (found.fast || found.pins || found.tls?.client !== 'destination' || found.tls.by !== 'SSCN')
    return undefined;
  if (!wantsDigest(verify) || !source || !destination) return undefined;
  if (!facts.every(({ behaviour }) => behaviour.slowTlsClient)) return undefined;
  if (!commonDigest(source.digests, destination.digests)) return undefined;
  return run.router
    ?.plan()
    .attempts.find(
      ({ fast, pins, passive, technique, security, tls }) =>
        !fast &&
        !pins &&
        passive === found.passive &&
        technique === found.technique &&
        security === found.security &&
        tls?.client === 'source' &&
        tls.by === 'SSCN',
    );
}
