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

/** Name under which a file arrives before it is proven: the same for the same version of the source, so it can be resumed. */
export function partialName(name: string, size: number | undefined, modified: number | undefined): string {
  const key = keyOf(name, size, modified);
  const tail = `.${key}${SUFFIX}`;
  let head = name;
  while (Buffer.byteLength(head) + tail.length > NAME_LIMIT) head = head.slice(0, -1);
  return head + tail;
}

/** The final name behind a temporary one (cut for very long names), or undefined for ordinary names. */
export function finalNameOf(name: string): string | undefined {
  return PATTERN.exec(name)?.[1];
}
