/** Listings in the three shapes that servers give: ls -l, MS-DOS, and the facts of RFC 3659. */
import { lstat, readdir, readlink } from 'node:fs/promises';
import { join } from 'node:path';

export interface Item {
  readonly name: string;
  readonly kind: 'file' | 'dir' | 'link';
  readonly size: number;
  readonly modified: Date;
  /** Permission bits. */
  readonly mode: number;
  readonly unique: string;
  readonly target?: string;
}

/** The item of one path on the disk. Rejects as `lstat` does. */
export async function itemOf(real: string, name: string): Promise<Item> {
  const stat = await lstat(real);
  const kind = stat.isSymbolicLink() ? 'link' : stat.isDirectory() ? 'dir' : 'file';
  const item = { name, kind, size: stat.size, modified: stat.mtime, mode: stat.mode & 0o7777 } as const;
  const unique = `${stat.dev.toString(16)}U${stat.ino.toString(16)}`;
  return kind === 'link' ? { ...item, unique, target: await readlink(real) } : { ...item, unique };
}

/** The items of a folder in the order of their names, or the item itself when `real` is no folder. */
export async function itemsOf(real: string, name: string): Promise<Item[]> {
  const self = await itemOf(real, name);
  if (self.kind !== 'dir') return [self];
  const names = (await readdir(real)).sort();
  return Promise.all(names.map((one) => itemOf(join(real, one), one)));
}

const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];
const HALF_YEAR_MS = 180 * 86_400_000;
const two = (value: number): string => String(value).padStart(2, '0');

function rights(mode: number): string {
  return [6, 3, 0]
    .map((shift) => (mode >> shift) & 7)
    .map((bits) => `${bits & 4 ? 'r' : '-'}${bits & 2 ? 'w' : '-'}${bits & 1 ? 'x' : '-'}`)
    .join('');
}

function unixDate(date: Date): string {
  const recent = Math.abs(Date.now() - date.getTime()) < HALF_YEAR_MS;
  const clock = `${two(date.getUTCHours())}:${two(date.getUTCMinutes())}`;
  const tail = recent ? clock : ` ${date.getUTCFullYear()}`;
  return `${MONTHS[date.getUTCMonth()]} ${String(date.getUTCDate()).padStart(2)} ${tail}`;
}

/** A line of `ls -l`. */
export function unixLine(item: Item): string {
  const letter = { file: '-', dir: 'd', link: 'l' }[item.kind];
  const size = String(item.size).padStart(12);
  const arrow = item.target === undefined ? '' : ` -> ${item.target}`;
  return `${letter}${rights(item.mode)}   1 ftp      ftp  ${size} ${unixDate(item.modified)} ${item.name}${arrow}`;
}

/** A line of the MS-DOS style that IIS shows by default. */
export function dosLine(item: Item): string {
  const { modified } = item;
  const day = `${two(modified.getUTCMonth() + 1)}-${two(modified.getUTCDate())}-${two(modified.getUTCFullYear() % 100)}`;
  const hour = modified.getUTCHours();
  const clock = `${two(hour % 12 === 0 ? 12 : hour % 12)}:${two(modified.getUTCMinutes())}${hour < 12 ? 'AM' : 'PM'}`;
  const middle = item.kind === 'dir' ? '      <DIR>         ' : String(item.size).padStart(20);
  return `${day}  ${clock} ${middle} ${item.name}`;
}

/** RFC 3659 2.3: time as YYYYMMDDHHMMSS in UTC. */
export function timeVal(date: Date): string {
  return date.toISOString().replace(/[-:T]/g, '').slice(0, 14);
}

/** The instant of a time value, or undefined when it is none. */
export function fromTimeVal(text: string): Date | undefined {
  const found = /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)(?:\.\d+)?$/.exec(text);
  if (found === null) return undefined;
  const [year, month, day, hour, minute, second] = found.slice(1, 7).map(Number);
  return new Date(Date.UTC(year ?? 0, (month ?? 1) - 1, day, hour, minute, second));
}

/** RFC 3659 7.2: facts, one space, name. */
export function factLine(item: Item, name = item.name): string {
  const type = { file: 'file', dir: 'dir', link: 'OS.unix=symlink' }[item.kind];
  const perm = item.kind === 'dir' ? 'flcdmpe' : 'adfrw';
  const size = item.kind === 'dir' ? '' : `size=${item.size};`;
  const mode = `UNIX.mode=0${item.mode.toString(8)};`;
  return `modify=${timeVal(item.modified)};perm=${perm};${size}type=${type};unique=${item.unique};${mode} ${name}`;
}
