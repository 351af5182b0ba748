/** Whole files through every kind of data connection, in this thread and in another one. */
import { randomBytes } from 'node:crypto';
import type net from 'node:net';
import { setImmediate as turn } from 'node:timers/promises';
import zlib from 'node:zlib';
import { afterAll, afterEach, describe, expect, test } from 'vitest';
import type { DataTls } from '../../src/net/plane/types.js';
import {
  AS_CLIENT,
  AS_SERVER,
  begin,
  CLIENT,
  closePeers,
  dialIn,
  drain,
  Folder,
  material,
  type Order,
  order,
  PEER,
  pair,
  secure,
  type Version,
} from './plane/peer.js';
import { PLANES, usePlane } from './plane/planes.js';

const CONTENT = randomBytes(3_000_017);
const PROTECTIONS: readonly [string, DataTls | undefined, Version | undefined][] = [
  ['plain', undefined, undefined],
  ['TLS 1.2 as server', AS_SERVER, 'TLSv1.2'],
  ['TLS 1.3 as server', AS_SERVER, 'TLSv1.3'],
  ['TLS 1.2 as client', AS_CLIENT, 'TLSv1.2'],
  ['TLS 1.3 as client', AS_CLIENT, 'TLSv1.3'],
];

const folder = new Folder();
afterAll(() => folder.remove());
afterEach(() => closePeers());

