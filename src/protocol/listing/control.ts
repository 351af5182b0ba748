import type { Entry } from '../entry.js';
import { FtpError } from '../errors.js';
import { decodeText } from '../text.js';
import { LISTING_LIMITS, type ListingOptions, linesFor } from './decoder.js';

/**
 * Cuts `213-` or `213 ` (211, 212, 213, 250) off a line of a reply that holds a listing. STAT with a path answers
 * with lines that carry the code or stand bare (RFC 959 4.1.3 leaves it open); bare lines come back unchanged.
 */
export function stripReplyPrefix(line: string): string {
  return /^(?:21[123]|250)[- ]/.test(line) ? line.slice(4) : line;
}

/** Options of `parseListing`. */
export interface ParseListingOptions extends ListingOptions {
  /** The text is of a reply: cut off codes. Default true, except for the format `names`. */
  reply?: boolean;
}

function checkedLine(line: string, limit: number): string {
  if (line.length > limit)
    throw new FtpError('malformed', `the listing has a line longer than ${limit} octets`);
  let end = line.length;
  while (end > 0 && line[end - 1] === '\r') end -= 1;
  return line.slice(0, end);
}

/**
 * Reads a whole listing at once, such as the reply to `STAT -l`: its text, its lines, or its octets.
 * Texts around the listing (`Status follows:`, `End of status`) are passed over.
 * @throws FtpError `malformed` past a limit.
 */
export function parseListing(
  input: string | readonly string[] | Uint8Array,
  options: ParseListingOptions = {},
): Entry[] {
  const { limits = LISTING_LIMITS, reply = options.format !== 'names' } = options;
  const source = input instanceof Uint8Array ? decodeText(input, options.charset) : input;
  const length =
    typeof source === 'string' ? source.length : source.reduce((sum, each) => sum + each.length, 0);
  if (length > limits.bytes) {
    throw new FtpError('malformed', `the listing is longer than ${limits.bytes} octets`);
  }
  const lines = linesFor(options);
  const found: Entry[] = [];
  for (const raw of typeof source === 'string' ? source.split('\n') : source) {
    const text = checkedLine(raw, limits.line);
    const entry = lines.line(reply ? stripReplyPrefix(text) : text);
    if (entry) found.push(entry);
  }
  return found;
}
