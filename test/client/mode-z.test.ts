import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import zlib from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { list } from '../../src/client/list.js';
import { SitePool } from '../../src/client/pool.js';
import { retrieve } from '../../src/client/transfer.js';
import { inflated } from '../../src/net/deflate.js';
import { type Peer, requirePeer } from '../peers/peer.js';
import { startProftpd } from '../peers/real/proftpd.js';

const missing = requirePeer('proftpd');

describe.skipIf(missing !== undefined)(`MODE Z with ProFTPD ${missing ?? ''}`, () => {
  let peer: Peer;
  const text = Buffer.from('a line that repeats itself\n'.repeat(40_000));

  beforeAll(async () => {
    peer = await startProftpd({ extra: ['LoadModule mod_deflate.c', 'DeflateEngine on'] });
    writeFileSync(join(peer.home, 'text'), text);
    peer.own();
  });
  afterAll(() => peer.stop());

  it.each(['none', 'explicit'] as const)('lists and retrieves deflated, TLS %s', async (tls) => {
    const said: string[] = [];
    const { host, port, user, password } = peer;
    const pool = new SitePool(
      { host, port, user, password, tls, insecure: true, compress: true },
      { onDialogue: (_site, _session, direction, line) => void said.push(`${direction} ${line}`) },
    );
    const connection = await pool.lease();
    try {
      expect((await list(connection, '/')).map(({ name }) => name)).toEqual(['text']);
      const sink = new PassThrough();
      const [result, ...chunks] = await Promise.all([retrieve(connection, '/text', sink), sink.toArray()]);
      expect(Buffer.concat(chunks.flat() as Buffer[]).equals(text)).toBe(true);
      expect(result.bytes).toBe(text.length);
      // An offset means octets of the file: not under MODE Z.
      const tail = new PassThrough();
      const [, rest] = await Promise.all([
        retrieve(connection, '/text', tail, { offset: 1000 }),
        tail.toArray(),
      ]);
      expect(Buffer.concat(rest as Buffer[]).equals(text.subarray(1000))).toBe(true);
      expect(said.filter((line) => line.startsWith('> MODE'))).toEqual(['> MODE Z', '> MODE S']);
    } finally {
      pool.release(connection);
      await pool.close();
    }
  });
});

describe('inflated', () => {
  it('stops a bomb', async () => {
    const bomb = new PassThrough();
    bomb.end(zlib.deflateSync(Buffer.alloc(64 * 1024 * 1024)));
    await expect(inflated(bomb).resume().toArray()).rejects.toThrow(/MODE Z: \d+ octets grew/);
  });

  it('passes what ordinary files give', async () => {
    const source = new PassThrough();
    source.end(zlib.deflateSync(Buffer.alloc(1024 * 1024)));
    const chunks = (await inflated(source).toArray()) as Buffer[];
    expect(Buffer.concat(chunks).equals(Buffer.alloc(1024 * 1024))).toBe(true);
  });
});
