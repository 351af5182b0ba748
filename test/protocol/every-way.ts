import { expect } from 'vitest';
import { type Reply, ReplyDecoder, type ReplyLimits } from '../../src/protocol/replies.js';
import type { Charset } from '../../src/protocol/text.js';

export const bytesOf = (input: string | Uint8Array): Uint8Array =>
  typeof input === 'string' ? Buffer.from(input, 'utf8') : input;

/** Every way to cut the input that is tried: whole, octet by octet, and in two at each position. */
export function* splits(input: Uint8Array): Generator<Uint8Array[]> {
  yield [input];
  yield Array.from(input, (octet) => Uint8Array.of(octet));
  for (let cut = 0; cut <= input.length; cut += 1) yield [input.subarray(0, cut), input.subarray(cut)];
}

/** Decode every way; the results must be the same, thrown errors included. */
export function everyWay<T>(input: string | Uint8Array, decode: (chunks: Uint8Array[]) => T): T {
  const outcome = (chunks: Uint8Array[]): { value: T } | { error: string } => {
    try {
      return { value: decode(chunks) };
    } catch (error) {
      return { error: String(error) };
    }
  };
  const ways = splits(bytesOf(input));
  const first = outcome(ways.next().value as Uint8Array[]);
  for (const chunks of ways) expect(outcome(chunks)).toEqual(first);
  if ('error' in first) throw new Error(first.error);
  return first.value;
}

export interface ReplyOptions {
  relaxed?: boolean;
  charset?: Charset;
  limits?: Partial<ReplyLimits>;
}

/** Every reply in the octets, read every way. */
export function readReplies(input: string | Uint8Array, options: ReplyOptions = {}): Reply[] {
  return everyWay(input, (chunks) => {
    const decoder = new ReplyDecoder(options);
    return chunks.flatMap((chunk) => decoder.push(chunk));
  });
}

/** A reply as the decoder gives it, from its text with `\n` between lines. */
export function reply(text: string): Reply {
  const [one, ...more] = readReplies(`${text.replaceAll('\n', '\r\n')}\r\n`);
  expect(more).toEqual([]);
  expect(one).toBeDefined();
  return one!;
}
