import { FtpError } from './errors.js';
import type { SiteSettings, TlsMode } from './site.js';
import { decodeText, encodeText } from './text.js';

/** A parsed URL: the server it names, credentials included, and a path there. */
export interface ParsedUrl {
  site: SiteSettings;
  /** Relative to the login directory unless it begins with `/`; empty for the login directory itself. A final `/` is kept. */
  path: string;
}

const SCHEMES: Record<string, TlsMode> = { ftp: 'none', ftps: 'explicit', ftpes: 'explicit' };
const IMPLICIT_PORT = 990;
const CONTROL = /[\u0000-\u001f\u007f]/;
const NAME = /^[\p{L}\p{N}_](?:[\p{L}\p{N}\p{M}._-]*[\p{L}\p{N}\p{M}_.-])?$/u;
// RFC 3986 3.2.2 IP-literal; the zone is RFC 6874.
const IPV6 = /^\[([0-9a-fA-F:.]*:[0-9a-fA-F:.]*)(?:%25([A-Za-z0-9._~-]+))?\]$/;

/** True for `scheme://...`, whatever the scheme: such a word is never a local path. */
export function looksLikeUrl(word: string): boolean {
  return /^[A-Za-z][A-Za-z0-9+.-]*:\/\//.test(word);
}

/**
 * Parse an `ftp`, `ftps` or `ftpes` URL.
 *
 * - `ftp` means a clear control connection, `ftps` and `ftpes` mean AUTH TLS (RFC 4217); port 990 means TLS from the first
 *   byte with any of the three.
 * - The slash after the authority is a separator, no part of the path (RFC 1738 3.2.2): `ftp://h/a/b` is `a/b` below the
 *   login directory, `ftp://h//a` and `ftp://h/%2Fa` are `/a`.
 * - FTP URLs have neither query nor fragment (RFC 1738 3.2): `?` and `#` belong to the name. `;type=i` at the end is
 *   accepted, other types are refused.
 * - `%XX` is an octet; octets that are not UTF-8 stay what they are (see `decodeText`); control characters are refused before and after decoding, because
 *   each of these strings becomes part of a command line (RFC 959 5.3.1).
 *
 * @throws FtpError `usage`; its message shows the URL without its password.
 */
export function parseUrl(text: string): ParsedUrl {
  if (CONTROL.test(text)) throw bad(text, 'control characters are not allowed');
  const parts = /^([A-Za-z][A-Za-z0-9+.-]*):\/\/([^/]*)(?:\/([\s\S]*))?$/.exec(text);
  const tls = parts ? SCHEMES[parts[1]!.toLowerCase()] : undefined;
  if (!parts || tls === undefined) throw bad(text, 'the scheme must be ftp, ftps or ftpes');
  const authority = parts[2]!;
  const at = authority.lastIndexOf('@');
  const { host, port } = parseHostPort(text, authority.slice(at + 1));
  const site: SiteSettings = { host, tls: port === IMPLICIT_PORT ? 'implicit' : tls };
  if (port !== undefined) site.port = port;
  if (at >= 0) Object.assign(site, parseUserInfo(text, authority.slice(0, at)));
  return { site, path: decode(text, stripType(text, parts[3] ?? ''), 'path') };
}

/**
 * The word as it may be shown: the password of a URL replaced by `***`. Words that are no URL come back unchanged. Errs on
 * the safe side: where an unescaped slash in the password leaves no readable host, everything up to the last `@` is masked.
 */
export function maskUrl(word: string): string {
  const parts = /^([A-Za-z][A-Za-z0-9+.-]*:\/\/)([^/]*)([\s\S]*)$/.exec(word);
  if (!parts) return word;
  const [, scheme = '', authority = '', rest = ''] = parts;
  const colon = authority.indexOf(':');
  const at = authority.lastIndexOf('@');
  const readable = /^(?:\[[^\]]*\]|[^:[\]]+)(?::\d*)?$/.test(authority.slice(at + 1));
  if (!readable && colon >= 0 && rest.includes('@')) {
    return `${scheme}${authority.slice(0, colon)}:***${rest.slice(rest.lastIndexOf('@'))}`;
  }
  if (at < 0 || colon < 0 || colon > at) return word;
  return `${scheme}${authority.slice(0, colon)}:***${authority.slice(at)}${rest}`;
}

/** Mask every URL inside a text, word by word (words end at white space). */
export function maskText(text: string): string {
  return text.replace(/[A-Za-z][A-Za-z0-9+.-]*:\/\/\S+/g, maskUrl);
}

function parseHostPort(text: string, hostPort: string): { host: string; port?: number } {
  const parts = /^(\[[^\]]*\]|[^:]*)(?::([^:]*))?$/.exec(hostPort);
  if (!parts) throw bad(text, 'host and port are not readable; put an IPv6 address into brackets');
  const host = parseHost(text, parts[1]!);
  // RFC 3986 3.2.3: an empty port means the default.
  if (parts[2] === undefined || parts[2] === '') return { host };
  const port = /^\d{1,5}$/.test(parts[2]) ? Number(parts[2]) : 0;
  // The value is not shown: after an unescaped slash in a password this would be a piece of it.
  if (port < 1 || port > 65535) throw bad(text, 'the port must be a number from 1 to 65535');
  return { host, port };
}

function parseHost(text: string, host: string): string {
  if (host === '') throw bad(text, 'the host is missing');
  if (host.startsWith('[')) {
    const address = IPV6.exec(host);
    if (!address) throw bad(text, 'the bracketed host is not an IPv6 address');
    return address[1]!.toLowerCase() + (address[2] === undefined ? '' : `%${address[2]}`);
  }
  if (!NAME.test(host)) throw bad(text, 'the host is not a name or address');
  return host.toLowerCase();
}

function parseUserInfo(text: string, info: string): { user?: string; password?: string } {
  const colon = info.indexOf(':');
  const user = decode(text, colon < 0 ? info : info.slice(0, colon), 'user');
  if (user === '') {
    if (colon >= 0) throw bad(text, 'a password without a user');
    return {};
  }
  return colon < 0 ? { user } : { user, password: decode(text, info.slice(colon + 1), 'password') };
}

// RFC 1738 3.2.2: ";type=" a, i or d ends the path.
function stripType(text: string, path: string): string {
  const type = /;type=([A-Za-z])$/i.exec(path);
  if (!type) return path;
  if (type[1]!.toLowerCase() !== 'i')
    throw bad(text, 'only ;type=i is possible: files are always moved as they are');
  return path.slice(0, type.index);
}

function decode(text: string, part: string, what: string): string {
  if (/%(?![0-9A-Fa-f]{2})/.test(part)) {
    throw bad(
      text,
      `a % in the ${what} must be followed by two hexadecimal digits; the sign itself is written %25`,
    );
  }
  const pieces = part.split(/((?:%[0-9A-Fa-f]{2})+)/);
  const octets = pieces.map((p, i) =>
    i % 2 === 1 ? Buffer.from(p.replaceAll('%', ''), 'hex') : encodeText(p),
  );
  const plain = decodeText(Buffer.concat(octets));
  if (CONTROL.test(plain)) throw bad(text, `control characters are not allowed in the ${what}`);
  return plain;
}

function bad(text: string, reason: string): FtpError {
  const shown = maskUrl(text).replace(/[\u0000-\u001f\u007f-\u009f]/g, '?');
  return new FtpError('usage', `${shown}: ${reason}`, { retry: 'never' });
}
