/** MODE E: files in blocks over connections that are kept, from and to raw sockets, in this thread and in another one. */
import { randomBytes, X509Certificate } from 'node:crypto';
import { existsSync } from 'node:fs';
import { setImmediate as turn } from 'node:timers/promises';
import { afterAll, afterEach, describe, expect, test } from 'vitest';
import type { DataEndpoint, DataTls, OnStranger } from '../../src/net/plane/types.js';
import { pinOf } from '../../src/net/tls.js';
import { blocks, ended as fileEnd, block as framed } from './plane/blocks.js';
import type { TestFile, TestPeer } from './plane/files.js';
import {
  AS_CLIENT,
  begin,
  CLIENT,
  closePeers,
  dialIn,
  ended,
  FOREIGN,
  Folder,
  material,
  PEER,
  peerCertificate,
  STRANGER,
  secure,
  serverCertificate,
} from './plane/peer.js';
import { PLANES, usePlane } from './plane/planes.js';

const CONTENT = randomBytes(3_000_017);
const folder = new Folder();
afterAll(() => folder.remove());
afterEach(() => closePeers());

/** Every block of a file on a connection of its own choice, in any order; then the end on each of them. */
const STEP = 100_000;

describe.each(PLANES)('%s plane', (_name, make) => {
  const plane = usePlane(make, (plane) => {
    plane.setTls(material());
    folder.write('source', CONTENT);
    folder.write('small', 'hello');
    folder.write('empty', '');
  });
  let strangers: string[] = [];

  const passive = (onStranger: OnStranger = () => {}): Promise<DataEndpoint<TestFile, TestPeer>> =>
    plane.passive({ host: CLIENT, peer: PEER, lifetime: 10_000, contested: true }, onStranger);

  /** Hears of strangers; `heard` resolves with the next ones. */
  function watch(): { onStranger: OnStranger; heard(count: number): Promise<void> } {
    strangers = [];
    let wake = (): void => {};
    return {
      onStranger: (address, why) => {
        strangers.push(`${address}: ${why ?? 'not let in'}`);
        wake();
      },
      async heard(count) {
        while (strangers.length < count)
          await new Promise<void>((resolve) => {
            wake = resolve;
          });
      },
    };
  }

  describe('receives', () => {
    test('one file after the other over one connection', async () => {
      const endpoint = await passive();
      const first = begin(endpoint, blocks('receive', folder.file('r1')));
      const socket = await dialIn(endpoint.port);
      socket.write(
        Buffer.concat([framed(0, 'hello'), fileEnd(1), framed(0, 'second'), fileEnd(1), fileEnd(1)]),
      );
      expect((await first.opened).address).toBe(CLIENT);
      expect(await first.finished).toMatchObject({ bytes: 5, spans: [{ start: 0, end: 5 }] });
      const second = begin(endpoint, blocks('receive', folder.file('r2')));
      expect((await second.finished).failure).toBeUndefined();
      const third = begin(endpoint, blocks('receive', folder.file('r3')));
      expect(await third.finished).toMatchObject({ bytes: 0, spans: [] });
      const fourth = begin(endpoint, blocks('receive', folder.file('r4')));
      await fourth.opened;
      socket.write(Buffer.concat([framed(0, CONTENT), fileEnd(1)]));
      expect(await fourth.finished).toMatchObject({ bytes: CONTENT.length });
      expect([folder.read('r1').toString(), folder.read('r2').toString()]).toEqual(['hello', 'second']);
      expect(folder.read('r3').length).toBe(0);
      expect(folder.read('r4').equals(CONTENT)).toBe(true);
      endpoint.close();
      await ended(socket);
    });

    test.each([false, true])('blocks in any order over four connections, slow disk: %s', async (slow) => {
      const endpoint = await passive();
      const { finished } = begin(endpoint, {
        ...blocks('receive', folder.file('p')),
        file: { path: folder.file('p'), slow },
      });
      const lanes = await Promise.all(Array.from({ length: 4 }, () => dialIn(endpoint.port)));
      // The end of the file first, then the blocks from the back.
      lanes[3]!.write(fileEnd(4));
      for (let at = Math.floor(CONTENT.length / STEP) * STEP, i = 0; at >= 0; at -= STEP, i += 1)
        lanes[i % 3]!.write(framed(at, CONTENT.subarray(at, at + STEP)));
      for (const lane of lanes.slice(0, 3)) lane.write(framed(0, '', { eod: true }));
      expect((await finished).failure).toBeUndefined();
      expect(folder.read('p').equals(CONTENT)).toBe(true);
      // All four serve the next file too, one of them with all of it.
      const again = begin(endpoint, blocks('receive', folder.file('p2')));
      lanes[1]!.write(framed(0, 'next'));
      for (const lane of lanes.slice(1)) lane.write(framed(0, '', { eod: true }));
      lanes[0]!.write(fileEnd(4));
      expect((await again.finished).failure).toBeUndefined();
      expect(folder.read('p2').toString()).toBe('next');
      endpoint.close();
    });

    test('the next file waits on a connection that is done, whatever the others still bring', async () => {
      const endpoint = await passive();
      const { finished } = begin(endpoint, blocks('receive', folder.file('n1')));
      const [fast, slow] = [await dialIn(endpoint.port), await dialIn(endpoint.port)];
      fast.write(Buffer.concat([framed(0, 'aa'), fileEnd(2), framed(0, 'bbbb'), fileEnd(1)]));
      slow.write(Buffer.concat([framed(2, 'AA'), framed(0, '', { eod: true })]));
      expect((await finished).failure).toBeUndefined();
      const next = begin(endpoint, blocks('receive', folder.file('n2')));
      expect((await next.finished).failure).toBeUndefined();
      expect([folder.read('n1').toString(), folder.read('n2').toString()]).toEqual(['aaAA', 'bbbb']);
      endpoint.close();
    });

    test('a storage that takes octets in order gets them, and refuses others', async () => {
      const endpoint = await passive();
      const file = { path: folder.file('o'), inOrder: true };
      const { finished } = begin(endpoint, { ...blocks('receive', file.path), file });
      const socket = await dialIn(endpoint.port);
      socket.write(Buffer.concat([framed(0, 'ab'), framed(2, 'cd'), fileEnd(1)]));
      expect((await finished).failure).toBeUndefined();
      expect(folder.read('o').toString()).toBe('abcd');
      const again = begin(endpoint, { ...blocks('receive', file.path), file });
      socket.write(Buffer.concat([framed(2, 'cd'), framed(0, 'ab'), fileEnd(1)]));
      expect((await again.finished).failure).toMatchObject({ stage: 'file', code: 'unsupported' });
    });

    test('what is there already counts, and comes no second time', async () => {
      const have = [
        { start: 0, end: 4 },
        { start: 6, end: 8 },
      ];
      const one = await passive();
      const filled = begin(one, blocks('receive', folder.file('h'), { have }));
      (await dialIn(one.port)).write(Buffer.concat([framed(8, '89'), framed(4, '45'), fileEnd(1)]));
      expect(await filled.finished).toMatchObject({ bytes: 4, spans: [{ start: 0, end: 10 }] });
      one.close();
      const two = await passive();
      const twice = begin(two, blocks('receive', folder.file('h2'), { have }));
      (await dialIn(two.port)).write(Buffer.concat([framed(4, '45'), framed(3, '3')]));
      expect((await twice.finished).failure).toMatchObject({ stage: 'transfer', code: 'BLOCK' });
    });

    test.each([
      ['a hole', [framed(0, 'ab'), framed(3, 'd'), fileEnd(1)], 'INCOMPLETE'],
      ['a file without its beginning', [framed(1, 'b'), fileEnd(1)], 'INCOMPLETE'],
      ['octets twice', [framed(0, 'ab'), framed(1, 'c'), fileEnd(1)], 'BLOCK'],
      ['rubbish behind a block', [framed(0, 'ab'), Buffer.from('GET / HTTP/1.1\r\n\r\n')], 'ERROR'],
      ['two ends', [framed(0, 'ab'), framed(0, '', { ends: 2 }), framed(0, '', { ends: 2 })], 'BLOCK'],
    ])('%s fails the file and ends the endpoint', async (_what, octets, code) => {
      const endpoint = await passive();
      const { finished } = begin(endpoint, blocks('receive', folder.file('bad')));
      const socket = await dialIn(endpoint.port);
      socket.write(Buffer.concat(octets));
      const result = await finished;
      expect(result.failure).toMatchObject({ stage: 'transfer', code });
      expect(result.remains).toBe('nothing');
      expect(existsSync(folder.file('bad'))).toBe(false);
      await ended(socket);
      const next = begin(endpoint, blocks('receive', folder.file('bad')));
      expect((await next.finished).failure).toMatchObject({ stage: 'connect', code: 'EXPIRED' });
    });

    test('a connection that is cut inside a file fails it, and tells what is stored', async () => {
      const endpoint = await passive();
      const { finished } = begin(endpoint, blocks('receive', folder.file('cut')));
      const socket = await dialIn(endpoint.port);
      socket.end(Buffer.concat([framed(10, 'abc'), framed(0, 'xyz!')]).subarray(0, 17 + 3 + 17 + 2));
      const result = await finished;
      expect(result.failure).toMatchObject({ stage: 'transfer', code: 'ECONNRESET' });
      expect(result.spans).toEqual([
        { start: 0, end: 2 },
        { start: 10, end: 13 },
      ]);
    });

    test('kept connections that end fail the next file; ones that ended before it do not', async () => {
      const endpoint = await passive();
      const first = begin(endpoint, blocks('receive', folder.file('k1')));
      const socket = await dialIn(endpoint.port);
      socket.write(Buffer.concat([framed(0, 'one'), fileEnd(1)]));
      expect((await first.finished).failure).toBeUndefined();
      const second = begin(endpoint, blocks('receive', folder.file('k2')));
      await second.opened;
      socket.end();
      expect((await second.finished).failure).toMatchObject({ stage: 'transfer', code: 'ECONNRESET' });
    });

    test('ABOR, a broken disk and a full quota end it', async () => {
      const one = await passive();
      const aborted = begin(one, blocks('receive', folder.file('a')));
      (await dialIn(one.port)).write(framed(0, 'a'));
      await aborted.opened;
      aborted.transfer.abort();
      expect((await aborted.finished).failure).toMatchObject({ stage: 'aborted' });
      const two = await passive();
      const file: TestFile = { path: folder.file('a'), fails: 'write' };
      const full = begin(two, { ...blocks('receive', file.path), file });
      (await dialIn(two.port)).write(framed(0, 'a'));
      expect((await full.finished).failure).toMatchObject({ stage: 'file', code: 'no-space' });
      const three = await passive();
      const fails = begin(three, { ...blocks('receive', file.path), file: { ...file, fails: 'sink' } });
      (await dialIn(three.port)).write(framed(0, 'a'));
      expect((await fails.finished).failure).toMatchObject({ stage: 'file', code: 'denied' });
    });

    test('a hole counts against the quota as what will fill it', async () => {
      const endpoint = await passive();
      const given = blocks('receive', folder.file('q'), {}, { grant: 10 });
      const begun = begin(endpoint, given, (transfer) => transfer.grant(begun.asks() === 1 ? 5 : 0));
      const socket = await dialIn(endpoint.port);
      socket.write(framed(12, 'abc'));
      await begun.asked;
      socket.write(framed(0, '0123456789ab'));
      socket.write(framed(2 ** 50, 'x'));
      expect((await begun.finished).failure).toMatchObject({ stage: 'quota' });
      expect((await begun.finished).spans).toEqual([{ start: 0, end: 15 }]);
    });

    test('nobody comes', async () => {
      const endpoint = await passive();
      const given = blocks('receive', folder.file('z'));
      const begun = begin(endpoint, { ...given, timeouts: { ...given.timeouts, connect: 30 } });
      await dialIn(endpoint.port);
      expect((await begun.finished).failure).toMatchObject({ stage: 'connect', code: 'ETIMEDOUT' });
    });
  });

  describe('strangers', () => {
    test('addresses that the judge does not know never come in; rubbish is dropped; the file is whole', async () => {
      const { onStranger, heard } = watch();
      const endpoint = await passive(onStranger);
      const silent = await dialIn(endpoint.port);
      const { finished, transfer } = begin(endpoint, blocks('receive', folder.file('s')));
      const stranger = await dialIn(endpoint.port, STRANGER);
      stranger.write(Buffer.concat([framed(0, 'FOREIGN'), fileEnd(1)]));
      await ended(stranger);
      for (const rubbish of [
        'SSH-2.0-x\r\n',
        '\x16\x03\x01\x00\xf4\x01\x00\x00\xf0\x03\x03aaaaaaaaaa',
        'GET / HTTP/1.1\r\n\r\n',
      ]) {
        const socket = await dialIn(endpoint.port);
        socket.write(Buffer.from(rubbish, 'latin1'));
        await ended(socket);
      }
      (await dialIn(endpoint.port)).end();
      await heard(5);
      const socket = await dialIn(endpoint.port);
      socket.write(framed(0, 'right'));
      while ((await transfer.progress()).bytes < 5) await turn();
      // What was there first is not written over by one that brought nothing.
      const late = await dialIn(endpoint.port);
      late.write(framed(0, 'WRONG'));
      await ended(late);
      const foreign = await dialIn(endpoint.port, FOREIGN);
      foreign.write(Buffer.concat([framed(5, 'WRONG'), fileEnd(1)]));
      await ended(foreign);
      socket.write(fileEnd(1));
      expect((await finished).failure).toBeUndefined();
      expect(folder.read('s').toString()).toBe('right');
      expect(strangers.length).toBe(7);
      const next = begin(endpoint, blocks('receive', folder.file('s2')));
      silent.end();
      socket.write(Buffer.concat([framed(0, 'second'), fileEnd(1)]));
      expect((await next.finished).failure).toBeUndefined();
      endpoint.close();
    });

    test('more silent connections than there is room for do not keep the sender out', async () => {
      const endpoint = await passive();
      const { finished } = begin(endpoint, blocks('receive', folder.file('c')));
      await Promise.all(Array.from({ length: 80 }, () => dialIn(endpoint.port)));
      const lanes = [await dialIn(endpoint.port), await dialIn(endpoint.port)];
      lanes[0]!.write(Buffer.concat([framed(0, 'ab'), fileEnd(2)]));
      lanes[1]!.write(Buffer.concat([framed(2, 'cd'), framed(0, '', { eod: true })]));
      expect((await finished).failure).toBeUndefined();
      expect(folder.read('c').toString()).toBe('abcd');
      endpoint.close();
    });
  });

  describe('under pins', () => {
    const pin = pinOf(new X509Certificate(peerCertificate.cert));
    const tls: DataTls = { ...AS_CLIENT, resumption: 'off', identity: serverCertificate, pins: [pin] };

    test('every connection proves its key; what others send is never written', async () => {
      const { onStranger, heard } = watch();
      const endpoint = await passive(onStranger);
      const { finished, opened } = begin(endpoint, blocks('receive', folder.file('t'), {}, { tls }));
      const thief = secure(await dialIn(endpoint.port, FOREIGN), 'client', serverCertificate);
      thief.write(Buffer.concat([framed(0, 'STOLEN'), fileEnd(1)]));
      await ended(thief);
      const clear = await dialIn(endpoint.port, FOREIGN);
      clear.write(Buffer.concat([framed(0, 'CLEAR!'), fileEnd(1)]));
      await heard(2);
      const lanes = [];
      for (let i = 0; i < 2; i++) lanes.push(secure(await dialIn(endpoint.port, FOREIGN), 'client'));
      lanes[0]!.write(Buffer.concat([framed(0, CONTENT.subarray(0, STEP)), fileEnd(2)]));
      lanes[1]!.write(Buffer.concat([framed(STEP, CONTENT.subarray(STEP)), framed(0, '', { eod: true })]));
      expect(await opened).toMatchObject({ address: FOREIGN, tls: { pin } });
      expect((await finished).failure).toBeUndefined();
      expect(folder.read('t').equals(CONTENT)).toBe(true);
      const next = begin(endpoint, blocks('receive', folder.file('t2'), {}, { tls }));
      lanes[1]!.write(Buffer.concat([framed(0, 'kept'), framed(0, '', { eod: true })]));
      lanes[0]!.write(fileEnd(2));
      expect((await next.finished).failure).toBeUndefined();
      expect(folder.read('t2').toString()).toBe('kept');
      endpoint.close();
    });
  });
});
