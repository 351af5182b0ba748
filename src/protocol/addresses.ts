import { FtpError } from './errors.js';
import type { Reply } from './replies.js';

/** A TCP endpoint by literal address; `family` follows from the address. */
export interface HostPort {
  /** IPv4 dotted quad or IPv6 without brackets or zone. */
  host: string;
  port: number;
}

/** Where an address is meant to be reached from (RFC 6890). */
export type AddressScope =
  | 'unspecified'
  | 'loopback'
  | 'link-local'
  | 'private'
  | 'multicast'
  | 'reserved'
  | 'public';

/** 4, 6, or 0 for anything that is not a literal address. */
export function familyOf(host: string): 0 | 4 | 6 {
  if (parseV4(host)) return 4;
  return host.includes(':') && parseV6(host) ? 6 : 0;
}

function parseV4(host: string): number[] | undefined {
  const parts = host.split('.');
  if (parts.length !== 4) return undefined;
  const octets = parts.map((part) => (/^\d{1,3}$/.test(part) && !/^0\d/.test(part) ? Number(part) : 256));
  return octets.every((octet) => octet <= 255) ? octets : undefined;
}

/**
 * A literal address as 4 or 16 octets, `::ffff:a.b.c.d` as the 4 of IPv4; undefined for anything else: names, zones,
 * brackets, octal, hexadecimal and short forms.
 */
export function octetsOf(host: string): number[] | undefined {
  const v4 = parseV4(host);
  if (v4) return v4;
  const octets = parseV6(host)?.flatMap((group) => [group >> 8, group & 255]);
  return octets && isMapped(octets) ? octets.slice(12) : octets;
}

const isMapped = (octets: readonly number[]): boolean =>
  octets.slice(0, 10).every((octet) => octet === 0) && octets[10] === 255 && octets[11] === 255;

/** Eight 16-bit groups, or undefined. */
function parseV6(host: string): number[] | undefined {
  const text = embedV4(host);
  if (text === undefined || !/^[0-9a-fA-F:]+$/.test(text)) return undefined;
  const halves = text.split('::');
  if (halves.length > 2) return undefined;
  const groups = (half: string): string[] => (half === '' ? [] : half.split(':'));
  const left = groups(halves[0]!);
  const right = halves.length === 2 ? groups(halves[1]!) : [];
  const missing = 8 - left.length - right.length;
  if (halves.length === 2 ? missing < 1 : missing !== 0) return undefined;
  const all = [...left, ...Array<string>(Math.max(0, missing)).fill('0'), ...right];
  if (all.some((group) => !/^[0-9a-fA-F]{1,4}$/.test(group))) return undefined;
  return all.map((group) => Number.parseInt(group, 16));
}

function embedV4(host: string): string | undefined {
  const at = host.lastIndexOf(':');
  if (!host.slice(at + 1).includes('.')) return host;
  const octets = parseV4(host.slice(at + 1));
  if (!octets) return undefined;
  const hex = (high: number, low: number): string => ((high << 8) | low).toString(16);
  return `${host.slice(0, at + 1)}${hex(octets[0]!, octets[1]!)}:${hex(octets[2]!, octets[3]!)}`;
}

/** `::ffff:a.b.c.d` -> `a.b.c.d`; other addresses unchanged, without brackets and zone. */
export function plainAddress(host: string): string {
  const bare = host.replace(/^\[|\]$/g, '').replace(/%.*$/, '');
  const groups = bare.includes(':') ? parseV6(bare) : undefined;
  if (!groups || groups.slice(0, 5).some((group) => group !== 0) || groups[5] !== 0xffff) return bare;
  return [groups[6]! >> 8, groups[6]! & 255, groups[7]! >> 8, groups[7]! & 255].join('.');
}

function scopeOfV4(octets: number[]): AddressScope {
  const [a = 0, b = 0] = octets;
  if (a === 0) return 'unspecified';
  if (a === 127) return 'loopback';
  if (a === 169 && b === 254) return 'link-local';
  if (a === 10 || (a === 172 && b >= 16 && b < 32) || (a === 192 && b === 168)) return 'private';
  if (a === 100 && b >= 64 && b < 128) return 'private';
  if (a >= 224 && a < 240) return 'multicast';
  return a >= 240 ? 'reserved' : 'public';
}

