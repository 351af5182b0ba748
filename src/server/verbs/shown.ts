import { formatList, formatMlst, isListable } from '../../protocol/listing/write.js';
import { permOf } from '../data/listing.js';
import type { Session } from '../session.js';
import type { FileFacts } from '../storage/types.js';
import { rightsAt } from '../users/rights.js';

/** The entry line of MLST, without its leading blank (RFC 3659 7.2). @param path as it is shown. */
export function mlstLine(session: Session, facts: FileFacts, path: string): string {
  const perm = permOf(facts.type, rightsAt(session.tree.rules, path));
  return formatMlst(facts, session.params.facts, perm, path);
}

/** A line as LIST writes it; '' for a name that no line can carry. */
export function listLine(facts: FileFacts): string {
  return isListable(facts.name) ? formatList(facts, Date.now()) : '';
}
