import type { Entry, EntryType } from '../entry.js';
import { eachLine, type LineParser, type LineVerdict, type ListingContext } from './format.js';
import { type LsDate, type LsLine, lsDateAt } from './ls-date.js';
import { isDigits, type Token, tokens, unsigned } from './scan.js';

const TYPES: Readonly<Record<string, EntryType>> = {
  '-': 'file',
  d: 'dir',
  l: 'link',
  b: 'special',
  c: 'special',
  p: 'special',
  s: 'special',
  S: 'special',
  D: 'special',
  n: 'special',
  C: 'file',
  m: 'file',
  M: 'file',
  '?': 'unknown',
};
/** Columns in front of the date: links, an owner and a group of several words, a device number. */
const MOST_COLUMNS = 14;
const UNITS = 'KMGTPE';

/** Type letter and nine permission letters, with the bits 0 to 0o7777; undefined where a letter is none. */
function parsePermissions(field: string): { type: EntryType; mode: number } | undefined {
  const type = Object.hasOwn(TYPES, field[0] ?? '') ? TYPES[field[0] ?? ''] : undefined;
  if (type === undefined || field.length < 10) return undefined;
  let mode = 0;
  for (let i = 0; i < 9; i += 1) {
    const letter = field[i + 1] ?? '';
    const allowed = ['r-', 'w-', 'xsStTlL-'][i % 3] ?? '';
    if (!allowed.includes(letter)) return undefined;
    if ('rwxst'.includes(letter)) mode |= 0o400 >> i;
    // POSIX ls: s, S, t, T, l and L in the third place stand for set-user-id, set-group-id, sticky.
    if (i % 3 === 2 && 'sStTlL'.includes(letter)) mode |= 0o4000 >> Math.floor(i / 3);
  }
  return { type, mode };
}

/** Behind the letters: an ACL mark, then perhaps a link count that ran into the column. */
function isPermissionTail(tail: string): boolean {
  const rest = '+.@'.includes(tail[0] ?? ' ') ? tail.slice(1) : tail;
  return rest === '' || isDigits(rest);
}

interface Size {
  size?: number;
  exact: boolean;
  /** How many tokens it took. */
  width: number;
}

/** Octets, or `4.0K` of `ls -h` (an estimate), or a device number `8, 1` (no size). Ends with token `last`. */
function sizeEndingAt(words: Token[], last: number): Size | undefined {
  const text = words[last]?.text ?? '';
  if (text.length > 24) return undefined;
  const before = words[last - 1]?.text ?? '';
  if (isDigits(text) && before.endsWith(',') && isDigits(before.slice(0, -1)))
    return { exact: true, width: 2 };
  const octets = unsigned(text);
  if (octets !== undefined) return { size: octets, exact: true, width: 1 };
  // A negative number is a 32-bit counter that overflowed on the server.
  if (/^-?\d+$/.test(text) || /^\d+,\d+$/.test(text)) return { exact: true, width: 1 };
  const scaled = /^(\d+)(?:[.,](\d+))?([KMGTPE])i?B?$/.exec(text);
  if (!scaled) return undefined;
  const factor = 1024 ** (UNITS.indexOf(scaled[3] ?? 'K') + 1);
  return { size: Math.round(Number(`${scaled[1]}.${scaled[2] ?? '0'}`) * factor), exact: false, width: 1 };
}

interface Middle {
  size: Size;
  date: LsDate;
  /** Tokens in front of the size: links, owner, group. */
  columns: Token[];
}

/**
 * The leftmost place where a size is followed by a date: names may look like dates, columns do not. A date whose
 * month word is not known counts only if there is no other.
 */
function findSizeAndDate(text: LsLine, first: number): Middle | undefined {
  let guess: Middle | undefined;
  for (let at = first + 1; at < text.words.length; at += 1) {
    const size = sizeEndingAt(text.words, at - 1);
    const date = size && at - size.width >= first ? lsDateAt(text, at, guess === undefined) : undefined;
    if (!size || !date) continue;
    const found = { size, date, columns: text.words.slice(first, at - size.width) };
    if (date.stamp) return found;
    guess ??= found;
  }
  return guess;
}