/** What kind of address it is (RFC 6890 registries, as far as FTP needs them). */
export function scopeOf(host: string): AddressScope {
  const plain = plainAddress(host);
  const v4 = parseV4(plain);
  if (v4) return scopeOfV4(v4);
  const groups = parseV6(plain);
  if (!groups) return 'reserved';
  if (groups.slice(0, 7).every((group) => group === 0) && groups[7]! <= 1) {
    return groups[7] === 0 ? 'unspecified' : 'loopback';
  }
  const head = groups[0]!;
  if (head === 0) return 'reserved';
  if ((head & 0xffc0) === 0xfe80) return 'link-local';
  if ((head & 0xfe00) === 0xfc00) return 'private';
  return (head & 0xff00) === 0xff00 ? 'multicast' : 'public';
}

/** The same address, however it is written. */
function sameAddress(a: string, b: string): boolean {
  const [x, y] = [plainAddress(a), plainAddress(b)];
  const [v6, w6] = [parseV6(x), parseV6(y)];
  return x === y || (v6 !== undefined && v6.join() === w6?.join());
}

/** Lines of a reply without their codes, last one first: drftpd puts the address there. */
const textsOf = (reply: Reply): string[] =>
  reply.lines.map((line) => line.replace(/^\d{3}(?:[ \t-]|$)/, '')).reverse();

function malformed(reply: Reply, why: string): FtpError {
  return new FtpError('malformed', `the passive reply ${JSON.stringify(reply.lines.join('\n'))} ${why}`, {
    reply: { code: reply.code, text: reply.text },
  });
}

/** First run of exactly `count` numbers `n,n,...`; blanks around commas are tolerated. */
function numberRun(text: string, count: number): number[] | undefined {
  for (const run of text.match(/\d{1,5}(?: ?, ?\d{1,5})+/g) ?? []) {
    const numbers = run.split(',').map((part) => Number(part.trim()));
    if (numbers.length === count) return numbers;
  }
  return undefined;
}

/**
 * Address in a 227 reply, in every form seen (RFC 959, RFC 1123 4.1.2.6; drftpd puts it in the last of several lines;
 * bouncers send `(1,p1,p2)`, meaning the control peer).
 *
 * @param controlPeer address of the control connection's other end.
 * @throws FtpError `malformed` without six numbers up to 255, or with port 0.
 */
export function parsePasv(reply: Reply, controlPeer: string): HostPort {
  for (const text of textsOf(reply)) {
    const six = numberRun(text, 6);
    if (six) {
      if (six.some((value) => value > 255)) throw malformed(reply, 'holds a number over 255');
      return checked(reply, six.slice(0, 4).join('.'), six[4]! * 256 + six[5]!);
    }
    const three = numberRun(text, 3);
    if (three && three[0] === 1 && three[1]! <= 255 && three[2]! <= 255) {
      return checked(reply, controlPeer, three[1]! * 256 + three[2]!);
    }
  }
  throw malformed(reply, 'holds no address');
}

function checked(reply: Reply, host: string, port: number): HostPort {
  if (port < 1 || port > 65535) throw malformed(reply, `names port ${port}`);
  return { host, port };
}

/**
 * Endpoint in a 229 reply (RFC 2428 3): `(|||port|)`, any delimiter 33..126; after `CEPR ON` or `EPSV EXTENDED` also
 * `(|1|a.b.c.d|port|)` and `(|2|v6|port|)`.
 *
 * @throws FtpError `malformed` for every other form.
 */
export function parseEpsv(reply: Reply, controlPeer: string): HostPort {
  for (const text of textsOf(reply)) {
    const fields = epsvFields(text);
    if (!fields) continue;
    const [family = '', host = '', port = ''] = fields;
    if (!/^\d{1,5}$/.test(port)) throw malformed(reply, 'holds no port');
    if (family === '' && host === '') return checked(reply, controlPeer, Number(port));
    if ((family === '1' && familyOf(host) === 4) || (family === '2' && familyOf(host) === 6)) {
      return checked(reply, host, Number(port));
    }
    throw malformed(reply, 'names an address family that does not fit its address');
  }
  throw malformed(reply, 'holds no (|||port|)');
}

