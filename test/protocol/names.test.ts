import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { checkName, printable } from '../../src/protocol/names.js';

describe('checkName', () => {
  test.each([
    'a',
    '.hidden',
    'a b',
    ' leading',
    '...',
    'a\\b',
    'C:x',
    'CON',
    'dot.',
    'grüße',
    '😀',
    '-rf',
    '~',
    'caf\udce9',
    'x'.repeat(255),
    'é'.repeat(127),
  ])('clean: %j', (name) => {
    expect(checkName(name)).toEqual({ ok: true });
  });

  test.each([
    ['', 'is empty'],
    ['.', 'is .'],
    ['..', 'is ..'],
    ['../x', 'holds /'],
    ['/etc/passwd', 'holds /'],
    ['a/b', 'holds /'],
    ['a\0b', 'U+0000'],
    ['a\r\nDELE b', 'U+000D'],
    ['a\nb', 'U+000A'],
    ['\x1b]0;title\x07', 'U+001B'],
    ['a\x7f', 'U+007F'],
    ['half \ud83d', 'well-formed'],
    ['half \udc00', 'well-formed'],
    ['x'.repeat(256), 'longer than 255'],
    ['é'.repeat(128), 'longer than 255'],
  ])('refused: %j', (name, why) => {
    const verdict = checkName(name);
    expect(verdict.ok).toBe(false);
    expect(verdict.ok ? '' : verdict.why).toContain(why);
  });

  test.each([
    'a\\b',
    '..\\x',
    'C:x',
    'x:stream',
    'a*',
    'a?',
    '<a>',
    'a|b',
    '"a"',
    'dot.',
    'blank ',
    'CON',
    'con.txt',
    'Nul',
    'aux .x',
    'COM1',
    'lpt9.log',
    'COM¹',
    'CONIN$',
  ])('refused for Windows: %j', (name) => {
    expect(checkName(name).ok).toBe(true);
    expect(checkName(name, { windows: true }).ok).toBe(false);
  });

  test.each(['CONSOLE', 'COM', 'COM10', 'null', 'a.con', 'x y'])('clean on Windows: %j', (name) => {
    expect(checkName(name, { windows: true })).toEqual({ ok: true });
  });

  test("the limit counts octets and is the caller's choice", () => {
    expect(checkName('abc', { limit: 3 }).ok).toBe(true);
    expect(checkName('abcd', { limit: 3 }).ok).toBe(false);
    expect(checkName('😀', { limit: 3 }).ok).toBe(false);
  });

  test('what passes is one component without control characters', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 20 }), (name) => {
        const clean = name !== '' && name !== '.' && name !== '..' && !/[\0-\x1f\x7f/]/.test(name);
        expect(checkName(name).ok).toBe(clean);
      }),
    );
  });
});

describe('printable', () => {
  test.each([
    ['plain grüße 😀', 'plain grüße 😀'],
    ['\x1b]0;owned\x07', '\\u{001B}]0;owned\\u{0007}'],
    ['a\r\n200 fake', 'a\\u{000D}\\u{000A}200 fake'],
    ['\x7f\x9b31m', '\\u{007F}\\u{009B}31m'],
    ['gpj.\u202eexe', 'gpj.\\u{202E}exe'],
    ['\u2066x\u2069\u200e\u061c\u2028', '\\u{2066}x\\u{2069}\\u{200E}\\u{061C}\\u{2028}'],
    ['\udce9\ud83d', '\\u{DCE9}\\u{D83D}'],
  ])('%j', (from, to) => {
    expect(printable(from)).toBe(to);
  });

  test('nothing that steers a terminal is left, and printing twice changes nothing', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (name) => {
        const shown = printable(name);
        expect(shown).not.toMatch(/[\0-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]/);
        expect(printable(shown)).toBe(shown);
      }),
    );
  });
});
