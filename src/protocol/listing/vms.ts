import type { Entry } from '../entry.js';
import { parseClock, type Stamp, stamp } from './dates.js';
import type { LineParser } from './format.js';
import { monthNumber } from './months.js';
import { isBlank, isDigits, skipBlanks, type Token, tokens, unsigned } from './scan.js';

const BLOCK = 512;

interface FileName {
  name: string;
  isDir: boolean;
}

/** `NAME.EXT;version`; a directory is a file `NAME.DIR;1`. */
function splitName(text: string): FileName | undefined {
  const semicolon = text.lastIndexOf(';');
  if (semicolon < 1 || !isDigits(text.slice(semicolon + 1))) return undefined;
  const file = text.slice(0, semicolon);
  const isDir = file.length > 4 && file.slice(-4).toUpperCase() === '.DIR';
  return { name: isDir ? file.slice(0, -4) : file, isDir };
}

/** `29-JAN-1996 03:33:12.34`; the seconds may be missing. */
function parseVmsDate(date: string, time: string): Stamp | undefined {
  const parts = /^(\d{1,2})-(\p{L}{3,4})-(\d{4})$/u.exec(date.slice(0, 16));
  const month = parts ? monthNumber(parts[2] ?? '') : undefined;
  const clock = parseClock(time);
  if (!parts || month === undefined || !clock) return undefined;
  return stamp({ year: Number(parts[3]), month, day: Number(parts[1]) }, clock);
}

/** `(system,owner,group,world)` of letters R W E D -> permission bits of owner, group and world. */
function protectionMode(text: string): number | undefined {
  if (!text.startsWith('(') || !text.endsWith(')')) return undefined;
  const fields = text.slice(1, -1).toUpperCase().split(',');
  if (fields.length !== 4 || !fields.every((field) => /^[RWED]{0,4}$/.test(field))) return undefined;
  const bits = (field: string): number =>
    (field.includes('R') ? 4 : 0) | (field.includes('W') ? 2 : 0) | (field.includes('E') ? 1 : 0);
  return (bits(fields[1] ?? '') << 6) | (bits(fields[2] ?? '') << 3) | bits(fields[3] ?? '');
}

/** `[group,owner]` or `[owner]`. */
function setOwner(entry: Entry, text: string): void {
  const inside = text.slice(1, -1);
  const comma = inside.indexOf(',');
  const owner = inside.slice(comma + 1).trim();
  if (owner !== '') entry.owner = owner;
  if (comma > 0) entry.group = inside.slice(0, comma).trim();
}

/** What follows the columns of size and date: owner in brackets, protection in parentheses. */
function setDetails(entry: Entry, rest: string): void {
  const open = rest.indexOf('[');
  const close = rest.indexOf(']', open + 1);
  if (open >= 0 && close > open) setOwner(entry, rest.slice(open, close + 1));
  const paren = rest.indexOf('(', close + 1);
  const mode = paren < 0 ? undefined : protectionMode(rest.slice(paren).trimEnd().slice(0, 40));
  if (mode !== undefined) entry.mode = mode;
}

/** Blocks in use, from `blocks` or `blocks/allocated`. */
function blocksIn(token: Token | undefined): number | undefined {
  return unsigned(token?.text.split('/', 1)[0] ?? '');
}

/** The columns behind the name: `blocks/allocated date time [group,owner] (protection)`. */
function parseColumns(file: FileName, line: string, from: number): Entry | undefined {
  const words = tokens(line, from, 3);
  const sized = words.length === 3 && blocksIn(words[0]) !== undefined;
  const at = sized ? 1 : 0;
  const time = words[at + 1];
  const found = time ? parseVmsDate(words[at]?.text ?? '', time.text) : undefined;
  if (!found || !time) return undefined;
  const entry: Entry = { name: file.name, type: file.isDir ? 'dir' : 'file' };
  const size = sized && !file.isDir ? (blocksIn(words[0]) ?? 0) * BLOCK : undefined;
  if (size !== undefined && Number.isSafeInteger(size)) {
    entry.size = size;
    entry.sizeExact = false;
  }
  entry.modified = found.modified;
  entry.modifiedPrecision = found.precision;
  setDetails(entry, line.slice(time.end));
  return entry;
}

function isDecoration(line: string): boolean {
  const text = line.trimStart();
  return /^(?:Grand total of|Total of) \d/i.test(text) || text.startsWith('(');
}

/**
 * Parser for VMS listings. A long name stands alone and its columns follow on the next line. Versions of a file
 * stand together, newest first: the version is cut off and the older ones are passed over.
 */
class VmsParser implements LineParser {
  rejected = 0;
  #waiting: FileName | undefined;
  #last: string | undefined;

  line(text: string): Entry | 'known' | undefined {
    if (isBlank(text)) return undefined;
    const waiting = this.#waiting;
    this.#waiting = undefined;
    if (waiting) {
      const entry = skipBlanks(text, 0) > 0 ? parseColumns(waiting, text, 0) : undefined;
      if (entry) return this.#newest(entry);
      this.rejected += 1;
    }
    return this.#fresh(text);
  }

  end(): void {
    if (this.#waiting) this.rejected += 1;
    this.#waiting = undefined;
  }

  #fresh(text: string): Entry | 'known' | undefined {
    if (/^\s{0,8}Directory \S{0,255}:\[/i.test(text)) return 'known';
    const name = tokens(text, 0, 1)[0];
    const file = name ? splitName(name.text) : undefined;
    if (name && file) {
      if (skipBlanks(text, name.end) === text.length) {
        this.#waiting = file;
        return undefined;
      }
      const entry = parseColumns(file, text, name.end);
      if (entry) return this.#newest(entry);
    }
    if (!isDecoration(text)) this.rejected += 1;
    return undefined;
  }

  #newest(entry: Entry): Entry | 'known' {
    const key = `${entry.type} ${entry.name}`;
    if (key === this.#last) return 'known';
    this.#last = key;
    return entry;
  }
}

/** Parser for OpenVMS listings. */
export function vmsParser(): LineParser {
  return new VmsParser();
}
