import type { Entry } from '../entry.js';
import { parseClock, parseNumericDate, stamp } from './dates.js';
import { eachLine, type LineParser, type LineVerdict } from './format.js';
import { type Token, tokens, unsigned } from './scan.js';

/** Two SP part the time from the name. */
const GAP = 2;

function dateIndex(words: Token[]): number {
  for (let at = 1; at < words.length; at += 1) {
    if (parseNumericDate(words[at]?.text ?? '')) return at;
    if (!/^(?:DIR|[ARHS-]{1,5})$/.test(words[at]?.text ?? '')) return -1;
  }
  return -1;
}

/** One line of an OS/2 listing: size, attributes and perhaps DIR, date, time, name. */
export function parseOs2Line(line: string): LineVerdict {
  const words = tokens(line, 0, 8);
  const size = unsigned(words[0]?.text ?? '');
  const at = size === undefined ? -1 : dateIndex(words);
  const date = at < 0 ? undefined : parseNumericDate(words[at]?.text ?? '');
  const time = words[at + 1];
  const clock = date && time?.text.includes(':') ? parseClock(time.text) : undefined;
  const found = date && clock ? stamp(date, clock) : undefined;
  if (!found || !time || size === undefined) return undefined;
  const gap = line.startsWith('  ', time.end) ? GAP : 1;
  const name = line.slice(time.end + gap);
  if (name === '') return undefined;
  const isDir = words.slice(1, at).some((word) => word.text === 'DIR');
  const entry: Entry = { name, type: isDir ? 'dir' : 'file' };
  if (!isDir) entry.size = size;
  entry.modified = found.modified;
  entry.modifiedPrecision = found.precision;
  return entry;
}

/** Parser for OS/2 listings. */
export function os2Parser(): LineParser {
  return eachLine(parseOs2Line);
}
