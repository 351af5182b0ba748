/** The scripted servers themselves, by raw commands: they move real files, alone and between each other. */
import { randomBytes } from 'node:crypto';
import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { startDrftpd } from './scripted/drftpd.js';
import { startGlftpd } from './scripted/glftpd.js';
import { startIis } from './scripted/iis.js';
import { startIoftpd } from './scripted/ioftpd.js';
import { startRaiden } from './scripted/raiden.js';
import { rawLogin, sextetOf } from './scripted/raw-client.js';
import { download, fxp, Rig, upload } from './scripted/raw-steps.js';
import { type ScriptedPeer, startOrdinary } from './scripted/server.js';
import { startWzdftpd } from './scripted/wzdftpd.js';

const rig = new Rig();
afterEach(() => rig.close());

const content = randomBytes(300_000);

const SERVERS = {
  ordinary: startOrdinary,
  glftpd: startGlftpd,
  wzdftpd: startWzdftpd,
  drftpd: startDrftpd,
  raidenftpd: startRaiden,
  ioftpd: startIoftpd,
  iis: startIis,
};

describe.each(Object.entries(SERVERS))('%s', (_name, start) => {
  it('moves a file both ways over TLS and lists it', async () => {
    const peer = await rig.up(start());
    const client = await rig.login(peer);
    expect((await upload(client, peer, 'file', content)).code).toBe(226);
    expect(readFileSync(join(peer.home, 'file')).equals(content)).toBe(true);
    expect((await download(client, peer, 'RETR file')).equals(content)).toBe(true);
    expect((await download(client, peer, 'LIST')).toString()).toMatch(/ 300000 .*file\r\n$/);
    expect((await client.send('QUIT')).code).toBe(221);
    await client.closed;
    expect(peer.commands().slice(0, 2)).toEqual(['AUTH TLS', `USER ${peer.user}`]);
  });

  it('moves a file both ways in the clear', async () => {
    const peer = await rig.up(start({ files: { 'dir/file': content } }));
    const client = await rig.login(peer, false);
    expect((await client.send('CWD dir')).code).toBe(250);
    expect((await download(client, peer, 'RETR file', false)).equals(content)).toBe(true);
    expect((await upload(client, peer, 'new', content, false)).code).toBe(226);
    expect(readFileSync(join(peer.home, 'dir/new')).equals(content)).toBe(true);
  });
});

