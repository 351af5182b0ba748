import { describe, expect, test } from 'vitest';
import { contradiction, type Told } from '../../src/engine/moved.js';

const ok = (bytes?: number): Told => ({ last: 'ok', ...(bytes === undefined ? {} : { bytes }) });
const failed: Told = { last: 'failed', bytes: 5 };

describe('what two servers say of one transfer', () => {
  test.each<[string, Told, Told, number | undefined, RegExp | undefined]>([
    ['nothing', undefined, undefined, 7, undefined],
    ['the same octets', ok(7), ok(7), 7, undefined],
    ['the same octets of a size that nobody knew', ok(7), ok(7), undefined, undefined],
    ['one side only, as expected', ok(7), undefined, 7, undefined],
    ['one side only, of a size that nobody knew', undefined, ok(7), undefined, undefined],
    ['no count', ok(), ok(), 7, undefined],
    ['an empty file', ok(0), ok(0), 0, undefined],
    ['fewer octets stored than sent', ok(7), ok(5), 7, /7 octets sent, and 5 stored/],
    ['fewer octets stored than there are', undefined, ok(5), 7, /7 octets sent, and 5 stored/],
    ['fewer octets sent than there are', ok(5), undefined, 7, /5 octets sent, and 7 stored/],
    ['a failure at the source behind its 226', failed, ok(5), 5, /source says .* failed/],
    ['a failure at the destination behind its 226', ok(5), failed, 5, /destination says .* failed/],
  ])('%s', (_name, sent, stored, expected, words) => {
    const why = contradiction({ sent, stored }, expected);
    if (words) expect(why).toMatch(words);
    else expect(why).toBeUndefined();
  });
});
