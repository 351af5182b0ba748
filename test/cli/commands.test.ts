import { describe, expect, it } from 'vitest';
import type { CheckReport, ConnectOptions } from '../../src/cli/backend.js';
import { longLine } from '../../src/cli/commands/ls.js';
import type { CopyOptions, Place } from '../../src/engine/options.js';
import type { Entry } from '../../src/protocol/entry.js';
import { FtpError } from '../../src/protocol/errors.js';
import type { SiteSettings } from '../../src/protocol/site.js';
import { filesWith, runCli, SUMMARY } from './harness.js';

const URL_A = 'ftps://u:pw-one@a.example/x';
const URL_B = 'ftps://v:pw-two@b.example/y/';
const entry = (name: string, type: Entry['type'], more: Partial<Entry> = {}): Entry => ({
  name,
  type,
  ...more,
});

/** A tree below `top`, as a listing would show it; `loop` contains itself. */
const TREE: Record<string, Entry[]> = {
  top: [
    entry('sub', 'dir'),
    entry('b\u001b.txt', 'file', { size: 2048 }),
    entry('a', 'file', { size: 5, mode: 0o640, modified: Date.UTC(2026, 10, 5, 12, 34) }),
    entry('..', 'dir'),
    entry('ln', 'link', { target: 'a' }),
  ],
  'top/sub': [entry('c', 'file', { size: 1 })],
};
const listing = () => filesWith({ list: async (path) => structuredClone(TREE[path] ?? []) });

describe('copy and its kin', () => {
  it.each([
    ['copy', 'copy', [URL_A, URL_B], 'a.example', 'b.example'],
    ['sync', 'sync', [URL_A, URL_B, '--delete'], 'a.example', 'b.example'],
    ['get', 'copy', [URL_A, './here'], 'a.example', './here'],
    ['get', 'copy', [URL_A], 'a.example', './'],
    ['put', 'copy', ['./here', URL_B], './here', 'b.example'],
  ] as const)('%s calls %s with both places, flags, stores', async (verb, called, words, from, to) => {
    const calls: [Place, Place, CopyOptions][] = [];
    const work = async (a: Place, b: Place, options: CopyOptions) => {
      calls.push([a, b, options]);
      options.onEvent?.(SUMMARY);
      return SUMMARY;
    };
    const { code, out } = await runCli([verb, ...words, '--relay', 'fallback', '--json'], { [called]: work });
    expect(code).toBe(0);
    const shown = (place: Place) => (place.kind === 'local' ? place.path : place.site.host);
    const [a, b, options] = calls[0]!;
    expect([shown(a), shown(b)]).toEqual([from, to]);
    expect(options.relay).toBe('fallback');
    expect(options.delete).toBe(verb === 'sync' ? true : undefined);
    expect(options.trust && options.routes && options.signal?.aborted === false).toBe(true);
    expect(out.trimEnd().split('\n').at(-1)).toMatch(/^\{"event":"summary","files":2,/);
  });

  it('failed files give 1; the dialogue is shown on stderr with -v only', async () => {
    const copy = async (_a: Place, _b: Place, options: CopyOptions) => {
      options.onEvent?.({ event: 'dialogue', site: 'a', session: 1, direction: '<', text: '220 hi\u0007' });
      return { ...SUMMARY, failed: 1 };
    };
    const quiet = await runCli(['copy', URL_A, URL_B], { copy });
    expect([quiet.code, quiet.err]).toEqual([1, '']);
    const loud = await runCli(['copy', URL_A, URL_B, '-v'], { copy });
    expect([loud.code, loud.err]).toEqual([1, 'a#1 < 220 hi\\u{0007}\n']);
  });

  it('a run that cannot be done prints error, advice and, as JSON, a last summary', async () => {
    const copy = () =>
      Promise.reject(
        new FtpError('no-route', 'no route between a and b', { advice: 'Set port_promiscuous=YES on a.' }),
      );
    const { code, out, err } = await runCli(['copy', URL_A, URL_B, '--json'], { copy });
    expect(code).toBe(3);
    expect(err).toBe('jackstay: no route between a and b\n  to do:    Set port_promiscuous=YES on a.\n');
    const lines = out
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as { event: string });
    expect(lines.map((line) => line.event)).toEqual(['error', 'summary']);
  });
});

