import { expect } from 'vitest';
import type { Entry } from '../../../src/protocol/entry.js';
import { ListingDecoder, type ListingOptions } from '../../../src/protocol/listing/index.js';

/** 2024-03-10 12:00 UTC: the moment the samples are read at. */
export const NOW = Date.UTC(2024, 2, 10, 12);

export interface Listing {
  entries: Entry[];
  format: string | undefined;
  rejected: number;
}

export function readChunks(chunks: readonly Uint8Array[], options: ListingOptions = {}): Listing {
  const decoder = new ListingDecoder({ now: NOW, ...options });
  const entries = chunks.flatMap((chunk) => decoder.push(chunk));
  entries.push(...decoder.end());
  return { entries, format: decoder.format, rejected: decoder.rejected };
}

/** Reads a listing whole, octet by octet, and cut at each position: the result must be the same. */
export function readEveryWay(input: string | Uint8Array, options: ListingOptions = {}): Listing {
  const bytes = typeof input === 'string' ? new TextEncoder().encode(input) : input;
  const whole = readChunks([bytes], options);
  const single = Array.from(bytes, (octet) => Uint8Array.of(octet));
  expect(readChunks(single, options)).toEqual(whole);
  for (let cut = 0; cut <= bytes.length; cut += 1) {
    expect(readChunks([bytes.subarray(0, cut), bytes.subarray(cut)], options)).toEqual(whole);
  }
  return whole;
}

/** The only entry of a listing of one line. */
export function readOne(line: string | Uint8Array, options: ListingOptions = {}): Entry {
  const { entries, rejected } = readEveryWay(line, options);
  expect(rejected).toBe(0);
  expect(entries).toHaveLength(1);
  return entries[0]!;
}

/** Milliseconds of `2024-02-29 12:00`, UTC. */
export function at(text: string): number {
  return Date.parse(`${text.replace(' ', 'T')}${text.length > 10 ? 'Z' : 'T00:00Z'}`);
}
