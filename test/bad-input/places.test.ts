/** Full disks, missing rights, targets in the way, sources that change under the transfer. */
import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import {
  chmodSync,
  mkdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  unlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { OnExists } from '../../src/engine/options.js';
import { partialName } from '../../src/engine/partial.js';
import { isRoot } from '../peers/host.js';
import { type Peer, type PeerName, requirePeer } from '../peers/peer.js';
import { startProftpd } from '../peers/real/proftpd.js';
import { startPyftpdlib } from '../peers/real/pyftpdlib.js';
import { startVsftpd } from '../peers/real/vsftpd.js';
import { type ScriptedOptions, startOrdinary } from '../peers/scripted/server.js';
import {
  at,
  attempt,
  expectClear,
  expectNothingHalf,
  folder,
  local,
  siteOf,
  sum,
  tree,
  up,
} from './helper.js';

const content = randomBytes(3 * 1024 * 1024);

/** A file system of 1 MiB over a folder, for the test at hand. */
function small(path: string): void {
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=1m,mode=0777', 'tmpfs', path]);
  onTestFinished(() => void execFileSync('umount', ['-l', path]));
}

function mayMount(): string | undefined {
  return isRoot ? undefined : 'only root can mount a small file system';
}

const REAL: [PeerName, () => Promise<Peer>][] = [
  ['proftpd', startProftpd],
  ['vsftpd', startVsftpd],
  ['pyftpdlib', startPyftpdlib],
];

describe('a full disk', () => {
  for (const [name, start] of REAL) {
    const missing = requirePeer(name) ?? mayMount();
    const title = `at the destination (${name})${missing ? ` (skipped: ${missing})` : ''}`;
    it.skipIf(missing)(`${title} is told, and what is left is said`, async () => {
      const source = await up(startOrdinary({ files: { 'f.bin': content } }));
      const peer = await up(start());
      small(peer.home);
      const run = await attempt(at(siteOf(source, 'A'), '/f.bin'), at(siteOf(peer, 'B'), 'f.bin'));
      expectClear(run, /A|B/, /STOR|RETR/);
      expect([...tree(peer.home).keys()]).not.toContain('f.bin');
      expectNothingHalf(run, peer.home, 'f.bin', content);
    });
  }

  it.skipIf(mayMount())('on this machine is told with the path, and the server is not blamed', async () => {
    const source = await up(startOrdinary({ files: { 'f.bin': content } }));
    const home = await folder();
    small(home);
    const run = await attempt(at(siteOf(source, 'A'), '/f.bin'), local(join(home, 'f.bin')), {
      maxAttempts: 4,
    });
    expectClear(run, 'A', /the disk is full \(ENOSPC\)/);
    expect(run.failures[0]).toMatchObject({
      attempts: 1,
      advice: expect.stringContaining('Free some space'),
    });
    expectNothingHalf(run, home, 'f.bin', content);
  });
});

describe('no right', () => {
  for (const [name, start] of REAL) {
    const missing = requirePeer(name) ?? (isRoot ? undefined : 'needs files of another user');
    const title = `${name}${missing ? ` (skipped: ${missing})` : ''}`;
    it.skipIf(missing)(
      `${title}: a directory that may not be written, a file that may not be read`,
      async () => {
        const good = await up(startOrdinary({ files: { 'f.bin': 'x' } }));
        const peer = await up(start());
        mkdirSync(join(peer.home, 'closed'), { mode: 0o755 });
        writeFileSync(join(peer.home, 'secret'), 'x', { mode: 0o600 });
        const into = await attempt(at(siteOf(good, 'A'), '/f.bin'), at(siteOf(peer, 'B'), 'closed/f.bin'));
        expectClear(into, 'B', /STOR .*closed\/f\.bin.* 55\d/);
        expect(tree(join(peer.home, 'closed')).size).toBe(0);
        const out = await attempt(at(siteOf(peer, 'B'), 'secret'), at(siteOf(good, 'A'), '/copy'));
        expectClear(out, 'B', /RETR .*secret.* 55\d/);
        expect([...tree(good.home).keys()]).toEqual(['f.bin']);
      },
    );
  }
});

describe('a target that exists', () => {
  const OLD = Date.UTC(2020, 0, 1);
  const NEW = Date.UTC(2024, 0, 1);

  /** Source `new` of 2024 over target `old` of the given year; gives the content afterwards and the word for the file. */
  async function over(onExists: OnExists, target: { text: string; time: number }): Promise<[string, string]> {
    const source = await up(startOrdinary({ files: { 'd/f': 'new' } }));
    const dest = await up(startOrdinary({ files: { 'd/f': target.text } }));
    utimesSync(join(source.home, 'd/f'), NEW / 1000, NEW / 1000);
    utimesSync(join(dest.home, 'd/f'), target.time / 1000, target.time / 1000);
    const run = await attempt(at(siteOf(source, 'A'), '/d'), at(siteOf(dest, 'B'), '/d'), { onExists });
    const word = run.events.flatMap((event) =>
      event.event === 'file-skipped' ? [event.reason] : event.event === 'file-failed' ? [event.message] : [],
    );
    if (run.failures.length > 0) expectClear(run, 'B');
    expect([...tree(dest.home).keys()]).toEqual(['d/f']);
    return [readFileSync(join(dest.home, 'd/f'), 'utf8'), word[0] ?? 'sent'];
  }

  it.each<[OnExists, string, number, [string, string]]>([
    ['skip', 'older and longer', OLD, ['older and longer', 'exists']],
    ['fail', 'older and longer', OLD, ['older and longer', 'B: the target exists']],
    ['overwrite', 'older and longer', OLD, ['new', 'sent']],
    ['newer', 'older and longer', OLD, ['new', 'sent']],
    ['newer', 'newer', NEW + 86_400_000, ['newer', 'older']],
    ['resume', 'older and longer', OLD, ['new', 'sent']],
    ['resume', 'ne', OLD, ['new', 'sent']],
    ['resume', 'xx', OLD, ['new', 'sent']],
    ['resume', 'new', NEW, ['new', 'same']],
    ['newer', 'new', NEW, ['new', 'same']],
  ])('%s over %j of %i', async (onExists, text, time, expected) => {
    expect(await over(onExists, { text, time })).toEqual(expected);
  });

  it('fail for one file by its name ends with the advice', async () => {
    const source = await up(startOrdinary({ files: { f: 'new' } }));
    const dest = await up(startOrdinary({ files: { f: 'old' } }));
    const run = await attempt(at(siteOf(source, 'A'), '/f'), at(siteOf(dest, 'B'), '/f'), {
      onExists: 'fail',
    });
    expectClear(run, '/f', /the target exists/);
    expect(run.error?.facts.advice).toContain('--on-exists');
  });
});

describe('a directory where a file should be, and the reverse', () => {
  const sites = async (a: ScriptedOptions['files'], b: ScriptedOptions['files']) => {
    const from = await up(startOrdinary({ files: a ?? {} }));
    const to = await up(startOrdinary({ files: b ?? {} }));
    return { from: siteOf(from, 'A'), to: siteOf(to, 'B'), home: to.home };
  };

  it('in a tree: told, and what is there stays', async () => {
    const { from, to, home } = await sites(
      { 'd/one': 'file', 'd/two/x': 'in a directory' },
      { 'd/one/keep': 'in a directory', 'd/two': 'file' },
    );
    const run = await attempt(at(from, '/d'), at(to, '/d'), { onExists: 'overwrite' });
    expect(run.failures.map(({ path }) => path).sort()).toEqual(['one', 'two']);
    for (const failure of run.failures) expectClear({ ...run, failures: [failure] }, 'B', /in the way/);
    expect([...tree(home)].sort()).toEqual([
      ['d/one/keep', sum('in a directory')],
      ['d/two', sum('file')],
    ]);
  });

  it('a directory onto a file', async () => {
    const { from, to, home } = await sites({ 'd/x': 'x' }, { d: 'file' });
    const run = await attempt(at(from, '/d'), at(to, '/d'));
    expectClear(run, 'B', /is a file/);
    expect([...tree(home).keys()]).toEqual(['d']);
  });

  it('a file onto a directory goes into it', async () => {
    const { from, to, home } = await sites({ f: 'x' }, { 'd/': '' });
    const run = await attempt(at(from, '/f'), at(to, '/d'));
    expect(run.summary).toMatchObject({ files: 1, failed: 0 });
    expect([...tree(home).keys()]).toEqual(['d/f']);
  });

  it('a source that is not there', async () => {
    const { from, to } = await sites({}, {});
    expectClear(await attempt(at(from, '/none'), at(to, '/d')), 'A', /there is no \/none/);
  });
});

describe('a source that changes during the transfer', () => {
  /** Copies 3 MiB, and runs `change` when the first MiB has left. */
  async function changing(change: (path: string) => void, maxAttempts: number) {
    let once = false;
    let path = '';
    const source = await up(
      startOrdinary({
        files: { 'f.bin': content },
        hooks: {
          gate: (transfer) => {
            if (transfer.verb !== 'RETR' || transfer.moved < 1024 * 1024 || once) return undefined;
            once = true;
            change(path);
            return undefined;
          },
        },
      }),
    );
    path = join(source.home, 'f.bin');
    const dest = await up(startOrdinary());
    const from = at(siteOf(source, 'A'), '/f.bin');
    const run = await attempt(from, at(siteOf(dest, 'B'), '/f.bin'), { maxAttempts });
    expect(once).toBe(true);
    return { run, home: dest.home };
  }

  it('another content of another size: sent again, and the new one arrives whole', async () => {
    const fresh = randomBytes(2 * 1024 * 1024);
    const { run, home } = await changing((path) => writeFileSync(path, fresh), 4);
    expect(run.failures).toEqual([]);
    expect([...tree(home)]).toEqual([['f.bin', sum(fresh)]]);
  });

  it('growth: the whole new file arrives', async () => {
    const longer = Buffer.concat([content, randomBytes(1000)]);
    const { run, home } = await changing((path) => writeFileSync(path, longer), 4);
    expect(run.failures).toEqual([]);
    expect([...tree(home)]).toEqual([['f.bin', sum(longer)]]);
  });

  it('a file that vanishes is told', async () => {
    const { run, home } = await changing((path) => unlinkSync(path), 1);
    const { summary } = run;
    // The open file was sent to its end, or its loss was noticed: never a false success.
    if (summary?.failed === 0) expect([...tree(home)]).toEqual([['f.bin', sum(content)]]);
    else expectClear(run, /A|B/);
  });
});

describe('this machine', () => {
  it('an upload of a file that is not there', async () => {
    const peer = await up(startOrdinary());
    const run = await attempt(local(join(await folder(), 'none')), at(siteOf(peer, 'B'), '/x'));
    expectClear(run, '/none', /there is no/);
    expect(peer.log()).not.toContain('STOR');
  });

  it('an unreadable file is told with its path, and nothing is stored under its name', async () => {
    const peer = await up(startOrdinary());
    const home = await folder();
    writeFileSync(join(home, 'secret'), 'x');
    writeFileSync(join(home, 'open'), 'y');
    chmodSync(join(home, 'secret'), 0);
    chmodSync(home, 0o755);
    chmodSync(peer.home, 0o777);
    const run = await asNobody(() => attempt(local(home), at(siteOf(peer, 'B'), '/d')));
    expect(run.summary).toMatchObject({ files: 1, failed: 1 });
    expectClear(run, join(home, 'secret'), /no permission/);
    expect([...tree(peer.home).keys()]).toEqual(['d/open']);
  });

  it('a local directory that may not be written', async () => {
    const peer = await up(startOrdinary({ files: { f: 'x' } }));
    const home = await folder();
    chmodSync(home, 0o555);
    chmodSync(peer.home, 0o777);
    const run = await asNobody(() => attempt(at(siteOf(peer, 'A'), '/f'), local(join(home, 'f'))));
    expectClear(run, home, /no permission/);
    expect(tree(home).size).toBe(0);
  });

  it.each(['overwrite', 'resume', 'newer'] as const)(
    'a link planted at the local target is not followed (%s)',
    async (onExists) => {
      const peer = await up(startOrdinary({ files: { 'd/f': 'new' } }));
      const home = await folder();
      const victim = join(await folder(), 'victim');
      writeFileSync(victim, 'precious');
      symlinkSync(victim, join(home, 'f'));
      await attempt(at(siteOf(peer, 'A'), '/d'), local(home), { onExists });
      expect(readFileSync(victim, 'utf8')).toBe('precious');
    },
  );

  it('a link planted at the temporary name is not followed either', async () => {
    const peer = await up(startOrdinary({ files: { 'd/f': 'new' } }));
    const home = await folder();
    const first = await attempt(at(siteOf(peer, 'A'), '/d'), local(home));
    const victim = join(await folder(), 'victim');
    writeFileSync(victim, '');
    const opened = first.events.find((event) => event.event === 'file-done');
    expect(opened).toBeDefined();
    unlinkSync(join(home, 'f'));
    // The temporary name is the same for the same version of the source.
    const name = partialNameOf(peer.home);
    symlinkSync(victim, join(home, name));
    const run = await attempt(at(siteOf(peer, 'A'), '/d'), local(home));
    expect(readFileSync(victim, 'utf8')).toBe('');
    if (run.failures.length > 0) expectClear(run, home);
  });
});

/** Runs with the rights of nobody, where this process has more; scripted servers lose them, too. */
async function asNobody<T>(work: () => Promise<T>): Promise<T> {
  if (!isRoot) return work();
  process.seteuid?.(65534);
  try {
    return await work();
  } finally {
    process.seteuid?.(0);
  }
}

function partialNameOf(home: string): string {
  const { size, mtimeMs } = statSync(join(home, 'd/f'));
  return partialName('f', size, Math.floor(mtimeMs / 1000) * 1000);
}
