import { type Charset, encodeText } from './text.js';

/** How a reply is written. */
export interface ReplyStyle {
  /** Octets of the text [utf8]. */
  charset?: Charset | undefined;
  /** One blank before every middle line, as FEAT, HELP and MLST have it (RFC 2389 3.2, RFC 3659 7.2). */
  indent?: boolean | undefined;
  /** The code and a hyphen before every line but the last, as XDUPE has it. */
  numbered?: boolean | undefined;
}

/**
 * One complete reply (RFC 959 4.2): `ddd text`, or `ddd-first`, middle lines, `ddd last`. A middle line that begins with
 * a digit gets a blank, so that nothing inside can end the reply or begin another one.
 *
 * @param code 100 to 659. @param text one line, or all of them; control characters, also line ends, become `?`.
 * @returns octets as they are sent: CR LF at each end, 0xFF doubled (RFC 854; never part of UTF-8).
 * @throws RangeError when the code is none: a fault of the caller.
 */
export function formatReply(code: number, text: string | readonly string[], style: ReplyStyle = {}): Buffer {
  if (!Number.isInteger(code) || code < 100 || code > 659) throw new RangeError(`${code} is no reply code`);
  const lines = typeof text === 'string' ? [text] : text;
  const last = lines.length - 1;
  let reply = '';
  for (let i = 0; i < last; i++) {
    const line = safe(lines[i]!);
    if (i === 0 || style.numbered) reply += `${code}-${line}\r\n`;
    else reply += style.indent || /^\d/.test(line) ? ` ${line}\r\n` : `${line}\r\n`;
  }
  reply += `${code} ${safe(lines[last] ?? '')}\r\n`;
  return encode(reply, style.charset ?? 'utf8');
}

const CONTROL = /[\x00-\x1f\x7f]/;

/** Nothing that a client could take for a line end, a NUL or an escape sequence. */
function safe(line: string): string {
  return CONTROL.test(line) ? line.replace(/[\x00-\x1f\x7f]/g, '?') : line;
}

function encode(reply: string, charset: Charset): Buffer {
  // A reply never fails for its text: what latin1 does not have is shown as `?`.
  const octets = encodeText(charset === 'latin1' ? reply.replace(NOT_LATIN1, '?') : reply, charset);
  return octets.includes(IAC) ? doubled(octets) : octets;
}

/** All but one octet per character: U+0000 to U+00FF and the escapes of `decodeText`. */
const NOT_LATIN1 = /[^\x00-\xff\udc80-\udcff]/g;

/** RFC 854: an octet 0xFF that is data is sent twice. */
const IAC = 0xff;

function doubled(octets: Buffer): Buffer {
  const parts: Buffer[] = [];
  let start = 0;
  for (let at = octets.indexOf(IAC); at !== -1; at = octets.indexOf(IAC, at + 1)) {
    parts.push(octets.subarray(start, at + 1));
    start = at;
  }
  parts.push(octets.subarray(start));
  return Buffer.concat(parts);
}

/** A path as 257 shows it (RFC 959 appendix II): in quotes, each quote inside doubled. */
export function quotePath(path: string): string {
  return `"${path.replaceAll('"', '""')}"`;
}
