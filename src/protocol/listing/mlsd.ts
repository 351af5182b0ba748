import type { Entry, EntryType } from '../entry.js';
import { baseName } from '../paths.js';
import { parseTime } from '../times.js';
import { eachLine, type LineParser, type LineVerdict } from './format.js';
import { isBlank, octalMode, unsigned } from './scan.js';

/** What a MLST reply tells about one path. */
export interface MlstEntry extends Entry {
  /** The pathname as the server wrote it; `name` is its last component. */
  path: string;
}

interface FactLine {
  facts: Map<string, string>;
  pathname: string;
}

const SLINK = 'os.unix=slink';

function isFactName(text: string): boolean {
  return text.length <= 64 && /^[A-Za-z0-9._-]+$/.test(text);
}

function addFact(facts: Map<string, string>, text: string): boolean {
  const equals = text.indexOf('=');
  const name = text.slice(0, equals);
  if (equals < 1 || !isFactName(name)) return false;
  facts.set(name.toLowerCase(), text.slice(equals + 1));
  return true;
}

/** True where a value may hold blanks although RFC 3659 7.2 has none: the target of a link. */
function isLinkFact(text: string): boolean {
  return text.slice(0, 5 + SLINK.length).toLowerCase() === 'type=' + SLINK;
}

/**
 * RFC 3659 7.2: `[ *( factname "=" value ";" ) ] SP pathname`. The first SP behind a `;` ends the facts,
 * so the pathname may start with SP and hold `;` and `=`. A missing last `;` is forgiven.
 */
function splitFacts(line: string): FactLine | undefined {
  const facts = new Map<string, string>();
  let at = 0;
  let space = line.indexOf(' ');
  while (space >= 0 && space !== at) {
    const semicolon = line.indexOf(';', at);
    const unended = semicolon < 0 || (space < semicolon && !isLinkFact(line.slice(at, at + 32)));
    const end = unended ? space : semicolon;
    const good = addFact(facts, line.slice(at, end));
    // Later facts that are none are unknown facts; a line that starts with none is no MLSx line.
    if (!good && facts.size === 0) return undefined;
    at = unended ? end : end + 1;
    if (space < at) space = line.indexOf(' ', at);
  }
  const pathname = line.slice(at + 1);
  return space < 0 || pathname === '' ? undefined : { facts, pathname };
}

const PLAIN_TYPES: ReadonlyMap<string, EntryType> = new Map([
  ['file', 'file'],
  ['dir', 'dir'],
  ['cdir', 'dir'],
  ['pdir', 'dir'],
  ['os.unix=symlink', 'link'],
  [SLINK, 'link'],
]);
const SPECIAL = ['chr', 'blk', 'fifo', 'pipe', 'socket', 'sock', 'character', 'block', 'door'];

function setType(entry: Entry, value: string): void {
  const type = value.toLowerCase();
  const plain = PLAIN_TYPES.get(type);
  if (plain) {
    entry.type = plain;
  } else if (type.startsWith(SLINK + ':')) {
    entry.type = 'link';
    if (value.length > SLINK.length + 1) entry.target = value.slice(SLINK.length + 1);
  } else if (type.startsWith('os.unix=')) {
    const kind = type.slice('os.unix='.length);
    if (SPECIAL.some((word) => kind.startsWith(word))) entry.type = 'special';
  }
}

/** Each fact that has a field of its own: true where its value was good and is now in the entry. */
const SETTERS: ReadonlyMap<string, (entry: Entry, value: string) => boolean> = new Map([
  [
    'size',
    (entry, value) => {
      const size = unsigned(value);
      if (size === undefined || entry.type === 'dir') return false;
      entry.size = size;
      return true;
    },
  ],
  [
    'modify',
    (entry, value) => {
      const modified = parseTime(value);
      if (modified === undefined) return false;
      entry.modified = modified;
      entry.modifiedPrecision = 'second';
      return true;
    },
  ],
  [
    'unix.mode',
    (entry, value) => {
      const mode = octalMode(value);
      if (mode === undefined) return false;
      entry.mode = mode;
      return true;
    },
  ],
  [
    'perm',
    (entry, value) => {
      entry.perm = value.toLowerCase();
      return true;
    },
  ],
  [
    'unique',
    (entry, value) => {
      entry.unique = value;
      return true;
    },
  ],
]);

/** A name is worth more than a number: `UNIX.ownername` before `UNIX.owner` before `UNIX.uid`. */
function setOwners(entry: Entry, facts: Map<string, string>): void {
  const owner = facts.get('unix.ownername') ?? facts.get('unix.owner') ?? facts.get('unix.uid');
  const group = facts.get('unix.groupname') ?? facts.get('unix.group') ?? facts.get('unix.gid');
  if (owner) entry.owner = owner;
  if (group) entry.group = group;
}

function toEntry(name: string, facts: Map<string, string>): Entry {
  const entry: Entry = { name, type: 'unknown' };
  const type = facts.get('type');
  if (type !== undefined) setType(entry, type);
  const rest = new Map<string, string>();
  for (const [key, value] of facts) {
    if (key === 'type' && entry.type !== 'unknown') continue;
    if (!SETTERS.get(key)?.(entry, value)) rest.set(key, value);
  }
  setOwners(entry, facts);
  for (const key of ['unix.owner', 'unix.group']) {
    if (rest.get(key) === (key === 'unix.owner' ? entry.owner : entry.group)) rest.delete(key);
  }
  // fromEntries defines own properties, so a fact called `__proto__` stays a fact.
  if (rest.size > 0) entry.facts = Object.fromEntries(rest);
  return entry;
}

/**
 * One line of a MLST reply (RFC 3659 7.2: one SP, facts, one SP, pathname), with or without its leading SP.
 * @returns the entry with its path; undefined where the line is none. `cdir` and `pdir` count as directories.
 */
export function parseMlstFacts(line: string): MlstEntry | undefined {
  const found = splitFacts(line.startsWith(' ') ? line.slice(1) : line);
  if (!found) return undefined;
  const { facts, pathname } = found;
  return { ...toEntry(baseName(pathname) || pathname, facts), path: pathname };
}

/** One line of MLSD data (RFC 3659 7.2). `cdir` and `pdir` are known but no entries. */
export function parseMlsdLine(line: string): LineVerdict {
  if (isBlank(line)) return 'skip';
  const found = splitFacts(line);
  if (!found) return undefined;
  const type = found.facts.get('type')?.toLowerCase();
  if (type === 'cdir' || type === 'pdir') return 'known';
  return toEntry(found.pathname, found.facts);
}

const TELLING = ['type', 'size', 'modify', 'perm', 'unique', 'unix.mode'];

/** Parser for MLSD listings. While the format is in question, only lines with a fact of the RFC count. */
export function mlsdParser(options: { certain: boolean }): LineParser {
  let certain = options.certain;
  return eachLine((line) => {
    if (!certain && !isBlank(line)) {
      const facts = line.startsWith(' ') ? undefined : splitFacts(line)?.facts;
      certain = facts !== undefined && TELLING.some((fact) => facts.has(fact));
      if (!certain) return undefined;
    }
    return parseMlsdLine(line);
  });
}
