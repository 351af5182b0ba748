import type { Entry, EntryType } from '../entry.js';
import { parseClock, parseNumericDate, stamp } from './dates.js';
import { eachLine, type LineParser, type LineVerdict, type ListingContext } from './format.js';
import { childName, nameColumn, tokens, unsigned } from './scan.js';

const TYPES: ReadonlyMap<string, EntryType> = new Map([
  ['*DIR', 'dir'],
  ['*DDIR', 'dir'],
  ['*LIB', 'dir'],
  ['*FLR', 'dir'],
  ['*FILE', 'file'],
  ['*STMF', 'file'],
  ['*DSTMF', 'file'],
  ['*DOC', 'file'],
  ['*MEM', 'file'],
  ['*SYMLNK', 'link'],
]);
/** The type column is ten wide and one SP follows. */
const TYPE_WIDTH = 11;

/** Members are listed as `FILE.FILE/MEMBER.MBR`: cut off the last component of the directory listed. */
function memberName(name: string, dir: string | undefined): string {
  const path = dir?.endsWith('/') ? dir.slice(0, -1) : (dir ?? '');
  return childName(name, path.slice(path.lastIndexOf('/') + 1));
}

/** One line of an IBM i listing in its own style: `owner [size date time] *TYPE name`. */
export function parseAs400Line(line: string, context: ListingContext): LineVerdict {
  const words = tokens(line, 0, 5);
  const at = words[1]?.text.startsWith('*') ? 1 : 4;
  const owner = words[0]?.text ?? '';
  const kind = words[at];
  if (!kind || !/^\*[A-Z0-9]{2,10}$/.test(kind.text)) return undefined;
  const raw = line.slice(nameColumn(line, kind.end, kind.start + TYPE_WIDTH));
  const name = raw.length > 1 && raw.endsWith('/') ? raw.slice(0, -1) : raw;
  if (name === '') return undefined;
  const entry: Entry = {
    name: memberName(name, context.dir),
    type: TYPES.get(kind.text) ?? 'unknown',
    owner,
  };
  if (at === 1) return entry;
  const size = unsigned(words[1]?.text ?? '');
  const date = parseNumericDate(words[2]?.text ?? '');
  const clock = parseClock(words[3]?.text ?? '');
  const found = date && clock ? stamp(date, clock) : undefined;
  if (size === undefined || !found) return undefined;
  if (entry.type !== 'dir') entry.size = size;
  entry.modified = found.modified;
  entry.modifiedPrecision = found.precision;
  return entry;
}

/** Parser for IBM i (OS/400) listings; the order of the date's numbers depends on the job's locale. */
export function as400Parser(context: ListingContext): LineParser {
  return eachLine((line) => parseAs400Line(line, context));
}
