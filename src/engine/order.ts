import { setImmediate } from 'node:timers/promises';
import type { Connection } from '../client/connection.js';
import { concernsFile } from '../protocol/codes.js';
import type { Side } from './findings.js';
import type { FileJob } from './job.js';
import type { Trial } from './ladder.js';
import type { Lane } from './lane.js';
import type { Asking, Outcome } from './rig.js';
import type { CommandOrder } from './route-memory.js';
import type { Ticket } from './router.js';
import type { Run } from './run.js';
import { other } from './shapes.js';

/** Octets of a file by which a step may be tried: it may have to be sent again. */
const TRIAL_SIZE = 4 * 1024 * 1024;

/** Files that failed in a fast order once: from then on they go one command after the other. */
const stumbled = new WeakSet<FileJob>();

/** The order of commands for one file. */
export interface Choice {
  order: CommandOrder;
  trial?: Trial;
  /** Who is told how the question asked ahead was answered. */
  ahead?: Asking;
}

const PLAIN: Choice = { order: 'plain' };

/** The fastest order that both servers stand, or the next one where this file may try it. */
export function chooseOrder(run: Run, lane: Lane, job: FileJob, { attempt, proven }: Ticket): Choice {
  const { ladders } = run;
  if (!ladders || !proven || job.attempts > 0 || stumbled.has(job)) return PLAIN;
  if (!ladders.source.stands('burst') || !ladders.destination.stands('burst')) return PLAIN;
  // The fast lane has an order of its own.
  if (attempt.fast) return { order: 'burst' };
  const passive = ladders[attempt.passive];
  const { behaviour } = lane.connection(attempt.passive).facts;
  // CPSV lasts for one connection and PRET names the file; behind the last file nobody would use the endpoint.
  if (attempt.technique === 'CPSV' || behaviour.needsPret || !run.more()) return { order: 'burst' };
  if (passive.stands('ahead')) {
    const ahead: Asking = {
      answered: () => passive.worked('ahead'),
      failed: (reason) => passive.disproven(reason),
    };
    return { order: 'ahead', ahead };
  }
  const trial = job.size !== undefined && job.size <= TRIAL_SIZE ? passive.tryAhead() : undefined;
  return trial ? { order: 'ahead', trial, ahead: { ...trial, trial: true } } : { order: 'burst' };
}

/** No command of an earlier file is under way on these sessions any more: a trial may cost them. */
export async function untilIdle(connections: readonly Connection[]): Promise<void> {
  const wait = async ({ session }: Connection): Promise<void> => {
    while (!session.idle) {
      await session.request('NOOP');
      // What the answers before led to is queued by now.
      await setImmediate();
    }
  };
  await Promise.all(connections.map(wait));
}

/** What the end of a transfer says of its order. @returns `stumbled` where the file is to be sent again in a slower one. */
export function judgeOrder(
  run: Run,
  job: FileJob,
  { attempt }: Ticket,
  { order, trial }: Choice,
  outcome: Outcome,
): Outcome {
  const { ladders } = run;
  if (!ladders || order === 'plain') return outcome;
  const { passive } = attempt;
  if (outcome.kind === 'done') {
    for (const side of [passive, other(passive)]) ladders[side].worked('burst');
    return outcome;
  }
  const why = unexplained(outcome);
  const blamed = blame(outcome) ?? (order === 'ahead' ? passive : other(passive));
  const slower = (): Outcome => {
    stumbled.add(job);
    return { kind: 'stumbled' };
  };
  if (trial) {
    if (why === undefined) trial.abandon();
    else trial.failed(why);
    return why === undefined ? outcome : slower();
  }
  if (why === undefined || (order === 'ahead' && blamed !== passive)) return outcome;
  return ladders[blamed].stumbled(order, why) ? slower() : outcome;
}

/** The file arrived, or it did not although both servers reported success. */
export function arrived(job: FileJob, { trial }: Choice, mismatch?: string): void {
  if (mismatch === undefined) trial?.arrived();
  else if (trial) {
    stumbled.add(job);
    trial.failed(mismatch);
  }
}

/** Why a transfer failed, where it was neither for the file's sake nor because a server is frozen. */
function unexplained(outcome: Outcome): string | undefined {
  if (outcome.kind === 'cannot') return outcome.finding.message;
  if (outcome.kind !== 'failed') return undefined;
  const { reply, phase } = outcome.error.facts;
  return (reply && concernsFile(reply)) || phase === 'stall' ? undefined : outcome.error.message;
}

function blame(outcome: Outcome): Side | undefined {
  if (outcome.kind === 'cannot') return outcome.finding.side;
  return outcome.kind === 'failed' ? outcome.side : undefined;
}
