import { COMMAND_LIMIT } from './commands.js';
import { type Charset, decodeText } from './text.js';

/** One command line as it reached the server (RFC 959 5.3). */
export interface CommandLine {
  /** Upper case; '' when the line does not begin with a verb. */
  verb: string;
  /** What follows exactly one space, nothing trimmed (RFC 3659 2.2); undefined without a space or with a control character. */
  argument: string | undefined;
  /**
   * Why the line is no command: nothing in it, a control character (NUL, CR, C0, DEL) in it, or no verb at its start.
   * The answer to each is 500.
   */
  fault?: 'empty' | 'control' | 'verb';
}

const LF = 10;
const CR = 13;
const SPACE = 32;
/** RFC 854: interpret as command; WILL, WONT, DO and DONT (251 to 254) take one octet more. */
const IAC = 255;
const WILL = 251;
const WONT = 252;
const DO = 253;
const DONT = 254;
/** Lowest Telnet command (RFC 1184 EOF). */
const FIRST_TELNET = 236;
/** Data mark: end of a Synch (RFC 854). */
const DATA_MARK = 242;
const LONGEST_VERB = 16;
const NOTHING = new Uint8Array(0);

/**
 * Octets -> command lines, whatever the reads were (RFC 1123 4.1.2.10), for the server's end of a control connection.
 *
 * A line ends with LF; one CR before it is dropped. Telnet commands are dropped; options that the client asks for are
 * refused by what `takeRefusals` gives (RFC 1123 4.1.2.12), none is ever asked for here. A line over the limit ends everything: no octet behind it becomes a command (CVE-2008-4242).
 *
 * Urgent octets are not in the stream that Node reads, and clients send ABOR as urgent data (RFC 959 4.1.3): of the Synch
 * before it the IAC or the data mark may be missing, of `ABOR CR LF` the LF. So an IAC before an octet that is no Telnet
 * command goes alone, a data mark at the start of a line is dropped, and `ABOR` ends with its CR.
 */
export class CommandDecoder {
  /** How arguments are decoded [utf8]; may change between chunks (OPTS UTF8). */
  charset: Charset = 'utf8';
  readonly #limit: number;
  #held = NOTHING;
  #overlong = false;
  /** Of an unfinished Telnet command: nothing, IAC, IAC and WILL..DONT. */
  #telnet: 0 | 1 | 2 = 0;
  /** WILL or DO whose option is awaited. */
  #offered = 0;
  #refusals: number[] = [];
  /** `ABOR CR` was taken: an LF here belongs to it. */
  #aborted = false;

  /** @param limit longest line in octets, line end excluded [4096]. */
  constructor(limit = COMMAND_LIMIT) {
    this.#limit = limit;
  }

  /** A line was too long: answer 500 and close; nothing more is taken. */
  get overlong(): boolean {
    return this.#overlong;
  }

  /** Octets held back because their line has not ended. */
  get pending(): number {
    return this.#held.length;
  }

