import type { Reply } from './replies.js';

const pad = (value: number, width: number): string => String(value).padStart(width, '0');

/** First and last second that 14 digits can tell: the years 0000 to 9999. */
const FIRST = new Date(0).setUTCFullYear(0, 0, 1);
const LAST = Date.UTC(9999, 11, 31, 23, 59, 59);

/**
 * RFC 3659 2.3 time value: `YYYYMMDDHHMMSS`, UTC, whole seconds; times outside the years 0 to 9999 become the nearest inside.
 *
 * @param at milliseconds since 1970 UTC.
 */
export function formatTime(at: number): string {
  const time = new Date(Math.min(LAST, Math.max(FIRST, at)));
  const day = pad(time.getUTCFullYear(), 4) + pad(time.getUTCMonth() + 1, 2) + pad(time.getUTCDate(), 2);
  return day + pad(time.getUTCHours(), 2) + pad(time.getUTCMinutes(), 2) + pad(time.getUTCSeconds(), 2);
}

/**
 * `YYYYMMDDHHMMSS[.fraction]` -> milliseconds since 1970 UTC; undefined for anything that is not a real date.
 * Also takes `19100` + year past 1999, the well-known misprint of old daemons (`19104` = 2004).
 */
export function parseTime(text: string): number | undefined {
  const fixed =
    text.startsWith('191') && /^191\d{2}\d{10}(?:\.|$)/.test(text)
      ? String(1900 + Number(text.slice(2, 5))) + text.slice(5)
      : text;
  const match = /^(\d{4})(\d{2})(\d{2})(\d{2})(\d{2})(\d{2})(?:\.(\d+))?$/.exec(fixed);
  if (!match) return undefined;
  const [year, month, day] = [Number(match[1]), Number(match[2]), Number(match[3])];
  const [hour, minute, second] = [Number(match[4]), Number(match[5]), Number(match[6])];
  // A leap second is legal (RFC 3659 2.3): 60 counts as the next minute.
  if (month < 1 || month > 12 || day < 1 || hour > 23 || minute > 59 || second > 60) return undefined;
  // Date.UTC would take the years 0 to 99 for 1900 to 1999.
  const midnight = new Date(0).setUTCFullYear(year, month - 1, day);
  if (new Date(midnight).getUTCDate() !== day) return undefined;
  const fraction = match[7] === undefined ? 0 : Number(match[7].slice(0, 3).padEnd(3, '0'));
  const at = midnight + ((hour * 60 + minute) * 60 + second) * 1000 + fraction;
  // The leap second at the end of the last year would be in one that has five digits.
  return at < LAST + 1000 ? at : undefined;
}

/** Time in a 213 reply to MDTM (RFC 3659 3). */
export function parseMdtm(reply: Reply): number | undefined {
  return reply.code === 213 ? parseTime(reply.text.trim().split(' ')[0] ?? '') : undefined;
}

/** Size in a 213 reply to SIZE (RFC 3659 4), octets; undefined for anything else or beyond 2^53. */
export function parseSize(reply: Reply): number | undefined {
  const text = reply.text.trim();
  const size = reply.code === 213 && /^\d{1,16}$/.test(text) ? Number(text) : Number.NaN;
  return Number.isSafeInteger(size) ? size : undefined;
}
