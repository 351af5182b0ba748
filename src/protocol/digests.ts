import type { Features } from './features.js';
import type { Reply } from './replies.js';

/** Digest algorithms in order of preference; names as in HASH. */
export const ALGORITHMS = ['SHA-256', 'SHA-512', 'SHA-1', 'MD5', 'CRC32'] as const;
/** One of `ALGORITHMS`. */
export type Algorithm = (typeof ALGORITHMS)[number];

const HEX_LENGTH: Record<Algorithm, number> = {
  'SHA-256': 64,
  'SHA-512': 128,
  'SHA-1': 40,
  MD5: 32,
  CRC32: 8,
};

/** Whether a text is a digest of that algorithm, in hex of either case. */
export const isDigest = (algorithm: Algorithm, text: string): boolean =>
  text.length === HEX_LENGTH[algorithm] && /^[0-9A-Fa-f]+$/.test(text);

/** A way to ask for a digest: the verb, whether it takes `"path" start end`, and what selects the algorithm. */
export interface DigestCommand {
  algorithm: Algorithm;
  verb: string;
  /** The path is put into quotes and a range may follow. */
  quoted: boolean;
}

const VERBS: readonly (DigestCommand & { feature: string })[] = [
  { algorithm: 'SHA-256', verb: 'XSHA256', quoted: true, feature: 'XSHA256' },
  { algorithm: 'SHA-512', verb: 'XSHA512', quoted: true, feature: 'XSHA512' },
  { algorithm: 'SHA-1', verb: 'XSHA1', quoted: true, feature: 'XSHA1' },
  { algorithm: 'SHA-1', verb: 'XSHA', quoted: true, feature: 'XSHA' },
  { algorithm: 'MD5', verb: 'XMD5', quoted: true, feature: 'XMD5' },
  { algorithm: 'CRC32', verb: 'XCRC', quoted: true, feature: 'XCRC' },
  { algorithm: 'MD5', verb: 'MD5', quoted: false, feature: 'MD5' },
];

/** Every digest command a server offers, strongest first; HASH where only HASH has the algorithm. */
export function digestCommands(features: Features): DigestCommand[] {
  const found: DigestCommand[] = VERBS.filter(({ feature }) => features.has(feature)).map(
    ({ algorithm, verb, quoted }) => ({ algorithm, verb, quoted }),
  );
  for (const algorithm of ALGORITHMS) {
    if (features.hashAlgorithms.includes(algorithm)) found.push({ algorithm, verb: 'HASH', quoted: false });
  }
  return found.sort((a, b) => ALGORITHMS.indexOf(a.algorithm) - ALGORITHMS.indexOf(b.algorithm));
}

/** The strongest algorithm both sides offer, and how to ask each of them. */
export function commonDigest(
  a: readonly DigestCommand[],
  b: readonly DigestCommand[],
): { algorithm: Algorithm; a: DigestCommand; b: DigestCommand } | undefined {
  for (const algorithm of ALGORITHMS) {
    const ofA = a.find((command) => command.algorithm === algorithm);
    const ofB = b.find((command) => command.algorithm === algorithm);
    if (ofA && ofB) return { algorithm, a: ofA, b: ofB };
  }
  return undefined;
}

/** The argument for a whole file, or for octets `start` to `end` (exclusive) where the verb takes a range. */
export function digestArgument(
  command: DigestCommand,
  path: string,
  range?: { start: number; end: number },
): string {
  if (!command.quoted) return path;
  return range ? `"${path}" ${range.start} ${range.end}` : /[ "]/.test(path) ? `"${path}"` : path;
}

/**
 * Digest in a 2yz reply, lower-case hex: the last token of the right length, last line first. Replies differ widely
 * (`250 HEX`, `250-Computing..`/`250 HEX`, `213 SHA-256 0-49 HEX name`, `251 name HEX`, `250 %08x`).
 *
 * @param path as it was asked for: where the reply repeats it, it is not read as the digest.
 */
export function parseDigest(reply: Reply, algorithm: Algorithm, path?: string): string | undefined {
  if (reply.code < 200 || reply.code > 299) return undefined;
  const length = HEX_LENGTH[algorithm];
  const texts = reply.lines
    .map((line) => withoutPath(line.replace(/^\d{3}(?:[ \t-]|$)/, ''), path))
    .reverse();
  const tokens = texts.flatMap((text) => text.split(/[\s"=,;]+/).reverse());
  const hex = tokens.filter((token) => /^[0-9A-Fa-f]+$/.test(token));
  const whole = hex.find((token) => token.length === length);
  // Some XCRC servers drop leading zeros.
  const short = algorithm === 'CRC32' ? hex.find((token) => token.length < length) : undefined;
  return (whole ?? short)?.toLowerCase().padStart(length, '0');
}

/** The path stands before or behind the digest, never inside: `a` must not be cut out of the digits. */
function withoutPath(text: string, path: string | undefined): string {
  const bare = text.trim();
  if (path === undefined) return bare;
  for (const name of [path, `"${path}"`]) {
    if (bare.endsWith(` ${name}`)) return bare.slice(0, -name.length);
    if (bare.startsWith(`${name} `)) return bare.slice(name.length);
  }
  return bare;
}
