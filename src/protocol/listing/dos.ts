import type { Entry, EntryType } from '../entry.js';
import { parseClock, parseNumericDate, type Stamp, stamp } from './dates.js';
import { eachLine, type LineParser, type LineVerdict } from './format.js';
import { nameColumn, type Token, tokens, unsigned } from './scan.js';

const TAGS: ReadonlyMap<string, EntryType> = new Map([
  ['<DIR>', 'dir'],
  ['<JUNCTION>', 'dir'],
  ['<SYMLINKD>', 'link'],
  ['<SYMLINK>', 'link'],
]);
/** The names of a DOS listing start this far behind the start of a tag: `<DIR>` and ten blanks. */
const TAG_WIDTH = 15;

/** Digits, perhaps in groups of three parted by a comma, dot, apostrophe or narrow blank. */
function groupedNumber(text: string): number | undefined {
  if (text.length > 32) return undefined;
  if (!/^\d{1,3}(?:[,.'\u00a0\u202f\u2019]\d{3})+$/.test(text)) return unsigned(text);
  return unsigned(text.replace(/[^0-9]/g, ''));
}

interface When {
  stamp: Stamp;
  /** How many tokens the date and time took. */
  width: number;
}

/** `07-13-98 09:06PM`, `07-13-98 09:06 PM`, `2002-09-02 19:06`. */
function dateAndTime(words: Token[]): When | undefined {
  const date = parseNumericDate(words[0]?.text ?? '');
  if (!date) return undefined;
  const time = words[1]?.text ?? '';
  const half = words[2]?.text ?? '';
  const apart = /^[ap]\.?m\.?$/i.test(half);
  const clock = time.includes(':') ? parseClock(apart ? time + half.replaceAll('.', '') : time) : undefined;
  const found = clock ? stamp(date, clock) : undefined;
  return found ? { stamp: found, width: apart ? 3 : 2 } : undefined;
}

/** `dir /a` writes reparse points as `name [target]`. */
function splitTarget(entry: Entry): void {
  const open = entry.name.lastIndexOf(' [');
  if (open < 1 || !entry.name.endsWith(']')) return;
  entry.target = entry.name.slice(open + 2, -1);
  entry.name = entry.name.slice(0, open);
}

/** One line of an MS-DOS or IIS listing: date, time, tag or size, name. */
export function parseDosLine(line: string): LineVerdict {
  const words = tokens(line, 0, 4);
  const when = dateAndTime(words);
  const kind = when ? words[when.width] : undefined;
  if (!when || !kind) return undefined;
  const tag = TAGS.get(kind.text.toUpperCase());
  const size = tag ? undefined : groupedNumber(kind.text);
  if (tag === undefined && size === undefined) return undefined;
  // Behind a size there is exactly one SP.
  const name = line.slice(tag ? nameColumn(line, kind.end, kind.start + TAG_WIDTH) : kind.end + 1);
  if (name === '') return undefined;
  const { modified, precision } = when.stamp;
  const entry: Entry = { name, type: tag ?? 'file', modified, modifiedPrecision: precision };
  if (size !== undefined) entry.size = size;
  if (tag !== undefined && kind.text.toUpperCase() !== '<DIR>') splitTarget(entry);
  return entry;
}

/** Parser for MS-DOS and IIS listings. */
export function dosParser(): LineParser {
  return eachLine(parseDosLine);
}
