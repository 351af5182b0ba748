import { getEventListeners } from 'node:events';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { describe, expect, it, onTestFinished } from 'vitest';
import { type Client, type ClientOptions, connect, Site } from '../../src/client/index.js';
import type { SiteSettings } from '../../src/protocol/site.js';
import { startFault } from '../peers/scripted/fault.js';
import { type ScriptedPeer, startOrdinary } from '../peers/scripted/server.js';

const ONE = Buffer.from('one\ntwo\n');

async function rig(): Promise<ScriptedPeer> {
  const peer = await startOrdinary({ files: { 'dir/one': ONE, 'dir/sub/two': Buffer.alloc(5) } });
  onTestFinished(() => peer.stop());
  return peer;
}

const siteOf = ({ host, port, user, password }: ScriptedPeer): SiteSettings => ({
  ...{ host, port, user, password },
  tls: 'explicit',
});

async function enter(site: SiteSettings | string, options: ClientOptions = {}): Promise<Client> {
  const client = await connect(site, { commandTimeout: 5_000, ...options });
  onTestFinished(() => client.close());
  return client;
}

async function temporary(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'jackstay-client-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

describe('Site.parse', () => {
  it('makes the path the directory to begin in', () => {
    expect(Site.parse('ftps://alice:a%40b@ftp.example/pub/x')).toEqual({
      host: 'ftp.example',
      tls: 'explicit',
      user: 'alice',
      password: 'a@b',
      directory: 'pub/x',
    });
    expect(Site.parse('ftp://h')).toEqual({ host: 'h', tls: 'none' });
  });

  it('refuses with the password masked', () => {
    expect(() => Site.parse('http://u:secret@h/')).toThrow('http://u:***@h/');
  });
});

describe('client', () => {
  it('tells what the server is', async () => {
    const peer = await rig();
    const { server } = await enter(siteOf(peer));
    expect(server).toMatchObject({ tls: 'TLSv1.3', certificate: 'first-use', pin: peer.pin, home: '/' });
    expect(server.features).toContain('MLST');
  });

  it('lists, walks and describes', async () => {
    const client = await enter(siteOf(await rig()));
    expect((await client.list()).map(({ name, type }) => [name, type])).toEqual([['dir', 'dir']]);
    const found: string[] = [];
    for await (const { path } of client.walk()) found.push(path);
    expect(found.sort()).toEqual(['dir', 'dir/one', 'dir/sub', 'dir/sub/two'].sort());
    expect(await client.stat('dir/one')).toMatchObject({ name: 'one', type: 'file', size: 8 });
    expect(await client.stat('none')).toBeUndefined();
    expect(await client.size('dir/sub/two')).toBe(5);
  });

  it('stores and retrieves streams, octets, text and files, with progress', async () => {
    const peer = await rig();
    const client = await enter(siteOf(peer));
    const folder = await temporary();
    const content = Buffer.alloc(300_000, 'abc');
    const steps: number[] = [];
    const stored = await client.store('up', content, { onProgress: (bytes) => steps.push(bytes) });
    expect(stored).toEqual({ bytes: 300_000, security: 'encrypted' });
    expect(steps.at(-1)).toBe(300_000);
    expect(steps).toEqual([...steps].sort((a, b) => a - b));
    expect(readFileSync(join(peer.home, 'up')).equals(content)).toBe(true);
    await client.store('text', 'Grüße');
    expect((await client.read('text')).toString()).toBe('Grüße');
    expect((await client.read('dir/one', { offset: 4 })).toString()).toBe('two\n');
    await client.download('up', join(folder, 'down'));
    expect(readFileSync(join(folder, 'down')).equals(content)).toBe(true);
    writeFileSync(join(folder, 'local'), ONE);
    await client.upload(join(folder, 'local'), 'dir/copy');
    expect(readFileSync(join(peer.home, 'dir/copy'))).toEqual(ONE);
  });

  it('leaves no local file behind when a download fails', async () => {
    const client = await enter(siteOf(await rig()));
    const folder = await temporary();
    await expect(client.download('none', join(folder, 'x'))).rejects.toMatchObject({ kind: 'refused' });
    expect(readdirSync(folder)).toEqual([]);
    const missing = client.download('dir/one', join(folder, 'no/such/x'));
    await expect(missing).rejects.toMatchObject({ kind: 'local' });
  });

  it('read refuses what is longer than its limit, and goes on', async () => {
    const client = await enter(siteOf(await rig()));
    await expect(client.read('dir/one', { limit: 7 })).rejects.toMatchObject({ kind: 'policy' });
    expect((await client.read('dir/one', { limit: 8 })).equals(ONE)).toBe(true);
  });

  it('makes, renames and removes', async () => {
    const peer = await rig();
    const client = await enter(siteOf(peer));
    expect(await client.makeDirectory('a/b/c', { parents: true })).toBe(true);
    expect(await client.makeDirectory('a/b/c')).toBe(false);
    await client.rename('dir/one', 'a/b/c/one');
    expect(readFileSync(join(peer.home, 'a/b/c/one'))).toEqual(ONE);
    await expect(client.removeDirectory('a')).rejects.toMatchObject({ kind: 'refused' });
    await client.removeTree('a');
    await client.remove('dir/sub/two');
    expect([existsSync(join(peer.home, 'a')), existsSync(join(peer.home, 'dir/sub/two'))]).toEqual([
      false,
      false,
    ]);
  });

  it('begins in the directory of the site, in every session', async () => {
    const peer = await rig();
    const client = await enter({ ...siteOf(peer), directory: 'dir' });
    expect(client.server.home).toBe('/dir');
    const [plain, below, root] = await Promise.all([
      client.size('one'),
      client.list(),
      client.size('/dir/one'),
    ]);
    expect([plain, below.map(({ name }) => name).sort(), root]).toEqual([8, ['one', 'sub'], 8]);
    await expect(enter({ ...siteOf(peer), directory: 'none' })).rejects.toMatchObject({
      kind: 'refused',
      facts: { command: 'CWD none' },
    });
  });

  it('calls that overlap use sessions of their own, up to maxSessions', async () => {
    const peer = await rig();
    const sessions = new Set<number>();
    const onDialogue = (_site: string, session: number): void => void sessions.add(session);
    const client = await enter({ ...siteOf(peer), maxSessions: 2 }, { onDialogue });
    const all = await Promise.all(Array.from({ length: 6 }, () => client.read('dir/one')));
    expect(all.every((octets) => octets.equals(ONE))).toBe(true);
    expect([...sessions]).toEqual([1, 2]);
  });

  it('sends other commands as they are, and none that would confuse it', async () => {
    const client = await enter(siteOf(await rig()));
    expect((await client.command('NOOP')).code).toBe(200);
    expect((await client.command('XYZZY')).code).toBeGreaterThanOrEqual(500);
    await expect(client.command('cwd', '/dir')).rejects.toMatchObject({ kind: 'usage' });
    await expect(client.command('SITE', 'A\r\nDELE b')).rejects.toMatchObject({ kind: 'usage' });
    expect((await client.list()).length).toBe(1);
  });

  it('an unknown digest names those that are offered', async () => {
    const client = await enter(siteOf(await rig()));
    await expect(client.digest('dir/one', { algorithm: 'sha-3' })).rejects.toMatchObject({
      kind: 'refused',
      message: expect.stringContaining('it offers:'),
    });
  });
});

describe('abort', () => {
  it('ends a transfer at once, and the next call works', async () => {
    const peer = await rig();
    const client = await enter(siteOf(peer));
    const controller = new AbortController();
    const endless = new PassThrough();
    endless.write('beginning');
    const storing = client.store('cut', endless, {
      signal: controller.signal,
      onProgress: () => controller.abort(),
    });
    await expect(storing).rejects.toMatchObject({ kind: 'aborted' });
    expect((await client.read('dir/one')).equals(ONE)).toBe(true);
  });

  it('ends a command that gets no reply', async () => {
    const peer = await startFault({ at: 'size', how: 'hang' });
    onTestFinished(() => peer.stop());
    const client = await enter({ ...siteOf(peer), tls: 'none' }, { commandTimeout: 60_000 });
    const controller = new AbortController();
    const asking = client.size('x', { signal: controller.signal });
    controller.abort();
    await expect(asking).rejects.toMatchObject({ kind: 'aborted' });
  });

  it.each(['150', 'listing'] as const)('ends a listing that hangs at %s', async (at) => {
    const peer = await startFault({ at, how: 'hang' });
    onTestFinished(() => peer.stop());
    const controller = new AbortController();
    const onDialogue = (_site: string, _session: number, _direction: string, text: string): void => {
      if (text.startsWith(at === '150' ? 'MLSD' : '150')) setImmediate(() => controller.abort());
    };
    const client = await enter({ ...siteOf(peer), tls: 'none' }, { commandTimeout: 60_000, onDialogue });
    const listing = client.list('', { signal: controller.signal });
    await expect(listing).rejects.toMatchObject({ kind: 'aborted' });
  });

  it('ends a login that hangs, also for the whole client', async () => {
    const sockets = new Set<Socket>();
    const mute = createServer((socket) => sockets.add(socket)).listen(0, '127.0.0.1');
    onTestFinished(() => {
      for (const socket of sockets) socket.destroy();
      mute.close();
    });
    await new Promise((resolve) => mute.once('listening', resolve));
    const { port } = mute.address() as { port: number };
    const controller = new AbortController();
    mute.once('connection', () => controller.abort());
    const entering = connect({ host: '127.0.0.1', port }, { signal: controller.signal });
    await expect(entering).rejects.toMatchObject({ kind: 'aborted' });
    await expect(connect({ host: '127.0.0.1', port }, { signal: controller.signal })).rejects.toMatchObject({
      kind: 'aborted',
    });
  });

  it('leaves no listener on a signal that lives on', async () => {
    const client = await enter(siteOf(await rig()));
    const { signal } = new AbortController();
    await client.read('dir/one', { signal });
    await client.size('dir/one', { signal });
    expect(getEventListeners(signal, 'abort')).toEqual([]);
  });
});
