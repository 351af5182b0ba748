/** A session: the first octet says how it is set up, the second is the seed of its dice, the others are the client's. */
import { planOf, runSession } from '../harness/session.js';

export async function fuzz(octets: Buffer): Promise<void> {
  await runSession(octets.subarray(2), planOf(octets[0] ?? 0, octets[1] ?? 0));
}