describe.each(PLANES)('%s plane', (_name, make) => {
  const plane = usePlane(make, (plane) => {
    plane.setTls(material());
    folder.write('source', CONTENT);
  });

  function wrapped(socket: net.Socket, tls: DataTls | undefined, version: Version | undefined): net.Socket {
    if (!tls || !version) return socket;
    return secure(socket, tls.role, { minVersion: version, maxVersion: version });
  }

  describe.each(['passive', 'active'] as const)('%s', (kind) => {
    test.each(PROTECTIONS)('sends, %s', async (_protection, tls, version) => {
      const given = order('send', folder.file('source'), tls ? { tls } : {});
      const { socket, finished, opened } = await pair(plane, kind, given);
      const peer = wrapped(socket, tls, version);
      const received = await drain(peer);
      peer.end();
      expect(received.equals(CONTENT)).toBe(true);
      const result = await finished;
      expect(result).toMatchObject({ bytes: CONTENT.length, peer: { address: CLIENT } });
      expect(result.failure).toBeUndefined();
      expect((await opened).tls?.protocol).toBe(version);
    });

    test.each(PROTECTIONS)('receives, %s', async (_protection, tls, version) => {
      const given = order('receive', folder.file('target'), tls ? { tls } : {});
      const { socket, finished, opened } = await pair(plane, kind, given);
      const peer = wrapped(socket, tls, version);
      peer.resume();
      peer.end(CONTENT);
      const result = await finished;
      expect(result.failure).toBeUndefined();
      expect(result.bytes).toBe(CONTENT.length);
      expect(folder.read('target').equals(CONTENT)).toBe(true);
      expect((await opened).tls?.protocol).toBe(version);
    });
  });

  async function sent(more: Partial<Order>, content: Buffer | string = CONTENT): Promise<Buffer> {
    folder.write('given', content);
    const given = order('send', folder.file('given'), more);
    given.file = { path: folder.file('given'), ...more.file };
    const { socket, finished } = await pair(plane, 'passive', given);
    const received = await drain(socket);
    const { failure, bytes } = await finished;
    expect(failure).toBeUndefined();
    expect(bytes).toBe(Buffer.from(content as string).length);
    return received;
  }

  async function received(more: Partial<Order>, octets: Buffer | string): Promise<Buffer> {
    const given = order('receive', folder.file('taken'), more);
    given.file = { path: folder.file('taken'), ...more.file };
    const { socket, finished } = await pair(plane, 'passive', given);
    socket.end(octets);
    const { failure, bytes } = await finished;
    expect(failure).toBeUndefined();
    const taken = folder.read('taken');
    expect(bytes).toBe(taken.length);
    return taken;
  }

  const slow = { path: '', slow: true };

  test('a file of 0 octets is sent and received', async () => {
    expect(await sent({}, '')).toHaveLength(0);
    expect(await sent({ deflate: 6 }, '')).toEqual(zlib.deflateSync(''));
    expect(await received({}, '')).toHaveLength(0);
    expect(await received({ deflate: 6 }, '')).toHaveLength(0);
    for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
      const { socket, finished } = await pair(
        plane,
        'passive',
        order('receive', folder.file('none'), { tls: AS_SERVER }),
      );
      const peer = secure(socket, 'server', { minVersion: version, maxVersion: version }).resume();
      peer.once('secureConnect', () => peer.end());
      expect((await finished).failure).toBeUndefined();
      expect(folder.read('none')).toHaveLength(0);
    }
  });

  test('a slow disk, and a source that does not know its size', async () => {
    expect((await sent({ file: { path: folder.file('given'), slow: true } })).equals(CONTENT)).toBe(true);
    const unsized = { path: folder.file('given'), unsized: true };
    expect((await sent({ file: unsized })).equals(CONTENT)).toBe(true);
    expect((await received({ file: { ...slow, path: folder.file('taken') } }, CONTENT)).equals(CONTENT)).toBe(
      true,
    );
  });

  test.each(['TLSv1.2', 'TLSv1.3'] as const)(
    'a slow disk under %s: no octet is lost while it is busy',
    async (version) => {
      const given = order('receive', folder.file('slow'), { tls: AS_SERVER });
      given.file.slow = true;
      const { socket, finished } = await pair(plane, 'passive', given);
      secure(socket, 'server', { maxVersion: version }).resume().end(CONTENT);
      expect((await finished).failure).toBeUndefined();
      expect(folder.read('slow').equals(CONTENT)).toBe(true);
    },
  );

  test('TYPE A ends lines with CR LF on the wire and LF in the file', async () => {
    const text = 'one\ntwo\r\n\n\nlast without end';
    expect((await sent({ type: 'A' }, text)).toString()).toBe('one\r\ntwo\r\n\r\n\r\nlast without end');
    expect((await received({ type: 'A' }, 'a\r\n\r\nb\rc\n\r')).toString()).toBe('a\n\nb\rc\n\r');
    const lines = 'x\n'.repeat(400_000);
    expect((await sent({ type: 'A' }, lines)).toString()).toBe(lines.replaceAll('\n', '\r\n'));
    expect((await received({ type: 'A' }, lines.replaceAll('\n', '\r\n'))).toString()).toBe(lines);
  });

  test('MODE Z is one zlib stream each way, also with TYPE A', async () => {
    const text = Buffer.from('compressible line\n'.repeat(50_000));
    const packed = await sent({ deflate: 6 }, text);
    expect(packed.length).toBeLessThan(text.length / 20);
    expect(zlib.inflateSync(packed).equals(text)).toBe(true);
    expect((await received({ deflate: 6 }, zlib.deflateSync(CONTENT))).equals(CONTENT)).toBe(true);
    expect(zlib.inflateSync(await sent({ deflate: 1, type: 'A' }, 'a\nb')).toString()).toBe('a\r\nb');
    expect((await received({ deflate: 1, type: 'A' }, zlib.deflateSync('a\r\nb\r'))).toString()).toBe(
      'a\nb\r',
    );
  });

  test('a connection made before the transfer command is used', async () => {
    const endpoint = await plane.passive({ host: CLIENT, peer: PEER, lifetime: 10_000 }, () => {});
    const socket = await dialIn(endpoint.port);
    socket.end(CONTENT);
    const { finished } = begin(endpoint, order('receive', folder.file('early')));
    expect((await finished).failure).toBeUndefined();
    expect(folder.read('early').equals(CONTENT)).toBe(true);
  });

  test('octets moved so far can be asked for while they move and after', async () => {
    const { socket, opened, transfer, finished } = await pair(
      plane,
      'passive',
      order('receive', folder.file('watched')),
    );
    socket.write('12345');
    await opened;
    let { bytes } = await transfer.progress();
    while (bytes < 5) {
      await turn();
      ({ bytes } = await transfer.progress());
    }
    expect(bytes).toBe(5);
    socket.end('6');
    expect((await finished).bytes).toBe(6);
    expect((await transfer.progress()).bytes).toBe(6);
  });

  test('a limit of octets per second holds, and can be lifted while it runs', async () => {
    const content = CONTENT.subarray(0, 300_000);
    const given = order('send', folder.write('limited', content), { rate: 100_000 });
    const { socket, finished, transfer } = await pair(plane, 'passive', given);
    let got = 0;
    socket.on('data', (part: Buffer) => {
      got += part.length;
      // A third at the given pace, the rest at once.
      if (got >= 100_000) transfer.setRate(0);
    });
    const { seconds, bytes } = await finished;
    expect(bytes).toBe(content.length);
    expect(seconds).toBeGreaterThan(0.6);
  });

  test('a limit holds for uploads', async () => {
    const begun = performance.now();
    expect((await received({ rate: 200_000 }, CONTENT.subarray(0, 100_000))).length).toBe(100_000);
    expect(performance.now() - begun).toBeGreaterThan(250);
  });
});
