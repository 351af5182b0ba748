/** TYPE A (RFC 959 3.1.1.1) of a host whose lines end in LF: CRLF on the wire. */

const CR = 0x0d;
const LF = 0x0a;

/** LF becomes CRLF. */
export async function* asciiOut(chunks: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  for await (const chunk of chunks)
    yield Buffer.from([...chunk].flatMap((byte) => (byte === LF ? [CR, LF] : [byte])));
}

/** CRLF becomes LF, also where the two come in different chunks; a lone CR stays. */
export function asciiIn(): (chunk: Buffer) => Buffer {
  let held = false;
  return (chunk) => {
    const out: number[] = [];
    for (const byte of chunk) {
      if (held && byte !== LF) out.push(CR);
      held = byte === CR;
      if (!held) out.push(byte);
    }
    return Buffer.from(out);
  };
}
