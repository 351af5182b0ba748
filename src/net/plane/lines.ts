const CR = 0x0d;
const LF = 0x0a;

/**
 * TYPE A on its way out (RFC 959 3.1.1.1): every line ends CR LF. One that does so already stays as it is.
 */
export class LinesOut {
  #last = 0;

  /** @param into at least twice as long as `chunk`. @returns octets written to `into`. */
  encode(chunk: Buffer, into: Buffer): number {
    let last = this.#last;
    let to = 0;
    for (let from = 0; from < chunk.length; from++) {
      const octet = chunk[from]!;
      if (octet === LF && last !== CR) into[to++] = CR;
      into[to++] = octet;
      last = octet;
    }
    this.#last = last;
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
    let to = 0;
    for (let from = 0; from < length; from++) {
      const octet = chunk[from]!;
      if (octet !== CR || chunk[from + 1] !== LF) chunk[to++] = octet;
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