describe('interruption', () => {
  const untilAborted = (_a: Place, _b: Place, { signal }: CopyOptions): Promise<never> =>
    new Promise((_, reject) => {
      signal?.addEventListener('abort', () => reject(new FtpError('aborted', 'aborted')));
    });

  it.each(['SIGINT', 'SIGTERM'])(
    '%s: stops in order, keeps quiet about the error, prints the line that resumes',
    async (name) => {
      let stop = (): void => {};
      const copy = (a: Place, b: Place, options: CopyOptions) => {
        setImmediate(() => stop());
        return untilAborted(a, b, options);
      };
      const argv = ['copy', URL_A, URL_B];
      const running = runCli(argv, { copy }, { signals: emitter((emit) => (stop = () => emit(name))) });
      const { code, err } = await running;
      expect(code).toBe(130);
      expect(err).toBe(
        'stopping in order; once more to stop at once\ninterrupted; what has arrived stays. To go on:\n' +
          '  jackstay copy ' +
          "'ftps://u:***@a.example/x' 'ftps://v:***@b.example/y/'\n",
      );
    },
  );

  it('a second signal ends the process at once, terminal given back', async () => {
    let stop = (): void => {};
    let release = (): void => {};
    const copy = () => {
      setImmediate(() => stop());
      return new Promise<typeof SUMMARY>((resolve) => {
        release = () => resolve(SUMMARY);
      });
    };
    const exits: number[] = [];
    const signals = emitter((emit) => {
      stop = () => {
        emit('SIGINT');
        emit('SIGINT');
      };
    });
    const exitNow = (code: number) => {
      exits.push(code);
      release();
    };
    const { code } = await runCli(['copy', URL_A, URL_B], { copy }, { signals, exitNow });
    expect([code, exits]).toEqual([130, [130]]);
    expect(signals.count()).toBe(0);
  });

  function emitter(give: (emit: (name: string) => void) => void) {
    const listeners = new Set<[string, () => void]>();
    give((name) => {
      for (const [on, listener] of listeners) if (on === name) listener();
    });
    const signals = {
      on: (name: string, listener: () => void) => listeners.add([name, listener]),
      off: (name: string, listener: () => void) => {
        for (const pair of listeners) if (pair[0] === name && pair[1] === listener) listeners.delete(pair);
      },
      count: () => listeners.size,
    };
    return signals as typeof signals & Pick<NodeJS.EventEmitter, 'on' | 'off'>;
  }
});

