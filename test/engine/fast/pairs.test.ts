/** Many files over one kept connection (MODE E), between two of ours and with the GridFTP server, in every pairing. */
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { VerifyPolicy } from '../../../src/engine/options.js';
import { memoryRoutes } from '../../../src/engine/route-memory.js';
import { at, look, noise, plant, run, wholeOf } from '../../failures/bench.js';
import { pinned, at as place, own as proving } from '../dcpa/kit.js';
import { kinds, noGridftp, own, PAIRS, pair, small } from './kit.js';

describe.each(PAIRS)('%s to %s', (from, to, absent) => {
  it.skipIf(absent)('two hundred files over one connection, each with its time', async () => {
    const [a, b] = await pair(from, to, small(200));
    const ran = await run(at(a, 'a', 'tree'), at(b, 'b', 'copy'), { parallel: 1 });
    expect(wholeOf(ran)).toMatchObject({ files: 200, clientBytes: 0, route: { kind: 'fast' } });
    expect(kinds(ran)).toEqual({ fast: 200 });
    const kept = to === 'ours';
    expect(look(join(b.home, 'copy'), kept)).toEqual(look(join(a.home, 'tree'), kept));
    expect(ran.sent('a', /^PORT/)).toHaveLength(1);
    expect(ran.heard('b', /^125/).length).toBeGreaterThanOrEqual(199);
    if (from === to && to === 'ours') expect(ran.sent('b', /^ESTO F/)).toHaveLength(199);
  });

  it.skipIf(absent)('a big file, and the small ones before and behind it', async () => {
    const files = { ...small(20), 'tree/d0/big': noise(40_000_003, 7) };
    const [a, b] = await pair(from, to, files);
    const ran = await run(at(a, 'a', 'tree'), at(b, 'b', 'copy'), { parallel: 1 });
    expect(wholeOf(ran)).toMatchObject({ files: 21, clientBytes: 0 });
    expect(kinds(ran)).toEqual({ fast: 21 });
    expect(look(join(b.home, 'copy'))).toEqual(look(join(a.home, 'tree')));
  });
});

