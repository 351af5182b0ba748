/** Blocks of MODE E as a peer writes and reads them. */

import type { BlockOrder } from '../../../src/net/plane/types.js';
import { type Span, SpanSet } from '../../../src/protocol/markers.js';
import {
  BLOCK_HEADER,
  BlockDecoder,
  type BlockHeader,
  writeBlockHeader,
} from '../../../src/protocol/mode-e.js';
import type { TestFile } from './files.js';
import { type Order, order } from './peer.js';

/** An order of MODE E. */
export function blocks(
  direction: 'send' | 'receive',
  path: string,
  more: Partial<BlockOrder<TestFile>> = {},
  rest: Partial<Order> = {},
): Order {
  return order(direction, path, { blocks: { streams: 1, keep: 10_000, ...more }, ...rest });
}

/** A block with its octets. */
export function block(offset: number, content: Buffer | string, more: Partial<BlockHeader> = {}): Buffer {
  const octets = Buffer.from(content);
  const header = Buffer.alloc(BLOCK_HEADER);
  writeBlockHeader(header, { offset, count: octets.length, ...more });
  return Buffer.concat([header, octets]);
}

/** End of a file, and of it on this connection. */
export const ended = (connections: number): Buffer => block(0, '', { ends: connections, eod: true });

/** A file as its blocks made it. */
export interface Decoded {
  content: Buffer;
  spans: readonly Span[];
  /** Connections that its end named. */
  ends: number;
}

/** The files that are whole in what came on each connection. */
export function decodeBlocks(connections: readonly Buffer[]): Decoded[] {
  const places = connections.map((octets) => ({ octets, at: 0, decoder: new BlockDecoder() }));
  const files: Decoded[] = [];
  for (;;) {
    const parts: { offset: number; octets: Buffer }[] = [];
    let ends = 0;
    let done = 0;
    for (const place of places) {
      let last = false;
      while (!last || place.decoder.unfinished) {
        const part = place.decoder.read(place.octets, place.at);
        if (!part) return files;
        if (part.is === 'octets')
          parts.push({ offset: part.offset, octets: place.octets.subarray(place.at, part.next) });
        else {
          last = part.header.eod;
          ends += part.header.ends ?? 0;
        }
        place.at = part.next;
      }
      done += 1;
    }
    if (done === 0 || done !== ends) return files;
    const spans = new SpanSet();
    for (const { offset, octets } of parts)
      if (!spans.add({ start: offset, end: offset + octets.length })) throw new Error('octets came twice');
    const content = Buffer.alloc(spans.end);
    for (const { offset, octets } of parts) octets.copy(content, offset);
    files.push({ content, spans: spans.spans, ends });
  }
}
