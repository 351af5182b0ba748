import { octetsOf } from './addresses.js';
import { FtpError } from './errors.js';

/** A block of addresses; made by `parseRange`. Plain data: it crosses threads. */
export interface AddressRange {
  /** As written: `192.0.2.0/24`, `2001:db8::/32`, `192.0.2.7`. */
  text: string;
  family: 4 | 6;
  /** Address as 4 or 16 octets. */
  octets: number[];
  /** Leading bits that count. */
  bits: number;
}

function refused(text: string, why: string, advice?: string): FtpError {
  return new FtpError('usage', `${JSON.stringify(text)} is no range of addresses: ${why}`, {
    advice: advice ?? 'Write an address (192.0.2.7, 2001:db8::7) or a block of them (192.0.2.0/24).',
  });
}

/**
 * A literal address or a block in CIDR notation (RFC 4632 3.1, RFC 4291 2.3). `::ffff:192.0.2.0/120` is `192.0.2.0/24`.
 *
 * @throws FtpError `usage` for names, zones, octal, hexadecimal and short forms, and for bits set behind the prefix.
 */
export function parseRange(text: string): AddressRange {
  const slash = text.indexOf('/');
  const host = slash === -1 ? text : text.slice(0, slash);
  const octets = octetsOf(host);
  if (!octets) throw refused(text, whyNot(host));
  const family = octets.length === 4 ? 4 : 6;
  // A mapped address counts its prefix from the front of the IPv6 form (RFC 4291 2.5.5.2).
  const before = family === 4 && host.includes(':') ? 96 : 0;
  const most = octets.length * 8 + before;
  const prefix = slash === -1 ? String(most) : text.slice(slash + 1);
  if (!/^(?:0|[1-9]\d{0,2})$/.test(prefix) || Number(prefix) > most || Number(prefix) < before) {
    throw refused(text, `the prefix length goes from ${before} to ${most}`);
  }
  const range = rangeOf(octets, Number(prefix) - before);
  if (range.octets.some((octet, i) => octet !== octets[i])) {
    throw refused(text, 'bits are set behind the prefix', `Write ${range.text}, or the address alone.`);
  }
  return { ...range, text };
}

function whyNot(host: string): string {
  if (host.includes('%')) return 'an address with a zone means another host on every link';
  if (host.includes('[')) return 'brackets belong to URLs';
  if (/^(?:0x[0-9a-f]+|\d+)(?:\.(?:0x[0-9a-f]+|\d+))*$/i.test(host)) {
    return 'IPv4 is four decimal numbers up to 255, without leading zeros';
  }
  return `${host === '' ? 'nothing' : 'what stands there'} is not a literal address`;
}

/** The block of `bits` leading bits that an address lies in. @param octets 4 or 16 of them. */
export function rangeOf(octets: readonly number[], bits: number): AddressRange {
  const masked = octets.map((octet, i) => octet & maskAt(bits, i));
  return { text: `${textOf(masked)}/${bits}`, family: octets.length === 4 ? 4 : 6, octets: masked, bits };
}

/** The bits of octet `i` that count. */
const maskAt = (bits: number, i: number): number => (0xff00 >> Math.min(8, Math.max(0, bits - i * 8))) & 255;

function textOf(octets: readonly number[]): string {
  if (octets.length === 4) return octets.join('.');
  const groups = Array.from({ length: 8 }, (_, i) =>
    ((octets[i * 2]! << 8) | octets[i * 2 + 1]!).toString(16),
  );
  return groups.join(':').replace(/(?:^|:)0(?::0)+(?::|$)/, '::');
}

/** True when the octets, as `octetsOf` gives them, lie in the block. Families never mix. */
export function octetsInRange(octets: readonly number[], range: AddressRange): boolean {
  return (
    octets.length === range.octets.length &&
    octets.every((octet, i) => ((octet ^ range.octets[i]!) & maskAt(range.bits, i)) === 0)
  );
}

/** True when a literal address lies in the block; v4-mapped IPv6 is IPv4. False for anything that is no literal address. */
export function inRange(address: string, range: AddressRange): boolean {
  return inRanges(address, [range]);
}

/** True when a literal address lies in one of the blocks. */
export function inRanges(address: string, ranges: readonly AddressRange[]): boolean {
  const octets = octetsOf(address);
  return octets !== undefined && ranges.some((range) => octetsInRange(octets, range));
}
