import { type BigIntStats, closeSync, fstatSync } from 'node:fs';
import { setImmediate } from 'node:timers/promises';
import { digestFor } from '../../net/plane/digest.js';
import { guarded, toFileError } from './errors.js';
import { spanOf } from './span.js';
import { type DigestAlgorithm, FileError, type Range, type Source } from './types.js';

/** Octets taken at a time: about a millisecond of work, after which the thread's transfers get their turn. */
const CHUNK = 512 * 1024;

/**
 * The digest of what a source gives, lower-case hex; the source is closed in any case.
 * @throws FileError; `busy` when `signal` ended it.
 */
export async function digestOf(
  source: Source,
  algorithm: DigestAlgorithm,
  signal?: AbortSignal,
): Promise<string> {
  try {
    const digest = digestFor(algorithm);
    const buffer = Buffer.allocUnsafeSlow(Math.min(CHUNK, Math.max(1, source.size ?? CHUNK)));
    for (;;) {
      if (signal?.aborted) throw new FileError('busy', 'the digest was given up');
      const read = source.read(buffer);
      const count = typeof read === 'number' ? read : await read;
      if (count === 0) return digest.hex();
      digest.update(buffer.subarray(0, count));
      await setImmediate();
    }
  } catch (error) {
    throw toFileError(error);
  } finally {
    await source.close();
  }
}

/** Digests kept per thread, the one used last at the end. */
const kept = new Map<string, string>();
const MOST_KEPT = 1000;
/**
 * Milliseconds that a file must have been left alone before its digest is kept: the clock of a file system ticks, FAT in
 * steps of two seconds, and a change within the same tick cannot be seen.
 */
const SETTLED = 3000;

/** ctime too: whoever changes the octets can set mtime back. */
function keyOf(stats: BigIntStats, span: { start: number; end: number }, algorithm: DigestAlgorithm): string {
  const { dev, ino, size, mtimeNs, ctimeNs } = stats;
  return [dev, ino, size, mtimeNs, ctimeNs, span.start, span.end, algorithm].join(':');
}

/**
 * The digest of a range of an open file, computed or remembered. Closes `fd`.
 *
 * @param compute closes the descriptor it is given.
 * @param now milliseconds since 1970 UTC.
 * @throws FileError `bad-offset` for a range that begins beyond the end.
 */
export async function cachedDigest(
  fd: number,
  range: Range,
  algorithm: DigestAlgorithm,
  compute: (fd: number, span: { start: number; end: number }) => Promise<string>,
  now: number = Date.now(),
): Promise<string> {
  let handed = false;
  try {
    const stats = guarded(() => fstatSync(fd, { bigint: true }));
    const span = spanOf(range, Number(stats.size));
    const key = keyOf(stats, span, algorithm);
    const known = kept.get(key);
    if (known !== undefined) {
      kept.delete(key);
      kept.set(key, known);
      return known;
    }
    handed = true;
    const digest = await compute(fd, span);
    // A change while it was read gives the file a later ctime: then this key is never asked for again.
    if (now - Number(stats.ctimeMs) >= SETTLED) keep(key, digest);
    return digest;
  } finally {
    if (!handed) closeSync(fd);
  }
}

function keep(key: string, digest: string): void {
  kept.set(key, digest);
  if (kept.size > MOST_KEPT) kept.delete(kept.keys().next().value!);
}