/** Links, owner and group may each be missing; an owner may hold blanks. */
function setOwner(entry: Entry, line: string, columns: Token[]): void {
  const names = isDigits(columns[0]?.text ?? '') ? columns.slice(1) : columns;
  const first = names[0];
  const last = names.at(-1);
  if (!first || !last) return;
  if (names.length === 1) {
    // NetPresenz writes `folder` where other servers write links, owner and group.
    if (columns.length > 1 || first.text !== 'folder') entry.owner = first.text;
    return;
  }
  entry.owner = line.slice(first.start, names.at(-2)?.end);
  entry.group = last.text;
}

/** Octets that one UTF-16 unit stands for, see `decodeText`: halves of a pair 2 each, an escaped octet 1. */
function octetsOfUnit(text: string, at: number): number {
  const unit = text.charCodeAt(at);
  if (unit < 0x80) return 1;
  if (unit < 0x800) return 2;
  if (unit < 0xd800 || unit > 0xdfff) return 3;
  const paired = unit < 0xdc00 || (text.charCodeAt(at - 1) & 0xfc00) === 0xd800;
  return paired ? 2 : 1;
}

/** The offset from where `text` takes `octets` octets to its end, or -1. */
function tailOfOctets(text: string, octets: number): number {
  let at = text.length;
  let left = octets;
  while (left > 0 && at > 0) {
    at -= 1;
    left -= octetsOfUnit(text, at);
  }
  return left === 0 ? at : -1;
}

const ARROW = ' -> ';

/** Splits `name -> target`. Both may hold the arrow: the size of a link is the length of its target. */
function setLink(entry: Entry, text: string, size: number | undefined): void {
  let at = text.indexOf(ARROW);
  if (at < 0) return;
  if (size !== undefined && size > 0) {
    for (const start of [tailOfOctets(text, size), text.length - size]) {
      if (start > ARROW.length && text.startsWith(ARROW, start - ARROW.length)) {
        at = start - ARROW.length;
        break;
      }
    }
  }
  entry.name = text.slice(0, at);
  entry.target = text.slice(at + ARROW.length);
}

/** How many tokens of inode and block numbers (`ls -is`) stand before the permissions. */
function leadingNumbers(words: Token[]): number {
  let count = 0;
  while (count < 2 && isDigits(words[count]?.text ?? '')) count += 1;
  return count;
}

/** One line of `ls -l` in any of its variants. */
export function parseUnixLine(line: string, context: ListingContext): LineVerdict {
  const words = tokens(line, 0, MOST_COLUMNS + 6);
  const at = leadingNumbers(words);
  const field = words[at]?.text ?? '';
  const permissions = parsePermissions(field);
  if (!permissions || !isPermissionTail(field.slice(10))) return undefined;
  const middle = findSizeAndDate({ line, words, now: context.now }, at + 1);
  const name = middle ? line.slice(middle.date.nameAt) : '';
  if (!middle || name === '') return undefined;
  const { size, date } = middle;
  const entry: Entry = { name, type: permissions.type, mode: permissions.mode };
  if (size.size !== undefined && entry.type !== 'dir') {
    entry.size = size.size;
    if (!size.exact) entry.sizeExact = false;
  }
  if (date.stamp) {
    entry.modified = date.stamp.modified;
    entry.modifiedPrecision = date.stamp.precision;
  }
  setOwner(entry, line, middle.columns);
  if (entry.type === 'link') setLink(entry, name, size.size);
  // `ls -F` marks directories; no name holds a slash.
  if (entry.type === 'dir' && name.length > 1 && name.endsWith('/')) entry.name = name.slice(0, -1);
  return entry.name === '' ? undefined : entry;
}

/** Parser for `ls -l` listings (LIST and STAT of most servers). */
export function unixParser(context: ListingContext): LineParser {
  return eachLine((line) => parseUnixLine(line, context));
}