describe('one server', () => {
  const calls = (parts: Parameters<typeof filesWith>[0]) => {
    const opened: [SiteSettings, ConnectOptions][] = [];
    let closed = 0;
    const connect = async (site: SiteSettings, options: ConnectOptions) => {
      opened.push([site, options]);
      return filesWith({ ...parts, close: async () => void closed++ });
    };
    return { connect, opened, closed: () => closed };
  };

  it('ls prints names, or all that is known, or JSON', async () => {
    const connect = async () => listing();
    expect((await runCli(['ls', 'ftp://h/top'], { connect })).out).toBe('../\na\nb\\u{001B}.txt\nln\nsub/\n');
    expect((await runCli(['ls', '-l', 'ftp://h/top'], { connect })).out.split('\n').slice(1, 4)).toEqual([
      '-rw-r-----              5  2026-11-05 12:34  a',
      '-?????????           2048  -                 b\\u{001B}.txt',
      'l?????????              -  -                 ln -> a',
    ]);
    const json = await runCli(['ls', '-R', '--json', 'ftp://h/top'], { connect });
    expect(
      json.out
        .trimEnd()
        .split('\n')
        .map((line) => (JSON.parse(line) as { path: string }).path),
    ).toEqual(['sub', 'sub/c', 'b\u001b.txt', 'a', '..', 'ln']);
  });

  it('ls -l shows a day without a time where only the day is known', () => {
    const day = entry('d', 'dir', { modified: Date.UTC(2020, 0, 2), modifiedPrecision: 'day', mode: 0o1755 });
    expect(longLine('d', day)).toBe('drwxr-xr-x              -  2020-01-02        d/');
  });

  it('du sums up files, follows neither links nor names that lead elsewhere', async () => {
    const connect = async () => listing();
    expect((await runCli(['du', 'ftp://h/top'], { connect })).out).toBe(
      '2.0 KiB  3 files, 2 directories  top\n',
    );
    expect(JSON.parse((await runCli(['du', '--json', 'ftp://h/top'], { connect })).out)).toEqual({
      path: 'top',
      files: 3,
      directories: 2,
      bytes: 2054,
    });
  });

  it('cat prints every file and closes every session', async () => {
    const { connect, opened, closed } = calls({
      download: async (path, sink) => void sink.write(`<${path}>`),
    });
    const { out, code } = await runCli(['cat', 'ftp://h/a', 'ftp://h//b'], { connect });
    expect([code, out, opened.length, closed()]).toEqual([0, '<a></b>', 2, 2]);
  });

  it('rm takes files, and trees only with -r', async () => {
    const done: string[] = [];
    const { connect } = calls({
      stat: async (path) => entry(path, path === 'dir' ? 'dir' : 'file'),
      remove: async (path) => void done.push(`DELE ${path}`),
      removeTree: async (path) => void done.push(`tree ${path}`),
    });
    await runCli(['rm', 'ftp://h/dir'], { connect });
    await runCli(['rm', '-r', 'ftp://h/dir', 'ftp://h/file'], { connect });
    expect(done).toEqual(['DELE dir', 'tree dir', 'DELE file']);
  });

  it.each([
    ['ftp://h/a/x', 'b/y', 'b/y'],
    ['ftp://h/a/x', 'b/', 'b/x'],
    ['ftp://u:p@h/a/x', 'ftp://h//b', '/b'],
    ['ftp://u:p@h:21/a/x', 'ftp://u@h/b', 'b'],
  ])('mv %s %s renames to %s', async (from, to, target) => {
    const done: string[] = [];
    const { connect } = calls({ rename: async (a, b) => void done.push(a, b) });
    const { code } = await runCli(['mv', from, to], { connect });
    expect([code, done]).toEqual([0, ['a/x', target]]);
  });

  it.each(['ftp://other/b', 'ftp://v@h/b', 'ftp://h:2121/b'])(
    'mv to %s is refused: another server or user',
    async (to) => {
      const { connect } = calls({});
      const { code, err } = await runCli(['mv', 'ftp://u:p@h/a', to], { connect });
      expect(code).toBe(2);
      expect(err).toContain('must be on the same server');
    },
  );

  it('mkdir, hash and site test pass on what was asked', async () => {
    const done: unknown[] = [];
    const { connect, opened } = calls({
      mkdir: async (path, how) => void done.push([path, how]),
      hash: async (path, algorithm) => ({ algorithm: algorithm ?? 'SHA-256', hex: `${path}-digest` }),
    });
    await runCli(['mkdir', '-p', 'ftp://h/a/b', '--timeout', '5s'], { connect });
    expect(done).toEqual([['a/b', { parents: true }]]);
    expect(opened[0]![1].commandTimeout).toBe(5000);
    expect((await runCli(['hash', 'ftp://h/f'], { connect })).out).toBe('f-digest  SHA-256  f\n');
    expect((await runCli(['hash', '--algorithm', 'MD5', '--json', 'ftp://h/f'], { connect })).out).toBe(
      '{"path":"f","algorithm":"MD5","digest":"f-digest"}\n',
    );
    const tested = await runCli(['site', 'test', 'ftp://h/'], { connect });
    expect(tested.out).toBe(
      'login    accepted\ncontrol  TLSv1.3\nserver   test server\nfeatures MLST, SIZE\n',
    );
  });

  it('an error closes the session, prints JSON where asked, and gives its code', async () => {
    const { connect, closed } = calls({
      list: () =>
        Promise.reject(
          new FtpError('refused', 'no such directory', {
            command: 'LIST top',
            reply: { code: 550, text: 'No.' },
          }),
        ),
    });
    const { code, out, err } = await runCli(['ls', '--json', 'ftp://h/top'], { connect });
    expect([code, closed()]).toEqual([1, 1]);
    expect(JSON.parse(out)).toMatchObject({
      event: 'error',
      kind: 'refused',
      reply: { code: 550, text: 'No.' },
    });
    expect(err).toBe(
      'jackstay: no such directory\n  asked:    LIST top\n  answered: 550 No.\n' +
        '  to do:    Check that the path exists, and that this user may read and write there.\n',
    );
  });
});

