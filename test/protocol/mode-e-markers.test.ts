import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  formatPerfMarker,
  formatRangeMarker,
  formatSpans,
  missingSpans,
  parsePerfMarker,
  parseRangeMarker,
  parseSpans,
  SpanSet,
} from '../../src/protocol/markers.js';
import { formatReply } from '../../src/protocol/reply-lines.js';
import { readReplies, reply } from './every-way.js';

const span = fc.tuple(fc.nat(300), fc.nat(60)).map(([start, size]) => ({ start, end: start + size }));

describe('spans', () => {
  test('say the same as a bitmap, and refuse what is there already', () => {
    fc.assert(
      fc.property(fc.array(span, { maxLength: 40 }), (spans) => {
        const set = new SpanSet();
        const map = new Uint8Array(400);
        for (const one of spans) {
          const there = map.subarray(one.start, one.end).includes(1);
          expect(set.touches(one)).toBe(there);
          expect(set.add(one)).toBe(!there);
          if (!there) map.fill(1, one.start, one.end);
        }
        const shown = new Uint8Array(400);
        for (const { start, end } of set.spans) shown.fill(1, start, end);
        expect(shown).toEqual(map);
        expect(set.end).toBe(map.lastIndexOf(1) + 1);
        expect(set.whole).toBe(!map.subarray(0, set.end).includes(0));
        set.spans.forEach((one, i) => {
          if (i > 0) expect(one.start).toBeGreaterThan(set.spans[i - 1]!.end);
        });
      }),
    );
  });

  test('what is missing and what is there are the whole file', () => {
    fc.assert(
      fc.property(fc.array(span, { maxLength: 10 }), fc.nat(400), (spans, size) => {
        const map = new Uint8Array(size);
        for (const { start, end } of spans) map.fill(1, start, end);
        for (const { start, end } of missingSpans(spans, size)) {
          expect(map.subarray(start, end)).toEqual(new Uint8Array(end! - start));
          map.fill(1, start, end);
        }
        expect(map.includes(0)).toBe(false);
      }),
    );
    expect(
      missingSpans([
        { start: 0, end: 10 },
        { start: 20, end: 30 },
      ]),
    ).toEqual([
      { start: 10, end: 20 },
      { start: 30, end: undefined },
    ]);
    expect(missingSpans([])).toEqual([{ start: 0, end: undefined }]);
  });

  test('a sender that leaves a hole behind every octet is not believed for ever', () => {
    const set = new SpanSet();
    let taken = 0;
    while (taken < 100_000 && set.add({ start: taken * 2, end: taken * 2 + 1 })) taken += 1;
    expect(taken).toBe(4096);
    expect(formatSpans(set.spans).length).toBeLessThan(4096);
  });

  test.each([
    [
      '0-100,300-400',
      [
        { start: 0, end: 100 },
        { start: 300, end: 400 },
      ],
    ],
    [
      '300-400, 0-100',
      [
        { start: 0, end: 100 },
        { start: 300, end: 400 },
      ],
    ],
    ['0-100,100-200', [{ start: 0, end: 200 }]],
    ['5000', [{ start: 0, end: 5000 }]],
    ['0', []],
    ['0-0', []],
    ['0-9007199254740991', [{ start: 0, end: 2 ** 53 - 1 }]],
  ])('REST %s', (text, spans) => {
    expect(parseSpans(text)).toEqual(spans);
  });

  test.each([
    '',
    'x',
    '-5',
    '5-',
    '10-5',
    '1-2-3',
    '0-9007199254740992',
    '0-99999999999999999',
    '1,,2',
    '0x10',
  ])('REST %j is refused', (text) => {
    expect(parseSpans(text)).toBeUndefined();
  });

  test('what is written is read again', () => {
    fc.assert(
      fc.property(fc.array(span, { maxLength: 20 }), (spans) => {
        const set = new SpanSet(spans);
        fc.pre(set.spans.length > 0);
        const [marker] = readReplies(formatReply(111, formatRangeMarker(set.spans)));
        expect(parseRangeMarker(marker!)).toEqual(set.spans);
      }),
      { numRuns: 30 },
    );
  });
});

describe('markers', () => {
  test('of a GridFTP server', () => {
    expect(parseRangeMarker(reply('111 Range Marker 0-10240'))).toEqual([{ start: 0, end: 10240 }]);
    const sent = reply(
      '112-Perf Marker\n Timestamp:  1795378831.9\n Stripe Index: 0\n Stripe Bytes Transferred: 10240\n Total Stripe Count: 1\n112 End.',
    );
    expect(parsePerfMarker(sent)).toEqual({ time: 1795378831900, bytes: 10240, stripe: 0, stripes: 1 });
  });

  test('a performance marker of ours is one reply and is read again', () => {
    const [marker, ...more] = readReplies(
      formatReply(112, formatPerfMarker({ time: 1795378831912, bytes: 2 ** 40 })),
    );
    expect(more).toEqual([]);
    expect(parsePerfMarker(marker!)).toEqual({ time: 1795378831900, bytes: 2 ** 40, stripe: 0, stripes: 1 });
  });

  test('other replies are no markers', () => {
    expect(parseRangeMarker(reply('226 Range Marker 0-1'))).toBeUndefined();
    expect(parseRangeMarker(reply('111 Range Marker soon'))).toBeUndefined();
    expect(parsePerfMarker(reply('112 End.'))).toBeUndefined();
    expect(parsePerfMarker(reply('150 Stripe Bytes Transferred: 1'))).toBeUndefined();
  });
});