  /** Octets that refuse the Telnet options asked for since the last call: DONT to WILL, WONT to DO (RFC 854). */
  takeRefusals(): Uint8Array | undefined {
    if (this.#refusals.length === 0) return undefined;
    const refusals = Uint8Array.from(this.#refusals);
    this.#refusals = [];
    return refusals;
  }

  /** @returns the lines that ended in this chunk. Never throws. The caller may use the chunk again. */
  push(chunk: Uint8Array): CommandLine[] {
    const lines: CommandLine[] = [];
    if (this.#overlong) return lines;
    const fresh = this.#telnet !== 0 || chunk.includes(IAC) ? this.#withoutTelnet(chunk) : chunk;
    const octets = this.#held.length > 0 ? Buffer.concat([this.#held, fresh]) : fresh;
    // What was held has no LF: looked for only in what is new.
    let start = 0;
    let end = octets.indexOf(LF, this.#held.length);
    for (; end !== -1 && !this.#overlong; end = octets.indexOf(LF, start)) {
      this.#line(octets, start, end, lines);
      start = end + 1;
    }
    this.#keep(octets, start, lines);
    return lines;
  }

  /**
   * Forget what has been held (RFC 4217 12.2: nothing that came in clear is a command under TLS, CVE-2011-1575). Lines that
   * `push` already gave are the caller's to drop.
   *
   * @returns octets thrown away.
   */
  clear(): number {
    const thrown = this.#held.length + this.#telnet;
    this.#held = NOTHING;
    this.#telnet = 0;
    this.#refusals = [];
    this.#aborted = false;
    return thrown;
  }

  /** The octets from `start` to an LF at `end`. */
  #line(octets: Uint8Array, start: number, end: number, lines: CommandLine[]): void {
    const from = this.#aborts(octets, start, end, lines);
    if (this.#aborted && from === end) {
      this.#aborted = false;
      return;
    }
    this.#aborted = false;
    const to = end > from && octets[end - 1] === CR ? end - 1 : end;
    if (to - from > this.#limit) this.#overlong = true;
    else lines.push(this.#parse(octets, from, to));
  }

  /** Every `ABOR CR` at the start, as lines of their own. @returns where the rest begins. */
  #aborts(octets: Uint8Array, start: number, end: number, lines: CommandLine[]): number {
    let from = start;
    for (;;) {
      // A data mark whose IAC was the urgent octet.
      while (from < end && octets[from] === DATA_MARK) from++;
      if (end - from < 5 || octets[from + 4] !== CR || !isAbor(octets, from)) return from;
      lines.push({ verb: 'ABOR', argument: undefined });
      this.#aborted = true;
      from += 5;
    }
  }

  /** Hold the octets from `start`: a line that has not ended. A copy, and nothing where there is nothing. */
  #keep(octets: Uint8Array, start: number, lines: CommandLine[]): void {
    this.#held = NOTHING;
    if (this.#overlong || start === octets.length) return;
    const from = this.#aborts(octets, start, octets.length, lines);
    if (from === octets.length) return;
    this.#aborted = false;
    const size = octets.length - from;
    // One octet more for the CR that may end the line.
    this.#overlong = size > this.#limit + (octets.at(-1) === CR ? 1 : 0);
    if (!this.#overlong) this.#held = Uint8Array.prototype.slice.call(octets, from);
  }

  /** IAC IAC is 0xFF; other Telnet commands go, also when a chunk ends inside one. */
  #withoutTelnet(chunk: Uint8Array): Uint8Array {
    const kept = new Uint8Array(chunk.length);
    let length = 0;
    for (const octet of chunk) {
      const state = this.#telnet;
      if (state === 0 && octet === IAC) this.#telnet = 1;
      else if (state === 1 && octet >= WILL && octet < IAC) {
        this.#telnet = 2;
        this.#offered = octet;
      } else {
        this.#telnet = 0;
        if (state === 2) this.#refuse(octet);
        const isTelnet = state === 2 || (state === 1 && octet >= FIRST_TELNET && octet < IAC);
        if (!isTelnet) kept[length++] = octet;
      }
    }
    return kept.subarray(0, length);
  }

  /** WONT and DONT need no answer: nothing is in force. */
  #refuse(option: number): void {
    if (this.#offered === WILL) this.#refusals.push(IAC, DONT, option);
    else if (this.#offered === DO) this.#refusals.push(IAC, WONT, option);
  }

  #parse(octets: Uint8Array, start: number, end: number): CommandLine {
    if (start === end) return { verb: '', argument: undefined, fault: 'empty' };
    let control = false;
    let ascii = true;
    let space = -1;
    for (let at = start; at < end; at++) {
      const octet = octets[at]!;
      if (octet === SPACE && space === -1) space = at;
      else if (octet < SPACE || octet === 127) control = true;
      else if (octet > 127) ascii = false;
    }
    const verb = verbAt(octets, start, space === -1 ? end : space);
    if (control) return { verb, argument: undefined, fault: 'control' };
    const argument = space === -1 ? undefined : this.#decode(octets.subarray(space + 1, end), ascii);
    return verb === '' ? { verb, argument, fault: 'verb' } : { verb, argument };
  }

  #decode(octets: Uint8Array, ascii: boolean): string {
    return decodeText(octets, ascii ? 'latin1' : this.charset);
  }
}

/** Letters and digits (XSHA256), a letter first; only ASCII changes its case. */
function verbAt(octets: Uint8Array, start: number, end: number): string {
  if (start === end || end - start > LONGEST_VERB) return '';
  let verb = '';
  for (let at = start; at < end; at++) {
    const octet = octets[at]!;
    const upper = octet >= 97 && octet <= 122 ? octet - 32 : octet;
    const isLetter = upper >= 65 && upper <= 90;
    const isDigit = upper >= 48 && upper <= 57;
    if (!isLetter && (at === start || !isDigit)) return '';
    verb += String.fromCharCode(upper);
  }
  return verb;
}

/** `ABOR` in any case at `at`; four octets are there. */
const isAbor = (octets: Uint8Array, at: number): boolean =>
  (octets[at]! & 0xdf) === 65 &&
  (octets[at + 1]! & 0xdf) === 66 &&
  (octets[at + 2]! & 0xdf) === 79 &&
  (octets[at + 3]! & 0xdf) === 82;
