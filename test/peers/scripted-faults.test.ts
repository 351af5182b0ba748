/** The servers that hang, close, lie and attack: each does what its options say, by raw commands. */
import { randomBytes } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { type FaultOptions, type FaultPeer, type FaultPoint, startFault } from './scripted/fault.js';
import { HOSTILE_CONTENT, HOSTILE_NAMES, type HostileOptions, startHostile } from './scripted/hostile.js';
import { type LiarOptions, type Lie, startLiar } from './scripted/liar.js';
import { RawClient, rawConnect } from './scripted/raw-client.js';
import { Rig } from './scripted/raw-steps.js';
import type { ScriptedPeer } from './scripted/server.js';
import { WZDFTPD } from './scripted/wzdftpd.js';

const rig = new Rig();
afterEach(() => rig.close());

const up = <P extends ScriptedPeer>(starting: Promise<P>): Promise<P> => rig.up(starting);
const login = (peer: ScriptedPeer): Promise<RawClient> => rig.login(peer, false);

const content = randomBytes(200_000);

async function download(client: RawClient, peer: ScriptedPeer, command: string): Promise<Buffer> {
  const endpoint = await client.send('PASV');
  client.write(`${command}\r\n`);
  return client.data(endpoint, peer.host, false);
}

describe('liar', () => {
  async function store(options: LiarOptions) {
    const peer = await up(startLiar(options));
    const client = await login(peer);
    const endpoint = await client.send('PASV');
    client.write('STOR file\r\n');
    await client.data(endpoint, peer.host, false, content);
    await client.next();
    const final = (await client.next()).code;
    const size = (await client.send('SIZE file')).text;
    const path = join(peer.home, 'file');
    return { peer, client, final, size, kept: existsSync(path) ? readFileSync(path) : undefined };
  }

  it('keeps a half and says 226', async () => {
    const { final, size, kept } = await store({ lie: 'short' });
    expect({ final, size, length: kept?.length }).toEqual({
      final: 226,
      size: '213 100000',
      length: 100_000,
    });
  });

  it('alters one byte, which a digest shows', async () => {
    const { final, size, kept } = await store({ lie: 'altered' });
    expect({ final, size }).toEqual({ final: 226, size: '213 200000' });
    expect([...(kept ?? [])].filter((byte, at) => byte !== content[at])).toHaveLength(1);
  });

  it('keeps nothing', async () => {
    const { final, size, kept } = await store({ lie: 'nothing-stored' });
    expect(final).toBe(226);
    expect(size).toMatch(/^550 /);
    expect(kept).toBeUndefined();
  });

  it.each(['short', 'nothing-stored'] as Lie[])('tells the size that was sent, %s', async (lie) => {
    const { size, client, peer } = await store({ lie, sizeLies: true, digests: false });
    expect(size).toBe('213 200000');
    expect((await client.send('XCRC file')).code).toBe(500);
    const listing = (await download(client, peer, 'MLSD')).toString();
    expect(listing).toMatch(lie === 'short' ? /size=200000;/ : /^$/);
  });
});

/** Runs until the fault has struck, on a connection in the clear. The point decides how far that is. */
async function provoke(peer: FaultPeer, at: FaultPoint): Promise<RawClient> {
  const client = new RawClient(connect(peer.port, peer.host));
  rig.keep(client);
  if (at !== 'accept' && at !== 'greeting') {
    await client.next();
    const before = [`USER ${peer.user}`, `PASS ${peer.password}`, 'TYPE I'];
    const last = { user: 0, pass: 1, type: 2 }[at as 'user'] ?? 3;
    for (const command of before.slice(0, last)) await client.send(command);
    client.write(`${before[last] ?? COMMANDS[at] ?? at.toUpperCase()}\r\n`);
  }
  await vi.waitFor(() => expect(peer.fired()).toBe(1));
  return client;
}

const COMMANDS: Partial<Record<FaultPoint, string>> = {
  size: 'SIZE file',
  rnfr: 'RNFR file',
  port: 'PORT 127,0,0,1,9,9',
};
const start = (options: FaultOptions): Promise<FaultPeer> =>
  up(startFault({ files: { file: content }, ...options }));
const POINTS: FaultPoint[] = ['greeting', 'user', 'pass', 'type', 'feat', 'size', 'rnfr', 'port', 'pasv'];

