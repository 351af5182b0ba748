import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  BLOCK_HEADER,
  BlockDecoder,
  type BlockHeader,
  readBlockHeader,
  writeBlockHeader,
} from '../../src/protocol/mode-e.js';
import { everyWay } from './every-way.js';

function header(flags: number, count: bigint, offset: bigint): Buffer {
  const octets = Buffer.alloc(BLOCK_HEADER);
  octets[0] = flags;
  octets.writeBigUInt64BE(count, 1);
  octets.writeBigUInt64BE(offset, 9);
  return octets;
}

type Part = BlockHeader | { at: number; octets: string };

/** Everything in the octets; octets of the file that follow each other are joined. */
function decode(chunks: Uint8Array[]): { parts: Part[]; unfinished: boolean } {
  const decoder = new BlockDecoder();
  const parts: Part[] = [];
  for (const each of chunks) {
    const chunk = Buffer.from(each);
    let at = 0;
    for (let part = decoder.read(chunk, at); part; part = decoder.read(chunk, at)) {
      const octets = part.is === 'octets' ? chunk.toString('latin1', at, part.next) : '';
      const last = parts.at(-1);
      if (part.is === 'header') parts.push(part.header);
      else if (last && 'octets' in last && last.at + last.octets.length === part.offset)
        last.octets += octets;
      else parts.push({ at: part.offset, octets });
      at = part.next;
    }
  }
  return { parts, unfinished: decoder.unfinished };
}

const read = (octets: Buffer) => everyWay(octets, decode);

describe('blocks', () => {
  test('as a GridFTP server sends a file of two blocks and its end', () => {
    const sent = Buffer.concat([
      header(0, 5n, 0n),
      Buffer.from('hello'),
      header(0, 2n, 5n),
      Buffer.from('!!'),
      header(72, 0n, 1n),
    ]);
    expect(read(sent)).toEqual({
      parts: [
        { count: 5, offset: 0, eod: false, closes: false },
        { at: 0, octets: 'hello' },
        { count: 2, offset: 5, eod: false, closes: false },
        { at: 5, octets: '!!' },
        { count: 0, offset: 0, ends: 1, eod: true, closes: false },
      ],
      unfinished: false,
    });
  });

  test('the last block of a connection may carry octets, and say that the connection closes', () => {
    const sent = Buffer.concat([header(12, 3n, 7n), Buffer.from('abc')]);
    expect(read(sent).parts).toEqual([
      { count: 3, offset: 7, eod: true, closes: true },
      { at: 7, octets: 'abc' },
    ]);
  });

  test('a connection that is cut in a header or in a block is seen to be', () => {
    expect(read(header(0, 5n, 0n).subarray(0, 16)).unfinished).toBe(true);
    expect(read(Buffer.concat([header(0, 5n, 0n), Buffer.from('hell')])).unfinished).toBe(true);
    expect(read(Buffer.alloc(0)).unfinished).toBe(false);
  });

  test.each([
    ['a restart marker', header(16, 0n, 0n)],
    ['octets that its sender doubts', header(32, 1n, 0n)],
    ['an end of record', header(128, 0n, 0n)],
    ['bit 1', header(1, 0n, 0n)],
    ['bit 2', header(2, 0n, 0n)],
    ['more than 2^53 octets', header(0, 2n ** 53n, 0n)],
    ['all bits of the count', header(0, 2n ** 64n - 1n, 0n)],
    ['a place beyond 2^53', header(0, 0n, 2n ** 53n)],
    ['octets that reach beyond 2^53', header(0, 2n ** 52n, 2n ** 52n)],
    ['an end of file with octets', header(64, 1n, 1n)],
    ['an end of file on no connection', header(72, 0n, 0n)],
    ['an end of file on too many connections', header(64, 0n, 1025n)],
    ['HTTP', Buffer.from('GET / HTTP/1.1\r\nHost: a\r\n\r\n')],
    ['a TLS ClientHello', Buffer.from('16030100f4010000f00303aaaaaaaaaaaaaaaaaaaa', 'hex')],
    ['SSH, before a header is there', Buffer.from('SSH-2.0-x\r\n')],
  ])('%s is refused, however it is cut', (_what, octets) => {
    expect(() => read(octets)).toThrow(/not MODE E/);
  });

  test('what is written is read again', () => {
    const size = fc.maxSafeNat();
    fc.assert(
      fc.property(
        fc.record({ count: size, offset: size, eod: fc.boolean(), closes: fc.boolean() }),
        fc.option(fc.integer({ min: 1, max: 1024 }), { nil: undefined }),
        (block, ends) => {
          fc.pre(Number.isSafeInteger(block.count + block.offset));
          const sent = ends === undefined ? block : { ...block, count: 0, offset: 0, ends };
          const octets = Buffer.alloc(BLOCK_HEADER + 3);
          writeBlockHeader(octets, sent, 3);
          expect(readBlockHeader(octets, 3)).toEqual(sent);
        },
      ),
    );
    expect(() => writeBlockHeader(Buffer.alloc(17), { count: -1 })).toThrow(RangeError);
    expect(() => writeBlockHeader(Buffer.alloc(17), { offset: 2 ** 53 })).toThrow(RangeError);
  });

  test('any octets in any pieces: the same parts or the same refusal, and never more octets than came', () => {
    const block = fc
      .record({ flags: fc.constantFrom(0, 0, 4, 8, 12), count: fc.nat(40), offset: fc.nat(2 ** 31 - 1) })
      .map(({ flags, count, offset }) =>
        Buffer.concat([header(flags, BigInt(count), BigInt(offset)), Buffer.alloc(count, 'x')]),
      );
    const rubbish = fc.uint8Array({ maxLength: 60 }).map((octets) => Buffer.from(octets));
    fc.assert(
      fc.property(fc.array(fc.oneof(block, block, rubbish), { maxLength: 4 }), (pieces) => {
        const octets = Buffer.concat(pieces);
        let parts: Part[];
        try {
          ({ parts } = read(octets));
        } catch (error) {
          expect(String(error)).toMatch(/not MODE E/);
          return;
        }
        const moved = parts.reduce(
          (sum, part) => sum + ('at' in part ? part.octets.length : BLOCK_HEADER),
          0,
        );
        expect(moved).toBeLessThanOrEqual(octets.length);
      }),
      { numRuns: 60 },
    );
  });
});
