import type { ListingOrder } from '../data/types.js';
import { Refusal } from '../reply.js';
import type { Session } from '../session.js';
import type { Place } from '../tree.js';

/**
 * Argument of LIST and NLST: options as `ls` takes them are skipped where a client sends them (`-a`, `-la`), recursion is
 * refused (threats.md row 30).
 */
export function splitListOptions(argument: string): { path: string; hidden: boolean } {
  const found = /^(-[A-Za-z1]+)(?: |$)/.exec(argument);
  if (!found) return { path: argument, hidden: false };
  if (found[1]!.includes('R')) throw new Refusal(504, 'Recursive listings are not made.');
  return { path: argument.slice(found[0].length), hidden: /[aA]/.test(found[1]!) };
}

/** What a listing verb sends. @throws Refusal, FileError when the directory cannot be shown. */
export async function listingOrder(
  session: Session,
  verb: 'LIST' | 'NLST' | 'MLSD',
  argument: string,
): Promise<{ place: Place; order: ListingOrder }> {
  const { path, hidden } = verb === 'MLSD' ? { path: argument, hidden: true } : splitListOptions(argument);
  const place = session.place(path, 'list');
  const folder = path === '' || path === '.' ? '' : path.endsWith('/') ? path : `${path}/`;
  const order: ListingOrder = {
    what: 'listing',
    storage: place.storage,
    path: place.inner,
    shown: place.path,
    format: verb === 'MLSD' ? 'mlsd' : verb === 'LIST' ? 'list' : 'nlst',
    facts: session.params.facts,
    rules: session.tree.rules,
    extra: session.tree.mountsIn(place.path),
    hidden,
    prefix: verb === 'NLST' ? folder : '',
    charset: 'utf8',
  };
  return { place, order };
}
