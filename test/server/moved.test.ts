/** Digests of what a transfer moved (OPTS Digest), and SCKS: raw connections against one server, in stream mode and in MODE E. */
import { createHash } from 'node:crypto';
import { readdirSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { parseMoved as movedOf } from '../../src/protocol/moved.js';
import { formatStoreFacts, type StoreFacts } from '../../src/protocol/store-facts.js';
import { block, ended } from '../net/plane/blocks.js';
import { type BlockUpload, blockUpload } from './block-upload.js';
import { type StrictReply, useServer } from './harness.js';

const sha256 = (text: string | Buffer): string => createHash('sha256').update(text).digest('hex');
const esto = (path: string, facts: StoreFacts): string => `ESTO ${formatStoreFacts(facts, path)}`;
const BIG = Buffer.alloc(3_000_000, 'octets');

describe.each([0, 1])('with %i threads', (threads) => {
  const server = useServer({
    threads,
    files: { 'old.txt': 'precious', 'read.bin': BIG },
    options: { fxp: { mode: 'off' } },
  });
  const leftovers = (): string[] => readdirSync(server().root).filter((name) => name.startsWith('.'));
  const text = (name: string): string => server().read(name).toString();
  const blocksOf = (): Promise<BlockUpload> => blockUpload(server());

  describe('OPTS Digest', () => {
    test('the 226 of both directions says what moved', async () => {
      const client = await server().enter();
      await client.ok('OPTS RETR Digest=SHA-256;', 'OPTS STOR Digest=MD5;Markers=0;');
      const got = await client.transfer('RETR read.bin');
      expect(movedOf(got.final)).toEqual({
        bytes: BIG.length,
        digest: { algorithm: 'SHA-256', hex: sha256(BIG) },
      });
      await client.ok(`REST ${BIG.length - 3}`);
      const rest = await client.transfer('RETR read.bin');
      expect(movedOf(rest.final)).toEqual({
        bytes: 3,
        digest: { algorithm: 'SHA-256', hex: sha256(BIG.subarray(-3)) },
      });
      const part = await client.transfer('ERET P 2 4 read.bin');
      expect(movedOf(part.final)?.digest?.hex).toBe(sha256(BIG.subarray(2, 6)));
      for (const line of ['STOR d1', 'APPE d1', esto('d2', { size: 5 }), 'ESTO A 1 d2']) {
        const { final } = await client.transfer(line, { body: 'hello' });
        const hex = createHash('md5').update('hello').digest('hex');
        expect(movedOf(final)).toEqual({ bytes: 5, digest: { algorithm: 'MD5', hex } });
      }
      await client.ok('OPTS RETR Digest=;');
      expect(movedOf((await client.transfer('RETR read.bin')).final)).toBeUndefined();
      expect(movedOf((await client.transfer('MLSD')).final)).toBeUndefined();
      await client.ok('TYPE A');
      const ascii = await client.transfer('STOR d3', { body: 'a\r\n' });
      expect([ascii.final.code, movedOf(ascii.final)]).toEqual([226, { bytes: 2 }]);
    });

    test('in MODE E too, where octets come in order; a login later it is forgotten', async () => {
      const { client, send } = await blocksOf();
      await client.ok('OPTS STOR Digest=SHA-256;');
      client.send('STOR m1', 'STOR m2', 'STOR m3');
      send(Buffer.concat([block(0, 'he'), block(2, 'llo'), ended(1), ended(1)]));
      send(Buffer.concat([block(1, 'b'), block(0, 'a'), ended(1)]));
      const replies: StrictReply[] = [];
      while (replies.length < 6) replies.push(await client.read());
      const finals = replies.filter(({ code }) => code === 226).map(movedOf);
      expect(finals).toEqual([
        { bytes: 5, digest: { algorithm: 'SHA-256', hex: sha256('hello') } },
        { bytes: 0, digest: { algorithm: 'SHA-256', hex: sha256('') } },
        { bytes: 2 },
      ]);
      await client.ok('REIN');
      await client.login();
      await client.ok('TYPE I');
      expect(movedOf((await client.transfer('STOR m1', { body: 'x' })).final)).toBeUndefined();
    });
  });

  describe('SCKS', () => {
    test('the next upload is compared while it comes; one that differs is not reported as good', async () => {
      const client = await server().enter();
      await client.ok(`SCKS SHA-256 ${sha256('hello').toUpperCase()}`);
      expect((await client.transfer('STOR s1', { body: 'hello' })).final.code).toBe(226);
      await client.ok(`SCKS sha-256 ${sha256('hello')}`);
      const bad = await client.transfer('STOR s2', { body: 'hullo' });
      expect([bad.final.code, bad.final.text]).toEqual([551, expect.stringContaining(sha256('hullo'))]);
      // It is for one upload.
      expect((await client.transfer('STOR s2', { body: 'hullo' })).final.code).toBe(226);
      await client.ok(`SCKS CRC32 3610a686`);
      expect((await client.transfer('APPE s3', { body: 'hello' })).final.code).toBe(226);
      await client.ok(`SCKS MD5 ${'0'.repeat(32)}`);
      expect((await client.transfer('STOR old.txt', { body: 'hello' })).final.code).toBe(551);
      expect(text('old.txt')).toBe('precious');
      expect(leftovers()).toEqual([]);
    });

    test('a fault takes back what was said before, and what cannot be compared is refused', async () => {
      const client = await server().enter();
      for (const [wrong, code] of [
        ['SHA-256', 501],
        ['SHA-256 12', 501],
        ['SHA-256 xyz', 501],
        [`SHA-3 ${sha256('')}`, 504],
        [`MD5 ${sha256('')}`, 501],
      ] as const) {
        await client.ok(`SCKS SHA-256 ${sha256('hello')}`);
        expect([wrong, await client.code(`SCKS ${wrong}`)]).toEqual([wrong, code]);
      }
      expect((await client.transfer('STOR s4', { body: 'other' })).final.code).toBe(226);
      await client.ok(`SCKS SHA-256 ${sha256('hello')}`);
      expect(await client.code(esto('s5', { sha256: sha256('hello') }))).toBe(503);
      await client.ok(`SCKS SHA-256 ${sha256('hello')}`, 'TYPE A');
      expect(await client.code('STOR s5')).toBe(504);
      expect(await client.inStep()).toBe(true);
    });

    test('in MODE E the next file comes all the same', async () => {
      const { client, send } = await blocksOf();
      client.send(
        `SCKS SHA-256 ${sha256('good')}`,
        'STOR k1',
        `SCKS SHA-256 ${sha256('good')}`,
        'STOR k2',
        'STOR k3',
      );
      send(
        Buffer.concat([block(0, 'good'), ended(1), block(0, 'evil'), ended(1), block(0, 'last'), ended(1)]),
      );
      expect(await client.codes(8)).toEqual([200, 150, 226, 200, 125, 551, 125, 226]);
      expect([text('k1'), text('k3')]).toEqual(['good', 'last']);
    });
  });
});
