import zlib from 'node:zlib';
import { asFailure, Failure } from './failure.js';
import type { Store } from './inlet.js';
import { LinesOut } from './lines.js';
import type { Source } from './types.js';

/** Octets out for one octet in beyond which a stream is taken for a bomb; deflate reaches 1030 at most. */
const RATIO = 200;
/** Octets that may come out before the ratio counts. */
const FREE = 1024 * 1024;
/** Octets of one step of inflating: what comes out of it, up to 4 MiB, is held in memory. */
const STEP = 4 * 1024;
/** Octets of one step of deflating. */
const CHUNK = 64 * 1024;

/** One step of a zlib stream: all that comes out of `chunk`. */
function step(stream: zlib.Deflate | zlib.Inflate, chunk: Buffer): Promise<Buffer[]> {
  return new Promise((resolve, reject) => {
    const out: Buffer[] = [];
    const keep = (part: Buffer): void => {
      out.push(part);
    };
    const done = (error?: Error | null): void => {
      stream.removeListener('data', keep);
      stream.removeListener('error', reject);
      if (error) reject(error);
      else resolve(out);
    };
    stream.on('data', keep);
    stream.once('error', reject);
    stream.write(chunk, done);
  });
}

/** The last step: what is left behind the end. */
function last(stream: zlib.Deflate | zlib.Inflate): Promise<Buffer[]> {
  return new Promise((resolve, reject) => {
    const out: Buffer[] = [];
    stream.on('data', (part: Buffer) => out.push(part));
    stream.once('error', reject);
    stream.once('end', () => resolve(out));
    stream.end();
  });
}

/** MODE Z on its way out (draft-preston-ftpext-deflate): a source of packed octets, one zlib stream for the file. */
export class PackedSource implements Source {
  readonly #source: Source;
  readonly #deflate: zlib.Deflate;
  readonly #lines: LinesOut | undefined;
  readonly #count: (bytes: number) => void;
  readonly #chunk = Buffer.allocUnsafe(CHUNK);
  #ready: Buffer[] = [];
  #ended = false;

  /** @param count is told the octets of the file, not the packed ones. */
  constructor(source: Source, level: number, type: 'A' | 'I', count: (bytes: number) => void) {
    this.#source = source;
    this.#deflate = zlib.createDeflate({ level });
    this.#deflate.on('error', () => {});
    this.#lines = type === 'A' ? new LinesOut() : undefined;
    this.#count = count;
  }

  async read(into: Buffer): Promise<number> {
    while (this.#ready.length === 0 && !this.#ended) await this.#more();
    let filled = 0;
    while (this.#ready.length > 0 && filled < into.length) {
      const first = this.#ready[0]!;
      const taken = first.copy(into, filled);
      filled += taken;
      if (taken === first.length) this.#ready.shift();
      else this.#ready[0] = first.subarray(taken);
    }
    return filled;
  }

  async #more(): Promise<void> {
    const count = await this.#source.read(this.#chunk);
    if (count === 0) {
      this.#ended = true;
      this.#ready = await last(this.#deflate);
      return;
    }
    this.#count(count);
    this.#ready = await step(this.#deflate, this.#lined(this.#chunk.subarray(0, count)));
  }

  #lined(text: Buffer): Buffer {
    if (!this.#lines) return text;
    const into = Buffer.allocUnsafe(2 * text.length);
    return into.subarray(0, this.#lines.encode(text, into));
  }

  close(): void | Promise<void> {
    this.#deflate.destroy();
    return this.#source.close();
  }
}

/** MODE Z on its way in: inflates chunk by chunk and stops at what grows too fast. */
export class Unpacker {
  readonly #inflate = zlib.createInflate();
  #packed = 0;
  #plain = 0;
  /** The end of the zlib stream was seen, and octets behind it. */
  #behind = false;

  constructor() {
    this.#inflate.on('error', () => {});
    this.#inflate.once('end', () => {
      this.#behind = true;
    });
  }

  /**
   * Takes packed octets, gives plain ones to `store`; an empty chunk is the end.
   *
   * @throws Failure `transfer` with code `BOMB` or of zlib, `truncated` when the stream was not complete.
   */
  async unpack(chunk: Buffer, store: Store): Promise<void> {
    try {
      if (chunk.length === 0) {
        if (this.#packed === 0) return;
        await this.#grown(await last(this.#inflate), store);
        return;
      }
      for (let from = 0; from < chunk.length; from += STEP) {
        const packed = chunk.subarray(from, from + STEP);
        this.#packed += packed.length;
        await this.#grown(await step(this.#inflate, packed), store);
        if (this.#behind)
          throw new Failure('transfer', 'Z_DATA_ERROR', 'MODE Z: octets behind the end of the stream');
      }
    } catch (error) {
      throw wrong(error);
    }
  }

  async #grown(parts: Buffer[], store: Store): Promise<void> {
    for (const { length } of parts) this.#plain += length;
    if (this.#plain > FREE && this.#plain > RATIO * this.#packed) {
      const message = `MODE Z: ${this.#packed} octets grew to more than ${this.#plain}`;
      throw new Failure('transfer', 'BOMB', message);
    }
    for (const part of parts) await store(part);
  }

  close(): void {
    this.#inflate.destroy();
  }
}

function wrong(error: unknown): unknown {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  if (code === 'Z_BUF_ERROR')
    return new Failure('truncated', 'Z_BUF_ERROR', 'MODE Z: the stream ends too early');
  if (typeof code === 'string' && code.startsWith('Z_'))
    return asFailure('transfer', new Failure('transfer', code, `MODE Z: ${code}`));
  return error;
}
