/** The commands that touch files, on a storage in memory: what RFC 959 and RFC 3659 say holds for every storage. */
import { expect, test } from 'vitest';
import { memoryStorage } from '../../src/server/storage/memory.js';
import { storageSpec } from '../../src/server/storage/objects.js';
import { useServer } from './harness.js';

const servers = [0, 1].map((threads) => ({
  threads,
  ftp: useServer({ threads, tls: 'optional', user: { storage: storageSpec(memoryStorage()) } }),
}));

test.each(servers)(
  'files in memory, $threads threads: stored, resumed, listed, renamed, timed, removed',
  async ({ ftp }) => {
    for (const client of [await ftp().enter(), await ftp().enterTls()]) {
      expect((await client.transfer('STOR a', { body: 'hello' })).final.code).toBe(226);
      await client.ok('REST 5');
      expect((await client.transfer('STOR a', { body: ' there', way: 'PORT' })).final.code).toBe(226);
      expect((await client.transfer('APPE a', { body: '!' })).final.code).toBe(226);
      expect((await client.transfer('RETR a')).octets.toString()).toBe('hello there!');
      await client.ok('REST 6');
      expect((await client.transfer('RETR a', { way: 'EPRT' })).octets.toString()).toBe('there!');
      expect((await client.command('SIZE a')).text).toBe('12');
      await client.ok('MKD d', 'RNFR a', 'RNTO d/b', 'MFMT 20010203040506 d/b');
      expect((await client.command('MDTM d/b')).text).toBe('20010203040506');
      expect((await client.transfer('MLSD d')).octets.toString()).toMatch(
        /^Type=file;Size=12;Modify=20010203040506;.* b\r\n$/,
      );
      expect((await client.transfer('NLST d')).octets.toString()).toBe('d/b\r\n');
      expect((await client.command('XCRC d/b')).code).toBe(250);
      expect(await client.code('RMD d')).toBe(550);
      expect((await client.transfer('RETR a')).final.code).toBe(550);
      await client.ok('DELE d/b', 'RMD d');
    }
  },
);
