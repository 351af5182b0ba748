/** Failures 1, 2, 3, 8 and 9: files that other clients drop, spoil, take for done or leave behind. */
import { chmodSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { exitCodeOfSummary } from '../../src/cli/exit.js';
import type { EngineEvent } from '../../src/engine/events.js';
import { requirePeer } from '../peers/peer.js';
import { startProftpd } from '../peers/real/proftpd.js';
import { startPureftpd } from '../peers/real/pureftpd.js';
import { startPyftpdlib } from '../peers/real/pyftpdlib.js';
import { startVsftpd } from '../peers/real/vsftpd.js';
import { at, during, folder, look, noise, plant, run, summaryOf, wholeOf } from './bench.js';

const absent =
  requirePeer('proftpd') ?? requirePeer('pureftpd') ?? requirePeer('pyftpdlib') ?? requirePeer('vsftpd');

describe.skipIf(absent)(`content of trees ${absent ?? ''}`, () => {
  it('1: zero-byte files of a tree are copied', async () => {
    const [a, b] = await Promise.all([during(startProftpd()), during(startPureftpd())]);
    plant(a, { 'tree/empty': '', 'tree/sub/empty too': '', 'tree/sub/full': 'x' });
    const ran = await run(at(a, 'a', 'tree'), at(b, 'b', 'copy'));
    expect(wholeOf(ran)).toMatchObject({ files: 3, failed: 0, bytes: 1, clientBytes: 0 });
    expect(look(join(b.home, 'copy'))).toEqual(look(join(a.home, 'tree')));
  });

  it('2: 200 random files arrive byte for byte, with TYPE I on every session', async () => {
    const [a, b] = await Promise.all([during(startProftpd()), during(startProftpd())]);
    const files = Array.from({ length: 200 }, (_, i) => [`tree/f${i}`, noise(200 + 13 * i, i)] as const);
    plant(a, Object.fromEntries(files));
    const ran = await run(at(a, 'a', 'tree'), at(b, 'b', 'copy'));
    expect(wholeOf(ran)).toMatchObject({ files: 200, failed: 0, clientBytes: 0 });
    expect(wholeOf(ran).verified.digest).toBe(200);
    expect(look(join(b.home, 'copy'))).toEqual(look(join(a.home, 'tree')));
    for (const site of ['a', 'b']) {
      const sessions = ran.of('login').filter((login) => login.site === site).length;
      expect(ran.sent(site, /^TYPE I/).length).toBeGreaterThanOrEqual(sessions);
      expect(ran.sent(site, /^TYPE A/)).toEqual([]);
    }
  });

  it('3: a partial file at the destination is completed by REST where its beginning is proven', async () => {
    const [a, b] = await Promise.all([during(startProftpd()), during(startProftpd())]);
    const whole = noise(3_000_000);
    plant(a, { 'tree/big': whole });
    plant(b, { 'copy/big': whole.subarray(0, 2_000_000) });
    const ran = await run(at(a, 'a', 'tree'), at(b, 'b', 'copy'));
    expect(wholeOf(ran)).toMatchObject({ files: 1, skipped: 0, failed: 0, bytes: 1_000_000 });
    expect(ran.sent('a', /^REST/)).toEqual(['REST 2000000']);
    expect(ran.sent('b', /^REST/)).toEqual(['REST 2000000']);
    expect(look(join(b.home, 'copy'))).toEqual(look(join(a.home, 'tree')));
  });

  it('3: a shorter file with another beginning is replaced, not continued', async () => {
    const [a, b] = await Promise.all([during(startProftpd()), during(startProftpd())]);
    plant(a, { 'tree/big': noise(300_000) });
    plant(b, { 'copy/big': noise(200_000, 2) });
    const ran = await run(at(a, 'a', 'tree'), at(b, 'b', 'copy'));
    expect(wholeOf(ran)).toMatchObject({ files: 1, failed: 0, bytes: 300_000 });
    expect(ran.sent('b', /^REST/)).toEqual([]);
    expect(look(join(b.home, 'copy'))).toEqual(look(join(a.home, 'tree')));
  });

  it('3: where nothing can prove the beginning, a partial file is sent whole', async () => {
    const [a, b] = await Promise.all([during(startVsftpd()), during(startPureftpd())]);
    const whole = noise(300_000);
    plant(a, { 'tree/big': whole });
    plant(b, { 'copy/big': whole.subarray(0, 200_000) });
    const ran = await run(at(a, 'a', 'tree'), at(b, 'b', 'copy'));
    expect(wholeOf(ran)).toMatchObject({ files: 1, skipped: 0, failed: 0, bytes: 300_000 });
    expect(look(join(b.home, 'copy'))).toEqual(look(join(a.home, 'tree')));
  });

  it.each([
    ['proftpd', startProftpd],
    ['vsftpd', startVsftpd],
  ] as const)('8: one unreadable file at %s fails alone and leaves nothing behind', async (_name, start) => {
    const [a, b] = await Promise.all([during(start()), during(startPureftpd())]);
    plant(a, { 'tree/a': 'one', 'tree/locked': 'secret', 'tree/z': 'two' });
    chmodSync(join(a.home, 'tree/locked'), 0);
    const ran = await run(at(a, 'a', 'tree'), at(b, 'b', 'copy'));
    expect(summaryOf(ran)).toMatchObject({ files: 2, failed: 1 });
    expect(exitCodeOfSummary(summaryOf(ran))).toBe(1);
    const [failed] = ran.of('file-failed');
    expect(failed).toMatchObject({ path: 'locked', attempts: 1 });
    expect(failed?.message).toMatch(/^a: RETR .*locked was answered 550 /);
    expect(failed).not.toHaveProperty('leftover');
    expect(Object.keys(look(join(b.home, 'copy')))).toEqual(['a', 'z']);
  });

  it('8: nothing stays behind of a download, an upload or a relay that cannot be', async () => {
    const [a, b] = await Promise.all([during(startProftpd()), during(startPureftpd())]);
    plant(a, { 'tree/a': 'one', 'tree/locked': 'secret' });
    chmodSync(join(a.home, 'tree/locked'), 0);
    const here = folder();
    const got = await run(at(a, 'a', 'tree'), { kind: 'local', path: join(here, 'got') });
    expect(summaryOf(got)).toMatchObject({ files: 1, failed: 1 });
    expect(Object.keys(look(here))).toEqual(['got', 'got/a']);

    writeFileSync(join(here, 'got/gone'), 'x');
    const vanish = (event: EngineEvent): void => {
      if (event.event === 'scan') rmSync(join(here, 'got/gone'), { force: true });
    };
    const put = await run({ kind: 'local', path: join(here, 'got') }, at(b, 'b', 'put'), { onEvent: vanish });
    expect(summaryOf(put)).toMatchObject({ files: 1, failed: 1 });
    expect(Object.keys(look(b.home))).toEqual(['put', 'put/a']);

    const relayed = await run(at(a, 'a', 'tree'), at(b, 'b', 'relayed'), { relay: 'always' });
    expect(summaryOf(relayed)).toMatchObject({ files: 1, failed: 1 });
    expect(Object.keys(look(join(b.home, 'relayed')))).toEqual(['a']);
  });

  it('9: blanks, empty directories and times are kept; links are skipped and said', async () => {
    const [a, b] = await Promise.all([during(startProftpd()), during(startPyftpdlib())]);
    plant(a, {
      'tree/ leading': '1',
      'tree/trailing ': '2',
      'tree/  both  ': '3',
      'tree/ dir with blanks /x': '4',
      'tree/quote\'d "name"': '5',
      'tree/-rf': '6',
      'tree/.hidden': '7',
      'tree/bücher 日本': '8',
      'tree/[a]*?{b}~': '9',
      'tree/empty/': '',
      'tree/deep/er/empty/': '',
    });
    symlinkSync('trailing ', join(a.home, 'tree/link to file'));
    symlinkSync('empty', join(a.home, 'tree/link to dir'));
    const ran = await run(at(a, 'a', 'tree'), at(b, 'b', 'copy'));
    expect(wholeOf(ran)).toMatchObject({ files: 9, failed: 0, skipped: 2, directories: 6 });
    const links = ran.of('file-skipped').map(({ path, reason }) => `${path}: ${reason}`);
    expect(links.sort()).toEqual(['link to dir: link', 'link to file: link']);
    const source = Object.entries(look(join(a.home, 'tree'), true));
    const wanted = Object.fromEntries(source.filter(([, what]) => !what.startsWith('->')));
    expect(look(join(b.home, 'copy'), true)).toEqual(wanted);
  });

  it('9: names that the destination would change are said, not sent under another name', async () => {
    const [a, b] = await Promise.all([during(startProftpd()), during(startPureftpd())]);
    plant(a, { 'tree/ a': '1', 'tree/b ': '2', 'tree/c /x': '3', 'tree/skipped ': '4' });
    const ran = await run(at(a, 'a', 'tree'), at(b, 'b', 'copy'), { exclude: ['skipped*'] });
    expect(summaryOf(ran)).toMatchObject({ files: 1, failed: 2, skipped: 1 });
    const said = ran.of('file-failed').map(({ path, message }) => `${path}: ${message}`);
    expect(said.sort()).toEqual([
      'b : b changes blanks at the end of a name: it was not sent',
      'c : b changes blanks at the end of a name: it was not sent',
    ]);
    expect(Object.keys(look(join(b.home, 'copy')))).toEqual([' a']);
  });

  it('9: odd names survive servers that list by LIST only', async () => {
    const [a, b] = await Promise.all([during(startVsftpd()), during(startVsftpd())]);
    plant(a, {
      'tree/ leading': '1',
      'tree/trailing ': '2',
      'tree/ dir with blanks /x': '4',
      'tree/-rf': '6',
      'tree/[a]*?{b}~': '9',
      'tree/empty/': '',
    });
    symlinkSync('trailing ', join(a.home, 'tree/link'));
    mkdirSync(join(b.home, 'copy'));
    b.own();
    const ran = await run(at(a, 'a', 'tree'), at(b, 'b', 'copy'));
    expect(wholeOf(ran)).toMatchObject({ files: 5, failed: 0, skipped: 1 });
    expect(ran.of('file-skipped')).toMatchObject([{ path: 'link', reason: 'link' }]);
    const source = Object.entries(look(join(a.home, 'tree'), true));
    const wanted = Object.fromEntries(source.filter(([, what]) => !what.startsWith('->')));
    expect(look(join(b.home, 'copy'), true)).toEqual(wanted);
  });
});
