/** MODE E: files in blocks to a raw receiver, and between two endpoints of ours. */
import { randomBytes, X509Certificate } from 'node:crypto';
import net from 'node:net';
import { afterAll, afterEach, describe, expect, test } from 'vitest';
import type { DataEndpoint, TransferResult } from '../../src/net/plane/types.js';
import { pinOf } from '../../src/net/tls.js';
import { blocks, type Decoded, decodeBlocks } from './plane/blocks.js';
import type { TestFile, TestPeer } from './plane/files.js';
import {
  begin,
  CLIENT,
  closePeers,
  ended,
  FOREIGN,
  Folder,
  material,
  PEER,
  STRANGER,
  serverCertificate,
} from './plane/peer.js';
import { PLANES, usePlane } from './plane/planes.js';

const CONTENT = randomBytes(3_000_017);
const folder = new Folder();
afterAll(() => folder.remove());
afterEach(() => closePeers());

describe.each(PLANES)('%s plane', (_name, make) => {
  const plane = usePlane(make, (plane) => {
    plane.setTls(material());
    folder.write('source', CONTENT);
    folder.write('small', 'hello');
    folder.write('empty', '');
  });

  describe('sends', () => {
    /** A receiver of ours to which the plane connects. */
    async function receiver(): Promise<{
      port: number;
      sockets: net.Socket[];
      files(count: number): Promise<Decoded[]>;
      close(): void;
    }> {
      const sockets: net.Socket[] = [];
      const heads: Buffer[] = [];
      let wake = (): void => {};
      const server = net.createServer((socket) => {
        const i = sockets.push(socket) - 1;
        heads[i] = Buffer.alloc(0);
        socket.on('error', () => {});
        socket.on('data', (chunk: Buffer) => {
          heads[i] = Buffer.concat([heads[i]!, chunk]);
          wake();
        });
      });
      await new Promise<void>((resolve) => server.listen(0, FOREIGN, resolve));
      return {
        port: (server.address() as net.AddressInfo).port,
        sockets,
        async files(count) {
          for (;;) {
            const files = decodeBlocks(heads);
            if (files.length >= count) return files;
            await new Promise<void>((resolve) => {
              wake = resolve;
            });
          }
        },
        close: () => {
          server.close();
          for (const socket of sockets) socket.destroy();
        },
      };
    }
    const active = (port: number): DataEndpoint<TestFile, TestPeer> =>
      plane.active({ host: FOREIGN, port, localAddress: CLIENT, peer: PEER });

    test.each([1, 4])('one file after the other over %i connections', async (streams) => {
      const to = await receiver();
      const endpoint = active(to.port);
      const results: TransferResult[] = [];
      for (const name of ['source', 'small', 'empty', 'source'])
        results.push(await begin(endpoint, blocks('send', folder.file(name), { streams })).finished);
      expect(results.map(({ bytes, failure }) => ({ bytes, failure }))).toEqual(
        [CONTENT.length, 5, 0, CONTENT.length].map((bytes) => ({ bytes, failure: undefined })),
      );
      const files = await to.files(4);
      expect(to.sockets.length).toBe(streams);
      expect(files.map(({ ends }) => ends)).toEqual([streams, streams, streams, streams]);
      expect(files[0]!.content.equals(CONTENT)).toBe(true);
      expect(files[1]!.content.toString()).toBe('hello');
      expect(files[2]!.content.length).toBe(0);
      expect(files[3]!.content.equals(CONTENT)).toBe(true);
      endpoint.close();
      await Promise.all(to.sockets.map((socket) => ended(socket)));
      to.close();
    });

    test('a slow source whose size is not told, and pieces of a file at their places', async () => {
      const to = await receiver();
      const endpoint = active(to.port);
      const path = folder.file('source');
      const slow = begin(endpoint, { ...blocks('send', path), file: { path, slow: true, unsized: true } });
      expect((await slow.finished).bytes).toBe(CONTENT.length);
      const pieces = [
        { file: { path: folder.file('small') }, offset: 100 },
        { file: { path, from: CONTENT.length - 7 }, offset: 200 },
      ];
      expect((await begin(endpoint, blocks('send', path, { pieces })).finished).bytes).toBe(12);
      const files = await to.files(2);
      expect(files[0]!.content.equals(CONTENT)).toBe(true);
      expect(files[1]!.spans).toEqual([
        { start: 100, end: 105 },
        { start: 200, end: 207 },
      ]);
      endpoint.close();
      to.close();
    });

    test('a file that is not there, a disk that breaks and a receiver that goes end the connections', async () => {
      for (const file of [
        { path: folder.file('none') },
        { path: folder.file('source'), fails: 'read' as const },
      ]) {
        const to = await receiver();
        const endpoint = active(to.port);
        expect(
          (await begin(endpoint, blocks('send', folder.file('small'))).finished).failure,
        ).toBeUndefined();
        await to.files(1);
        const failed = await begin(endpoint, { ...blocks('send', file.path), file }).finished;
        expect(failed.failure).toMatchObject({ stage: 'file' });
        await ended(to.sockets[0]!);
        const next = await begin(endpoint, blocks('send', folder.file('small'))).finished;
        expect(next.failure).toMatchObject({ stage: 'connect', code: 'EXPIRED' });
        to.close();
      }
      const to = await receiver();
      const endpoint = active(to.port);
      await begin(endpoint, blocks('send', folder.file('small'))).finished;
      await to.files(1);
      to.sockets[0]!.destroy();
      to.close();
      let failure: TransferResult['failure'];
      for (let i = 0; !failure && i < 1000; i++)
        ({ failure } = await begin(endpoint, blocks('send', folder.file('source'))).finished);
      expect(['transfer', 'connect']).toContain(failure?.stage);
    });

    test('connections that nobody uses are closed', async () => {
      const to = await receiver();
      const endpoint = active(to.port);
      await begin(endpoint, blocks('send', folder.file('small'), { keep: 20 })).finished;
      await to.files(1);
      await ended(to.sockets[0]!);
      to.close();
    });

    test('not to strangers, and not to a port that is closed', async () => {
      const endpoint = plane.active({ host: STRANGER, port: 40_000, peer: PEER });
      expect((await begin(endpoint, blocks('send', folder.file('small'))).finished).failure).toMatchObject({
        code: 'REFUSED',
      });
      const to = await receiver();
      to.close();
      const gone = await begin(active(to.port), blocks('send', folder.file('small'), { streams: 4 }))
        .finished;
      expect(gone.failure).toMatchObject({ stage: 'connect', code: 'ECONNREFUSED' });
    });
  });

  test('between two endpoints of ours, under TLS with pins, four connections and many files', async () => {
    const pin = pinOf(new X509Certificate(serverCertificate.cert));
    const tls = {
      sessionContext: 'x',
      closeNotify: 'required',
      resumption: 'off',
      identity: serverCertificate,
      pins: [pin],
    } as const;
    const into = await plane.passive(
      { host: CLIENT, peer: PEER, lifetime: 10_000, contested: true },
      () => {},
    );
    const from = plane.active({ host: CLIENT, port: into.port, localAddress: CLIENT, peer: PEER });
    for (const name of ['source', 'small', 'empty', 'source', 'small']) {
      const given = { streams: 4 };
      const received = begin(
        into,
        blocks('receive', folder.file('copy'), given, { tls: { ...tls, role: 'client' } }),
      );
      const sent = begin(from, blocks('send', folder.file(name), given, { tls: { ...tls, role: 'server' } }));
      expect((await sent.finished).failure).toBeUndefined();
      expect((await received.finished).failure).toBeUndefined();
      expect(folder.read('copy').equals(folder.read(name))).toBe(true);
    }
    from.close();
    into.close();
  });
});
