import type { Connection } from '../../client/connection.js';
import type { SiteFacts } from '../../client/facts.js';
import { type Moved, parseMoved } from '../../protocol/moved.js';
import type { VerifyPolicy } from '../options.js';
import type { Side } from '../route.js';
import type { Run } from '../run.js';
import { compareDigests, compareSizes, type Verified, wantsDigest } from '../verify.js';
import type { Landed } from './link.js';

/** The digest that is asked for; every server that tells digests knows it. */
const ALGORITHM = 'SHA-256';

const tells = ({ features, missing }: SiteFacts): boolean =>
  (features.value('DIGEST') ?? '').toUpperCase().includes(ALGORITHM) && !missing.has('DIGEST');

/** True where both servers tell the digest of what they move, and the policy wants it. */
export const digestsAreTold = (policy: VerifyPolicy, source: SiteFacts, destination: SiteFacts): boolean =>
  wantsDigest(policy) && tells(source) && tells(destination);

/** `OPTS RETR Digest`, `OPTS STOR Digest`: once for a login. A server that refuses is not asked again. */
export async function wantDigest({ session, facts, state }: Connection, side: Side): Promise<void> {
  if (state.digest) return;
  const verb = side === 'source' ? 'RETR' : 'STOR';
  const reply = await session.request('OPTS', `${verb} Digest=${ALGORITHM};`);
  if (reply.code < 300) state.digest = true;
  else facts.missing.add('DIGEST');
}

/** A file at both servers, by the names that a message tells. */
export interface Ends {
  names: Run['names'];
  source: string;
  destination: string;
  /** Octets that were to be moved. */
  size: number | undefined;
}

/**
 * Compare what both servers say that they moved: octets, and the digest of them. The one read the file and the other one wrote it
 * meanwhile, so nothing is read again.
 *
 * @param said the final replies of a transfer from the first octet on.
 * @returns undefined where one of them tells no digest.
 * @throws Mismatch.
 */
export function compareTold(ends: Ends, said: Landed): Verified | undefined {
  const sent = parseMoved(said.source);
  const stored = parseMoved(said.destination);
  if (sent?.digest?.algorithm !== ALGORITHM || stored?.digest?.algorithm !== ALGORITHM) return undefined;
  const from = { site: ends.names.source, path: ends.source };
  const to = { site: ends.names.destination, path: ends.destination };
  compareSizes(from, to, { expected: ends.size, sent: sent.bytes, arrived: stored.bytes, tells: true });
  return compareDigests(to, ALGORITHM, [fulfilled(sent), fulfilled(stored)], 'digest');
}

const fulfilled = ({ digest }: Moved): PromiseFulfilledResult<string> => ({
  status: 'fulfilled',
  value: digest?.hex ?? '',
});
