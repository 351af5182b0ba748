/** Digests of the octets of a transfer, told and compared, in this thread and in another one. */
import { createHash, randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import zlib from 'node:zlib';
import { afterAll, afterEach, describe, expect, test } from 'vitest';
import { ALGORITHMS, type Algorithm } from '../../src/protocol/digests.js';
import { block, blocks, ended as fileEnd } from './plane/blocks.js';
import {
  AS_SERVER,
  begin,
  CLIENT,
  closePeers,
  dialIn,
  drain,
  Folder,
  listen,
  material,
  order,
  PEER,
  pair,
  secure,
} from './plane/peer.js';
import { PLANES, usePlane } from './plane/planes.js';

const CONTENT = randomBytes(3_000_017);
const NODE_NAMES: Record<Exclude<Algorithm, 'CRC32'>, string> = {
  'SHA-256': 'sha256',
  'SHA-512': 'sha512',
  'SHA-1': 'sha1',
  MD5: 'md5',
};
const hexOf = (octets: Buffer, algorithm: Algorithm = 'SHA-256'): string =>
  algorithm === 'CRC32'
    ? zlib.crc32(octets).toString(16).padStart(8, '0')
    : createHash(NODE_NAMES[algorithm]).update(octets).digest('hex');

const folder = new Folder();
afterAll(() => folder.remove());
afterEach(() => closePeers());

describe.each(PLANES)('%s plane', (_name, make) => {
  const plane = usePlane(make, (made) => {
    made.setTls(material());
    folder.write('source', CONTENT);
    folder.write('empty', '');
  });
  const passive = () => plane.passive({ host: CLIENT, peer: PEER, lifetime: 10_000 }, () => {});
  const target = folder.file('target');

  describe('stream mode', () => {
    test.each(ALGORITHMS)('a download tells %s', async (digest) => {
      const given = order('send', folder.file('source'), { digest });
      const { socket, finished } = await pair(plane, 'passive', given);
      expect((await drain(socket)).equals(CONTENT)).toBe(true);
      expect(await finished).toMatchObject({ bytes: CONTENT.length, digest: hexOf(CONTENT, digest) });
    });

    test('of the octets behind the restart point', async () => {
      const given = order('send', folder.file('source'), { digest: 'SHA-256' });
      const file = { path: folder.file('source'), from: 1_000_000 };
      const { socket, finished } = await pair(plane, 'active', { ...given, file });
      await drain(socket);
      expect((await finished).digest).toBe(hexOf(CONTENT.subarray(1_000_000)));
    });

    test('an upload, under TLS too', async () => {
      const given = order('receive', target, { digest: 'SHA-256', tls: AS_SERVER });
      const { socket, finished } = await pair(plane, 'passive', given);
      const peer = secure(socket, 'server');
      peer.resume();
      peer.end(CONTENT);
      expect(await finished).toMatchObject({ bytes: CONTENT.length, digest: hexOf(CONTENT) });
    });

    test('a slow medium', async () => {
      const { socket, finished } = await pair(plane, 'passive', {
        ...order('receive', target, { digest: 'SHA-256' }),
        file: { path: target, slow: true },
      });
      socket.end(CONTENT);
      expect((await finished).digest).toBe(hexOf(CONTENT));
      const given = { ...order('send', target, { digest: 'SHA-256' }), file: { path: target, slow: true } };
      const back = await pair(plane, 'passive', given);
      await drain(back.socket);
      expect((await back.finished).digest).toBe(hexOf(CONTENT));
    });

    test('in MODE Z it is that of the file', async () => {
      const given = order('send', folder.file('source'), { digest: 'SHA-256', deflate: 1 });
      const down = await pair(plane, 'passive', given);
      await drain(down.socket);
      expect((await down.finished).digest).toBe(hexOf(CONTENT));
      const up = await pair(plane, 'passive', order('receive', target, { digest: 'SHA-256', deflate: 1 }));
      up.socket.end(zlib.deflateSync(CONTENT));
      expect((await up.finished).digest).toBe(hexOf(CONTENT));
    });

    test('none in TYPE A, none that was not ordered, none of a transfer that failed', async () => {
      const text = await pair(plane, 'passive', order('receive', target, { digest: 'SHA-256', type: 'A' }));
      text.socket.end('a\r\n');
      expect(await text.finished).toEqual(expect.not.objectContaining({ digest: expect.anything() }));
      const bare = await pair(plane, 'passive', order('receive', target));
      bare.socket.end('a');
      expect(await bare.finished).toEqual(expect.not.objectContaining({ digest: expect.anything() }));
      const cut = await pair(plane, 'passive', order('receive', target, { digest: 'SHA-256' }));
      await cut.opened;
      cut.socket.resetAndDestroy();
      expect(await cut.finished).toEqual(expect.not.objectContaining({ digest: expect.anything() }));
    });
  });

  describe('MODE E', () => {
    test('one connection: both ends tell the same, file after file', async () => {
      const receiver = await passive();
      const sender = plane.active({ host: CLIENT, port: receiver.port, localAddress: CLIENT, peer: PEER });
      for (const name of ['source', 'empty', 'source']) {
        const content = folder.read(name);
        const received = begin(receiver, blocks('receive', target, {}, { digest: 'SHA-256' }));
        const sent = begin(sender, blocks('send', folder.file(name), {}, { digest: 'SHA-256' }));
        expect((await received.finished).digest).toBe(hexOf(content));
        expect((await sent.finished).digest).toBe(hexOf(content));
      }
      sender.close();
      receiver.close();
    });

    test('what is missing of a file: the octets that moved, on both sides', async () => {
      const receiver = await passive();
      const sender = plane.active({ host: CLIENT, port: receiver.port, localAddress: CLIENT, peer: PEER });
      const have = [{ start: 0, end: 2_000_000 }];
      const pieces = [{ file: { path: folder.file('source'), from: 2_000_000 }, offset: 2_000_000 }];
      const received = begin(receiver, blocks('receive', target, { have }, { digest: 'MD5' }));
      const sent = begin(sender, blocks('send', folder.file('source'), { pieces }, { digest: 'MD5' }));
      const wanted = hexOf(CONTENT.subarray(2_000_000), 'MD5');
      expect((await received.finished).digest).toBe(wanted);
      expect((await sent.finished).digest).toBe(wanted);
      sender.close();
      receiver.close();
    });

    test('blocks out of order: none is told, and one that is expected cannot be compared', async () => {
      const parts = [block(3, 'def'), block(0, 'abc'), fileEnd(1)];
      const first = await passive();
      const told = begin(first, blocks('receive', target, {}, { digest: 'SHA-256' }));
      (await dialIn(first.port)).write(Buffer.concat(parts));
      const result = await told.finished;
      expect(result.failure).toBeUndefined();
      expect(result.digest).toBeUndefined();
      expect(folder.read('target').toString()).toBe('abcdef');
      first.close();

      const second = await passive();
      const expected = { digest: { algorithm: 'SHA-256', hex: hexOf(Buffer.from('abcdef')) } } as const;
      const compared = begin(second, blocks('receive', folder.file('other'), {}, { expect: expected }));
      (await dialIn(second.port)).write(Buffer.concat(parts));
      expect((await compared.finished).failure).toMatchObject({ stage: 'differs', code: 'DISORDER' });
      expect(existsSync(folder.file('other'))).toBe(false);
    });
  });

  describe('what is expected', () => {
    const hex = hexOf(CONTENT);
    const cases = [
      ['its digest', { digest: { algorithm: 'SHA-256', hex } }, undefined],
      ['its size', { size: CONTENT.length }, undefined],
      ['another digest', { digest: { algorithm: 'SHA-256', hex: '00'.repeat(32) } }, 'DIGEST'],
      ['another size', { size: CONTENT.length + 1 }, 'SIZE'],
    ] as const;

    test.each(cases)('stream mode, %s', async (_what, expected, code) => {
      folder.write('target', 'before');
      const given = order('receive', target, { expect: expected, digest: 'MD5' });
      const { socket, finished } = await pair(plane, 'passive', given);
      socket.end(CONTENT);
      const { failure, digest, remains } = await finished;
      expect(failure?.code).toBe(code);
      expect(folder.read('target').equals(code ? Buffer.from('before') : CONTENT)).toBe(true);
      if (code) expect({ stage: failure?.stage, remains }).toEqual({ stage: 'differs', remains: 'old' });
      else expect(digest).toBe(hexOf(CONTENT, 'MD5'));
    });

    test.each(cases)('MODE E, %s', async (_what, expected, code) => {
      folder.write('target', 'before');
      const endpoint = await passive();
      const { finished } = begin(endpoint, blocks('receive', target, {}, { expect: expected }));
      (await dialIn(endpoint.port)).write(Buffer.concat([block(0, CONTENT), fileEnd(1)]));
      expect((await finished).failure?.code).toBe(code);
      expect(folder.read('target').equals(code ? Buffer.from('before') : CONTENT)).toBe(true);
      endpoint.close();
    });

    test('an announced size holds for TYPE A as well: octets as they are stored', async () => {
      const given = order('receive', target, { expect: { size: 2 }, type: 'A' });
      const { socket, finished } = await pair(plane, 'passive', given);
      socket.end('a\r\n');
      expect(await finished).toEqual(expect.not.objectContaining({ failure: expect.anything() }));
    });
  });

  test('a sender is told the digest of a file that a listener takes without a word', async () => {
    const { port, connection } = await listen();
    const endpoint = plane.active({ host: CLIENT, port, localAddress: CLIENT, peer: PEER });
    const { finished } = begin(endpoint, order('send', folder.file('empty'), { digest: 'SHA-256' }));
    await drain(await connection);
    expect((await finished).digest).toBe(hexOf(Buffer.alloc(0)));
  });
});
