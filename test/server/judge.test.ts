import { networkInterfaces } from 'node:os';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { PeerVerdict } from '../../src/net/plane/types.js';
import { type HostPort, parseEprt, parsePort } from '../../src/protocol/addresses.js';
import { inRanges, parseRange } from '../../src/protocol/ranges.js';
import { judgeDataPeer, ownNetworks } from '../../src/server/judge.js';
import type { FxpPolicy, PeerOrder } from '../../src/server/policy.js';

const CLIENT = '198.51.100.10';
const LISTED = '192.0.2.7';
const STRANGER = '203.0.113.9';
const MODES = ['off', 'verified', 'listed', 'open'] as const;

const policyOf = (changes: Partial<FxpPolicy> = {}): FxpPolicy => ({
  mode: 'listed',
  peers: [parseRange('192.0.2.0/24')],
  direction: 'both',
  requireTls: true,
  minPort: 1024,
  deny: [],
  ...changes,
});

type Changes = Partial<Omit<PeerOrder, 'policy'>> & { policy?: Partial<FxpPolicy> };

const orderOf = ({ policy, ...changes }: Changes = {}): PeerOrder => ({
  control: CLIENT,
  policy: policyOf(policy),
  protected: true,
  pinned: false,
  ...changes,
});

/** `client`, `foreign`, or why not. */
function said(verdict: PeerVerdict): string {
  if (!verdict.allow) return verdict.why;
  return verdict.foreign ? 'foreign' : 'client';
}

const judge = (address: string, changes: Changes = {}, port: number | undefined = 40_000): string =>
  said(judgeDataPeer(orderOf(changes), address, port));

describe('threats.md rows 1 to 4: what PORT and EPRT name', () => {
  /** As the door does it: parsed, then judged. */
  function door(command: string, mode: FxpPolicy['mode']): string {
    const [verb, argument = ''] = command.split(' ', 2);
    let named: HostPort;
    try {
      named = verb === 'PORT' ? parsePort(argument) : parseEprt(argument);
    } catch {
      return 'malformed';
    }
    return judge(named.host, { policy: { mode } }, named.port);
  }

  const cases: [command: string, expected: Record<(typeof MODES)[number], string | RegExp>][] = [];
  const always = (command: string, expected: string | RegExp): void => {
    cases.push([command, { off: expected, verified: expected, listed: expected, open: expected }]);
  };
  const foreign = (command: string, open: string | RegExp, listed: string | RegExp = open): void => {
    cases.push([command, { off: 'FXP is off', verified: /pin|listed/, listed, open }]);
  };
  always('PORT 198,51,100,10,156,64', 'client');
  always('EPRT |1|198.51.100.10|40000|', 'client');
  always('EPRT |2|::ffff:198.51.100.10|40000|', 'client');
  always('PORT 198,51,100,10,4,0', 'client');
  always('PORT 198,51,100,10,3,255', 'port 1023 is below 1024');
  always('PORT 198,51,100,10,0,25', 'port 25 is below 1024');
  always('PORT 198,51,100,10,0,0', '0 is no port');
  always('PORT 192,0,2,7,0,25', 'port 25 is below 1024');
  always('PORT 0,0,0,0,156,64', 'the address is unspecified');
  always('EPRT |2|::|40000|', 'the address is unspecified');
  always('EPRT |2|::ffff:0.0.0.0|40000|', 'the address is unspecified');
  always('PORT 224,0,0,1,156,64', 'the address is multicast');
  always('EPRT |2|ff02::1|40000|', 'the address is multicast');
  always('PORT 255,255,255,255,156,64', 'the address is reserved');
  always('EPRT |2|::127.0.0.1|40000|', 'the address is reserved');
  for (const form of [
    'PORT 0177,0,0,1,156,64',
    'PORT 0x7f,0,0,1,156,64',
    'PORT 127,0,0,1,90486',
    'PORT 127,0,0,1,256,1',
    'PORT 127,0,0,1,65692,0',
    'PORT 198,51,100,10,-1,64',
    'EPRT |1|0177.0.0.1|40000|',
    'EPRT |1|0x7f.0.0.1|40000|',
    'EPRT |1|2130706433|40000|',
    'EPRT |1|127.1|40000|',
    'EPRT |1|198.51.100.10|90486|',
    'EPRT |1|198.51.100.10|65536|',
    'EPRT |2|fe80::1%eth0|40000|',
    'EPRT |1|example.org|40000|',
  ]) {
    always(form, 'malformed');
  }
  foreign('PORT 127,0,0,1,156,64', /loopback and not listed/);
  foreign('EPRT |2|::1|40000|', /loopback and not listed/);
  foreign('EPRT |2|::ffff:127.0.0.1|40000|', /loopback and not listed/);
  foreign('EPRT |2|::ffff:7f00:1|40000|', /loopback and not listed/);
  foreign('EPRT |2|64:ff9b::7f00:1|40000|', /loopback and not listed/);
  foreign('EPRT |2|2002:7f00:1::|40000|', /loopback and not listed/);
  foreign('PORT 169,254,169,254,156,64', /link-local and not listed/);
  foreign('EPRT |2|fe80::1|40000|', /link-local and not listed/);
  foreign('EPRT |2|fd00:ec2::254|40000|', /metadata/);
  foreign('PORT 168,63,129,16,156,64', /metadata/);
  foreign('PORT 203,0,113,9,156,64', 'foreign', 'the address is not listed');
  foreign('PORT 192,0,2,7,156,64', 'foreign');
  foreign('EPRT |2|::ffff:192.0.2.7|40000|', 'foreign');

  describe.each(cases)('%s', (command, expected) => {
    test.each(MODES)('%s', (mode) => {
      const outcome = door(command, mode);
      const wanted = expected[mode];
      if (wanted instanceof RegExp) expect(outcome).toMatch(wanted);
      else expect(outcome).toBe(wanted);
    });
  });
});

