/** Names and sizes that attack, replies and listings without end. */
import { randomBytes } from 'node:crypto';
import { symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { backend } from '../../src/cli/engine-backend.js';
import { runCli } from '../cli/harness.js';
import { type FaultPoint, startFault } from '../peers/scripted/fault.js';
import { HOSTILE_NAMES, startHostile } from '../peers/scripted/hostile.js';
import { startIis } from '../peers/scripted/iis.js';
import { type Lie, startLiar } from '../peers/scripted/liar.js';
import { startOrdinary } from '../peers/scripted/server.js';
import { at, attempt, expectClear, expectNothingHalf, folder, local, siteOf, tree, up } from './helper.js';

/** Names that are one clean component; `a` is what a line end leaves of `a\r\nDELE b`: a line like any other. */
const HARMLESS = ['C:\\x', '\u202egnp.exe', '-rf', 'a', 'good.txt'];
const DANGEROUS = HOSTILE_NAMES.filter(
  (name) => name !== '' && !/^\.{1,2}$|[\r\n]/.test(name) && !HARMLESS.includes(name),
);

/** Lines of a transcript that carry a path. */
const pathsIn = (log: string): string[] =>
  log.split('\n').filter((line) => /^(STOR|RNFR|RNTO|MKD|DELE|MFMT|SIZE|RETR|CWD) /.test(line));

describe('names that attack', () => {
  it('never reach the other server, and are told escaped', async () => {
    const source = await up(startHostile({ files: { 'd/good.txt': 'good' } }));
    const target = await up(startOrdinary());
    const url = (peer: typeof source, path: string) =>
      `ftp://${peer.user}:${peer.password}@${peer.host}:${peer.port}/${path}`;
    const { code, out, err } = await runCli(['copy', url(source, 'd'), url(target, 'to')], backend);
    expect(code).toBe(1);
    for (const line of pathsIn(target.log())) {
      expect(line).toMatch(/^\w+ (?:\d{14} )?\/to(?:\/[^/]+)?$/);
      expect(line).not.toMatch(/[\0-\x1f\x7f]|\.\.|x{300}/);
    }
    expect(target.commands().some((line) => line.startsWith('DELE b'))).toBe(false);
    expect([...tree(target.home).keys()].sort()).toEqual(HARMLESS.map((name) => `to/${name}`).sort());
    expect(out + err).not.toMatch(/[\0-\x08\x0b-\x1f\x7f\u202e]/);
    expect(err).toContain('\\u{001B}]0;title\\u{0007}');
    expect(err).toContain(`${source.host}:${source.port} lists a name that is not used`);
    expect(err).toContain('Rename it at that server.');
  });

  it.each(DANGEROUS)('%j is refused for a local target, too', async (name) => {
    const source = await up(startHostile({ names: [name], files: { 'd/good.txt': 'good' } }));
    const home = await folder();
    const run = await attempt(at(siteOf(source, 'A'), '/d'), local(join(home, 'to')));
    expect([...tree(home).keys()]).toEqual(['to/good.txt']);
    expectClear(run, 'A', /lists a name that/);
  });

  it.each(['a\\b', 'con', 'x:stream', 'dot.'])('%j does not reach a server on Windows', async (name) => {
    const source = await up(startHostile({ names: [name] }));
    const target = await up(startIis());
    const run = await attempt(at(siteOf(source, 'A'), '/'), at(siteOf(target, 'W'), '/to'));
    expectClear(run, 'W', /Windows system, where this name (holds|is a device|ends)/);
    expect(target.log()).not.toContain(name);
  });

  it('a directory in itself does not go on for ever', async () => {
    const source = await up(startHostile({ names: [], loop: true }));
    const run = await attempt(at(siteOf(source, 'A'), '/'), local(join(await folder(), 'to')), {
      parallel: 1,
    });
    expect(run.summary?.failed).toBe(1);
    expect(run.failures[0]?.message).toMatch(/more than 100 directories deep/);
    expect(run.failures[0]?.advice).toBeTruthy();
  });
});

describe('sizes that lie', () => {
  const content = randomBytes(50_000);

  it.each([10, 0, 90_000])(
    'a listing and SIZE of %i instead of 50000: nothing wrong is kept',
    async (size) => {
      const source = await up(
        startHostile({ names: [], sizes: { 'f.bin': size }, files: { 'd/f.bin': content } }),
      );
      const target = await up(startOrdinary());
      const run = await attempt(at(siteOf(source, 'A'), '/d'), at(siteOf(target, 'B'), '/'), {
        maxAttempts: 2,
      });
      expectClear(run, /A|B/, /50000 octets|of 90000/);
      expect([...tree(target.home).keys()]).toEqual([]);
    },
  );

  it.each<[Lie, RegExp]>([
    ['short', /25000 octets of 50000/],
    ['nothing-stored', /there is no|octets/],
    ['altered', /altered/],
  ])('a destination that says 226 and keeps it %s', async (lie, says) => {
    const source = await up(startOrdinary({ files: { 'f.bin': content } }));
    const target = await up(startLiar({ lie }));
    const run = await attempt(at(siteOf(source, 'A'), '/f.bin'), at(siteOf(target, 'B'), '/f.bin'));
    expectClear(run, 'B', says);
    expectNothingHalf(run, target.home, 'f.bin', content);
  });

  it('what no size and no digest can show is not called proven by digest', async () => {
    const source = await up(startOrdinary({ files: { 'f.bin': content } }));
    const target = await up(startLiar({ lie: 'altered', digests: false }));
    const run = await attempt(at(siteOf(source, 'A'), '/f.bin'), at(siteOf(target, 'B'), '/f.bin'));
    expect(run.summary?.verified).toEqual({ digest: 0, size: 1, none: 0 });
  });

  it('--verify digest does not take less than a digest', async () => {
    const source = await up(startOrdinary({ files: { 'f.bin': content } }));
    const target = await up(startLiar({ lie: 'altered', digests: false }));
    const from = at(siteOf(source, 'A'), '/f.bin');
    const run = await attempt(from, at(siteOf(target, 'B'), '/f.bin'), { verify: 'digest' });
    expectClear(run, 'B', /digest|XMD5/);
    expectNothingHalf(run, target.home, 'f.bin', content);
  });
});

describe('without end', () => {
  /** Octets that may be on their way in the buffers of sockets when a limit is passed. */
  const BUFFERS = 8 * 1024 * 1024;

  it.each<FaultPoint>(['greeting', 'user', 'feat', 'pwd', 'mlst', 'size'])(
    'a reply to %s is given up at 1 MiB',
    async (point) => {
      const bad = await up(startFault({ at: point, how: 'endless', files: { f: 'x' } }));
      const before = process.memoryUsage().rss;
      const run = await attempt(at(siteOf(bad, 'BAD'), '/f'), local(join(await folder(), 'f')), {
        commandTimeout: 20_000,
      });
      expectClear(run, 'BAD', /a reply is longer than 1048576 octets/);
      expect(process.memoryUsage().rss - before).toBeLessThan(1024 * 1024 + 16 * BUFFERS);
    },
  );

  it('a listing is given up at 50 MiB', async () => {
    const bad = await up(startFault({ at: 'listing', how: 'endless', files: { f: 'x' } }));
    const run = await attempt(at(siteOf(bad, 'BAD'), '/'), local(join(await folder(), 'd')), {
      commandTimeout: 20_000,
    });
    expectClear(run, 'BAD', /52428800 octets|1000000 entries/);
    const { clientBytes = 0 } = run.summary ?? {};
    expect(clientBytes).toBeLessThan(4 * 50 * 1024 * 1024 + BUFFERS);
  });
});

describe('links', () => {
  it('a link at the local target is replaced, never followed', async () => {
    const source = await up(startOrdinary({ files: { 'd/f.bin': 'new' } }));
    const home = await folder();
    const elsewhere = await folder();
    symlinkSync(join(elsewhere, 'victim'), join(home, 'f.bin'));
    await attempt(at(siteOf(source, 'A'), '/d'), local(home), { onExists: 'overwrite' });
    expect([...tree(elsewhere).keys()]).toEqual([]);
  });
});
