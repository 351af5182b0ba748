import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  DCPA_PEERS,
  type DcpaCommand,
  type DcpaReply,
  formatDcpa,
  formatDcpaFeature,
  formatDcpaReply,
  parseDcpa,
  parseDcpaFeature,
  parseDcpaReply,
} from '../../src/protocol/dcpa.js';

const A = 'a1'.repeat(32);
const B = '0f'.repeat(32);

const hex = fc
  .array(fc.constantFrom(...'0123456789abcdef'), { minLength: 64, maxLength: 64 })
  .map((all) => all.join(''));
const identity = fc.constantFrom('session' as const, 'host' as const);
const role = fc.constantFrom('auto' as const, 'client' as const, 'server' as const);
const facts: fc.Arbitrary<DcpaCommand & { kind: 'set' }> = fc
  .record(
    {
      self: identity,
      peers: fc.uniqueArray(hex, { minLength: 1, maxLength: DCPA_PEERS }),
      role,
      from: fc.oneof(fc.ipV4(), fc.ipV6()),
    },
    { requiredKeys: [] },
  )
  .filter((record) => Object.keys(record).length > 0)
  .map((record) => ({ kind: 'set' as const, ...record }));
const outcome = fc.record(
  { last: fc.constantFrom('ok' as const, 'failed' as const), bytes: fc.nat({ max: 2 ** 40 }) },
  { requiredKeys: [] },
);
const replies: fc.Arbitrary<DcpaReply> = fc.oneof(
  outcome.map((more) => ({ on: false as const, ...more })),
  fc
    .tuple(fc.record({ self: hex, scope: identity, peers: fc.nat({ max: DCPA_PEERS }), role }), outcome)
    .map(([state, more]) => ({ on: true as const, ...state, ...more })),
);

describe('the command', () => {
  test('query, off and facts', () => {
    expect(parseDcpa('')).toEqual({ kind: 'query' });
    expect(parseDcpa('off')).toEqual({ kind: 'off' });
    expect(
      parseDcpa(`Self=session;Peer=sha-256:${A},SHA-256:${B.toUpperCase()};Role=Client;From=192.0.2.7;`),
    ).toEqual({
      ...{ kind: 'set', self: 'session', peers: [A, B], role: 'client', from: '192.0.2.7' },
    });
  });

  test.each([
    [`Peer=sha-256:${A.slice(1)}`, 501],
    [`Peer=sha-256:${A}0`, 501],
    [`Peer=${A}`, 501],
    [`Peer=sha-256:${'g'.repeat(64)}`, 501],
    ['Peer=', 501],
    [`Peer=sha-256:${A},`, 501],
    [`Peer=sha-1:${A.slice(24)}`, 504],
    [`Peer=sha-512:${A}${A}`, 504],
    [`Peer=${Array<string>(5).fill(`sha-256:${A}`).join(',')}`, 501],
    [`Peer=sha-256:${A};Peer=sha-256:${B}`, 501],
    [`Peer=sha-256:${A};Colour=red`, 501],
    ['Self=user', 501],
    ['Self', 501],
    ['=session', 501],
    ['Role=both', 501],
    ['From=example.com', 501],
    ['From=010.0.0.1', 501],
    ['From=fe80::1%eth0', 501],
    ['Self=session;;Role=auto', 501],
    [';', 501],
    ['OFF;Self=host', 501],
  ])('%s is refused as a whole', (argument, code) => {
    expect(parseDcpa(argument)).toMatchObject({ kind: 'bad', code });
  });

  test('every command is read as it was written', () => {
    fc.assert(
      fc.property(facts, (command) => {
        expect(parseDcpa(formatDcpa(command))).toEqual(command);
      }),
    );
  });

  test('no argument is more than a command or a refusal', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (argument) => {
        const command = parseDcpa(argument);
        if (command.kind === 'set')
          for (const key of command.peers ?? []) expect(key).toMatch(/^[0-9a-f]{64}$/);
      }),
    );
  });
});

describe('the reply', () => {
  test('on, off and what the last transfer did', () => {
    const text = `DCPA Self=sha-256:${A};Scope=session;Peer=1;Role=auto;Last=ok;Bytes=12`;
    expect(parseDcpaReply(text)).toEqual({
      ...{ on: true, self: A, scope: 'session', peers: 1, role: 'auto', last: 'ok', bytes: 12 },
    });
    expect(parseDcpaReply('DCPA OFF')).toEqual({ on: false });
    expect(parseDcpaReply(`${text};Exporter=abc`)).toMatchObject({ on: true, peers: 1 });
  });

  test.each([
    '',
    'DCPA',
    'DCPA ok',
    `DCPA Self=sha-256:${A.slice(1)};Scope=session;Peer=0;Role=auto`,
    `DCPA Self=sha-256:${A};Scope=user;Peer=0;Role=auto`,
    `DCPA Self=sha-256:${A};Scope=host;Peer=9;Role=auto`,
    `DCPA Self=sha-256:${A};Scope=host;Peer=0`,
    `DCPA Self=sha-256:${A};Self=sha-256:${B};Scope=host;Peer=0;Role=auto`,
    'DCPA OFF;Last=maybe',
    'DCPA OFF;Bytes=-1',
  ])('%s is none', (text) => {
    expect(parseDcpaReply(text)).toBeUndefined();
  });

  test('every state is read as it was written', () => {
    fc.assert(
      fc.property(replies, (state) => {
        expect(parseDcpaReply(formatDcpaReply(state))).toEqual(state);
      }),
    );
  });

  test('no text is more than a state or nothing', () => {
    fc.assert(fc.property(fc.string({ unit: 'binary' }), (text) => void parseDcpaReply(`DCPA ${text}`)));
  });
});

test('the line in FEAT', () => {
  expect(formatDcpaFeature({ identities: ['session', 'host'] })).toBe('DCPA sha-256;session;host');
  expect(parseDcpaFeature('sha-256;session;host')).toEqual({ identities: ['session', 'host'] });
  expect(parseDcpaFeature('SHA-256;sha-512;host;new')).toEqual({ identities: ['host'] });
  expect(parseDcpaFeature('sha-512;session')).toBeUndefined();
  expect(parseDcpaFeature('')).toBeUndefined();
});
