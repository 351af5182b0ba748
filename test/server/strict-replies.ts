/** Replies, read by the letter of RFC 959 4.2. */

/** One complete reply. */
export interface StrictReply {
  code: number;
  /** Lines as they came, without CR LF. */
  lines: string[];
  /** Text of the last line. */
  text: string;
}

/** Octets of replies; strict: any departure from RFC 959 4.2 is an error. */
export class ReplyReader {
  #buffer = '';
  #lines: string[] = [];

  /** @returns the replies that are complete. */
  push(chunk: Buffer): StrictReply[] {
    this.#buffer += chunk.toString('latin1');
    const replies: StrictReply[] = [];
    for (let end = this.#buffer.indexOf('\n'); end >= 0; end = this.#buffer.indexOf('\n')) {
      const line = this.#buffer.slice(0, end + 1);
      this.#buffer = this.#buffer.slice(end + 1);
      if (!/^[^\r\n\0]*\r\n$/.test(line)) throw new Error(`no line of a reply: ${JSON.stringify(line)}`);
      const complete = this.#line(Buffer.from(line.slice(0, -2), 'latin1').toString('utf8'));
      if (complete) replies.push(complete);
    }
    return replies;
  }

  #line(line: string): StrictReply | undefined {
    const [, digits, mark, text = ''] = /^([1-5][0-5]\d)([ -])(.*)$/.exec(line) ?? [];
    const first = this.#lines[0];
    this.#lines.push(line);
    if (first === undefined) {
      if (digits === undefined) throw new Error(`no reply begins so: ${JSON.stringify(line)}`);
      if (mark === '-') return undefined;
    } else if (digits === undefined || mark !== ' ' || !first.startsWith(digits)) {
      // A line inside may not look like the end of any reply: clients are not all strict.
      if (/^\d/.test(line) && !line.startsWith(`${first.slice(0, 3)}-`))
        throw new Error(`a line inside a reply begins with a digit: ${JSON.stringify(line)}`);
      return undefined;
    }
    const lines = this.#lines;
    this.#lines = [];
    return { code: Number(digits), lines, text };
  }

  get idle(): boolean {
    return this.#buffer === '' && this.#lines.length === 0;
  }
}

/** Port of a 229. @throws on any other form. */
export function epsvPort(reply: StrictReply): number {
  const port = /^Entering Extended Passive Mode \(\|\|\|(\d+)\|\)\.?$/.exec(reply.text)?.[1];
  if (reply.code !== 229 || port === undefined) throw new Error(`no 229: ${reply.lines.join(' / ')}`);
  return Number(port);
}

/** Port of a 227. @throws on any other form. */
export function pasvPort(reply: StrictReply): number {
  const found = /^Entering Passive Mode \((\d+),(\d+),(\d+),(\d+),(\d+),(\d+)\)\.?$/.exec(reply.text);
  if (reply.code !== 227 || !found) throw new Error(`no 227: ${reply.lines.join(' / ')}`);
  return Number(found[5]) * 256 + Number(found[6]);
}
