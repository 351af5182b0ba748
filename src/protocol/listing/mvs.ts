import type { Entry, EntryType } from '../entry.js';
import { parseClock, parseNumericDate, stamp } from './dates.js';
import type { LineParser } from './format.js';
import { isBlank, isDigits, type Token, tokens } from './scan.js';

/** Which header was seen: a list of data sets, of members, of load modules. */
type Table = 'datasets' | 'members' | 'modules';

const ORGANISATIONS: ReadonlyMap<string, EntryType> = new Map([
  ['PS', 'file'],
  ['PS-E', 'file'],
  ['PS-L', 'file'],
  ['PSU', 'file'],
  ['DA', 'file'],
  ['PO', 'dir'],
  ['PO-E', 'dir'],
  ['POU', 'dir'],
  ['VSAM', 'special'],
  ['VS', 'special'],
  ['GDG', 'special'],
  ['HFS', 'special'],
  ['ZFS', 'special'],
]);

/** Rows of data sets that have no attributes to show: the words in front of the name. */
const BARE_ROWS: ReadonlyMap<string, EntryType> = new Map([
  ['PSEUDO DIRECTORY', 'dir'],
  ['MIGRATED', 'unknown'],
  ['TAPE', 'unknown'],
  ['NOT MOUNTED', 'unknown'],
]);

function headerOf(words: Token[]): Table | undefined {
  const text = (index: number): string => words[index]?.text.toLowerCase() ?? '';
  if (text(0) === 'volume' && (text(1) === 'unit' || text(1) === 'referred')) return 'datasets';
  if (text(0) !== 'name') return undefined;
  if (text(1) === 'vv.mm' && text(2) === 'created') return 'members';
  return text(1) === 'size' && text(2) === 'ttr' ? 'modules' : undefined;
}

function isDate(token: Token | undefined): boolean {
  return parseNumericDate(token?.text ?? '') !== undefined;
}

function unquoted(name: string): string {
  return name.length > 2 && name.startsWith("'") && name.endsWith("'") ? name.slice(1, -1) : name;
}

/** `Volume Unit Referred Ext Used Recfm Lrecl BlkSz Dsorg Dsname`; no size in octets, no time of change. */
function parseDataset(words: Token[], line: string, afterHeader: boolean): Entry | undefined {
  const last = words.at(-1);
  if (!last || words.length < 2) return undefined;
  const name = unquoted(last.text);
  const organisation = ORGANISATIONS.get(words.at(-2)?.text.toUpperCase() ?? '');
  if (organisation && words.length >= 8 && isDate(words[2])) return { name, type: organisation };
  if (!afterHeader) return undefined;
  const head = line.slice(words[0]?.start, words.at(-2)?.end).toUpperCase();
  const bare = BARE_ROWS.get(head);
  if (bare) return { name, type: bare };
  if (head.endsWith('NOT DIRECT ACCESS DEVICE') || head.endsWith('NOT DIRECT ACCESS')) {
    return { name, type: 'unknown' };
  }
  return organisation ? { name, type: organisation } : undefined;
}

function isMemberName(text: string): boolean {
  return /^[A-Z@#$][A-Z0-9@#${]{0,7}$/i.test(text);
}

/** `Name VV.MM Created Changed Size Init Mod Id`; Size counts records, not octets. */
function parseMember(words: Token[], afterHeader: boolean): Entry | undefined {
  const name = words[0]?.text ?? '';
  if (!isMemberName(name)) return undefined;
  // A member that ISPF never edited has no statistics.
  if (words.length === 1) return afterHeader ? { name, type: 'file' } : undefined;
  const date = parseNumericDate(words[3]?.text ?? '');
  const clock = parseClock(words[4]?.text ?? '');
  const found = date && clock ? stamp(date, clock) : undefined;
  if (!/^\d\d\.\d\d$/.test(words[1]?.text ?? '') || !isDate(words[2]) || !found) return undefined;
  const entry: Entry = { name, type: 'file', modified: found.modified, modifiedPrecision: found.precision };
  const id = words[8]?.text;
  if (id !== undefined && isDigits(words[5]?.text ?? '')) entry.owner = id;
  return entry;
}

/** `Name Size TTR ...` of a load library: the size is hexadecimal octets. */
function parseModule(words: Token[]): Entry | undefined {
  const name = words[0]?.text ?? '';
  const size = words[1]?.text ?? '';
  if (!isMemberName(name) || !/^[0-9A-F]{1,8}$/i.test(size)) return undefined;
  return { name, type: 'file', size: Number.parseInt(size, 16) };
}

/** Parser for MVS and z/OS listings: its header says which of three tables follows. */
class MvsParser implements LineParser {
  rejected = 0;
  #table: Table | undefined;

  line(text: string): Entry | 'known' | undefined {
    if (isBlank(text)) return undefined;
    const words = tokens(text, 0, 16);
    const header = headerOf(words);
    if (header) {
      this.#table = header;
      return 'known';
    }
    const entry = this.#row(words, text);
    if (!entry) this.rejected += 1;
    return entry;
  }

  end(): void {}

  #row(words: Token[], text: string): Entry | undefined {
    if (this.#table === 'datasets') return parseDataset(words, text, true);
    if (this.#table === 'members') return parseMember(words, true);
    if (this.#table === 'modules') return parseModule(words);
    return parseDataset(words, text, false) ?? parseMember(words, false);
  }
}

/** Parser for MVS and z/OS listings of data sets and members. */
export function mvsParser(): LineParser {
  return new MvsParser();
}