/** The three fields in the first parentheses that hold exactly three; without parentheses `|||port|`. */
function epsvFields(text: string): string[] | undefined {
  for (let open = text.indexOf('('); open >= 0; open = text.indexOf('(', open + 1)) {
    const fields = delimited(text.slice(open + 1));
    if (fields?.[3]?.startsWith(')')) return fields.slice(0, 3);
  }
  const bare = /([!-/:-~])\1\1(\d+)\1(?:[ .\t]|$)/.exec(text);
  return bare ? ['', '', bare[2]!] : undefined;
}

/** `|a|b|c|rest` -> its fields; the delimiter is the first character, any of 33..126 but a digit (RFC 2428 2). */
function delimited(text: string): string[] | undefined {
  const delimiter = text[0];
  if (delimiter === undefined || !/[!-/:-~]/.test(delimiter)) return undefined;
  return text.slice(1).split(delimiter);
}

function checkPort(port: number): void {
  if (!Number.isInteger(port) || port < 0 || port > 65535)
    throw new FtpError('usage', `${port} is not a port`);
}

/** Argument of PORT (RFC 959 4.1.2): `h1,h2,h3,h4,p1,p2`. @throws FtpError `usage` for IPv6. */
export function formatPort({ host, port }: HostPort): string {
  checkPort(port);
  if (familyOf(host) !== 4) throw new FtpError('usage', `PORT carries IPv4 only, not ${host}`);
  return `${host.replaceAll('.', ',')},${port >> 8},${port & 255}`;
}

/** Argument of EPRT (RFC 2428 2): `|1|a.b.c.d|port|` or `|2|v6|port|`. @throws FtpError `usage` for a name. */
export function formatEprt({ host, port }: HostPort): string {
  checkPort(port);
  const family = familyOf(host);
  if (family === 0) throw new FtpError('usage', `EPRT needs a literal address, not ${host}`);
  return `|${family === 4 ? 1 : 2}|${host}|${port}|`;
}

/** Argument of PORT -> endpoint. @throws FtpError `malformed`. */
export function parsePort(argument: string): HostPort {
  const six = /^\d{1,3}(,\d{1,3}){5}$/.test(argument) ? argument.split(',').map(Number) : [];
  if (six.length !== 6 || six.some((value) => value > 255)) {
    throw new FtpError('malformed', 'PORT wants six numbers from 0 to 255');
  }
  return { host: six.slice(0, 4).join('.'), port: six[4]! * 256 + six[5]! };
}

/** Argument of EPRT -> endpoint. @throws FtpError `malformed`, also for ports over 65535. */
export function parseEprt(argument: string): HostPort {
  const fields = delimited(argument) ?? [];
  const [family = '', host = '', port = '', rest] = fields;
  const fits = (family === '1' && familyOf(host) === 4) || (family === '2' && familyOf(host) === 6);
  if (!fits || fields.length !== 4 || rest !== '' || !/^\d{1,5}$/.test(port) || Number(port) > 65535) {
    throw new FtpError('malformed', 'EPRT wants |family|address|port|');
  }
  return { host, port: Number(port) };
}

/** What to do with the address a passive reply named. */
export type PasvVerdict = { use: HostPort; replaced: boolean } | { refuse: string; advice: string };

/**
 * Which address to use for a passive endpoint: the announced one, or the control peer where the announced one cannot be
 * meant (unspecified, loopback, multicast, private while the peer is public). Guards against a server that aims the
 * client, or the other server, at a third host (CVE-2020-8284).
 *
 * @param allowForeign the site may name another public address (distributed servers).
 */
export function judgePasv(announced: HostPort, controlPeer: string, allowForeign: boolean): PasvVerdict {
  const peer = plainAddress(controlPeer);
  if (announced.port < 1024) {
    return {
      refuse: `it names the privileged port ${announced.port}`,
      advice: 'Check the passive port range of that server.',
    };
  }
  if (sameAddress(announced.host, peer)) return { use: announced, replaced: false };
  const scope = scopeOf(announced.host);
  const own = scopeOf(peer);
  if (scope === 'public' && own !== 'loopback') {
    if (allowForeign) return { use: announced, replaced: false };
    return {
      refuse: `it names ${announced.host}, but the control connection goes to ${peer}`,
      advice:
        'If that server is distributed (slaves, a cluster), allow it with allowForeignPasv for that site.',
    };
  }
  if (scope === own && scope !== 'public') {
    const keep = scope === 'private' || allowForeign;
    return { use: keep ? announced : { host: peer, port: announced.port }, replaced: !keep };
  }
  return { use: { host: peer, port: announced.port }, replaced: true };
}
