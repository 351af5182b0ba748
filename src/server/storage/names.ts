import { randomInt } from 'node:crypto';
import { sep } from 'node:path';
import { checkName } from '../../protocol/names.js';
import { decodeText, encodeText } from '../../protocol/text.js';
import { FileError } from './types.js';

/** How names of uploads under way begin. They are in no listing and no command reaches them. */
export const TEMPORARY = '.jackstay-in.';

const WINDOWS = sep === '\\';
/** Most names: printable ASCII without `/`, nothing that Windows treats in its own way. */
const ORDINARY = /^[A-Za-z0-9_](?:[A-Za-z0-9_ +,=@-]|\.(?!$)){0,254}$/;
const LETTERS = 'abcdefghijklmnopqrstuvwxyz0123456789';
/** Most components of one path: each costs a descriptor while the path is walked. */
const DEEPEST = 256;

/** A new name for an upload under way: 62 random bits. */
export function temporaryName(): string {
  let name = TEMPORARY;
  for (let i = 0; i < 12; i += 1) name += LETTERS[randomInt(LETTERS.length)];
  return name;
}

/** A name that no client may use: see `TEMPORARY`. */
export function isTemporary(name: string): boolean {
  return name.startsWith(TEMPORARY);
}

function check(name: string): void {
  if (ORDINARY.test(name) && !WINDOWS) return;
  const verdict = checkName(name, { windows: WINDOWS });
  if (!verdict.ok) throw new FileError('bad-name', `a name in the path ${verdict.why}`);
  if (isTemporary(name)) throw new FileError('bad-name', 'a name in the path is kept for uploads under way');
  // One file, one path, or rights that hold at the one could be dodged by the other: octets that make a character
  // must be written as that character.
  if (/[\udc80-\udcff]/.test(name) && decodeText(encodeText(name)) !== name)
    throw new FileError('bad-name', 'a name in the path has characters written as single octets');
}

/**
 * The components of a storage path, checked; none for `/`.
 * @throws FileError `bad-name` for a path that is not absolute and normal or a name that no file may have.
 */
export function splitPath(path: string): string[] {
  if (path === '/') return [];
  if (!path.startsWith('/')) throw new FileError('bad-name', 'the path is not absolute');
  const names = path.slice(1).split('/');
  if (names.length > DEEPEST) throw new FileError('bad-name', `the path has more than ${DEEPEST} components`);
  for (const name of names) check(name);
  return names;
}

const SURROGATE = /[\udc80-\udcff]/;

/** A directory in front of a name, as the file system takes it: text, or octets where the name is no UTF-8. */
export function nativePath(folder: string | Buffer, name: string): string | Buffer {
  if (typeof folder === 'string' && !SURROGATE.test(name)) return `${folder}/${name}`;
  return Buffer.concat([
    typeof folder === 'string' ? Buffer.from(folder) : folder,
    Buffer.from('/'),
    encodeText(name),
  ]);
}

/**
 * The name with its letters in the other case, or composed the other way (UAX 15): where the file system finds the same
 * file under it, that file system folds names. Undefined when the name has no other form.
 */
export function otherForm(name: string): string | undefined {
  const swapped = name.replace(/[A-Za-z]/g, (letter) =>
    letter < 'a' ? letter.toLowerCase() : letter.toUpperCase(),
  );
  if (swapped !== name) return swapped;
  for (const other of [name.normalize('NFD'), name.normalize('NFC'), name.toUpperCase(), name.toLowerCase()])
    if (other !== name) return other;
  return undefined;
}
