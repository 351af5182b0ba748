/** Transfers that do not end well: each ends once, says where, and leaves nothing open. */
import { randomBytes } from 'node:crypto';
import { existsSync, readdirSync } from 'node:fs';
import { setImmediate as turn } from 'node:timers/promises';
import zlib from 'node:zlib';
import { afterAll, afterEach, describe, expect, test } from 'vitest';
import { wasReset } from '../../src/net/plane/ends.js';
import type { TestFile } from './plane/files.js';
import {
  AS_SERVER,
  begin,
  CLIENT,
  closePeers,
  dialIn,
  drain,
  ended,
  Folder,
  material,
  type Order,
  order,
  PEER,
  pair,
  secure,
} from './plane/peer.js';
import { PLANES, usePlane } from './plane/planes.js';

/** More than the buffers of the system hold. */
const MUCH = Buffer.alloc(32 * 1024 * 1024, 'x');
const none = (): void => {};

const folder = new Folder();
folder.write('much', MUCH);
folder.write('small', 'a few octets');
afterAll(() => folder.remove());
afterEach(() => closePeers());

/** Descriptors of sockets and files of the test; those of the runner stay the same. */
const descriptors = (): number => readdirSync('/proc/self/fd').length;

async function until(met: () => boolean): Promise<void> {
  while (!met()) await turn();
}

