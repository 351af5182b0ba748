/** Two servers of ours copy to each other, each with the other's key of this login pinned (docs/dcpa.md). */
import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { ServerEvent } from '../../src/server/events.js';
import { copy, dcpa, pinEachOther, pinnedServer } from './dcpa-kit.js';
import type { ControlClient, TestServer } from './harness.js';

const BODY = randomBytes(300_007);

describe.each([
  ['in this thread', 0],
  ['in worker threads', 2],
])('data %s', (_where, threads) => {
  let [left, right]: TestServer[] = [];
  let a: ControlClient;
  let b: ControlClient;
  beforeAll(async () => {
    left = await pinnedServer('127.0.0.2', { threads, files: { body: BODY } });
    right = await pinnedServer('127.0.0.3', { threads });
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
    const told = right!.events.filter(
      (e): e is Extract<ServerEvent, { event: 'transfer' }> => e.event === 'transfer',
    );
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
});
