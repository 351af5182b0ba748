/** The thirteen failures of other clients, in the fast lane: many files under way at once over one connection (MODE E). */
import { chmodSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { exitCodeOf, exitCodeOfSummary } from '../../src/cli/exit.js';
import type { EngineEvent } from '../../src/engine/events.js';
import { pinned, at as placeAt, own as secure } from '../engine/dcpa/kit.js';
import { kinds, own, small } from '../engine/fast/kit.js';
import { type JackstayOptions, type JackstayPeer, startJackstay } from '../peers/real/jackstay.js';
import { at, during, look, noise, plant, type Ran, run, SHORT, summaryOf, wholeOf } from './bench.js';

const start = (options: JackstayOptions = {}): Promise<JackstayPeer> =>
  during(startJackstay({ quiet: true, ...options }));

/** Two of ours, each a process of its own that is nobody, the first with files. */
async function pair(
  files: Readonly<Record<string, string | Uint8Array>>,
): Promise<[JackstayPeer, JackstayPeer]> {
  const [a, b] = await Promise.all([start(), start()]);
  plant(a, files);
  return [a, b];
}

/** Small files in one directory. */
const flat = (count: number): Record<string, Buffer> =>
  Object.fromEntries(Array.from({ length: count }, (_, n) => [`tree/f${n}`, noise(1_000 + n, n)]));

const sameTree = (a: { home: string }, b: { home: string }, times = true): void =>
  expect(look(join(b.home, 'copy'), times)).toEqual(look(join(a.home, 'tree'), times));

/** What was said of everything that failed. */
const said = (ran: Ran): string =>
  [ran.error?.message ?? '', ...ran.of('file-failed').map(({ message }) => message)].join('\n');

/** Calls `act` at the nth file that is done. */
function atFile(nth: number, act: () => void): (event: EngineEvent) => void {
  let done = 0;
  return (event) => {
    if (event.event === 'file-done' && ++done === nth) act();
  };
}

describe('content', () => {
  it('1: empty files, the first, in the middle and the last, arrive with their times', async () => {
    const names = Array.from(
      { length: 60 },
      (_, n) => [`tree/f${n}`, n % 7 === 0 ? '' : noise(n, n)] as const,
    );
    const [a, b] = await pair(Object.fromEntries(names));
    const ran = await run(at(a, 'a', 'tree'), at(b, 'b', 'copy'), { parallel: 1 });
    expect(wholeOf(ran)).toMatchObject({ files: 60, verified: { digest: 60 } });
    expect(kinds(ran)).toEqual({ fast: 60 });
    sameTree(a, b);
  });

  it('2: 200 random files octet for octet, with TYPE I on every session', async () => {
    const [a, b] = await pair(small(200));
    const ran = await run(at(a, 'a', 'tree'), at(b, 'b', 'copy'));
    expect(wholeOf(ran)).toMatchObject({ files: 200, clientBytes: 0 });
    sameTree(a, b);
    for (const site of ['a', 'b']) {
      const logins = ran.of('login').filter((login) => login.site === site).length;
      expect(ran.sent(site, /^TYPE I/).length).toBeGreaterThanOrEqual(logins);
      expect(ran.sent(site, /^TYPE A/)).toEqual([]);
    }
  });

  it('3: a beginning among whole files is completed, one with another beginning is replaced', async () => {
    const big = noise(3_000_000);
    const [a, b] = await pair({
      ...small(40),
      'tree/big': big,
      'tree/other': noise(300_000, 4),
    });
    plant(b, { 'copy/big': big.subarray(0, 2_000_000), 'copy/other': noise(200_000, 5) });
    const ran = await run(at(a, 'a', 'tree'), at(b, 'b', 'copy'), { parallel: 1 });
    const small40 = Object.values(small(40)).reduce((sum, octets) => sum + octets.length, 0);
    expect(wholeOf(ran)).toMatchObject({ files: 42, failed: 0, bytes: small40 + 1_000_000 + 300_000 });
    sameTree(a, b);
  });

  it('8: files that cannot be read fail alone in the middle of a burst, and leave nothing behind', async () => {
    const [a, b] = await pair(small(120));
    const locked = ['d0/f30', 'd1/f61', 'd0/f90'];
    for (const name of locked) chmodSync(join(a.home, 'tree', name), 0);
    const ran = await run(at(a, 'a', 'tree'), at(b, 'b', 'copy'), { parallel: 1 });
    expect(summaryOf(ran)).toMatchObject({ files: 117, failed: 3 });
    expect(exitCodeOfSummary(summaryOf(ran))).toBe(1);
    const failed = ran.of('file-failed');
    expect(failed.map(({ path }) => path).toSorted()).toEqual(locked.toSorted());
    for (const { message } of failed) expect(message).toMatch(/^a: RETR .* was answered 550 /);
    const arrived = Object.keys(look(join(b.home, 'copy')));
    expect(arrived.filter((path) => locked.includes(path) || /jackstay/.test(path))).toEqual([]);
    expect(arrived).toHaveLength(119);
  });

  it('9: blanks, empty directories and times are kept; names that begin or end with one', async () => {
    const [a, b] = await pair({
      'tree/ lead and trail ': 'x',
      'tree/none/': '',
      'tree/sub/deep/ f': 'y',
      'tree/plain': 'z',
    });
    const ran = await run(at(a, 'a', 'tree'), at(b, 'b', 'copy'));
    expect(wholeOf(ran)).toMatchObject({ files: 3, skipped: 0, directories: 4 });
    sameTree(a, b);
  });
});

describe('routes', () => {
  it.each(['source', 'destination'] as const)(
    '4: the %s has FXP off: told with the server and its setting, nothing left',
    async (side) => {
      const [a, b] = await Promise.all([
        start({ variant: side === 'source' ? 'strict' : 'listed' }),
        start({ variant: side === 'destination' ? 'strict' : 'listed' }),
      ]);
      plant(a, small(19));
      const ran = await run(at(a, 'source', 'tree'), at(b, 'destination', 'copy'), SHORT);
      if (ran.error) {
        expect(ran.error.kind).toBe('no-route');
        expect(exitCodeOf(ran.error)).toBe(3);
        expect(`${ran.error.message} ${ran.error.facts.advice}`).toContain(side);
        expect(Object.values(look(b.home)).filter((what) => what !== 'dir')).toEqual([]);
      } else {
        expect(wholeOf(ran)).toMatchObject({ files: 19 });
        sameTree(a, b);
      }
    },
  );

  it('5: under TLS no session goes to PROT C, and every file says how it went', async () => {
    const [a, b] = [await secure({ files: small(80) }), await secure()];
    const ran = await run(placeAt(pinned(a, 'a'), 'tree'), placeAt(pinned(b, 'b'), 'copy'));
    expect(wholeOf(ran)).toMatchObject({ files: 80, security: 'verified', route: { kind: 'fast' } });
    for (const site of ['a', 'b']) expect(ran.sent(site, /^PROT C/)).toEqual([]);
    expect(new Set(ran.of('file-done').map(({ security }) => security))).toEqual(new Set(['verified']));
  });

  it('10: a wrong passive address is corrected to that of the control connection', async () => {
    const passive = { address: '10.99.99.99' };
    const [a, b] = await Promise.all([start(), start({ server: { passive } })]);
    plant(a, small(40));
    const ran = await run(at(a, 'a', 'tree'), at(b, 'b', 'copy'));
    expect(wholeOf(ran)).toMatchObject({ files: 40, route: { kind: 'fast' } });
    expect(ran.heard('b', /^227 .*10,99,99,99/).length).toBeGreaterThan(0);
    sameTree(a, b);
  });
});

describe('stalls and ends', () => {
  it.each(['source', 'destination'] as const)('6: the %s freezes in the middle of a burst', async (side) => {
    const [a, b] = await pair(flat(1_000));
    const frozen = side === 'source' ? a : b;
    const ran = await run(at(a, 'source', 'tree'), at(b, 'destination', 'copy'), {
      ...SHORT,
      parallel: 1,
      onEvent: atFile(50, () => frozen.freeze()),
    });
    expect(said(ran)).toMatch(new RegExp(`${side}(?: does not answer|: )`));
    const { files = 0, failed = 0 } = ran.of('summary')[0] ?? {};
    expect(files).toBeGreaterThanOrEqual(50);
    expect(files + failed).toBe(1_000);
    frozen.thaw();
    expect(Object.values(look(join(b.home, 'copy'))).length).toBeGreaterThan(0);
  });

  it('7: an empty source is a success without files and without a data connection', async () => {
    const [a, b] = await pair({ 'tree/none/': '' });
    const ran = await run(at(a, 'a', 'tree'), at(b, 'b', 'copy'));
    expect(wholeOf(ran)).toMatchObject({ files: 0, failed: 0, directories: 2 });
    expect(ran.sent('b', /^(PASV|EPSV)/)).toEqual([]);
  });

  it('11: a slow file shows its octets while it moves', async () => {
    const a = await own({ user: { rate: { down: 8_000_000 } } });
    const b = await start();
    plant(a, { 'tree/big': noise(20_000_000), 'tree/small': 'x' });
    const ran = await run(at(a, 'a', 'tree'), at(b, 'b', 'copy'), { parallel: 1 });
    wholeOf(ran);
    const shown = ran.of('progress').filter(({ path }) => path === 'big');
    expect(shown.length).toBeGreaterThan(0);
    for (const { bytes } of shown) expect(bytes).toBeLessThanOrEqual(20_000_000);
    sameTree(a, b);
  });

  it('12: a source that dies in the middle of a burst: no file is called done that is not', async () => {
    const [a, b] = await pair(flat(1_000));
    const ran = await run(at(a, 'a', 'tree'), at(b, 'b', 'copy'), {
      ...SHORT,
      onEvent: atFile(40, () => void a.stop()),
    });
    const done = ran.of('file-done').map(({ path }) => path);
    expect(done.length).toBeGreaterThanOrEqual(40);
    expect(done.length).toBeLessThan(1_000);
    expect(ran.error !== undefined || summaryOf(ran).failed > 0).toBe(true);
    const files = flat(1_000);
    const arrived = look(join(b.home, 'copy'));
    for (const path of done) expect(arrived[path]).toMatch(new RegExp(`^${files[`tree/${path}`]!.length} `));
    for (const [path, what] of Object.entries(arrived))
      if (what !== 'dir' && !path.endsWith('.jackstay'))
        expect(what).toMatch(new RegExp(`^${files[`tree/${path}`]!.length} `));
  });

  it('13: each server is asked for its own path', async () => {
    const [a, b] = await pair(small(30));
    const ran = await run(at(a, 'a', 'tree'), at(b, 'b', 'copy'), { verify: 'size' });
    expect(wholeOf(ran)).toMatchObject({ verified: { size: 30 } });
    expect(ran.sent('a', / \/copy\//)).toEqual([]);
    expect(ran.sent('b', / \/tree\//)).toEqual([]);
  });
});