describe.each(PLANES)('%s plane', (_name, make) => {
  const plane = usePlane(make, (plane) => {
    plane.setTls(material());
  });

  const sending = (file: Partial<TestFile> = {}, more: Partial<Order> = {}): Order => ({
    ...order('send', folder.file('much'), more),
    file: { path: folder.file('much'), ...file },
  });
  const receiving = (file: Partial<TestFile> = {}, more: Partial<Order> = {}): Order => ({
    ...order('receive', folder.file('target'), more),
    file: { path: folder.file('target'), ...file },
  });
  const endpoint = () => plane.passive({ host: CLIENT, peer: PEER, lifetime: 10_000 }, none);

  describe('the file', () => {
    test.each([
      ['missing', sending({ path: '/nowhere/at/all' }), 'not-found'],
      ['not to be opened', sending({ fails: 'open' }), 'not-found'],
      ['not to be uploaded', receiving({ fails: 'admit' }), 'exists'],
    ])('%s: told before any connection', async (_what, given, code) => {
      const { finished } = begin(await endpoint(), given);
      const result = await finished;
      expect(result).toMatchObject({ bytes: 0, seconds: 0, failure: { stage: 'file', code } });
      expect(result.peer).toBeUndefined();
    });

    test('not to be created: told without the 150', async () => {
      const { socket, finished } = await pair(plane, 'passive', receiving({ fails: 'sink' }));
      expect((await finished).failure).toMatchObject({ stage: 'file', code: 'denied' });
      expect((await finished).seconds).toBe(0);
      await ended(socket);
    });

    test.each([false, true])(
      'unreadable in the middle (slow: %s): the peer sees no clean end',
      async (slow) => {
        const { socket, finished } = await pair(plane, 'passive', sending({ fails: 'read', slow }));
        // Asked when the end is told: a moment later the socket is closed, and nothing can be asked any more.
        let reset = false;
        socket.once('end', () => {
          reset = wasReset(socket);
        });
        await ended(socket);
        expect((await finished).failure).toMatchObject({ stage: 'file', code: 'io' });
        expect(reset || socket.errored !== null).toBe(true);
      },
    );

    test.each([
      ['write', 'no-space'],
      ['commit', 'quota'],
    ] as const)('%s fails: the old file stays', async (fails, code) => {
      folder.write('target', 'old');
      const { socket, finished } = await pair(plane, 'passive', receiving({ fails }));
      socket.end('new');
      expect(await finished).toMatchObject({ failure: { stage: 'file', code }, remains: 'old' });
      expect(folder.read('target').toString()).toBe('old');
      expect(existsSync(`${folder.file('target')}.part`)).toBe(false);
    });
  });

  describe('aborted', () => {
    test('at once, and while the peer is awaited', async () => {
      const early = begin(await endpoint(), sending());
      early.transfer.abort();
      expect((await early.finished).failure).toMatchObject({ stage: 'aborted', code: 'ABOR' });
      const waiting = await endpoint();
      const { transfer, finished } = begin(waiting, receiving());
      for (let i = 0; i < 20; i++) await turn();
      transfer.abort();
      expect((await finished).failure?.stage).toBe('aborted');
      await expect(dialIn(waiting.port)).rejects.toMatchObject({ code: 'ECONNREFUSED' });
    });

    test('in the handshake', async () => {
      const { socket, finished, transfer } = await pair(plane, 'passive', receiving({}, { tls: AS_SERVER }));
      socket.write(Buffer.from([22, 3, 1]));
      for (let i = 0; i < 20; i++) await turn();
      transfer.abort();
      expect((await finished).failure?.stage).toBe('aborted');
      await ended(socket);
    });

    test.each([undefined, AS_SERVER])('while octets move, both ways, tls %o', async (tls) => {
      for (const given of [sending({}, { tls }), receiving({}, { tls }), sending({ slow: true }, { tls })]) {
        const { socket, finished, transfer, opened } = await pair(plane, 'passive', given);
        const peer = tls ? secure(socket, 'server') : socket;
        if (given.direction === 'receive') peer.write('some');
        else if (tls) peer.on('secureConnect', () => peer.pause());
        await opened;
        transfer.abort();
        transfer.abort();
        const result = await finished;
        expect(result.failure?.stage).toBe('aborted');
        expect(result.bytes).toBeLessThan(MUCH.length);
        await ended(peer);
      }
    });

    test('by giving up the endpoint, and by closing it before its transfer', async () => {
      const used = await endpoint();
      const { finished } = begin(used, receiving());
      used.close();
      expect((await finished).failure?.stage).toBe('aborted');
      used.close();
      const unused = await endpoint();
      const early = await dialIn(unused.port);
      unused.close();
      await ended(early);
      await expect(dialIn(unused.port)).rejects.toMatchObject({ code: 'ECONNREFUSED' });
    });

    test('after its end it stays as it was', async () => {
      const { socket, finished, transfer } = await pair(plane, 'passive', receiving());
      socket.end('whole');
      const result = await finished;
      transfer.abort();
      transfer.setRate(1);
      transfer.grant(5);
      expect(result).toMatchObject({ bytes: 5 });
      expect(await transfer.finished).toBe(result);
    });
  });

  describe('the peer', () => {
    test('resets while it sends', async () => {
      folder.write('target', 'old');
      const { socket, finished, opened } = await pair(plane, 'passive', receiving());
      await opened;
      // Octets and RST lie in the system together when they are read.
      socket.write('some', () => socket.resetAndDestroy());
      expect(await finished).toMatchObject({
        failure: { stage: 'transfer', code: 'ECONNRESET' },
        remains: 'old',
      });
    });

    test.each([undefined, AS_SERVER])('goes while it is sent to, tls %o', async (tls) => {
      const { socket, finished, opened } = await pair(plane, 'passive', sending({}, { tls }));
      const peer = tls ? secure(socket, 'server') : socket;
      await opened;
      peer.destroy();
      const { failure } = await finished;
      expect(failure).toMatchObject({ stage: 'transfer', code: expect.stringMatching(/EPIPE|ECONNRESET/) });
    });

    test.each([undefined, AS_SERVER])('stalls, both ways, tls %o', async (tls) => {
      const timeouts = { connect: 5000, handshake: 5000, stall: 60 };
      for (const given of [sending({}, { tls, timeouts }), receiving({}, { tls, timeouts })]) {
        const { socket, finished } = await pair(plane, 'passive', given);
        if (tls) secure(socket, 'server').pause();
        expect((await finished).failure).toMatchObject({ stage: 'stall', code: 'ETIMEDOUT' });
        socket.destroy();
      }
    });

    test('waits of ours are no stall of the peer', async () => {
      const timeouts = { connect: 5000, handshake: 5000, stall: 60 };
      // 10 KB/s: the pauses are longer than the peer may be silent.
      const given = receiving({}, { timeouts, rate: 10_000 });
      const { socket, finished } = await pair(plane, 'passive', given);
      socket.end(Buffer.alloc(4_000));
      expect((await finished).failure).toBeUndefined();
      expect((await finished).seconds).toBeGreaterThan(0.2);
    });
  });

  describe('quota', () => {
    test('a file of just the grant needs no more; one octet beyond asks', async () => {
      const exact = await pair(plane, 'passive', receiving({}, { grant: 5 }));
      exact.socket.end('12345');
      expect((await exact.finished).failure).toBeUndefined();
      expect(exact.asks()).toBe(0);
      const more = await pair(plane, 'passive', receiving({}, { grant: 5 }));
      more.socket.end('123456');
      await more.asked;
      expect(await more.transfer.progress()).toEqual({ bytes: 5 });
      more.transfer.grant(0);
      expect(await more.finished).toMatchObject({ bytes: 5, failure: { stage: 'quota' } });
    });

    test('grants in pieces, also smaller than a chunk', async () => {
      const waiting = await endpoint();
      const given = receiving({ slow: true }, { grant: 0 });
      const { finished, asks } = begin(waiting, given, (transfer) => transfer.grant(100_000));
      const content = randomBytes(1_000_000);
      (await dialIn(waiting.port)).end(content);
      expect((await finished).failure).toBeUndefined();
      expect(asks()).toBe(10);
      expect(folder.read('target').equals(content)).toBe(true);
    });

    test('counts what comes out of MODE Z, and can be aborted while it waits', async () => {
      const given = receiving({}, { grant: 1000, deflate: 6 });
      const { socket, finished, asked, transfer } = await pair(plane, 'passive', given);
      socket.end(zlib.deflateSync(randomBytes(2000)));
      await asked;
      transfer.abort();
      expect(await finished).toMatchObject({ bytes: 1000, failure: { stage: 'aborted' } });
    });
  });

  describe('MODE Z', () => {
    test.each([
      ['a bomb', zlib.deflateSync(Buffer.alloc(10 * 1024 * 1024)), 'transfer', 'BOMB'],
      [
        'a stream with octets behind it',
        Buffer.concat([zlib.deflateSync('x'), Buffer.alloc(9000)]),
        'transfer',
        'Z_DATA_ERROR',
      ],
      ['no zlib', Buffer.from('plain text'), 'transfer', 'Z_DATA_ERROR'],
      [
        'a stream that ends early',
        zlib.deflateSync(randomBytes(5000)).subarray(0, 3000),
        'truncated',
        'Z_BUF_ERROR',
      ],
    ])('%s is refused', async (_what, octets, stage, code) => {
      const { socket, finished } = await pair(plane, 'passive', receiving({}, { deflate: 6 }));
      socket.end(octets);
      expect((await finished).failure).toMatchObject({ stage, code });
    });
  });

  test('a transfer with TLS and no certificate says so', async () => {
    const bare = await make();
    const { finished } = await pair(bare.plane, 'passive', sending({}, { tls: AS_SERVER }));
    expect((await finished).failure).toMatchObject({ stage: 'handshake', code: 'NO_CERTIFICATE' });
    await bare.end();
  });

  test('an endpoint serves once', async () => {
    const once = await endpoint();
    const { transfer, finished } = begin(once, sending());
    expect(() => begin(once, sending())).toThrow(/one transfer/);
    transfer.abort();
    await finished;
  });

  test('closing the plane ends what runs', async () => {
    const closing = await make();
    const waiting = await closing.plane.passive({ host: CLIENT, peer: PEER, lifetime: 10_000 }, none);
    const running = await pair(closing.plane, 'passive', sending());
    await running.opened;
    await closing.end();
    expect((await running.finished).failure).toBeDefined();
    await expect(dialIn(waiting.port)).rejects.toMatchObject({ code: 'ECONNREFUSED' });
  });

  test('200 transfers, good and bad, leave nothing open', async () => {
    const one = async (number: number): Promise<void> => {
      const tls = number % 3 === 0 ? AS_SERVER : undefined;
      const path = folder.file(number % 2 ? 'small' : `in${number % 10}`);
      const given = order(number % 2 ? 'send' : 'receive', path, { tls });
      const { socket, finished, opened } = await pair(plane, number % 5 ? 'passive' : 'active', given);
      const peer = tls ? secure(socket, 'server') : socket;
      if (number % 7 === 0) {
        await opened;
        peer.destroy();
      } else if (number % 2) await drain(peer);
      else {
        await opened;
        peer.resume();
      }
      peer.end();
      await finished;
      await ended(peer);
      peer.destroy();
    };
    // The first ones make what stays: contexts, pools, listeners kept ready.
    for (let i = 1; i <= 10; i++) await one(i * 10 + 1);
    await until(() => true);
    const before = descriptors();
    for (let i = 1; i <= 200; i += 4) await Promise.all([one(i), one(i + 1), one(i + 2), one(i + 3)]);
    await until(() => descriptors() <= before + 2);
    expect(descriptors()).toBeLessThanOrEqual(before + 2);
  });
});
