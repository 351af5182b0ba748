import { ALGORITHMS, type Algorithm, isDigest } from './digests.js';
import type { Reply } from './replies.js';

/** What a transfer moved, as its 226 tells it (`OPTS RETR Digest`, `OPTS STOR Digest`): from the restart point on. */
export interface Moved {
  /** Octets of the file. */
  bytes: number;
  /** Of these octets, lower-case hex; absent where it could not be computed while they passed. */
  digest?: { algorithm: Algorithm; hex: string } | undefined;
}

/** What stands behind the text of a 226: `SHA-256=<hex>; Bytes=<decimal>`, or the number alone. */
export const formatMoved = ({ bytes, digest }: Moved): string =>
  `${digest ? `${digest.algorithm}=${digest.hex}; ` : ''}Bytes=${bytes}`;

/** What a 226 says on its last line; undefined for any other reply and for one that says nothing. */
export function parseMoved(reply: Pick<Reply, 'code' | 'lines'>): Moved | undefined {
  const last = reply.code === 226 ? (reply.lines.at(-1) ?? '') : '';
  const [, name, hex = '', count = ''] =
    /(?:^|\s)(?:([A-Z0-9-]+)=([0-9a-f]+); )?Bytes=(\d{1,16})\s*$/.exec(last) ?? [];
  const bytes = count === '' ? Number.NaN : Number(count);
  if (!Number.isSafeInteger(bytes)) return undefined;
  if (name === undefined) return { bytes };
  const algorithm = ALGORITHMS.find((one) => one === name);
  return algorithm && isDigest(algorithm, hex) ? { bytes, digest: { algorithm, hex } } : undefined;
}
