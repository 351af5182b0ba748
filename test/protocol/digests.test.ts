import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  ALGORITHMS,
  type Algorithm,
  commonDigest,
  type DigestCommand,
  digestArgument,
  digestCommands,
  parseDigest,
} from '../../src/protocol/digests.js';
import { Features } from '../../src/protocol/features.js';
import { reply } from './every-way.js';

const hex = (algorithm: string): string => createHash(algorithm).update('jackstay').digest('hex');
const SHA256 = hex('sha256');
const SHA1 = hex('sha1');
const MD5 = hex('md5');

describe('replies to digest commands', () => {
  test.each<[string, string, Algorithm, string | undefined, string]>([
    [
      'ProFTPD XSHA256',
      `250-Computing SHA256 digest\n250 ${SHA256.toUpperCase()}`,
      'SHA-256',
      'a.bin',
      SHA256,
    ],
    ['ProFTPD XCRC', '250-Computing CRC32 digest\n250 1A2B3C4D', 'CRC32', 'a.bin', '1a2b3c4d'],
    [
      'ProFTPD HASH',
      `213-Computing SHA-256 digest\n213 SHA-256 0-3000000 ${SHA256} /d/a.bin`,
      'SHA-256',
      '/d/a.bin',
      SHA256,
    ],
    ['HASH of the draft', `213 SHA-1 0-49 ${SHA1} a b.bin`, 'SHA-1', 'a b.bin', SHA1],
    ['MD5 (251, draft-twine-ftpmd5)', `251 "a b.bin" ${MD5.toUpperCase()}`, 'MD5', 'a b.bin', MD5],
    ['MD5 (251) without quotes', `251 a b.bin ${MD5}`, 'MD5', 'a b.bin', MD5],
    ['MMD5 (252)', `252 a.bin ${MD5}`, 'MD5', 'a.bin', MD5],
    ['wzdftpd XMD5', `250 ${MD5}`, 'MD5', 'a.bin', MD5],
    ['wzdftpd XCRC', '250 0001C0DE', 'CRC32', 'a.bin', '0001c0de'],
    ['ioFTPD XCRC', '250 0001c0de', 'CRC32', 'a.bin', '0001c0de'],
    ['drftpd XCRC', '250 XCRC Successful. 1A2B3C4D', 'CRC32', 'a.bin', '1a2b3c4d'],
    ['RaidenFTPd XCRC', '250 XCRC 1A2B3C4D', 'CRC32', undefined, '1a2b3c4d'],
    ['leading zeros dropped', '250 1C0DE', 'CRC32', 'a.bin', '0001c0de'],
    ['quoted', `250 "a.bin" = "${MD5}"`, 'MD5', 'a.bin', MD5],
    ['a line of its own, no code', `250-Computing\n ${MD5}\n250 done`, 'MD5', 'a.bin', MD5],
    ['a line of its own, no blank', `250-Computing\n${SHA256}\n250 done`, 'SHA-256', 'a.bin', SHA256],
    ['a word that is hexadecimal behind it', '250 1A2B3C4D added', 'CRC32', 'a.bin', '1a2b3c4d'],
  ])('%s', (_name, text, algorithm, path, digest) => {
    expect(parseDigest(reply(text), algorithm, path)).toBe(digest);
  });

  test('a name inside the digits does not cut them', () => {
    for (const path of ['a', '1', MD5.slice(3, 9)]) {
      expect(parseDigest(reply(`213 MD5 0-49 ${MD5} ${path}`), 'MD5', path)).toBe(MD5);
      expect(parseDigest(reply('250 1A2BaC4D'), 'CRC32', path)).toBe('1a2bac4d');
    }
  });

  test('a name that looks like a digest is not taken for one', () => {
    expect(parseDigest(reply(`213 MD5 0-49 ${MD5} ${SHA1.slice(0, 32)}`), 'MD5', SHA1.slice(0, 32))).toBe(
      MD5,
    );
    expect(parseDigest(reply('251 deadbeef 1A2B3C4D'), 'CRC32', 'deadbeef')).toBe('1a2b3c4d');
    expect(parseDigest(reply('250 1A2B3C4D deadbeef'), 'CRC32', 'deadbeef')).toBe('1a2b3c4d');
  });

  test.each<[string, Algorithm]>([
    [`550 ${MD5}`, 'MD5'],
    [`450 ${MD5}`, 'MD5'],
    [`150 ${MD5}`, 'MD5'],
    [`250 ${MD5}`, 'SHA-1'],
    [`250 ${SHA1}`, 'MD5'],
    [`250 ${MD5}0`, 'MD5'],
    [`250 x${MD5}`, 'MD5'],
    ['250 1A2B3C4D5', 'CRC32'],
    ['250 OK', 'CRC32'],
    ['250', 'MD5'],
  ])('none in %s for %s', (text, algorithm) => {
    expect(parseDigest(reply(text), algorithm)).toBeUndefined();
  });

  test('any digest of any file, in every form, is read back', () => {
    const lengths: Record<Algorithm, number> = {
      'SHA-256': 64,
      'SHA-512': 128,
      'SHA-1': 40,
      MD5: 32,
      CRC32: 8,
    };
    const name = fc.string({
      unit: fc.constantFrom('a', 'f', '0', ' ', '.', 'z', '"'),
      minLength: 1,
      maxLength: 8,
    });
    const anyDigest = fc.constantFrom(...ALGORITHMS).chain((algorithm) =>
      fc.tuple(
        fc.constant(algorithm),
        fc.string({
          unit: fc.constantFrom(...'0123456789abcdef'),
          minLength: lengths[algorithm],
          maxLength: lengths[algorithm],
        }),
      ),
    );
    fc.assert(
      fc.property(
        anyDigest,
        name.filter((path) => path === path.trim()),
        fc.nat(3),
        ([algorithm, digest], path, form) => {
          const upper = digest.toUpperCase();
          const text = [
            `250 ${upper}`,
            `213 ${algorithm} 0-9 ${digest} ${path}`,
            `251 "${path}" ${upper}`,
            `250 ${path} ${digest}`,
          ][form]!;
          expect(
            parseDigest(
              { code: Number(text.slice(0, 3)), lines: [text], text: text.slice(4) },
              algorithm,
              path,
            ),
          ).toBe(digest);
        },
      ),
      { numRuns: 1_000 },
    );
  });
});