describe('between two servers', () => {
  const sources = ['ordinary', 'glftpd', 'wzdftpd', 'drftpd', 'raidenftpd', 'ioftpd'] as const;
  it.each(sources)('%s to wzdftpd by CPSV at the target', async (name) => {
    const source = await rig.up(SERVERS[name]({ files: { file: content } }));
    const sink = await rig.up(startWzdftpd());
    const [from, to] = await Promise.all([rig.login(source), rig.login(sink)]);
    expect(await fxp(from, to, 'CPSV')).toEqual({ source: 226, sink: 226 });
    expect(readFileSync(join(sink.home, 'copy')).equals(content)).toBe(true);
  });

  it.each(['ordinary', 'raidenftpd', 'ioftpd'] as const)(
    'glftpd to %s by SSCN at the target',
    async (name) => {
      const source = await rig.up(startGlftpd({ files: { file: content } }));
      const sink = await rig.up(SERVERS[name]());
      const [from, to] = await Promise.all([rig.login(source), rig.login(sink)]);
      expect((await to.send('SSCN ON')).text).toBe('200 SSCN:CLIENT METHOD');
      expect(await fxp(from, to, 'PASV')).toEqual({ source: 226, sink: 226 });
      expect(readFileSync(join(sink.home, 'copy')).equals(content)).toBe(true);
    },
  );

  it('fails when both are TLS clients', async () => {
    const source = await rig.up(startRaiden({ files: { file: content } }));
    const sink = await rig.up(startOrdinary());
    const [from, to] = await Promise.all([rig.login(source), rig.login(sink)]);
    await Promise.all([from.send('SSCN ON'), to.send('SSCN ON')]);
    expect(await fxp(from, to, 'PASV')).toEqual({ source: 421, sink: 425 });
    await from.closed;
  });

  it('refuses what the fxp option forbids', async () => {
    const source = await rig.up(startIis({ files: { file: content } }));
    const sink = await rig.up(startOrdinary({ fxp: { port: true, passive: false } }));
    const [from, to] = await Promise.all([rig.login(source), rig.login(sink)]);
    const endpoint = await to.send('PASV');
    expect((await from.send(`PORT ${sextetOf(endpoint)}`)).code).toBe(501);
    const open = await rig.login(await rig.up(startIis({ fxp: true, files: { file: content } })));
    expect((await open.send(`PORT ${sextetOf(endpoint)}`)).code).toBe(200);
    to.write('STOR copy\r\n');
    open.write('RETR file\r\n');
    expect((await to.next()).text).toBe('425 Unable to build data connection: Permission denied');
    expect(statSync(join(sink.home, 'copy')).size).toBe(0);
  });

  it('lets a server demand a resumed session', async () => {
    const requireReuse = '522 SSL connection failed: session reuse required';
    const source = await rig.up(startOrdinary({ files: { file: content }, requireReuse }));
    const sink = await rig.up(startOrdinary());
    const [from, to] = await Promise.all([rig.login(source), rig.login(sink)]);
    await to.send('SSCN ON');
    expect((await fxp(from, to, 'PASV')).source).toBe(522);
    await from.send('SSCN OFF');
    from.resumes = true;
    expect((await download(from, source, 'RETR file')).equals(content)).toBe(true);
  });

  it('resumes a session where a certificate is asked for, too', async () => {
    const peer = await rig.up(startWzdftpd({ files: { file: content }, requireReuse: '522 reuse required' }));
    const client = await rig.login(peer);
    client.resumes = true;
    expect((await download(client, peer, 'RETR file')).equals(content)).toBe(true);
  });
});

describe('the close that loses data', () => {
  async function sourceAsClient(sink: ScriptedPeer, options: Parameters<typeof startGlftpd>[0] = {}) {
    const source = await rig.up(startGlftpd({ files: { file: content }, ...options }));
    const [from, to] = await Promise.all([rig.login(source), rig.login(sink)]);
    await from.send('SSCN ON');
    const replies = await fxp(from, to, 'PASV');
    return { ...replies, size: statSync(join(sink.home, 'copy')).size };
  }

  it('leaves a short file behind two 226 on wzdftpd', async () => {
    const { size, ...replies } = await sourceAsClient(await rig.up(startWzdftpd()));
    expect(replies).toEqual({ source: 226, sink: 226 });
    expect(size).toBeLessThan(content.length);
  });

  it('is noticed by a server that looks at the end', async () => {
    expect(await sourceAsClient(await rig.up(startOrdinary()))).toMatchObject({ source: 226, sink: 426 });
  });

  it.each([
    ['with TLS 1.2', { maxVersion: 'TLSv1.2' as const }],
    ['with a clean shutdown', { truncates: false }],
  ])('does not happen %s', async (_case, options) => {
    expect(await sourceAsClient(await rig.up(startWzdftpd()), options)).toEqual({
      source: 226,
      sink: 226,
      size: content.length,
    });
  });

  it('does not happen towards a glftpd, which sends no tickets', async () => {
    expect(await sourceAsClient(await rig.up(startGlftpd()))).toEqual({
      source: 226,
      sink: 226,
      size: content.length,
    });
  });
});

it('leaves nothing behind', async () => {
  const peer = await startOrdinary({ files: { file: content } });
  const client = await rawLogin(peer);
  writeFileSync(join(peer.home, 'other'), 'x');
  expect(peer.connections()).toBe(1);
  await peer.stop();
  await client.closed;
  expect(peer.connections()).toBe(0);
  expect(existsSync(peer.home)).toBe(false);
  await peer.stop();
});
