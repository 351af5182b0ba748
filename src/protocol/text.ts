import { FtpError } from './errors.js';

/**
 * Octets <-> strings without loss.
 *
 * RFC 2640 3.1: paths are octets, UTF-8 where the server says so. Octets that are not valid UTF-8 become lone
 * low surrogates U+DC80..U+DCFF (one per octet), so a name read from one server reaches the other one unchanged.
 */

export type Charset = 'utf8' | 'latin1';

const strictUtf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** Length of the valid UTF-8 sequence at `at`, or 0. Follows Unicode table 3-7. */
function sequenceLength(bytes: Uint8Array, at: number): number {
  const first = bytes[at]!;
  if (first < 0x80) return 1;
  if (first < 0xc2 || first > 0xf4) return 0;
  const length = first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
  const second = bytes[at + 1];
  const low = first === 0xe0 ? 0xa0 : first === 0xf0 ? 0x90 : 0x80;
  const high = first === 0xed ? 0x9f : first === 0xf4 ? 0x8f : 0xbf;
  if (second === undefined || second < low || second > high) return 0;
  for (let i = 2; i < length; i++) {
    const next = bytes[at + i];
    if (next === undefined || next < 0x80 || next > 0xbf) return 0;
  }
  return length;
}

function decodeEscaping(bytes: Uint8Array): string {
  let text = '';
  let start = 0;
  let at = 0;
  while (at < bytes.length) {
    const length = sequenceLength(bytes, at);
    if (length > 0) {
      at += length;
      continue;
    }
    if (at > start) text += strictUtf8.decode(bytes.subarray(start, at));
    text += String.fromCharCode(0xdc00 + bytes[at]!);
    at += 1;
    start = at;
  }
  return start < bytes.length ? text + strictUtf8.decode(bytes.subarray(start)) : text;
}

/** Decode octets of a path or reply. Never throws; `encodeText` gives the same octets back. */
export function decodeText(bytes: Uint8Array, charset: Charset = 'utf8'): string {
  if (charset === 'latin1')
    return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1');
  try {
    return strictUtf8.decode(bytes);
  } catch {
    return decodeEscaping(bytes);
  }
}

const escapes = /[\udc80-\udcff]/;

/** One octet for each character; U+010A must not lose its high octet and become a line end. */
function encodeLatin1(text: string): Buffer {
  const octets = Buffer.alloc(text.length);
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    const octet = unit >= 0xdc80 && unit <= 0xdcff ? unit - 0xdc00 : unit;
    if (octet > 0xff) {
      // The text itself is not shown: it may be a password.
      throw new FtpError('usage', 'a name holds a character that latin1 does not have; nothing was sent', {
        retry: 'never',
        advice: 'Rename it, or set the character set of that site to utf8.',
      });
    }
    octets[i] = octet;
  }
  return octets;
}

/**
 * Inverse of `decodeText`. Lone surrogates U+DC80..U+DCFF become the octet they stand for.
 *
 * @throws FtpError `usage` when latin1 has no octet for a character.
 */
export function encodeText(text: string, charset: Charset = 'utf8'): Buffer {
  if (charset === 'latin1') return encodeLatin1(text);
  if (!escapes.test(text)) return Buffer.from(text, 'utf8');
  const parts: Buffer[] = [];
  let start = 0;
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    const paired = i > 0 && (text.charCodeAt(i - 1) & 0xfc00) === 0xd800;
    if (unit < 0xdc80 || unit > 0xdcff || paired) continue;
    parts.push(Buffer.from(text.slice(start, i), 'utf8'), Buffer.from([unit - 0xdc00]));
    start = i + 1;
  }
  parts.push(Buffer.from(text.slice(start), 'utf8'));
  return Buffer.concat(parts);
}
