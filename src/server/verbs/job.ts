import type { DataTls, ExpectedOctets, TransferFailure, TransferResult } from '../../net/plane/types.js';
import type { Span } from '../../protocol/markers.js';
import type { FileOrder } from '../data/types.js';
import type { TransferFacts } from '../events.js';
import { type Attempted, transferReply } from '../failures.js';
import { Refusal, reply, type ServerReply } from '../reply.js';
import type { PendingEndpoint, Session } from '../session.js';
import type { Range } from '../storage/types.js';
import type { Place } from '../tree.js';

/** One transfer as its verb describes it. */
export interface Job {
  verb: string;
  place: Place;
  file: FileOrder;
  direction: 'send' | 'receive';
  /** Listings are never foreign and always TLS server (SSCN, CPSV apply to files). */
  listing: boolean;
  /** MODE E: as in `BlockOrder`. */
  pieces?: readonly { file: FileOrder; offset: number }[] | undefined;
  have?: readonly Span[] | undefined;
  /** What must have come. */
  expect?: ExpectedOctets | undefined;
  opening: string;
}

/**
 * Where the transfer starts and ends. A restart is for the command that follows, whatever becomes of that (RFC 3659 5.3).
 *
 * @throws Refusal 554 in TYPE A, where a position in the stream is none in the file.
 */
export function takeRange({ params }: Session): Range {
  const range = params.range ?? { start: params.rest };
  params.rest = 0;
  params.range = undefined;
  if (params.type === 'A' && (range.start > 0 || range.end !== undefined)) {
    throw new Refusal(554, 'REST and RANG need TYPE I.');
  }
  return range;
}

/** For DCPA: until it is complete it has failed, for whatever reason. */
export const begins = (session: Session): void => {
  session.dcpa.last = { ok: false, bytes: 0 };
};

/** Verbs that give a file its name. */
const NAMING = new Set(['STOR', 'STOU', 'ESTO']);

/** The final reply of a transfer that failed. */
export function failureReply(job: Job, failure: TransferFailure, attempted: Attempted): ServerReply {
  // RFC 3659 7.2: to name anything but a directory is an error of the argument.
  if (job.verb === 'MLSD' && failure.code === 'not-directory') {
    return reply(501, 'MLSD lists directories; MLST shows files.');
  }
  // Behind the end of a file there is no place for octets that overtake others.
  if (job.verb === 'APPE' && failure.code === 'unsupported') {
    return reply(504, 'In MODE E, APPE takes one connection.');
  }
  return transferReply(failure, { ...attempted, naming: NAMING.has(job.verb) });
}

/** What was proven of the peer; undefined when no connection came about. */
export function securityOf(
  session: Session,
  tls: DataTls | undefined,
  { peer }: TransferResult,
): TransferFacts['security'] | undefined {
  if (!peer) return undefined;
  if (!tls) return 'clear';
  if (!peer.tls) return undefined;
  if (!tls.pins) return 'encrypted';
  return session.dcpa.pinned?.scope === 'session' ? 'verified' : 'one-sided';
}

/** A transfer that is over. */
export interface Ended {
  pending: PendingEndpoint;
  result: TransferResult;
  foreign: boolean;
  security: TransferFacts['security'] | undefined;
}

/** For the log, the audit log and the metrics; listings are not told. */
export function report(session: Session, job: Job, { pending, result, foreign, security }: Ended): void {
  if (job.listing) return;
  session.core.emit({
    event: 'transfer',
    session: session.facts,
    transfer: {
      verb: job.verb,
      path: job.place.path,
      direction: job.direction,
      bytes: result.bytes,
      seconds: result.seconds,
      route: foreign ? 'fxp' : 'client',
      endpoint: pending.endpoint.kind,
      peer: result.peer,
      security,
      outcome: result.failure ? 'failed' : 'complete',
      failure: result.failure,
    },
  });
}
