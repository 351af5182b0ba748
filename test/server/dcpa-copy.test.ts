/** Two servers of ours copy to each other, each with the other's key of this login pinned (docs/dcpa.md). */
import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { ServerEvent } from '../../src/server/events.js';
import { copy, dcpa, outcome, pinEachOther, pinnedServer } from './dcpa-kit.js';
import type { ControlClient, TestServer } from './harness.js';
import { epsvPort } from './strict-replies.js';

type Refused = Extract<ServerEvent, { event: 'peer-refused' }>;
type Moved = Extract<ServerEvent, { event: 'transfer' }>;
const isMoved = (e: ServerEvent): e is Moved => e.event === 'transfer';
const BODY = randomBytes(300_007);

describe.each([
  ['in this thread', 0],
  ['in worker threads', 2],
])('data %s', (_where, threads) => {
  let [left, right]: TestServer[] = [];
  let a: ControlClient;
  let b: ControlClient;
  beforeAll(async () => {
    left = await pinnedServer('127.0.0.2', { threads, files: { body: BODY }, options: { modeZ: true } });
    right = await pinnedServer('127.0.0.3', { threads, options: { modeZ: true } });
  });
  afterEach(() => {
    left!.hangUp();
    right!.hangUp();
  });
  afterAll(() => Promise.all([left!.close(), right!.close()]));

  async function enter(): Promise<void> {
    a = await left!.enterTls();
    b = await right!.enterTls();
  }

  test.each([
    ['to', 'auto'],
    ['from', 'auto'],
    ['to', 'active is TLS client'],
    ['from', 'active is TLS client'],
  ] as const)('passive: %s, roles: %s', async (passive, roles) => {
    await enter();
    const keys = await pinEachOther(a, b);
    if (roles !== 'auto') {
      const [waits, dials] = passive === 'to' ? [b, a] : [a, b];
      await dcpa(waits, 'Role=server');
      await dcpa(dials, 'Role=client');
    }
    const name = `in-${passive}-${roles.length}`;
    const codes = await copy({ client: a, line: 'RETR body' }, { client: b, line: `STOR ${name}` }, passive);
    expect(codes).toEqual({ from: [150, 226], to: [150, 226] });
    expect(right!.read(name).equals(BODY)).toBe(true);
    expect(await dcpa(a)).toMatchObject({ last: 'ok', bytes: BODY.length, self: keys.a, scope: 'session' });
    expect(await dcpa(b)).toMatchObject({ last: 'ok', bytes: BODY.length, self: keys.b, peers: 1 });
    const told = right!.events.filter(isMoved);
    expect(told.at(-1)!.transfer).toMatchObject({
      security: 'verified',
      route: 'fxp',
      peer: { tls: { protocol: 'TLSv1.3', resumed: false, pin: keys.a } },
    });
  });

  test('a wrong key at the active end: nothing is made, nothing is sent', async () => {
    await enter();
    await pinEachOther(a, b);
    await dcpa(a, `Peer=sha-256:${'0'.repeat(64)}`);
    const port = (await b.ok('EPSV')).text.match(/\|(\d+)\|/)![1]!;
    await a.ok(`EPRT |1|127.0.0.3|${port}|`);
    a.send('RETR body');
    b.send('STOR never');
    const refused = await a.read();
    expect([refused.code, refused.text]).toEqual([425, 'Data connection not authenticated.']);
    // It proved its own key, and the one that listens sees it go.
    const failed = await b.read();
    expect([failed.code, failed.text]).toEqual([
      522,
      expect.stringMatching(/^No data connection was authenticated/),
    ]);
    expect(existsSync(join(right!.root, 'never'))).toBe(false);
    expect(await dcpa(a)).toMatchObject({ last: 'failed', bytes: 0 });
    expect(await dcpa(b)).toMatchObject({ last: 'failed', bytes: 0 });
  });

  test('another session of the same user on the same server is not the peer', async () => {
    await enter();
    await pinEachOther(a, b);
    const twin = await left!.enterTls();
    const { self } = await dcpa(b);
    // It knows all that C knows: keys are public.
    await dcpa(twin, `Peer=sha-256:${self}`);
    const port = epsvPort(await b.ok('EPSV'));
    b.send('STOR ours');
    left!.put('theirs', 'another file');
    await twin.ok(`EPRT |1|127.0.0.3|${port}|`);
    twin.send('RETR theirs');
    // It proves a key, and not the one that is pinned; what it says itself of the octets that it wrote is no matter.
    const refused = await right!.event((e): e is Refused => e.event === 'peer-refused');
    expect(refused.why).toMatch(/is not pinned/);
    await a.ok(`EPRT |1|127.0.0.3|${port}|`);
    a.send('RETR body');
    const codes = await Promise.all([a, b].map(async (one) => (await outcome(one)).map(({ code }) => code)));
    expect(codes).toEqual([
      [150, 226],
      [150, 226],
    ]);
    expect(right!.read('ours').equals(BODY)).toBe(true);
  });

  test('an empty file, under MODE Z and TYPE A too', async () => {
    await enter();
    await pinEachOther(a, b);
    left!.put('empty', '');
    for (const [name, ...lines] of [['plain'], ['text', 'TYPE A'], ['packed', 'TYPE I', 'MODE Z']]) {
      for (const line of lines) await Promise.all([a.ok(line), b.ok(line)]);
      for (const file of ['empty', 'body']) {
        const target = `${name}-${file}`;
        const codes = await copy(
          { client: a, line: `RETR ${file}` },
          { client: b, line: `STOR ${target}` },
          'to',
        );
        expect([target, codes]).toEqual([target, { from: [150, 226], to: [150, 226] }]);
        if (name !== 'text') expect(right!.read(target).equals(left!.read(file))).toBe(true);
      }
    }
  });

  test('Self=host: one-sided in the audit log, TLS 1.2 where the server of TLS receives', async () => {
    await enter();
    const keys = { a: (await dcpa(a, 'Self=host')).self, b: (await dcpa(b, 'Self=host')).self };
    await dcpa(a, `Peer=sha-256:${keys.b};Role=client`);
    await dcpa(b, `Peer=sha-256:${keys.a};Role=server`);
    const codes = await copy({ client: a, line: 'RETR body' }, { client: b, line: 'STOR by-host' }, 'from');
    expect(codes).toEqual({ from: [150, 226], to: [150, 226] });
    const { transfer } = right!.events.filter(isMoved).at(-1)!;
    expect(transfer).toMatchObject({
      security: 'one-sided',
      peer: { tls: { protocol: 'TLSv1.2', pin: keys.a } },
    });
  });
});
