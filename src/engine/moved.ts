import type { Connection } from '../client/connection.js';
import { queryDcpa } from '../client/dcpa.js';
import type { DcpaReply } from '../protocol/dcpa.js';
import { commonDigest } from '../protocol/digests.js';
import { Mismatch } from './verify.js';

/** What a server says of the transfer that ended last on its session. */
export type Told = Pick<DcpaReply, 'last' | 'bytes'> | undefined;

/**
 * Compare what both servers say that they moved (docs/dcpa.md 7: `Last`, `Bytes`). Asked only where no digest tells more, and where
 * it leaves in one segment with the questions after the size; a server without DCPA is not asked.
 *
 * @param expected octets of this transfer, where they are known.
 * @throws Mismatch.
 */
export async function compareMoved(
  source: Connection,
  destination: Connection,
  expected: number | undefined,
): Promise<void> {
  if (commonDigest(source.facts.digests, destination.facts.digests)) return;
  const [sent, stored] = await Promise.all([ask(source), ask(destination)]);
  const why = contradiction({ sent, stored }, expected);
  if (why === undefined) return;
  const names = `${source.session.name} and ${destination.session.name}`;
  throw new Mismatch('short', `${names} reported success, but ${why}`);
}

const ask = async (connection: Connection): Promise<Told> =>
  connection.state.dcpa?.peer !== undefined && connection.facts.queues === true
    ? queryDcpa(connection)
    : undefined;

/** What does not fit together; undefined where all that was told does. */
export function contradiction(
  { sent, stored }: { sent: Told; stored: Told },
  expected: number | undefined,
): string | undefined {
  if (sent?.last === 'failed') return 'the source says under DCPA that its transfer failed';
  if (stored?.last === 'failed') return 'the destination says under DCPA that its transfer failed';
  const from = sent?.bytes ?? expected;
  const to = stored?.bytes ?? expected;
  if (from === undefined || to === undefined || from === to) return undefined;
  return `under DCPA one of them counted ${from} octets sent, and ${to} stored`;
}