describe('modes (design: the FXP table)', () => {
  test.each([
    ['off', LISTED, false, 'FXP is off'],
    ['off', LISTED, true, 'FXP is off'],
    ['verified', LISTED, false, 'no pin is in force'],
    ['verified', LISTED, true, 'foreign'],
    ['verified', STRANGER, true, 'foreign'],
    ['verified', '127.0.0.2', true, 'the address is loopback and not listed'],
    ['listed', LISTED, false, 'foreign'],
    ['listed', STRANGER, false, 'the address is not listed'],
    ['listed', STRANGER, true, 'foreign'],
    ['open', STRANGER, false, 'foreign'],
    ['open', '10.0.0.5', false, 'the address is on the deny list and not listed'],
  ] as const)('%s, %s, pinned %s: %s', (mode, address, pinned, expected) => {
    expect(judge(address, { pinned, policy: { mode, deny: [parseRange('10.0.0.0/8')] } })).toBe(expected);
  });

  test('a list lifts the deny list, and nothing else does', () => {
    const deny = [parseRange('10.0.0.0/8')];
    const peers = ['127.0.0.0/8', '10.0.0.5', '169.254.169.254'].map(parseRange);
    for (const address of ['127.0.0.2', '10.0.0.5', '169.254.169.254']) {
      for (const mode of ['listed', 'open'] as const) {
        expect(judge(address, { policy: { mode, deny, peers } })).toBe('foreign');
        expect(judge(address, { policy: { mode, deny, peers: [] } })).toMatch(/not listed/);
      }
    }
    for (const address of ['0.0.0.0', '224.0.0.1', '255.255.255.255', '::', 'ff02::1']) {
      const everyone = ['0.0.0.0/0', '::/0'].map(parseRange);
      expect(judge(address, { policy: { mode: 'open', peers: everyone } })).toMatch(/the address is/);
    }
  });

  test('a client on loopback is the client; other loopback addresses must be listed', () => {
    const control = '127.0.0.1';
    expect(judge('127.0.0.1', { control, policy: { mode: 'off' } })).toBe('client');
    expect(judge('127.0.0.2', { control, policy: { mode: 'open' } })).toMatch(/loopback/);
    const peers = [parseRange('127.0.0.2')];
    expect(judge('127.0.0.2', { control, policy: { mode: 'listed', peers } })).toBe('foreign');
  });
});

