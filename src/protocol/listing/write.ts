import { checkName } from '../names.js';

/**
 * Lines of directory listings as a server writes them: MLSx (RFC 3659 7), LIST in the form of `ls -l`, NLST.
 * Without line ends; names are taken as they are, so ask `isListable` before.
 */

/** One entry to be written. */
export interface ListedFile {
  name: string;
  /** `link`: one that dangles or is not followed. `other`: devices, pipes, sockets. */
  type: 'file' | 'directory' | 'link' | 'other';
  /** Octets of a file. */
  size: number;
  /** Milliseconds since 1970 UTC. */
  modify: number;
  create?: number | undefined;
  /** Permission bits, 0 to 0o777. */
  mode?: number | undefined;
  unique?: string | undefined;
}

/** Facts that can be written, in lower case; their names do not depend on case (RFC 3659 7.2). */
export type WrittenFact = 'type' | 'size' | 'modify' | 'create' | 'unique' | 'perm' | 'unix.mode';

const CLEAN = /^[ -.0-~]{3,255}$/;

/**
 * Whether a name can stand in a listing: one clean component. A name with CR LF would forge a line, one with `/` would
 * name another directory; such files exist, but no FTP command could name them.
 */
export function isListable(name: string): boolean {
  return CLEAN.test(name) || checkName(name).ok;
}

const DAY = 86_400_000;
const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];
const TWO = Array.from({ length: 100 }, (_, value) => String(value).padStart(2, '0'));
/** From 0000-01-01 to 9999-12-31: a year has four digits (RFC 3659 2.3). */
const FIRST = -62_167_219_200_000;
const LAST = 253_402_300_799_999;

interface Day {
  /** `YYYYMMDD`. */
  digits: string;
  /** `Mon dd`. */
  words: string;
  year: string;
}

/** Days written lately: a directory has few of them, and a date costs more than all else of a line. */
const days = new Map<number, Day>();

function dayOf(at: number): Day {
  const number = Math.floor(at / DAY);
  let day = days.get(number);
  if (!day) {
    const date = new Date(number * DAY);
    const year = String(date.getUTCFullYear()).padStart(4, '0');
    const month = date.getUTCMonth();
    const ofMonth = date.getUTCDate();
    day = {
      digits: year + TWO[month + 1] + TWO[ofMonth],
      words: `${MONTHS[month]} ${String(ofMonth).padStart(2)}`,
      year,
    };
    if (days.size >= 1000) days.clear();
    days.set(number, day);
  }
  return day;
}

function bounded(at: number): number {
  return Number.isFinite(at) ? Math.min(Math.max(at, FIRST), LAST) : 0;
}

/** RFC 3659 2.3: `YYYYMMDDHHMMSS`, UTC; whole seconds, as MDTM tells and clients compare. */
function timeValue(time: number): string {
  const at = bounded(time);
  const day = dayOf(at);
  const seconds = Math.floor((at - Math.floor(at / DAY) * DAY) / 1000);
  return `${day.digits}${TWO[Math.floor(seconds / 3600)]}${TWO[Math.floor(seconds / 60) % 60]}${TWO[seconds % 60]}`;
}

/** RFC 3659 7.5.1.5: other types are named by the system; a link that is followed is what it points at. */
const TYPES: Readonly<Record<ListedFile['type'], string>> = {
  file: 'file',
  directory: 'dir',
  link: 'OS.unix=symlink',
  other: 'OS.unix=special',
};

function octal(mode: number): string {
  return `0${(mode & 0o777).toString(8).padStart(3, '0')}`;
}

function factOf(file: ListedFile, fact: WrittenFact, perm: string): string {
  switch (fact) {
    case 'type':
      return `Type=${TYPES[file.type]};`;
    case 'size':
      return file.type === 'file' ? `Size=${file.size};` : '';
    case 'modify':
      return `Modify=${timeValue(file.modify)};`;
    case 'create':
      return file.create === undefined ? '' : `Create=${timeValue(file.create)};`;
    case 'perm':
      return `Perm=${perm};`;
    case 'unique':
      return file.unique !== undefined && /^[!-:<-~]{1,64}$/.test(file.unique)
        ? `Unique=${file.unique};`
        : '';
    case 'unix.mode':
      return file.mode === undefined ? '' : `UNIX.mode=${octal(file.mode)};`;
  }
}

/**
 * A line of MLSD, or the entry line of MLST without its leading SP: facts, SP, pathname (RFC 3659 7.2).
 *
 * @param facts which, in their order; facts that the file does not have are left out.
 * @param perm letters of RFC 3659 7.5.5.
 * @param path instead of the name (MLST).
 */
export function formatMlst(
  file: ListedFile,
  facts: readonly WrittenFact[],
  perm: string,
  path: string = file.name,
): string {
  let line = '';
  for (const fact of facts) line += factOf(file, fact, perm);
  return `${line} ${path}`;
}

const BITS = ['---', '--x', '-w-', '-wx', 'r--', 'r-x', 'rw-', 'rwx'];
const PERMISSIONS = Array.from(
  { length: 0o1000 },
  (_, mode) => `${BITS[mode >> 6]}${BITS[(mode >> 3) & 7]}${BITS[mode & 7]}`,
);
const LETTERS: Readonly<Record<ListedFile['type'], string>> = {
  file: '-',
  directory: 'd',
  link: 'l',
  other: 's',
};
/** POSIX ls: a time of day within the last six months, else the year. */
const RECENT = 182.5 * DAY;

/**
 * A line of LIST as `ls -l` writes it in the C locale, in UTC; owner and group are told to nobody.
 *
 * @param now milliseconds since 1970 UTC: older than half a year, or later than now, shows the year.
 */
export function formatList(file: ListedFile, now: number): string {
  const directory = file.type === 'directory';
  const mode = (file.mode ?? (directory ? 0o755 : 0o644)) & 0o777;
  const at = bounded(file.modify);
  const day = dayOf(at);
  const minutes = Math.floor((at - Math.floor(at / DAY) * DAY) / 60_000);
  const recent = at <= now && at > now - RECENT;
  const when = recent ? `${TWO[Math.floor(minutes / 60)]}:${TWO[minutes % 60]}` : ` ${day.year}`;
  const size = String(file.type === 'file' ? file.size : 0).padStart(12);
  const head = `${LETTERS[file.type]}${PERMISSIONS[mode]} ${directory ? '  2' : '  1'} ftp      ftp     `;
  return `${head} ${size} ${day.words} ${when} ${file.name}`;
}
