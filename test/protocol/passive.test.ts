import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { judgePasv, parseEpsv, parsePasv } from '../../src/protocol/addresses.js';
import { reply } from './every-way.js';

const PEER = '198.51.100.7';

describe('227', () => {
  const expected = { host: '192.0.2.1', port: 0x1234 };

  test.each([
    '227 Entering Passive Mode (192,0,2,1,18,52).',
    '227 Entering Passive Mode (192,0,2,1,18,52)',
    '227 Entering Passive Mode 192,0,2,1,18,52',
    '227 Entering Passive Mode. 192,0,2,1,18,52.',
    '227 =192,0,2,1,18,52',
    '227 (192,0,2,1,18,52 )',
    '227 ( 192, 0, 2, 1, 18, 52 )',
    '227 (192 ,0 ,2 ,1 ,18 ,52)',
    '227\t192,0,2,1,18,52',
    '227 Version 1,2 has 3,4,5 things (192,0,2,1,18,52)',
    '227-Using slave1\n227 Entering (192,0,2,1,18,52)',
    '227-Using slave 1,2,3,4,5,6\n227 Entering (192,0,2,1,18,52)',
    '227-Entering (192,0,2,1,18,52)\n227 done',
    '227-Entering\n192,0,2,1,18,52\n227 done',
  ])('%j', (text) => {
    expect(parsePasv(reply(text), PEER)).toEqual(expected);
  });

  test('any address and port', () => {
    fc.assert(
      fc.property(fc.ipV4(), fc.integer({ min: 1, max: 65535 }), (host, port) => {
        const six = `${host.replaceAll('.', ',')},${port >> 8},${port & 255}`;
        const line = `227 Entering Passive Mode (${six}).`;
        expect(parsePasv({ code: 227, lines: [line], text: line.slice(4) }, PEER)).toEqual({ host, port });
      }),
    );
  });

  test('three numbers, the first 1: the control peer (bouncers)', () => {
    expect(parsePasv(reply('227 Entering (1,18,52)'), PEER)).toEqual({ host: PEER, port: 0x1234 });
  });

  test.each([
    ['227 Entering Passive Mode', 'holds no address'],
    ['227 12345', 'holds no address'],
    ['227 (2,18,52)', 'holds no address'],
    ['227 (1,256,52)', 'holds no address'],
    ['227 (192,0,2,1,18)', 'holds no address'],
    ['227 (192,0,2,1,18,52,1)', 'holds no address'],
    ['227 (256,0,2,1,18,52)', 'over 255'],
    ['227 (192,0,2,1,1000,52)', 'over 255'],
    ['227 (192,0,2,1,0,0)', 'port 0'],
    ['227 (1,0,0)', 'port 0'],
    ['227', 'holds no address'],
  ])('refused: %s', (text, why) => {
    expect(() => parsePasv(reply(text), PEER)).toThrow(why);
  });

  test('any text: an endpoint or a malformed error', () => {
    const digits = fc.string({
      unit: fc.constantFrom('1', '2', '5', '9', ',', ' ', '(', ')'),
      maxLength: 40,
    });
    fc.assert(
      fc.property(digits, (text) => {
        try {
          const { port } = parsePasv({ code: 227, lines: [`227 ${text}`], text }, PEER);
          expect(port).toBeGreaterThan(0);
          expect(port).toBeLessThan(65536);
        } catch (error) {
          expect(error).toMatchObject({ kind: 'malformed' });
        }
      }),
      { numRuns: 1_000 },
    );
  });
});

