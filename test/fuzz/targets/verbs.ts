/** Every verb with arguments of all kinds: set-up, seed, then lines whose first octet chooses the verb. */
import { ROWS } from '../../../src/server/verbs/table.js';
import { planOf, runSession } from '../harness/session.js';

/** What would only end the session; it is in the other target. */
const VERBS = ROWS.map(({ verb }) => verb).filter((verb) => verb !== 'QUIT');
const DATA = 'EPSV\r\n';
const NEEDS_DATA = new Set(['RETR', 'STOR', 'APPE', 'STOU', 'LIST', 'NLST', 'MLSD']);

export async function fuzz(octets: Buffer): Promise<void> {
  const parts: Buffer[] = [];
  for (let at = 2; at < octets.length; ) {
    const end = octets.indexOf(10, at);
    const stop = end === -1 ? octets.length : end;
    const verb = VERBS[octets[at]! % VERBS.length]!;
    if (NEEDS_DATA.has(verb)) parts.push(Buffer.from(DATA));
    const argument = octets.subarray(at + 1, stop);
    parts.push(Buffer.from(argument.length > 0 ? `${verb} ` : verb), argument, Buffer.from('\r\n'));
    at = stop + 1;
  }
  await runSession(Buffer.concat(parts), planOf(octets[0] ?? 0, octets[1] ?? 0));
}