describe('check', () => {
  const report: CheckReport = {
    routes: [
      {
        from: 'a',
        to: 'b',
        attempt: '1',
        route: { kind: 'fxp', passive: 'destination', technique: 'PASV' },
        security: 'clear',
        outcome: 'refused',
        reason: '504 \u001b[2J',
        chosen: false,
      },
      {
        from: 'a',
        to: 'b',
        attempt: '2',
        route: { kind: 'relay' },
        security: 'verified',
        outcome: 'ok',
        milliseconds: 12.4,
        chosen: true,
      },
    ],
    advice: [{ site: 'a', text: 'Set x.' }],
    facts: [{ site: 'a', server: 'vsftpd 3', features: ['EPSV', 'MDTM'] }],
  };

  it('prints the matrix, the facts and the advice; the path is the directory of the probe', async () => {
    const sites: SiteSettings[] = [];
    const check = async (a: SiteSettings, b: SiteSettings) => {
      sites.push(a, b);
      return report;
    };
    const { code, out } = await runCli(['check', URL_A, 'ftps://v:pw@b.example'], { check });
    expect(code).toBe(0);
    expect(sites.map((s) => s.directory)).toEqual(['x', undefined]);
    expect(out.split('\n')).toEqual([
      'a -> b',
      '  - fxp (PASV at destination)  clear      refused',
      '      504 \\u{001B}[2J',
      '  * relay                      verified   ok  12 ms  <- a copy takes this one',
      '',
      'a is vsftpd 3: EPSV',
      'advice for a: Set x.',
      '',
    ]);
    const json = await runCli(['check', URL_A, URL_B, '--json'], { check });
    expect(JSON.parse(json.out)).toEqual({ event: 'check', ...report });
  });

  it('the path of a saved site is below its directory', async () => {
    const sites: SiteSettings[] = [];
    const check = async (a: SiteSettings, b: SiteSettings) => {
      sites.push(a, b);
      return report;
    };
    const { io } = await runCli(['site', 'add', 'deep', 'ftp://d.example/pub']);
    await runCli(['check', 'deep:incoming', 'deep:/incoming'], { check }, { dirs: io.dirs });
    await runCli(['check', 'deep', 'deep:'], { check }, { dirs: io.dirs });
    expect(sites.map((s) => s.directory)).toEqual(['pub/incoming', '/incoming', 'pub', 'pub']);
  });

  it('routes that cannot be are summed up by direction and reason', async () => {
    const out = (from: string, to: string, reason: string) => ({
      ...report.routes[0]!,
      ...{ from, to, reason, outcome: 'unavailable' as const },
    });
    const routes = [
      out('a', 'b', 'no TLS'),
      out('a', 'b', 'no CPSV'),
      out('a', 'b', 'no TLS'),
      out('b', 'a', '\u001b[2J'),
    ];
    const run = await runCli(['check', URL_A, URL_B], { check: async () => ({ ...report, routes }) });
    expect(run.code).toBe(3);
    expect(run.out.split('\n').slice(0, 6)).toEqual([
      'a -> b',
      '  x 2 routes not possible: no TLS',
      '  x 1 route not possible: no CPSV',
      '',
      'b -> a',
      '  x 1 route not possible: \\u{001B}[2J',
    ]);
  });

  it('no route gives 3', async () => {
    const check = async () => ({ ...report, routes: report.routes.slice(0, 1) });
    expect((await runCli(['check', URL_A, URL_B], { check })).code).toBe(3);
  });
});

describe('secrets stay out of everything that is printed', () => {
  const S = 'sEcReT77';
  const leak = (text: string) =>
    new FtpError('refused', text, { site: `ftp://u:${S}@h`, command: `RETR ftp://u:${S}@h/` });
  it.each<[string, string[]]>([
    ['usage error', ['copy', `ftp://u:${S}@h/a`]],
    ['unknown command', [`ftp://u:${S}@h/a`]],
    ['too many words', ['copy', 'a', 'b', `ftp://u:${S}@h/a`]],
    ['bad URL', ['ls', `ftp://u:${S}@h:99999/a`]],
    ['slash in the password', ['ls', `ftp://u:x/${S}@h/a`]],
    ['bad flag value', ['copy', `ftp://u:${S}@h/a`, 'b', '--security', `ftp://u:${S}@h`]],
    ['local and remote mixed up', ['mv', `ftp://u:${S}@h/a`, `ftp://u:${S}@other/b`]],
    ['engine error', ['copy', `ftp://u:${S}@h/a`, 'b']],
    ['engine error as JSON', ['copy', `ftp://u:${S}@h/a`, 'b', '--json']],
    ['client error', ['ls', `ftp://u:${S}@h/a`, '--json']],
    ['site add', ['site', 'add', 'xx', `ftp://u:${S}@h/a`]],
  ])('%s', async (_what, argv) => {
    const fail = () => Promise.reject(leak(`cannot open ftp://u:${S}@h/a`));
    const copy = (_a: Place, _b: Place, { onEvent }: CopyOptions) => {
      onEvent?.({ event: 'start', source: `ftp://u:${S}@h/a`, destination: 'b', dryRun: false });
      onEvent?.({ event: 'warning', message: `ftp://u:${S}@h/a is odd` });
      return fail();
    };
    const { out, err } = await runCli(argv, { copy, connect: fail });
    expect(out + err).not.toBe('');
    expect(out + err).not.toContain(S);
  });
});