describe('choosing', () => {
  const offers = (...lines: string[]): DigestCommand[] =>
    digestCommands(
      new Features(
        lines
          .map((line) => line.split(' ', 2) as [string, string])
          .map(([name, value]) => [name, value ?? '']),
      ),
    );

  test('the strongest algorithm that both have', () => {
    const common = commonDigest(
      offers('XCRC', 'XMD5', 'HASH SHA-256*;SHA-512'),
      offers('XSHA256', 'XCRC', 'MD5'),
    );
    expect(common).toMatchObject({ algorithm: 'SHA-256', a: { verb: 'HASH' }, b: { verb: 'XSHA256' } });
    expect(commonDigest(offers('XMD5', 'XCRC'), offers('MD5', 'XCRC'))).toMatchObject({ algorithm: 'MD5' });
    expect(commonDigest(offers('XMD5'), offers('XCRC'))).toBeUndefined();
    expect(commonDigest(offers(), offers('XCRC'))).toBeUndefined();
  });

  test('the argument', () => {
    const ranged = offers('XCRC')[0]!;
    const bare = offers('HASH MD5')[0]!;
    expect(digestArgument(ranged, 'a.bin')).toBe('a.bin');
    expect(digestArgument(ranged, 'a b.bin')).toBe('"a b.bin"');
    expect(digestArgument(ranged, 'a.bin', { start: 0, end: 100 })).toBe('"a.bin" 0 100');
    expect(digestArgument(bare, 'a b.bin', { start: 0, end: 100 })).toBe('a b.bin');
  });
});
