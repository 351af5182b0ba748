import { FtpError } from './errors.js';

/**
 * Octets -> lines, whatever the reads were (RFC 1123 4.1.2.10).
 *
 * A line ends with LF; one CR before it is dropped. NUL is dropped (RFC 959 NVT: CR NUL). A line longer than the
 * limit is an error at once: its rest never becomes a line of its own (CVE-2008-4242).
 */
export class LineDecoder {
  readonly #limit: number;
  #parts: Uint8Array[] = [];
  #held = 0;

  /** @param limit longest line in octets, line end excluded. */
  constructor(limit: number) {
    this.#limit = limit;
  }

  /** Octets held back because their line has not ended. */
  get pending(): number {
    return this.#held;
  }

  /** @returns the lines that ended in this chunk, without line ends. @throws FtpError `malformed` past the limit. */
  push(chunk: Uint8Array): Buffer[] {
    const lines: Buffer[] = [];
    let start = 0;
    for (let end = chunk.indexOf(10); end !== -1; end = chunk.indexOf(10, start)) {
      this.#hold(chunk.subarray(start, end));
      lines.push(this.#take());
      start = end + 1;
    }
    // A copy: the caller may use its buffer again (Buffer.slice would only be a view).
    if (start < chunk.length) this.#hold(Uint8Array.prototype.slice.call(chunk, start));
    return lines;
  }

  #hold(part: Uint8Array): void {
    this.#held += part.length;
    // One octet more for the CR that may end the line.
    if (this.#held > this.#limit + 1) {
      throw new FtpError('malformed', `a line is longer than ${this.#limit} octets`);
    }
    this.#parts.push(part);
  }

  #take(): Buffer {
    let line = Buffer.concat(this.#parts);
    this.#parts = [];
    this.#held = 0;
    if (line.at(-1) === 13) line = line.subarray(0, -1);
    if (line.length > this.#limit) {
      throw new FtpError('malformed', `a line is longer than ${this.#limit} octets`);
    }
    return line.includes(0) ? Buffer.from(line.filter((octet) => octet !== 0)) : line;
  }
}
