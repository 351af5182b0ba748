import { openListing } from '../data/listing.js';
import { Refusal, type ReplyPart, reply, type ServerReply } from '../reply.js';
import type { Session } from '../session.js';
import { FileError } from '../storage/types.js';
import { listingOrder } from './listing.js';
import type { VerbRow } from './row.js';

/** Octets told at a time. */
const PIECE = 32 * 1024;

/** The entries of MLSD as lines of a 250, each behind a blank: told as the directory is read. */
async function* mlsc(
  session: Session,
  argument: string,
): AsyncGenerator<ServerReply | ReplyPart, void, void> {
  const { place, order } = await listingOrder(session, 'MLSD', argument);
  const source = await openListing(session.storage(place), { ...order, prefix: ' ' }).catch(
    (error: unknown) => {
      if (error instanceof FileError && error.code === 'not-directory')
        throw new Refusal(501, 'MLSC lists directories; MLST shows files.');
      throw error;
    },
  );
  try {
    const first = Buffer.allocUnsafe(PIECE);
    const count = await source.read(first);
    yield { octets: Buffer.from('250-Listing:\r\n') };
    for (let octets = first.subarray(0, count); octets.length > 0; ) {
      yield { octets };
      const next = Buffer.allocUnsafe(PIECE);
      octets = next.subarray(0, await source.read(next));
    }
  } finally {
    await source.close();
  }
  yield reply(250, 'End');
}

/** Listings over the control connection. */
export const rows: VerbRow[] = [
  {
    verb: 'MLSC',
    source: 'GridFTP (globus-gridftp-server)',
    syntax: '[<path>]',
    argument: 'optional',
    summary: 'The listing of MLSD over the control connection, of any length.',
    when: 'login',
    features: () => ['MLSC'],
    run: mlsc,
  },
];