describe('fault on the control connection', () => {
  it.each(['accept', ...POINTS] as FaultPoint[])('hangs at %s', async (at) => {
    const peer = await start({ at, how: 'hang' });
    const client = await provoke(peer, at);
    client.write('NOOP\r\n');
    await peer.stop();
    await client.closed;
    expect(client.pending()).toBe(0);
  });

  it.each(['accept', ...POINTS] as FaultPoint[])('closes at %s', async (at) => {
    const client = await provoke(await start({ at, how: 'close' }), at);
    await client.closed;
    expect(client.pending()).toBe(0);
  });

  it.each(POINTS)('talks nonsense or without end at %s', async (at) => {
    for (const how of ['garbage', 'endless'] as const) {
      const client = await provoke(await start({ at, how }), at);
      let seen = 0;
      client.socket.on('data', (chunk: Buffer) => {
        seen += chunk.length;
      });
      if (how === 'endless') await vi.waitFor(() => expect(seen).toBeGreaterThan(1_000_000));
      client.close();
      await client.closed;
      expect(client.pending()).toBe(0);
    }
  });

  it.each(['close', 'garbage'] as const)('breaks the handshake: %s', async (how) => {
    const client = await rawConnect(await start({ at: 'tls', how }));
    await expect(client.secure()).rejects.toThrow();
  });

  it('passes the point before, strikes as often as asked, and can be healed', async () => {
    const peer = await start({ at: 'noop', how: 'close', after: 1, times: 2 });
    const first = await login(peer);
    expect((await first.send('NOOP')).code).toBe(200);
    first.write('NOOP\r\n');
    await first.closed;
    expect(peer.fired()).toBe(1);
    peer.heal();
    expect((await (await login(peer)).send('NOOP')).code).toBe(200);
  });

  it.each(['150', '226'] as FaultPoint[])('hangs and closes in place of %s', async (at) => {
    for (const how of ['hang', 'close'] as const) {
      const peer = await start({ at, how });
      const client = await login(peer);
      const endpoint = await client.send('PASV');
      client.write('RETR file\r\n');
      const bytes = client.data(endpoint, peer.host, false);
      await vi.waitFor(() => expect(peer.fired()).toBe(1));
      if (how === 'hang') await peer.stop();
      await client.closed;
      expect((await bytes).length).toBe(at === '150' ? 0 : content.length);
      expect(client.pending()).toBe(at === '150' ? 0 : 1);
    }
  });
});

describe('fault on the data connection', () => {
  it('closes in the middle of a file', async () => {
    const peer = await start({ at: 'data', how: 'close' });
    const client = await login(peer);
    const bytes = await download(client, peer, 'RETR file');
    expect(bytes.length).toBeGreaterThan(0);
    expect(bytes.length).toBeLessThan(content.length);
  });

  it('hangs in the middle of a file, and ABOR ends it', async () => {
    const peer = await start({ at: 'data', how: 'hang' });
    const client = await login(peer);
    const endpoint = await client.send('PASV');
    client.write('RETR file\r\n');
    const bytes = client.data(endpoint, peer.host, false);
    expect((await client.next()).code).toBe(150);
    await vi.waitFor(() => expect(peer.fired()).toBe(1));
    expect((await client.send('ABOR')).code).toBe(426);
    expect((await client.next()).code).toBe(226);
    expect((await bytes).length).toBeLessThan(content.length);
  });

  it('lists without end', async () => {
    const peer = await start({ at: 'listing', how: 'endless' });
    const client = await login(peer);
    const endpoint = await client.send('PASV');
    client.write('MLSD\r\n');
    const bytes = client.data(endpoint, peer.host, false);
    expect((await client.next()).code).toBe(150);
    await vi.waitFor(() => expect(peer.fired()).toBe(1));
    expect((await client.send('ABOR')).code).toBe(426);
    expect((await bytes).toString()).toContain('one-of-many\r\n');
  });

  it('speaks another dialect when asked to', async () => {
    const peer = await start({ at: 'cpsv', how: 'close', as: WZDFTPD });
    const client = await login(peer);
    expect((await client.send('MODE S')).code).toBe(502);
    client.write('CPSV\r\n');
    await client.closed;
  });
});

describe('hostile', () => {
  const open = async (options: HostileOptions = {}): Promise<{ peer: ScriptedPeer; client: RawClient }> => {
    const peer = await up(startHostile({ files: { honest: '12345' }, ...options }));
    return { peer, client: await login(peer) };
  };

  it.each(['MLSD', 'LIST', 'NLST'])('names what it should not in %s', async (verb) => {
    const { peer, client } = await open();
    const listing = (await download(client, peer, verb)).toString();
    for (const name of ['honest', ...HOSTILE_NAMES]) expect(listing).toContain(`${name}\r\n`);
    await client.next();
    await client.next();
    expect((await download(client, peer, 'RETR ../x')).toString()).toBe(HOSTILE_CONTENT);
  });

  it('lies about sizes', async () => {
    const { peer, client } = await open({ names: [], sizes: { honest: 2 ** 53 } });
    expect((await download(client, peer, 'MLSD')).toString()).toContain('size=9007199254740992;');
    await client.next();
    await client.next();
    expect((await client.send('SIZE honest')).text).toBe('213 9007199254740992');
  });

  it('has a folder that contains itself', async () => {
    const { peer, client } = await open({ names: [], loop: true });
    const top = (await download(client, peer, 'MLSD /')).toString();
    await client.next();
    await client.next();
    expect(top).toMatch(/type=dir;.* loop\r\ntype=OS\.unix=slink:\.;.* self\r\n$/);
    expect((await download(client, peer, 'MLSD /loop/self/loop')).toString()).toBe(top);
  });
});
