/** What a run may touch: the five ways to treat existing files, filters, deletion, and the run that touches nothing. */
import { chmodSync, mkdirSync, utimesSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { OnExists } from '../../src/engine/options.js';
import { type Peer, requirePeer } from '../peers/peer.js';
import { startProftpd } from '../peers/real/proftpd.js';
import { startVsftpd } from '../peers/real/vsftpd.js';
import { at, look, noise, PAST, plant, type Ran, run, summaryOf, wholeOf } from './bench.js';

const absent = requirePeer('proftpd') ?? requirePeer('vsftpd');
const YEAR = 31_536_000_000;
const EARLIER = new Date(PAST.getTime() - YEAR);
const LATER = new Date(PAST.getTime() + YEAR);
const CHANGES = /^(STOR|APPE|MKD|RMD|DELE|RNFR|RNTO|MFMT|SITE|MDTM \d{14} )/;

const old = (text: string): string => text.toUpperCase();
const WHOLE = noise(50_000);

/** The source's files; all have the time `PAST`. */
const SOURCE = {
  'same.txt': 'same',
  'newer.txt': 'newer here',
  'older.txt': 'older here',
  'longer.txt': 'short',
  'partial.bin': WHOLE,
  'sub/new.txt': 'new',
  'missing.txt': 'missing',
};

/** What stands at the destination before: content and time. */
const BEFORE: Record<string, [string | Uint8Array, Date]> = {
  'same.txt': ['same', PAST],
  'newer.txt': [old('newer here'), EARLIER],
  'older.txt': [old('older here'), LATER],
  'longer.txt': ['much longer than the source', PAST],
  'partial.bin': [WHOLE.subarray(0, 30_000), LATER],
};

const cut = (ran: Ran, kind: 'file-done' | 'file-failed' | 'file-skipped'): string[] =>
  ran
    .of(kind)
    .map((event) => ('reason' in event ? `${event.path} ${event.reason}` : event.path))
    .sort();

describe.skipIf(absent)(`what a run touches ${absent ?? ''}`, () => {
  let a: Peer;
  let b: Peer;
  let list: Peer;

  beforeAll(async () => {
    [a, b, list] = await Promise.all([startProftpd(), startProftpd(), startVsftpd()]);
    plant(a, Object.fromEntries(Object.entries(SOURCE).map(([path, content]) => [`tree/${path}`, content])));
  });
  afterAll(() => Promise.all([a, b, list].map((peer) => peer.stop())));

  function prepare(to: Peer, name: string, before = BEFORE): void {
    for (const [path, [content, time]] of Object.entries(before)) {
      const real = join(to.home, name, path);
      mkdirSync(dirname(real), { recursive: true });
      writeFileSync(real, content);
      utimesSync(real, time, time);
    }
    to.own();
  }

  const ALL = Object.keys(SOURCE).sort();
  const THERE = Object.keys(BEFORE).sort();
  const NEW = ['missing.txt', 'sub/new.txt'];

  it.each([
    ['skip', NEW, THERE.map((path) => `${path} exists`)],
    [
      'newer',
      [...NEW, 'newer.txt'].sort(),
      ['longer.txt older', 'older.txt same', 'partial.bin older', 'same.txt same'],
    ],
    [
      'resume',
      [...NEW, 'longer.txt', 'newer.txt', 'partial.bin'].sort(),
      ['older.txt same', 'same.txt same'],
    ],
    ['overwrite', ALL, []],
  ] as [OnExists, string[], string[]][])('on-exists %s', async (onExists, sent, skipped) => {
    for (const to of [b, list]) {
      prepare(to, onExists);
      const ran = await run(at(a, 'a', 'tree'), at(to, 'b', onExists), { onExists });
      expect(wholeOf(ran)).toMatchObject({ files: sent.length, skipped: skipped.length });
      expect(cut(ran, 'file-done')).toEqual(sent);
      expect(cut(ran, 'file-skipped')).toEqual(skipped);
      const now = look(join(to.home, onExists), true);
      const source = look(join(a.home, 'tree'), true);
      for (const path of sent) expect(now[path]).toBe(source[path]);
      prepare(to, `${onExists}-untouched`);
      const untouched = look(join(to.home, `${onExists}-untouched`), true);
      for (const line of skipped) {
        const path = line.replace(/ \w+$/, '');
        expect(now[path]).toBe(untouched[path]);
      }
    }
  });

  it('on-exists fail: existing files are named as failed and left alone', async () => {
    prepare(b, 'fail');
    const before = look(join(b.home, 'fail'), true);
    const ran = await run(at(a, 'a', 'tree'), at(b, 'b', 'fail'), { onExists: 'fail' });
    expect(summaryOf(ran)).toMatchObject({ files: NEW.length, failed: THERE.length });
    expect(cut(ran, 'file-failed')).toEqual(THERE);
    expect(ran.of('file-failed').every(({ message }) => message.includes('the target exists'))).toBe(true);
    expect(look(join(b.home, 'fail'), true)).toMatchObject(before);
  });

  it('include and exclude: exclusion wins, a directory that is excluded is not entered', async () => {
    plant(a, {
      'mixed/a.txt': '1',
      'mixed/a.log': '2',
      'mixed/tmp/b.txt': '3',
      'mixed/deep/er/c.txt': '4',
      'mixed/deep/er/secret.txt': '5',
    });
    const ran = await run(at(a, 'a', 'mixed'), at(b, 'b', 'mixed'), {
      include: ['*.txt'],
      exclude: ['tmp', 'deep/**/secret.*'],
    });
    expect(cut(ran, 'file-done')).toEqual(['a.txt', 'deep/er/c.txt']);
    expect(cut(ran, 'file-skipped')).toEqual([
      'a.log filtered',
      'deep/er/secret.txt filtered',
      'tmp filtered',
    ]);
    expect(ran.sent('a', /tmp/)).toEqual([]);
    expect(Object.keys(look(join(b.home, 'mixed')))).toEqual(['a.txt', 'deep', 'deep/er', 'deep/er/c.txt']);
  });

  const EXTRA = {
    ...BEFORE,
    'extra.txt': ['x', PAST],
    'gone/deep/file': ['y', PAST],
    'gone/other': ['z', PAST],
  } satisfies Record<string, [string | Uint8Array, Date]>;

  it.each(['b', 'list'])('delete: what the source does not have goes, nothing else (%s)', async (which) => {
    const to = which === 'b' ? b : list;
    prepare(to, 'delete', EXTRA);
    const ran = await run(at(a, 'a', 'tree'), at(to, 'b', 'delete'), { delete: true, onExists: 'overwrite' });
    expect(wholeOf(ran)).toMatchObject({ files: ALL.length, deleted: 5 });
    expect(ran.of('deleted').map(({ path }) => path.replace(/^.*delete\//, ''))).toEqual(
      expect.arrayContaining(['extra.txt', 'gone/deep/file', 'gone/other', 'gone/deep', 'gone']),
    );
    expect(look(join(to.home, 'delete'), true)).toEqual(look(join(a.home, 'tree'), true));
  });

  it('delete: what a filter hides is not deleted', async () => {
    prepare(b, 'hidden', EXTRA);
    const ran = await run(at(a, 'a', 'tree'), at(b, 'b', 'hidden'), {
      delete: true,
      exclude: ['gone/deep', 'same.txt', 'extra.*'],
    });
    expect(ran.of('deleted').map(({ path }) => path)).toEqual([join(b.path, 'hidden/gone/other')]);
    const kept = Object.keys(look(join(b.home, 'hidden')));
    expect(kept).toEqual(expect.arrayContaining(['extra.txt', 'gone/deep/file', 'same.txt']));
    expect(kept).not.toContain('gone/other');
  });

  it('delete: what cannot be removed is named as failed, the rest goes', async () => {
    prepare(list, 'stuck', { 'gone/other': ['z', PAST], 'zz.txt': ['y', PAST] });
    chmodSync(join(list.home, 'stuck/gone'), 0o555);
    const ran = await run(at(a, 'a', 'tree'), at(list, 'b', 'stuck'), { delete: true });
    expect(summaryOf(ran)).toMatchObject({ files: ALL.length, failed: 1, deleted: 1 });
    expect(ran.of('file-failed')[0]).toMatchObject({ path: 'gone' });
    expect(ran.of('file-failed')[0]?.message).toMatch(/^b: DELE .*gone\/other was answered 550/);
  });

  it('delete: it stops where the caller stops it', async () => {
    prepare(b, 'stopped', { 'gone/a': ['1', PAST], 'gone/b': ['2', PAST], 'gone/c': ['3', PAST] });
    const stop = new AbortController();
    const ran = await run(at(a, 'a', 'tree'), at(b, 'b', 'stopped'), {
      delete: true,
      signal: stop.signal,
      onEvent: (event) => event.event === 'deleted' && stop.abort(),
    });
    expect(ran.error?.kind).toBe('aborted');
    expect(ran.of('deleted')).toHaveLength(1);
    expect(ran.sent('b', /^DELE/)).toHaveLength(1);
  });

  it('delete: nothing is deleted when a file failed', async () => {
    prepare(b, 'failed', EXTRA);
    const ran = await run(at(a, 'a', 'tree'), at(b, 'b', 'failed'), { delete: true, onExists: 'fail' });
    expect(summaryOf(ran)).toMatchObject({ failed: THERE.length, deleted: 0 });
    expect(ran.of('warning').map(({ message }) => message)).toEqual([
      'nothing was deleted at the destination, because some files failed',
    ]);
    expect(Object.keys(look(join(b.home, 'failed')))).toEqual(expect.arrayContaining(Object.keys(EXTRA)));
  });

  it('dry run: everything is told and nothing is touched', async () => {
    prepare(b, 'dry', EXTRA);
    const before = [look(a.home, true), look(b.home, true)];
    const ran = await run(at(a, 'a', 'tree'), at(b, 'b', 'dry'), { dryRun: true, delete: true });
    expect(wholeOf(ran)).toMatchObject({ files: 5, skipped: 2, deleted: 5, directories: 1, clientBytes: 0 });
    expect(
      ran
        .of('file-start')
        .map(({ path }) => path)
        .sort(),
    ).toEqual([...NEW, 'longer.txt', 'newer.txt', 'partial.bin'].sort());
    expect([...ran.sent('a', CHANGES), ...ran.sent('b', CHANGES)]).toEqual([]);
    expect([look(a.home, true), look(b.home, true)]).toEqual(before);
  });

  it('dry run: a destination that does not exist is not made', async () => {
    const before = look(b.home, true);
    const ran = await run(at(a, 'a', 'tree'), at(b, 'b', 'nowhere/at/all'), { dryRun: true });
    expect(wholeOf(ran)).toMatchObject({ files: ALL.length, directories: 2 });
    expect(look(b.home, true)).toEqual(before);
  });
});
