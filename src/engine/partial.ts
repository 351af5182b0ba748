import { createHash } from 'node:crypto';

/** Suffix of a file on its way. No leading dot: some servers hide or refuse such names. */
const SUFFIX = '.jackstay';
const PATTERN = /^(.*)\.([0-9a-f]{8})\.jackstay$/s;
/** Octets most file systems allow in a name. */
const NAME_LIMIT = 255;

/** Key of a source version: a changed source gets another temporary name, so a wrong tail is never added to it. */
function keyOf(name: string, size: number | undefined, modified: number | undefined): string {
  return createHash('sha256')
    .update(JSON.stringify([name, size, modified]))
    .digest('hex')
    .slice(0, 8);
}

const TAIL_LENGTH = '.01234567'.length + SUFFIX.length;

/** A name cut so that the rest of a temporary name fits behind it; never inside a character. */
export function partialHead(name: string): string {
  const characters = [...name];
  let octets = 0;
  let count = 0;
  for (const character of characters) {
    octets += Buffer.byteLength(character);
    if (octets + TAIL_LENGTH > NAME_LIMIT) break;
    count += 1;
  }
  return characters.slice(0, count).join('');
}

/** Name under which a file arrives before it is proven: the same for the same version of the source, so it can be resumed. */
export function partialName(name: string, size: number | undefined, modified: number | undefined): string {
  return `${partialHead(name)}.${keyOf(name, size, modified)}${SUFFIX}`;
}

/** The final name behind a temporary one (cut for very long names), or undefined for ordinary names. */
export function finalNameOf(name: string): string | undefined {
  return PATTERN.exec(name)?.[1];
}