describe('conditions on foreign peers', () => {
  test.each([
    ['send', 'receive', 'FXP is allowed to send only'],
    ['send', 'send', 'foreign'],
    ['receive', 'send', 'FXP is allowed to receive only'],
    ['receive', 'receive', 'foreign'],
    ['both', 'send', 'foreign'],
    ['both', undefined, 'foreign'],
    ['send', undefined, 'foreign'],
    ['both', 'listing', 'a listing goes to the client only'],
  ] as const)('direction %s, transfer %s: %s', (direction, transfer, expected) => {
    expect(judge(LISTED, { transfer, policy: { direction } })).toBe(expected);
  });

  test('anonymous never has one', () => {
    for (const mode of MODES) {
      expect(judge(LISTED, { never: true, pinned: true, policy: { mode } })).toMatch(/no foreign peers/);
    }
    expect(judge(CLIENT, { never: true })).toBe('client');
  });

  test('PROT P where TLS is required', () => {
    expect(judge(LISTED, { protected: false })).toBe('FXP needs PROT P');
    expect(judge(LISTED, { protected: false, policy: { requireTls: false } })).toBe('foreign');
    expect(judge(CLIENT, { protected: false })).toBe('client');
  });

  test('the lowest port counts where one is named: not for a connection that came in', () => {
    expect(judge(LISTED, { policy: { minPort: 50_000 } }, 49_999)).toBe('port 49999 is below 50000');
    expect(judge(LISTED, { policy: { minPort: 50_000 } }, 50_000)).toBe('foreign');
    expect(judge(LISTED, { policy: { minPort: 1 } }, 25)).toBe('port 25 is below 1024');
    expect(said(judgeDataPeer(orderOf({ policy: { minPort: 50_000 } }), LISTED, undefined))).toBe('foreign');
    expect(judge(CLIENT, { policy: { minPort: 50_000 } }, 2000)).toBe('client');
  });

  test.each([65_536, 90_486, 1.5, -1, Number.NaN])('%d is no port', (port) => {
    expect(judge(CLIENT, {}, port)).toMatch(/is no port/);
  });

  test.each(['', 'example.org', '0x7f.1', '[::1]', '198.51.100.010', '198.51.100.10 '])(
    '%j is no address',
    (text) => {
      expect(judge(text)).toBe('not a literal address');
    },
  );

  test('link-local clients are on one link', () => {
    expect(judge('fe80::1%eth0', { control: 'fe80::1%eth0' })).toBe('client');
    expect(judge('fe80::1', { control: 'fe80::1%eth0' })).toBe('client');
    expect(judge('fe80::1%eth1', { control: 'fe80::1%eth0', policy: { mode: 'open' } })).toMatch(
      /link-local/,
    );
  });
});

describe('for every order and address', () => {
  const octet = fc.nat(255);
  const quad = fc.oneof(
    fc.tuple(octet, octet, octet, octet),
    fc.constantFrom<[number, number, number, number]>(
      [127, 0, 0, 1],
      [192, 0, 2, 7],
      [198, 51, 100, 10],
      [0, 0, 0, 0],
    ),
  );
  const anyOrder = fc
    .record({
      mode: fc.constantFrom(...MODES),
      direction: fc.constantFrom('send' as const, 'receive' as const, 'both' as const),
      requireTls: fc.boolean(),
      protected: fc.boolean(),
      pinned: fc.boolean(),
      never: fc.boolean(),
      transfer: fc.constantFrom(undefined, 'send' as const, 'receive' as const, 'listing' as const),
    })
    .map(({ mode, direction, requireTls, ...rest }) =>
      orderOf({ ...rest, policy: { mode, direction, requireTls } }),
    );
  const port = fc.oneof(fc.constant(undefined), fc.nat(70_000));

  test('the verdict does not depend on how the address is written', () => {
    fc.assert(
      fc.property(anyOrder, quad, port, (order, [a, b, c, d], at) => {
        const plain = [a, b, c, d].join('.');
        const groups = [((a << 8) | b).toString(16), ((c << 8) | d).toString(16)];
        const forms = [
          `::ffff:${plain}`,
          `::FFFF:${groups.join(':').toUpperCase()}`,
          `0:0:0:0:0:ffff:${groups.map((group) => group.padStart(4, '0')).join(':')}`,
        ];
        const verdict = judgeDataPeer(order, plain, at);
        for (const form of forms) expect(judgeDataPeer(order, form, at)).toEqual(verdict);
        const mapped = { ...order, control: `::ffff:${order.control}` };
        expect(judgeDataPeer(mapped, plain, at)).toEqual(verdict);
      }),
      { numRuns: 300 },
    );
  });

  test('off, anonymous and listings have no foreign peer; nothing unencrypted where TLS is required', () => {
    fc.assert(
      fc.property(anyOrder, quad, port, (order, quadOf, at) => {
        const verdict = judgeDataPeer(order, quadOf.join('.'), at);
        if (!verdict.allow) return;
        expect(at ?? 1024).toBeGreaterThanOrEqual(1024);
        expect(verdict.foreign).toBe(quadOf.join('.') !== CLIENT);
        if (!verdict.foreign) return;
        expect(order.policy.mode).not.toBe('off');
        expect(order.never).toBe(false);
        expect(order.transfer).not.toBe('listing');
        expect(order.protected || !order.policy.requireTls).toBe(true);
        expect(quadOf[0]).not.toBe(127);
      }),
      { numRuns: 300 },
    );
  });
});

