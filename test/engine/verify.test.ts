import { describe, expect, test } from 'vitest';
import { chooseDigest, compareDigests, compareSizes, Mismatch, type Sizes } from '../../src/engine/verify.js';
import { digestCommands } from '../../src/protocol/digests.js';
import { FtpError } from '../../src/protocol/errors.js';
import { Features } from '../../src/protocol/features.js';

const FROM = { site: 'a', path: '/src/x' };
const TO = { site: 'b', path: '/dst/x' };
const offers = (...names: string[]) => digestCommands(new Features(names.map((name) => [name, ''])));

function mismatch(make: () => unknown): Mismatch {
  try {
    make();
  } catch (error) {
    expect(error).toBeInstanceOf(Mismatch);
    return error as Mismatch;
  }
  throw new Error('no mismatch');
}

describe('sizes', () => {
  const judge = (sizes: Partial<Sizes>): void =>
    compareSizes(FROM, TO, { expected: 100, sent: 100, arrived: 100, tells: true, ...sizes });

  test.each<[string, Partial<Sizes>]>([
    ['all the same', {}],
    ['not listed before', { expected: undefined }],
    ['the source does not tell now', { sent: undefined }],
    ['the destination cannot tell', { arrived: undefined, tells: false }],
    ['nobody tells', { expected: undefined, sent: undefined, arrived: 5 }],
    ['empty files', { expected: 0, sent: 0, arrived: 0 }],
  ])('good: %s', (_name, sizes) => {
    expect(() => judge(sizes)).not.toThrow();
  });

  test.each<[string, Partial<Sizes>, Mismatch['how'], number | undefined]>([
    ['two times 226, and the tail is lost', { arrived: 65 }, 'short', 65],
    ['two times 226, and nothing arrived', { arrived: 0 }, 'short', 0],
    ['two times 226, and there is no file', { arrived: undefined }, 'short', 0],
    ['an old tail is left', { arrived: 150 }, 'long', 150],
    [
      'compared with the listing where the source does not tell now',
      { sent: undefined, arrived: 65 },
      'short',
      65,
    ],
    ['the source grew, and its beginning arrived', { sent: 120, arrived: 100 }, 'source-changed', undefined],
    ['the source grew, and all of it arrived', { sent: 120, arrived: 120 }, 'source-changed', undefined],
    ['the source was emptied', { sent: 0, arrived: 0 }, 'source-changed', undefined],
  ])('%s', (_name, sizes, how, have) => {
    const error = mismatch(() => judge(sizes));
    expect(error).toMatchObject({ kind: 'verify', retry: 'later', how, have });
    expect(error.message).toMatch(/\ba\b|\bb\b/);
  });
});

describe('digests', () => {
  const yes = (value: string): PromiseSettledResult<string> => ({ status: 'fulfilled', value });
  const no = (error: unknown): PromiseSettledResult<string> => ({ status: 'rejected', reason: error });
  const refused = new FtpError('refused', 'b: XCRC was answered 550');
  const closed = new FtpError('closed', 'b is gone');

  test('the same digest is the proof', () => {
    expect(compareDigests(TO, 'SHA-256', [yes('ab'), yes('ab')], 'auto')).toEqual({
      proof: 'digest',
      algorithm: 'SHA-256',
    });
  });

  test('another digest: altered, both digests told', () => {
    const error = mismatch(() => compareDigests(TO, 'CRC32', [yes('11'), yes('22')], 'auto'));
    expect(error).toMatchObject({
      how: 'altered',
      message: '/dst/x arrived altered at b: CRC32 22, source 11',
    });
  });

  test('a refusal leaves the size, unless the digest was insisted on', () => {
    for (const pair of [
      [no(refused), yes('ab')],
      [yes('ab'), no(refused)],
      [no(refused), no(refused)],
    ] as [PromiseSettledResult<string>, PromiseSettledResult<string>][]) {
      expect(compareDigests(TO, 'MD5', pair, 'auto')).toBeUndefined();
      expect(() => compareDigests(TO, 'MD5', pair, 'digest')).toThrow(refused);
    }
  });

  test('a dead session is never taken for a refusal', () => {
    expect(() => compareDigests(TO, 'MD5', [no(closed), yes('ab')], 'auto')).toThrow(closed);
    expect(() => compareDigests(TO, 'MD5', [yes('ab'), no(new TypeError('oops'))], 'auto')).toThrow('oops');
  });

  test('which digest, by policy', () => {
    const both = (policy: Parameters<typeof chooseDigest>[2]) =>
      chooseDigest(offers('XCRC', 'XSHA256'), offers('XSHA256', 'XMD5'), policy, ['a', 'b'])?.algorithm;
    expect([both('auto'), both('digest'), both('size'), both('none')]).toEqual([
      'SHA-256',
      'SHA-256',
      undefined,
      undefined,
    ]);
    expect(chooseDigest(offers('XCRC'), offers('XMD5'), 'auto', ['a', 'b'])).toBeUndefined();
    expect(() => chooseDigest(offers('XCRC'), offers('XMD5'), 'digest', ['a', 'b'])).toThrow(
      expect.objectContaining({
        kind: 'policy',
        retry: 'never',
        message: expect.stringContaining('a and b have no digest in common'),
      }),
    );
  });
});
