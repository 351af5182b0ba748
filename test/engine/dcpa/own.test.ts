/** Two servers of ours: both prove their keys, by every door, and what that costs. */
import { networkInterfaces } from 'node:os';
import { describe, expect, it, onTestFinished } from 'vitest';
import { SitePool } from '../../../src/client/pool.js';
import { memoryTrust } from '../../../src/client/trust.js';
import { check } from '../../../src/engine/index.js';
import { Lane } from '../../../src/engine/lane.js';
import { plan } from '../../../src/engine/plan.js';
import { runAttempt } from '../../../src/engine/run-attempt.js';
import { look, noise, run, wholeOf } from '../../failures/bench.js';
import { at, own, pinned } from './kit.js';

const TREE = { 'tree/f': noise(3_000_000), 'tree/deep/g': 'x', 'tree/none': '' };
const FAST = ['PASV@dst', 'EPSV@dst'];
const BOTH = ['DCPA PASV@dst', 'DCPA PASV@src', 'DCPA EPSV@dst', 'DCPA EPSV@src'];

describe('two servers that have DCPA', () => {
  it('prove their keys to each other, in both directions', async () => {
    const [a, b] = [await own({ files: TREE }), await own()];
    const [one, two] = [pinned(a, 'one'), pinned(b, 'two')];
    const there = await run(at(one, 'tree'), at(two, 'copy'), { security: 'verified' });
    expect(wholeOf(there)).toMatchObject({ files: 3, security: 'verified', clientBytes: 0 });
    expect(there.of('route')).toMatchObject([
      {
        security: 'verified',
        route: { by: 'DCPA', pins: 'both', passive: 'destination', tlsClient: 'destination' },
      },
    ]);
    const back = await run(at(two, 'copy'), at(one, 'back'), { security: 'verified' });
    expect(wholeOf(back)).toMatchObject({ files: 3, security: 'verified' });
    expect(look(`${a.root}/back`)).toEqual(look(`${a.root}/tree`));
  });

  it('are asked once for a pair of sessions: a thousand files cost no round trip more', async () => {
    const files = Object.fromEntries(Array.from({ length: 1000 }, (_, n) => [`many/${n}`, `file ${n}`]));
    const [a, b] = [await own({ files }), await own()];
    const ran = await run(at(pinned(a, 'one'), 'many'), at(pinned(b, 'two'), 'copy'), { parallel: 1 });
    expect(wholeOf(ran)).toMatchObject({ files: 1000, security: 'verified', verified: { digest: 1000 } });
    for (const [site, other] of [
      ['one', 'two'],
      ['two', 'one'],
    ] as const) {
      expect(ran.sent(site, /^DCPA/)).toEqual([
        'DCPA Self=session',
        expect.stringMatching(/^DCPA Peer=sha-256:[0-9a-f]{64};Role=auto$/),
      ]);
      const [shown] = ran.heard(other, /^200 DCPA/);
      expect(ran.sent(site, /^DCPA Peer/)[0]).toContain(/Self=(sha-256:\w+)/.exec(shown!)![1]);
    }
    // One for a listing, one for all files.
    expect(ran.sent('two', /^PASV/).length).toBeLessThanOrEqual(2);
    expect(ran.sent('one', /^PORT/)).toHaveLength(1);
    expect(ran.sent('one', /^RETR/)).toHaveLength(1000);
  });

  it('are joined by every door, and the pins go where the next way wants none', async () => {
    const [a, b] = [await own({ mode: 'open' }), await own({ mode: 'open' })];
    const said: string[] = [];
    const report = await check(pinned(a, 'one'), pinned(b, 'two'), {
      onEvent: (e) => e.event === 'dialogue' && e.direction === '>' && e.site === 'one' && said.push(e.text),
    });
    const there = report.routes.filter(({ from, outcome }) => from === 'one' && outcome === 'ok');
    expect(there.map(({ attempt }) => attempt)).toEqual([
      ...FAST.map((door) => `fast DCPA ${door}`),
      ...BOTH,
      ...FAST.map((door) => `fast SSCN@dst ${door}`),
      ...FAST.map((door) => `fast SSCN@src ${door}`),
      'CPSV@dst',
      ...['PASV@dst', 'PASV@src', 'EPSV@dst', 'EPSV@src'].map((door) => `SSCN@dst ${door}`),
      'CPSV@src',
      ...['PASV@src', 'PASV@dst', 'EPSV@src', 'EPSV@dst'].map((door) => `SSCN@src ${door}`),
    ]);
    expect(there.map(({ security }) => security === 'verified')).toEqual(there.map((_, at) => at < 6));
    expect(there.filter(({ chosen }) => chosen).map(({ attempt }) => attempt)).toEqual([
      'fast DCPA PASV@dst',
    ]);
    expect(report.advice).toEqual([]);
    // Off before the first CPSV of each direction.
    expect(said.filter((text) => text === 'DCPA OFF')).toHaveLength(2);
    expect(said.filter((text) => /^DCPA Self/.test(text))).toHaveLength(2);
  });

  it('are called encrypted while nobody vouches for a certificate, and verified from the second time on', async () => {
    const [a, b] = [await own({ files: TREE }), await own()];
    const trust = memoryTrust();
    const site = (server: typeof a, name: string) => {
      const { pin: _pin, ...rest } = pinned(server, name);
      return rest;
    };
    const first = await run(at(site(a, 'one'), 'tree'), at(site(b, 'two'), 'x'), { trust });
    expect(wholeOf(first)).toMatchObject({ security: 'encrypted', route: { pins: 'both' } });
    const second = await run(at(site(a, 'one'), 'tree'), at(site(b, 'two'), 'y'), { trust });
    expect(wholeOf(second)).toMatchObject({ security: 'verified', route: { pins: 'both' } });
    const careless = { ...site(a, 'one'), insecure: true };
    const third = await run(at(careless, 'tree'), at(site(b, 'two'), 'z'), { trust });
    expect(wholeOf(third)).toMatchObject({ security: 'encrypted', route: { pins: 'both' } });
    const refused = await run(at(careless, 'tree'), at(site(b, 'two'), 'v'), { trust, security: 'verified' });
    expect(refused.error).toMatchObject({ kind: 'no-route' });
    expect(refused.error?.message).toContain('nobody vouches for the certificate of one');
    expect(refused.error?.facts.advice).toContain('pin it (--pin)');
  });

  const v6 = Object.values(networkInterfaces())
    .flat()
    .some((each) => each?.address === '::1');
  it.skipIf(!v6)('prove their keys over IPv6', async () => {
    const [a, b] = [await own({ host: '::1', files: TREE }), await own({ host: '::1' })];
    const ran = await run(at(pinned(a, 'one'), 'tree'), at(pinned(b, 'two'), 'copy'), {
      security: 'verified',
    });
    expect(wholeOf(ran)).toMatchObject({
      files: 3,
      security: 'verified',
      route: { family: 6, technique: 'EPSV' },
    });
    expect(look(`${b.root}/copy`)).toEqual(look(`${a.root}/tree`));
  });

  it('are told of a new key when one session is replaced', async () => {
    const [a, b] = [await own({ files: TREE }), await own()];
    const said: string[] = [];
    const pool = (server: typeof a, name: string) =>
      new SitePool(pinned(server, name), {
        onDialogue: (site, session, direction, text) =>
          direction === '>' && /^DCPA/.test(text) && said.push(`${site}#${session} ${text.slice(0, 9)}`),
      });
    const [one, two] = [pool(a, 'one'), pool(b, 'two')];
    onTestFinished(async () => void (await Promise.all([one.close(), two.close()])));
    const lane = new Lane(0, { kind: 'remote', pool: one }, { kind: 'remote', pool: two });
    const move = async (target: string): Promise<string> => {
      await lane.connect();
      const [source, destination] = [lane.connection('source'), lane.connection('destination')];
      const attempt = plan(source.facts, destination.facts, 'verified').attempts[0]!;
      const paths = { sourcePath: '/tree/f', destinationPath: `/${target}` };
      return (await runAttempt({ source, destination, attempt, ...paths, offset: 0, eager: false })).kind;
    };
    expect([await move('x'), await move('y')]).toEqual(['done', 'done']);
    const before = said.splice(0);
    expect(before.toSorted()).toEqual([
      'one#1 DCPA Peer',
      'one#1 DCPA Self',
      'two#1 DCPA Peer',
      'two#1 DCPA Self',
    ]);
    await lane.connection('destination').session.quit();
    expect(await move('z')).toBe('done');
    expect(said.toSorted()).toEqual(['one#1 DCPA Peer', 'two#2 DCPA Peer', 'two#2 DCPA Self']);
    lane.release();
  });
});