describe('two of ours', () => {
  it('prove by what the replies tell: nothing is read again, and one command a file is sent to each', async () => {
    const [a, b] = await pair('ours', 'ours', small(50));
    const ran = await run(at(a, 'a', 'tree'), at(b, 'b', 'copy'), { parallel: 1 });
    expect(wholeOf(ran)).toMatchObject({ verified: { digest: 50 } });
    for (const site of ['a', 'b']) expect(ran.sent(site, /HASH|^SIZE|^CKSM/)).toEqual([]);
    expect(ran.sent('b', /^(MFMT|RNFR|STOR)/)).toHaveLength(3);
  });

  it.each<[VerifyPolicy, object, number]>([
    ['size', { size: 30 }, 0],
    ['none', { none: 30 }, 0],
    ['digest', { digest: 30 }, 1],
  ])('with verify %s', async (verify, verified, asked) => {
    const [a, b] = await pair('ours', 'ours', small(30));
    const ran = await run(at(a, 'a', 'tree'), at(b, 'b', 'copy'), { parallel: 1, verify });
    expect(wholeOf(ran)).toMatchObject({ files: 30, verified });
    expect(ran.sent('b', /^OPTS STOR Digest/)).toHaveLength(asked);
    expect(look(join(b.home, 'copy'), true)).toEqual(look(join(a.home, 'tree'), true));
  });

  it('under DCPA with several sessions', async () => {
    const [a, b] = [await proving({ files: small(300) }), await proving()];
    const ran = await run(place(pinned(a, 'one'), 'tree'), place(pinned(b, 'two'), 'copy'), { parallel: 3 });
    expect(wholeOf(ran)).toMatchObject({
      files: 300,
      security: 'verified',
      route: { kind: 'fast', pins: 'both' },
    });
    expect(look(`${b.root}/copy`)).toEqual(look(`${a.root}/tree`));
  });

  it('mode, pins and endpoint leave together: nothing waits for the answer before it', async () => {
    const [a, b] = [await proving({ files: small(10) }), await proving()];
    const ran = await run(place(pinned(a, 'one'), 'tree'), place(pinned(b, 'two'), 'copy'), { parallel: 1 });
    wholeOf(ran);
    const dialogue = ran.of('dialogue').filter(({ site }) => site === 'two');
    const at = (direction: string, text: RegExp): number =>
      dialogue.findIndex((event) => event.direction === direction && text.test(event.text));
    expect(at('>', /^DCPA Self/)).toBeGreaterThan(-1);
    expect(at('>', /^PASV/)).toBeGreaterThan(-1);
    expect(at('>', /^DCPA Self/)).toBeLessThan(at('<', /Mode is extended block/));
    expect(at('>', /^(PASV|EPSV)/)).toBeGreaterThan(at('>', /^DCPA Peer/));
    expect(at('>', /^(PASV|EPSV)/)).toBeLessThan(at('<', /^200 DCPA .*Peer=1/));
  });

  it('under TLS where nobody vouches for a certificate', async () => {
    const [a, b] = [await own({ files: small(60), tls: 'optional' }), await own({ tls: 'optional' })];
    const secure = { tls: 'explicit', insecure: true } as const;
    const ran = await run(at(a, 'a', 'tree', secure), at(b, 'b', 'copy', secure), { parallel: 2 });
    expect(wholeOf(ran)).toMatchObject({ files: 60, security: 'encrypted', route: { kind: 'fast' } });
    expect(look(join(b.home, 'copy'))).toEqual(look(join(a.home, 'tree')));
  });

  it('names of all kinds', async () => {
    const names = [
      'a b',
      ' lead',
      'trail ',
      '-dash',
      '%41',
      'ü',
      '日本',
      '*?[x]',
      '"quoted"',
      "it's",
      '\\',
      'a;b',
      '~',
      'F Size=1; x',
    ];
    const files = Object.fromEntries(names.map((name, i) => [`tree/${name}`, noise(100 + i, i)]));
    const [a, b] = await pair('ours', 'ours', files);
    const ran = await run(at(a, 'a', 'tree'), at(b, 'b', 'copy'), { parallel: 1 });
    expect(wholeOf(ran)).toMatchObject({ files: names.length });
    expect(look(join(b.home, 'copy'))).toEqual(look(join(a.home, 'tree')));
    expect(kinds(ran)).toEqual({ fast: names.length });
  });

  it('files that stand there are replaced whole, skipped or refused as asked', async () => {
    const [a, b] = await pair('ours', 'ours', small(40));
    const [from, to] = [at(a, 'a', 'tree'), at(b, 'b', 'copy')];
    wholeOf(await run(from, to));
    expect(wholeOf(await run(from, to))).toMatchObject({ files: 0, skipped: 40 });
    plant(a, Object.fromEntries(Object.keys(small(40)).map((name, i) => [name, noise(900 + i, i + 99)])));
    const again = await run(from, to, { onExists: 'overwrite' });
    expect(wholeOf(again)).toMatchObject({ files: 40 });
    // In clear, an old target goes only when the new one is compared.
    expect(again.sent('b', /^ESTO F/)).toEqual([]);
    expect(again.sent('b', /^RNTO/)).toHaveLength(40);
    expect(look(join(b.home, 'copy'), true)).toEqual(look(join(a.home, 'tree'), true));
    expect(wholeOf(await run(from, to, { onExists: 'skip' }))).toMatchObject({ files: 0, skipped: 40 });
  });

  it('modes where they are wanted', async () => {
    const [a, b] = await pair('ours', 'ours', small(10));
    const ran = await run(at(a, 'a', 'tree'), at(b, 'b', 'copy'), { parallel: 1, preserve: { modes: true } });
    wholeOf(ran);
    expect(ran.sent('b', /^SITE CHMOD/).length).toBeGreaterThanOrEqual(10);
  });

  it('a route that is remembered is taken at once', async () => {
    const routes = memoryRoutes();
    const [a, b] = await pair('ours', 'ours', small(10));
    wholeOf(await run(at(a, 'a', 'tree'), at(b, 'b', 'one'), { routes }));
    const ran = await run(at(a, 'a', 'tree'), at(b, 'b', 'two'), { routes });
    wholeOf(ran);
    expect(ran.of('route')).toMatchObject([{ remembered: true, route: { kind: 'fast' } }]);
  });
});

describe.skipIf(noGridftp)('a source that goes on behind a file that fails', () => {
  it('gets temporary names at the destination', async () => {
    const [a, b] = await pair('GridFTP', 'ours', small(20));
    const ran = await run(at(a, 'a', 'tree'), at(b, 'b', 'copy'), { parallel: 1 });
    wholeOf(ran);
    expect(ran.sent('b', /^ESTO/)).toEqual([]);
    expect(ran.sent('b', /^STOR .*\.jackstay$/)).toHaveLength(20);
  });
});