describe('229', () => {
  test.each([
    '229 Entering Extended Passive Mode (|||4660|)',
    '229 Entering Extended Passive Mode (|||4660|).',
    '229 Extended Passive Mode OK (|||4660|) | more',
    '229 Entering (!!!4660!)',
    '229 Entering (AAA) mode (|||4660|)',
    '229 Entering Extended Passive Mode |||4660|',
    '229 (really) |||4660|',
    '229-Using slave1\n229 Entering (|||4660|)',
  ])('%j: the control peer', (text) => {
    expect(parseEpsv(reply(text), PEER)).toEqual({ host: PEER, port: 4660 });
  });

  test('any delimiter that no number holds', () => {
    for (const d of '!"#$%&\'*+,-./:;<=>?@[\\]^_`{|}~') {
      expect(parseEpsv(reply(`229 Entering (${d}${d}${d}4660${d})`), PEER)).toEqual({
        host: PEER,
        port: 4660,
      });
    }
  });

  test('after CEPR ON or EPSV EXTENDED: family and address', () => {
    expect(parseEpsv(reply('229 Entering (|1|192.0.2.1|4660|)'), PEER)).toEqual({
      host: '192.0.2.1',
      port: 4660,
    });
    expect(parseEpsv(reply('229 Entering (|2|2001:db8::1|4660|)'), PEER)).toEqual({
      host: '2001:db8::1',
      port: 4660,
    });
  });

  test.each([
    ['229 Entering (|||4660|192.0.2.1|)', 'holds no'],
    ['229 Entering (|||4660)', 'holds no'],
    ['229 Entering (||4660|)', 'holds no'],
    ['229 Entering', 'holds no'],
    ['229', 'holds no'],
    ['229 Entering (|1|2001:db8::1|4660|)', 'family'],
    ['229 Entering (|2|192.0.2.1|4660|)', 'family'],
    ['229 Entering (|1|host.example|4660|)', 'family'],
    ['229 Entering (||192.0.2.1|4660|)', 'family'],
    ['229 Entering (|||0|)', 'port 0'],
    ['229 Entering (|||65536|)', 'port 65536'],
    ['229 Entering (|||x|)', 'no port'],
    ['229 Entering (||||)', 'no port'],
    ['229 Entering (1111466011)', 'holds no'],
  ])('refused: %s', (text, why) => {
    expect(() => parseEpsv(reply(text), PEER)).toThrow(why);
  });
});

describe('judgePasv', () => {
  const judge = (host: string, peer: string, allowForeign = false, port = 50_000): unknown => {
    const verdict = judgePasv({ host, port }, peer, allowForeign);
    return 'use' in verdict
      ? `${verdict.use.host} ${verdict.replaced ? 'replaced' : 'kept'}`
      : verdict.refuse;
  };

  test.each([
    ['the same address', '198.51.100.7', PEER, '198.51.100.7 kept'],
    ['the same address, mapped', '198.51.100.7', '::ffff:198.51.100.7', '198.51.100.7 kept'],
    [
      'the same IPv6 address, written otherwise',
      '2001:DB8:0:0:0:0:0:1',
      '2001:db8::1',
      '2001:DB8:0:0:0:0:0:1 kept',
    ],
    ['unspecified', '0.0.0.0', PEER, `${PEER} replaced`],
    ['loopback of a public peer', '127.0.0.1', PEER, `${PEER} replaced`],
    ['multicast', '224.0.0.1', PEER, `${PEER} replaced`],
    ['broadcast', '255.255.255.255', PEER, `${PEER} replaced`],
    ['RFC 1918 behind NAT', '10.0.0.5', PEER, `${PEER} replaced`],
    ['CGNAT', '100.64.0.5', PEER, `${PEER} replaced`],
    ['link-local', '169.254.1.1', PEER, `${PEER} replaced`],
    ['private, peer private', '10.0.0.5', '192.168.1.1', '10.0.0.5 kept'],
    ['loopback, peer loopback', '127.0.0.2', '127.0.0.1', '127.0.0.1 replaced'],
    ['private, peer loopback', '10.0.0.5', '127.0.0.1', '127.0.0.1 replaced'],
    ['public, peer loopback (a tunnel)', '203.0.113.1', '127.0.0.1', '127.0.0.1 replaced'],
  ])('%s', (_name, host, peer, expected) => {
    expect(judge(host, peer)).toBe(expected);
  });

  test('another public address is refused, unless the site allows it (CVE-2020-8284)', () => {
    expect(judge('203.0.113.9', PEER)).toMatch(/names 203\.0\.113\.9, but the control connection goes to/);
    expect(judge('203.0.113.9', '192.168.1.1')).toMatch(/names 203\.0\.113\.9/);
    expect(judge('203.0.113.9', PEER, true)).toBe('203.0.113.9 kept');
    expect(judge('127.0.0.2', '127.0.0.1', true)).toBe('127.0.0.2 kept');
  });

  test('a privileged port is refused always', () => {
    expect(judge(PEER, PEER, true, 1023)).toMatch(/privileged port 1023/);
    expect(judge(PEER, PEER, true, 1024)).toBe(`${PEER} kept`);
  });

  test('whatever is announced: the peer, a private address, or a refusal, unless the site allows more', () => {
    fc.assert(
      fc.property(fc.oneof(fc.ipV4(), fc.ipV6()), fc.oneof(fc.ipV4(), fc.ipV6()), (host, peer) => {
        const verdict = judgePasv({ host, port: 50_000 }, peer, false);
        if ('refuse' in verdict) return;
        const { use, replaced } = verdict;
        const own = judgePasv({ host: use.host, port: 50_000 }, peer, false);
        expect('use' in own && !own.replaced).toBe(true);
        expect(replaced).toBe(use.host !== host);
      }),
      { numRuns: 500 },
    );
  });
});
