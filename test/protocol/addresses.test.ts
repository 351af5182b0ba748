import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  familyOf,
  formatEprt,
  formatPort,
  type HostPort,
  parseEprt,
  parsePort,
  plainAddress,
  scopeOf,
} from '../../src/protocol/addresses.js';

const port = fc.integer({ min: 0, max: 65535 });

describe('PORT and EPRT', () => {
  test('PORT: written and read back, any IPv4', () => {
    fc.assert(
      fc.property(fc.ipV4(), port, (host, number) => {
        expect(parsePort(formatPort({ host, port: number }))).toEqual({ host, port: number });
      }),
    );
  });

  test('EPRT: written and read back, any address', () => {
    fc.assert(
      fc.property(fc.oneof(fc.ipV4(), fc.ipV6()), port, (host, number) => {
        expect(parseEprt(formatEprt({ host, port: number }))).toEqual({ host, port: number });
      }),
    );
  });

  test('the octets on the wire', () => {
    expect(formatPort({ host: '192.0.2.1', port: 0x1234 })).toBe('192,0,2,1,18,52');
    expect(formatEprt({ host: '192.0.2.1', port: 21 })).toBe('|1|192.0.2.1|21|');
    expect(formatEprt({ host: '2001:db8::1', port: 65535 })).toBe('|2|2001:db8::1|65535|');
  });

  test.each([
    ['::1', 'PORT carries IPv4 only'],
    ['example.net', 'PORT carries IPv4 only'],
  ])('no PORT for %s', (host, why) => {
    expect(() => formatPort({ host, port: 1 })).toThrow(why);
  });

  test.each(['example.net', '', '1.2.3', 'fe80::1%eth0'])('no EPRT for %j', (host) => {
    expect(() => formatEprt({ host, port: 1 })).toThrow(/literal address/);
  });

  test.each([-1, 65536, 1.5, Number.NaN])('no port: %d', (number) => {
    const endpoint: HostPort = { host: '192.0.2.1', port: number };
    expect(() => formatPort(endpoint)).toThrow(/is not a port/);
    expect(() => formatEprt(endpoint)).toThrow(/is not a port/);
  });

  test.each([
    '',
    '1,2,3,4,5',
    '1,2,3,4,5,6,7',
    '256,2,3,4,5,6',
    '1,2,3,4,5,256',
    '1, 2,3,4,5,6',
    'a,2,3,4,5,6',
    '1,2,3,4,5,6 ',
  ])('PORT refuses %j', (argument) => {
    expect(() => parsePort(argument)).toThrow(/six numbers/);
  });

  test.each([
    '',
    'foo',
    '|1|1.2.3.4|21',
    '1|1.2.3.4|21|',
    '|3|1.2.3.4|21|',
    '|1|::1|21|',
    '|2|1.2.3.4|21|',
    '|1|1.2.3.4|65536|',
    '|1|1.2.3.4|90486|',
    '|1|1.2.3.4|-1|',
    '|1|1.2.3.4|21|x',
    '|1|1.2.3.4|21||',
    '|1|1.2.3.256|21|',
    '||||',
    '010.2.3.40210',
  ])('EPRT refuses %j', (argument) => {
    expect(() => parseEprt(argument)).toThrow(/\|family\|address\|port\|/);
  });

  test('EPRT with any delimiter of 33 to 126 that no number holds', () => {
    for (const d of '!"#$%&\'*+-/;<=>?@[\\]^_`{|}~') {
      expect(parseEprt(`${d}1${d}192.0.2.1${d}21${d}`)).toEqual({ host: '192.0.2.1', port: 21 });
    }
  });
});

describe('literal addresses', () => {
  test.each([
    ['1.2.3.4', 4],
    ['255.255.255.255', 4],
    ['256.1.1.1', 0],
    ['01.2.3.4', 0],
    ['0x1.2.3.4', 0],
    ['1.2.3', 0],
    ['::', 6],
    ['::1', 6],
    ['1::', 6],
    ['2001:DB8::1', 6],
    ['::ffff:1.2.3.4', 6],
    ['1:2:3:4:5:6:7:8', 6],
    ['1:2:3:4:5:6:1.2.3.4', 6],
    ['1:2:3:4:5:6:7', 0],
    ['1:2:3:4:5:6:7:8:9', 0],
    ['1::2::3', 0],
    ['1:2:3:4:5:6:7::8', 0],
    ['12345::', 0],
    ['::1.2.3', 0],
    [':', 0],
    ['example.net', 0],
    ['', 0],
  ])('familyOf %j is %d', (host, family) => {
    expect(familyOf(host)).toBe(family);
  });

  test('every address is of its family', () => {
    fc.assert(
      fc.property(fc.ipV4(), fc.ipV6(), (v4, v6) => {
        expect([familyOf(v4), familyOf(v6)]).toEqual([4, 6]);
      }),
    );
  });

  test.each([
    ['::ffff:192.0.2.1', '192.0.2.1'],
    ['::FFFF:c000:0201', '192.0.2.1'],
    ['[2001:db8::1]', '2001:db8::1'],
    ['fe80::1%eth0', 'fe80::1'],
    ['192.0.2.1', '192.0.2.1'],
    ['::1', '::1'],
  ])('plainAddress %s', (host, plain) => {
    expect(plainAddress(host)).toBe(plain);
  });

  test.each([
    ['0.0.0.0', 'unspecified'],
    ['127.9.9.9', 'loopback'],
    ['169.254.0.1', 'link-local'],
    ['10.0.0.1', 'private'],
    ['172.15.0.1', 'public'],
    ['172.16.0.1', 'private'],
    ['172.31.255.1', 'private'],
    ['172.32.0.1', 'public'],
    ['192.168.0.1', 'private'],
    ['100.63.0.1', 'public'],
    ['100.64.0.1', 'private'],
    ['100.127.0.1', 'private'],
    ['100.128.0.1', 'public'],
    ['223.255.255.255', 'public'],
    ['224.0.0.1', 'multicast'],
    ['239.1.1.1', 'multicast'],
    ['240.0.0.1', 'reserved'],
    ['255.255.255.255', 'reserved'],
    ['::', 'unspecified'],
    ['::1', 'loopback'],
    ['::2', 'reserved'],
    ['::1.2.3.4', 'reserved'],
    ['::ffff:10.0.0.1', 'private'],
    ['fe80::1', 'link-local'],
    ['fec0::1', 'public'],
    ['fc00::1', 'private'],
    ['fdff::1', 'private'],
    ['ff02::1', 'multicast'],
    ['2001:db8::1', 'public'],
    ['not an address', 'reserved'],
  ])('scopeOf %s is %s', (host, scope) => {
    expect(scopeOf(host)).toBe(scope);
  });
});
