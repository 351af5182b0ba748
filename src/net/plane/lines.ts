const CR = 0x0d;
const LF = 0x0a;

/**
 * TYPE A on its way out (RFC 959 3.1.1.1): every line ends CR LF. One that does so already stays as it is.
 */
export class LinesOut {
  #afterCr = false;

  /** @param into at least twice as long as `chunk`. @returns octets written to `into`. */
  encode(chunk: Buffer, into: Buffer): number {
    let from = 0;
    let to = 0;
    while (from < chunk.length) {
      const at = chunk.indexOf(LF, from);
      const end = at < 0 ? chunk.length : at;
      chunk.copy(into, to, from, end);
      to += end - from;
      if (at < 0) break;
      const behindCr = at > 0 ? chunk[at - 1] === CR : this.#afterCr;
      if (!behindCr) into[to++] = CR;
      into[to++] = LF;
      from = at + 1;
    }
    if (chunk.length > 0) this.#afterCr = chunk[chunk.length - 1] === CR;
    return to;
  }
}

/** TYPE A on its way in: CR LF becomes LF, also where a chunk ends between the two. Any other CR stays. */
export class LinesIn {
  #heldCr = false;

  /** Changes `chunk` in place. @returns the text, and before it a CR of the chunk before that belongs to it. */
  decode(chunk: Buffer): { before: Buffer | undefined; text: Buffer } {
    if (chunk.length === 0) return { before: undefined, text: chunk };
    const before = this.#heldCr && chunk[0] !== LF ? Buffer.of(CR) : undefined;
    this.#heldCr = chunk[chunk.length - 1] === CR;
    const length = this.#heldCr ? chunk.length - 1 : chunk.length;
    let from = 0;
    let to = 0;
    while (from < length) {
      const at = chunk.indexOf(CR, from);
      const end = at < 0 || at >= length ? length : at;
      if (to !== from) chunk.copyWithin(to, from, end);
      to += end - from;
      if (end === length) break;
      if (chunk[at + 1] !== LF) chunk[to++] = CR;
      from = at + 1;
    }
    return { before, text: chunk.subarray(0, to) };
  }

  /** A CR that ended the file. */
  end(): Buffer | undefined {
    if (!this.#heldCr) return undefined;
    this.#heldCr = false;
    return Buffer.of(CR);
  }
}
