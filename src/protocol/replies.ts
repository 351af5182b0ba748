import { FtpError } from './errors.js';
import { LineDecoder } from './lines.js';
import { type Charset, decodeText, encodeText } from './text.js';

/** One complete reply (RFC 959 4.2). */
export interface Reply {
  /** 100 to 659. */
  code: number;
  /** Every line as received, without line ends; the first one begins with the code. */
  lines: string[];
  /** Text of the last line, without code and separator. */
  text: string;
}

/** What replies may cost. */
export interface ReplyLimits {
  /** Octets in a line [16 KiB]. */
  line: number;
  /** Octets in one reply [1 MiB]. */
  reply: number;
  /** Octets outside any reply on one connection: bare banners, blank lines [64 KiB]. */
  noise: number;
}

/** The limits where none are given. */
export const REPLY_LIMITS: ReplyLimits = { line: 16 * 1024, reply: 1024 * 1024, noise: 64 * 1024 };

/** Octets in a reply that is a listing (STAT, MLSC). */
export const LISTING_REPLY_LIMIT = 50 * 1024 * 1024;

const isDigit = (octet: number | undefined): boolean => octet !== undefined && octet >= 48 && octet <= 57;

/** The code at the start of a line and what follows it: ' ', '-', '' (end) or '\t'; undefined for other lines. */
function splitCode(line: Uint8Array): { code: number; mark: string } | undefined {
  if (!isDigit(line[0]) || !isDigit(line[1]) || !isDigit(line[2])) return undefined;
  const code = (line[0]! - 48) * 100 + (line[1]! - 48) * 10 + (line[2]! - 48);
  if (code < 100 || code > 659) return undefined;
  const mark = line.length === 3 ? '' : String.fromCharCode(line[3]!);
  return mark === ' ' || mark === '-' || mark === '' || mark === '\t' ? { code, mark } : undefined;
}

/**
 * Octets -> replies, for any split of the input.
 *
 * Strict (default): only the code that opened a multi-line reply, followed by a space or the line end, ends it
 * (RFC 959 4.2). Relaxed: whichever `ddd ` line comes ends it, for servers that close with another code.
 */
export class ReplyDecoder {
  relaxed: boolean;
  /** Octets in one reply from now on: a listing by STAT or MLSC is longer than any other reply. */
  replyLimit: number;
  readonly #lines: LineDecoder;
  readonly #limits: ReplyLimits;
  readonly #charset: Charset;
  #open: { code: number; lines: string[]; octets: number; candidate: number } | undefined;
  #noise = 0;
  #sample: string | undefined;

  constructor(options: { relaxed?: boolean; charset?: Charset; limits?: Partial<ReplyLimits> } = {}) {
    this.relaxed = options.relaxed ?? false;
    this.#charset = options.charset ?? 'utf8';
    this.#limits = { ...REPLY_LIMITS, ...options.limits };
    this.replyLimit = this.#limits.reply;
    this.#lines = new LineDecoder(this.#limits.line);
  }

  /** True while bytes of an unfinished line or reply are held: nothing may be left over when TLS starts. */
  get unfinished(): boolean {
    return this.#open !== undefined || this.#lines.pending > 0;
  }

  /** The beginning of the last line that was no reply, for messages. */
  get noise(): string | undefined {
    return this.#sample;
  }

  /** @returns the replies completed by this chunk. @throws FtpError `malformed` past a limit or on noise. */
  push(chunk: Uint8Array): Reply[] {
    const replies: Reply[] = [];
    for (const line of this.#lines.push(chunk)) {
      const reply = this.#line(line);
      if (reply) replies.push(reply);
    }
    return replies;
  }

  /**
   * Called when a deadline passes inside a multi-line reply: if a line that could have ended it was seen, end it there
   * and stay relaxed from now on.
   */
  relax(): Reply[] {
    const open = this.#open;
    if (!open || open.candidate < 0) return [];
    this.relaxed = true;
    this.#open = undefined;
    const { lines, candidate } = open;
    const first = this.#finish(Number(lines[candidate]!.slice(0, 3)), lines.slice(0, candidate + 1));
    const rest = lines.slice(candidate + 1).flatMap((text) => {
      const reply = this.#line(encodeText(text, this.#charset));
      return reply ? [reply] : [];
    });
    return [first, ...rest];
  }

  #line(line: Buffer): Reply | undefined {
    const split = splitCode(line);
    if (this.#open) return this.#continue(line, split);
    if (!split) return this.#outside(line);
    const text = decodeText(line, this.#charset);
    if (split.mark !== '-') return this.#finish(split.code, [text]);
    this.#open = { code: split.code, lines: [text], octets: line.length, candidate: -1 };
    return undefined;
  }

  #continue(line: Buffer, split: { code: number; mark: string } | undefined): Reply | undefined {
    const open = this.#open!;
    open.octets += line.length + 2;
    if (open.octets > this.replyLimit) {
      throw new FtpError('malformed', `a reply is longer than ${this.replyLimit} octets`);
    }
    open.lines.push(decodeText(line, this.#charset));
    if (!split || split.mark === '-') return undefined;
    if (split.code !== open.code && !this.relaxed) {
      open.candidate = open.lines.length - 1;
      return undefined;
    }
    this.#open = undefined;
    return this.#finish(split.code, open.lines);
  }

  /** A line outside any reply (banner before the 220, blank lines, stray text): ignored up to a limit. */
  #outside(line: Buffer): undefined {
    this.#noise += line.length + 2;
    if (line.length > 0) this.#sample = decodeText(line.subarray(0, 80), this.#charset);
    if (this.#noise > this.#limits.noise) {
      const shown = JSON.stringify(decodeText(line.subarray(0, 80)));
      throw new FtpError('malformed', `the server sent ${shown} where a reply with a code was due`);
    }
    return undefined;
  }

  #finish(code: number, lines: string[]): Reply {
    return { code, lines, text: lines.at(-1)!.slice(4) };
  }
}

/** First digit of the code: 1 preliminary, 2 done, 3 send more, 4 retry, 5 never, 6 protected (RFC 959 4.2.1). */
export const replyClass = (reply: Reply): number => Math.floor(reply.code / 100);

/** All lines joined for a message, codes kept out, at most `limit` characters. */
export function replyText(reply: Reply, limit = 300): string {
  const first = `${reply.code}`;
  const texts = reply.lines.map((line) => (line.startsWith(first) ? line.slice(4) : line).trim());
  const joined = texts.filter((text) => text !== '').join(' / ');
  return joined.length > limit ? `${joined.slice(0, limit)}...` : joined;
}
