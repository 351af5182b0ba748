import type { Reply } from './replies.js';

/**
 * Octets that a server announces in the 150 of RETR: `150 Opening BINARY mode data connection for f (10240 bytes)`, as BSD's
 * ftpd does and most after it. No RFC says so: undefined where the text has no such number.
 */
export function announcedSize({ code, text }: Pick<Reply, 'code' | 'text'>): number | undefined {
  const digits = code === 150 ? /\((\d{1,16}) bytes\)\.?\s*$/.exec(text)?.[1] : undefined;
  const octets = Number(digits ?? Number.NaN);
  return Number.isSafeInteger(octets) ? octets : undefined;
}
