import { createHash } from 'node:crypto';
import { setImmediate } from 'node:timers/promises';
import { crc32 } from 'node:zlib';
import { toFileError } from './errors.js';
import { type DigestAlgorithm, FileError, type Source } from './types.js';

/** Octets taken at a time: about a millisecond of work, after which the thread's transfers get their turn. */
const CHUNK = 512 * 1024;

const HASHES: Readonly<Record<Exclude<DigestAlgorithm, 'CRC32'>, string>> = {
  'SHA-256': 'sha256',
  'SHA-512': 'sha512',
  'SHA-1': 'sha1',
  MD5: 'md5',
};

interface Digest {
  update(chunk: Buffer): unknown;
  hex(): string;
}

function digestFor(algorithm: DigestAlgorithm): Digest {
  if (algorithm !== 'CRC32') {
    const hash = createHash(HASHES[algorithm]);
    return { update: (chunk) => hash.update(chunk), hex: () => hash.digest('hex') };
  }
  let value = 0;
  return {
    update: (chunk) => {
      value = crc32(chunk, value);
    },
    hex: () => value.toString(16).padStart(8, '0'),
  };
}

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