describe('ownNetworks', () => {
  test('each interface is the block it lies in, once', () => {
    const ranges = ownNetworks({
      lo: [
        { address: '127.0.0.1', cidr: '127.0.0.1/8' },
        { address: '::1', cidr: '::1/128' },
      ],
      eth0: [
        { address: '10.20.30.40', cidr: '10.20.30.40/20' },
        { address: '10.20.30.41', cidr: '10.20.30.41/20' },
        { address: 'fe80::1%eth0', cidr: 'fe80::1/64' },
        { address: '2001:db8::7', cidr: '2001:db8::7/64' },
      ],
      tun0: [{ address: '192.0.2.1', cidr: null }],
      tun1: [{ address: '192.0.2.2', cidr: '192.0.2.2/0' }],
      gone: undefined,
    });
    expect(ranges.map(({ text }) => text)).toEqual([
      '127.0.0.0/8',
      '::1/128',
      '10.20.16.0/20',
      'fe80::/64',
      '2001:db8::/64',
      '192.0.2.1/32',
      '192.0.2.2/32',
    ]);
    for (const range of ranges) expect(parseRange(range.text)).toEqual(range);
    expect(judge('10.20.31.255', { policy: { mode: 'open', deny: ranges } })).toMatch(/deny list/);
    expect(judge('10.20.32.0', { policy: { mode: 'open', deny: ranges } })).toBe('foreign');
  });

  test('those of this machine', () => {
    const ranges = ownNetworks(networkInterfaces());
    for (const { address } of Object.values(networkInterfaces()).flatMap((all) => all ?? [])) {
      expect(inRanges(address.replace(/%.*/, ''), ranges)).toBe(true);
    }
  });
});

describe('DCPA', () => {
  const pinned = { pinned: true, policy: { mode: 'verified' } } as const;

  test('a pin lets foreign peers in, and lifts nothing else', () => {
    expect(judge(STRANGER, pinned)).toBe('foreign');
    expect(judge(STRANGER, { policy: { mode: 'verified' } })).toBe('no pin is in force');
    expect(judge('127.0.0.1', pinned)).toMatch(/loopback/);
    expect(judge(STRANGER, pinned, 1023)).toMatch(/below 1024/);
    expect(judge(STRANGER, { ...pinned, never: true })).toMatch(/no foreign peers/);
    expect(judge(STRANGER, { ...pinned, transfer: 'listing' })).toMatch(/client only/);
    expect(
      judge(STRANGER, { ...pinned, transfer: 'send', policy: { mode: 'verified', direction: 'receive' } }),
    ).toMatch(/receive only/);
    expect(judge(STRANGER, { ...pinned, policy: { mode: 'off' } })).toBe('FXP is off');
  });

  test('an active TLS client needs a listed address: every TLS server proves its key to anybody', () => {
    const client = { ...pinned, activeClient: true };
    expect(judge(STRANGER, client)).toMatch(/a pin alone/);
    expect(judge(LISTED, client)).toBe('foreign');
    // Where it listens the peer has to come, and that it does only if it was told to.
    expect(said(judgeDataPeer(orderOf(client), STRANGER, undefined))).toBe('foreign');
    expect(judge(STRANGER, { ...client, policy: { mode: 'open' } })).toBe('foreign');
  });

  test('From: one address on a passive port, and the client until the command is known', () => {
    const from = (address: string, transfer?: 'send' | 'listing'): string =>
      said(judgeDataPeer(orderOf({ ...pinned, from: STRANGER, transfer }), address, undefined));
    expect([from(STRANGER), from(CLIENT), from(LISTED)]).toEqual([
      'foreign',
      'client',
      `only ${STRANGER} may connect`,
    ]);
    expect([from(STRANGER, 'send'), from(CLIENT, 'send')]).toEqual([
      'foreign',
      `only ${STRANGER} may connect`,
    ]);
    // It says nothing of the address that an active endpoint connects to.
    expect(judge(LISTED, { ...pinned, from: STRANGER })).toBe('foreign');
  });
});
