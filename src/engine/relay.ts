import { isProven } from '../client/certificate.js';
import type { Connection } from '../client/connection.js';
import { relay } from '../client/transfer.js';
import { FtpError } from '../protocol/errors.js';
import type { Security } from '../protocol/site.js';
import { arrivalPath, commit, discard, exactTime, resumePoint } from './commit.js';
import type { FileJob, Sent } from './job.js';
import type { Lane } from './lane.js';
import { meets } from './plan.js';
import { streamOptions } from './progress.js';
import type { Run } from './run.js';
import { Mismatch, verifyPair } from './verify.js';

/** What a data connection between this client and a server reaches (RFC 4217 15.1.1: same key as on the control connection). */
export function legSecurity({ facts, site }: Pick<Connection, 'facts' | 'site'>): Security {
  if (!facts.protP) return 'clear';
  // Where a distributed server may show another key on the data connection, nobody vouches for it.
  return isProven(facts.certificate) && !site.allowForeignPasv ? 'verified' : 'encrypted';
}

/** Both legs together: verified only if both are; one-sided if one is and the other is at least encrypted. */
export function relaySecurity(a: Security, b: Security): Security {
  if (a === 'clear' || b === 'clear') return 'clear';
  if (a === b) return a;
  return 'one-sided';
}

/** @throws FtpError `no-route` when this client's own connections would stay below the floor. */
export function checkFloor(reached: Security, floor: Security, what: string): void {
  if (meets(reached, floor)) return;
  throw new FtpError('no-route', `${what} would only be ${reached}, and the floor is ${floor}`, {
    retry: 'never',
    advice:
      reached === 'clear'
        ? 'Use ftps:// addresses for both.'
        : 'Pin the certificates (--pin), or let a known CA sign them.',
  });
}

/** RETR here into STOR there through this client. */
export async function sendRelay(run: Run, lane: Lane, job: FileJob): Promise<Sent> {
  await lane.connect();
  const source = lane.connection('source');
  const destination = lane.connection('destination');
  const security = relaySecurity(legSecurity(source), legSecurity(destination));
  checkFloor(
    security,
    run.settings.security,
    `the relay from ${run.names.source} to ${run.names.destination}`,
  );
  const offset = await resumePoint(run, destination, job, source.facts.digests);
  const path = arrivalPath(run, job);
  let moved = 0;
  if (job.size === undefined || offset < job.size || job.size === 0) {
    job.partial = 'unknown';
    const options = streamOptions(run, lane, job, offset);
    const both = [
      { connection: source, path: job.source },
      { connection: destination, path },
    ] as const;
    ({ bytes: moved } = await relay(...both, options));
  }
  return {
    async finish() {
      try {
        const verified = await verifyPair(
          { connection: source, path: job.source },
          { connection: destination, path },
          job.size,
          run.settings.verify,
        );
        await commit(run, destination, job, await exactTime(run, source, job));
        return { bytes: moved, route: { kind: 'relay' }, security, ...verified };
      } catch (error) {
        if (error instanceof Mismatch) {
          await discard(destination, path);
          job.partial = 0;
        }
        throw error;
      }
    },
  };
}
