import type { Entry } from '../entry.js';
import { eachLine, type LineParser, type LineVerdict, type ListingContext } from './format.js';
import { lsDateAt } from './ls-date.js';
import { skipBlanks, tokens, unsigned } from './scan.js';

/** Offset behind `[RWCEAFMS]`, the eight trustee rights, or -1. */
function rightsEnd(line: string, from: number): number {
  if (line[from] !== '[') return -1;
  const close = line.indexOf(']', from);
  if (close < 0 || close > from + 12) return -1;
  const rights = line.slice(from + 1, close);
  return /^[-RWCEAFMS ]{6,10}$/.test(rights) ? close + 1 : -1;
}

/** One line of a NetWare listing: `d [rights] owner size month day time-or-year name`. */
export function parseNetwareLine(line: string, context: ListingContext): LineVerdict {
  const kind = line[0];
  if (kind !== 'd' && kind !== '-') return undefined;
  const after = rightsEnd(line, skipBlanks(line, 1));
  if (after < 0) return undefined;
  const words = tokens(line, after, 12);
  for (let at = 1; at < words.length; at += 1) {
    const size = unsigned(words[at - 1]?.text ?? '');
    const date = size === undefined ? undefined : lsDateAt({ line, words, now: context.now }, at, false);
    if (!date) continue;
    const name = line.slice(skipBlanks(line, date.nameAt));
    if (name === '') return undefined;
    const entry: Entry = { name, type: kind === 'd' ? 'dir' : 'file' };
    if (kind === '-' && size !== undefined) entry.size = size;
    if (date.stamp) {
      entry.modified = date.stamp.modified;
      entry.modifiedPrecision = date.stamp.precision;
    }
    const owner = line.slice(words[0]?.start, words[at - 2]?.end);
    if (at > 1) entry.owner = owner;
    return entry;
  }
  return undefined;
}

/** Parser for Novell NetWare listings. */
export function netwareParser(context: ListingContext): LineParser {
  return eachLine((line) => parseNetwareLine(line, context));
}
