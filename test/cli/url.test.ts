import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FtpError } from '../../src/protocol/errors.js';
import { looksLikeUrl, maskText, maskUrl, parseUrl } from '../../src/protocol/url.js';

const refusal = (text: string): FtpError => {
  try {
    parseUrl(text);
  } catch (error) {
    if (error instanceof FtpError) return error;
  }
  throw new Error(`not refused: ${text}`);
};

describe('parseUrl', () => {
  it.each([
    ['ftp://h', { host: 'h', tls: 'none' }, ''],
    ['FTP://H.Example/', { host: 'h.example', tls: 'none' }, ''],
    ['ftp://h/a/b', { host: 'h', tls: 'none' }, 'a/b'],
    ['ftp://h/a/b/', { host: 'h', tls: 'none' }, 'a/b/'],
    ['ftp://h//a', { host: 'h', tls: 'none' }, '/a'],
    ['ftp://h/%2Fa', { host: 'h', tls: 'none' }, '/a'],
    ['ftps://h:2121/x', { host: 'h', port: 2121, tls: 'explicit' }, 'x'],
    ['ftpes://h/x', { host: 'h', tls: 'explicit' }, 'x'],
    ['ftps://h:990/x', { host: 'h', port: 990, tls: 'implicit' }, 'x'],
    ['ftp://h:/x', { host: 'h', tls: 'none' }, 'x'],
    ['ftp://u@h/x', { host: 'h', tls: 'none', user: 'u' }, 'x'],
    ['ftp://u:@h/x', { host: 'h', tls: 'none', user: 'u', password: '' }, 'x'],
    ['ftp://u%40corp:p%2Fw@h', { host: 'h', tls: 'none', user: 'u@corp', password: 'p/w' }, ''],
    ['ftp://u:p@w@h', { host: 'h', tls: 'none', user: 'u', password: 'p@w' }, ''],
    ['ftp://[2001:DB8::1]:2121/a', { host: '2001:db8::1', port: 2121, tls: 'none' }, 'a'],
    ['ftp://[fe80::1%25eth0]/a', { host: 'fe80::1%eth0', tls: 'none' }, 'a'],
    ['ftp://h/what?is#this', { host: 'h', tls: 'none' }, 'what?is#this'],
    ['ftp://h/a.bin;type=i', { host: 'h', tls: 'none' }, 'a.bin'],
    ['ftp://h/%C3%A9t%C3%A9', { host: 'h', tls: 'none' }, 'été'],
    ['ftp://h/caf%E9', { host: 'h', tls: 'none' }, 'caf\udce9'],
    ['ftp://h/a b', { host: 'h', tls: 'none' }, 'a b'],
  ])('%s', (text, site, path) => {
    expect(parseUrl(text)).toEqual({ site, path });
  });

  it.each([
    ['http://h/', 'scheme'],
    ['sftp://h/', 'scheme'],
    ['h/a', 'scheme'],
    ['ftp:///a', 'host is missing'],
    ['ftp://:pw@h/', 'without a user'],
    ['ftp://h:0/', 'port'],
    ['ftp://h:65536/', 'port'],
    ['ftp://h:2x/', 'port'],
    ['ftp://2001:db8::1/', 'bracket'],
    ['ftp://[nothex::g]/', 'IPv6'],
    ['ftp://h h/', 'host'],
    ['ftp://h/100%', '%25'],
    ['ftp://h/%zz', '%25'],
    ['ftp://h/a;type=a', 'type=i'],
    ['ftp://h/%0D%0ADELE x', 'control characters'],
    ['ftp://h/a%00b', 'control characters'],
    ['ftp://u%0a:p@h/', 'control characters'],
    ['ftp://u:p%1b@h/', 'control characters'],
    ['ftp://h/a\nb', 'control characters'],
    ['ftp://h/a%7Fb', 'control characters'],
  ])('refuses %j', (text, word) => {
    const error = refusal(text);
    expect(error.kind).toBe('usage');
    expect(error.message).toContain(word);
    expect(error.message).not.toMatch(/[\u0000-\u001f\u007f-\u009f]/);
  });

  const validText = fc
    .string({ unit: 'binary', maxLength: 30 })
    .filter((s) => !/[\u0000-\u001f\u007f]/.test(s));

  it('gives back what was encoded, whatever user, password and path hold', () => {
    fc.assert(
      fc.property(
        validText.filter((s) => s !== ''),
        validText,
        validText,
        (user, password, path) => {
          const e = encodeURIComponent;
          const parsed = parseUrl(`ftps://${e(user)}:${e(password)}@h.example:2121/${e(path)}`);
          expect(parsed.site).toEqual({ host: 'h.example', port: 2121, tls: 'explicit', user, password });
          expect(parsed.path).toBe(path);
        },
      ),
    );
  });

  it('never lets a control character through and throws only FtpError, for any text', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 60 }), (tail) => {
        try {
          const { site, path } = parseUrl(`ftp://${tail}`);
          expect(`${site.host}${site.user ?? ''}${site.password ?? ''}${path}`).not.toMatch(
            /[\u0000-\u001f\u007f]/,
          );
        } catch (error) {
          expect(error).toBeInstanceOf(FtpError);
        }
      }),
      { numRuns: 500 },
    );
  });
});

describe('maskUrl', () => {
  it.each([
    ['ftp://u:secret@h/a', 'ftp://u:***@h/a'],
    ['ftp://u:se@cr:et@h/a@b', 'ftp://u:***@h/a@b'],
    ['ftp://u:se/cr@et/x@h/a', 'ftp://u:***@h/a'],
    ['ftp://u@h/a:b', 'ftp://u@h/a:b'],
    ['ftp://h:21/a@b', 'ftp://h:21/a@b'],
    ['ftp://[::1]:21/a@b', 'ftp://[::1]:21/a@b'],
    ['https://u:secret@h/', 'https://u:***@h/'],
    ['./u:secret@h', './u:secret@h'],
  ])('%s', (text, masked) => {
    expect(maskUrl(text)).toBe(masked);
  });

  it('masks inside a text', () => {
    expect(maskText('copy ftp://u:s1@a/x to ftps://v:s2@b/y!')).toBe(
      'copy ftp://u:***@a/x to ftps://v:***@b/y!',
    );
  });

  it('hides every password that a parsed URL or a refused one can hold', () => {
    const piece = fc.string({
      unit: fc.constantFrom('a', '1', '/', '@', ':', '%', '?', '#', ';', '[', ']'),
      maxLength: 6,
    });
    fc.assert(
      fc.property(piece, piece, (before, after) => {
        // An "@" and then a slash end the authority before the word is reached: what follows is a path, no secret.
        fc.pre(!/@.*\//.test(`${before}SECRET${after}`));
        const text = `ftp://user:x${before}SECRET${after}@host/file`;
        expect(maskUrl(text)).not.toContain('SECRET');
        try {
          parseUrl(text);
        } catch (error) {
          expect((error as FtpError).message).not.toContain('SECRET');
        }
      }),
      { numRuns: 500 },
    );
  });
});

it('looksLikeUrl tells URLs from paths', () => {
  expect(['ftp://h', 'x+y://h', 'C:\\a', 'site:path', 'a/b', '://'].map(looksLikeUrl)).toEqual([
    true,
    true,
    false,
    false,
    false,
    false,
  ]);
});
