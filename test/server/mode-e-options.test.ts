/** What FEAT says of MODE E, its options, and the verbs for several stripes, of which there is one. */
import { expect, test } from 'vitest';
import { blockUpload } from './block-upload.js';
import { inner, useServer } from './harness.js';

const server = useServer({ options: { fxp: { mode: 'off' } } });

test('names what it has in FEAT', async () => {
  const client = await server().enter();
  expect(inner(await client.command('FEAT'))).toEqual(
    expect.arrayContaining([
      ' PARALLEL',
      ' MARKERS',
      ' DIGEST SHA-256;SHA-512;SHA-1;MD5;CRC32',
      ' SPAS',
      ' SPOR',
      ' ERET',
      ' ESTO A;F',
      ' SCKS',
    ]),
  );
});

test('SPAS and SPOR: one address', async () => {
  const client = (await blockUpload(server())).client;
  const answer = await client.command('SPAS');
  expect(answer.code).toBe(229);
  expect(inner(answer)).toHaveLength(1);
  expect(inner(answer)[0]).toMatch(/^ 127,0,0,1,\d+,\d+$/);
  expect(await client.code('SPOR 127,0,0,1,200,1')).toBe(200);
  expect(await client.code('SPOR 127,0,0,1,200,1 127,0,0,1,200,2')).toBe(501);
  expect(await client.code('SPOR 127,0,0,9,200,1')).toBe(504);
});

test('OPTS', async () => {
  const client = (await blockUpload(server())).client;
  for (const right of [
    'RETR Parallelism=4,4,4;',
    'RETR StripeLayout=Blocked;BlockSize=1000;Parallelism=2,1,8;',
    'RETR Parallelism=99,1,99',
    'RETR Markers=0;',
    'STOR Markers=3600',
    'STOR Digest=sha-256;',
    'RETR Digest=;',
  ])
    expect([right, await client.code(`OPTS ${right}`)]).toEqual([right, 200]);
  for (const wrong of [
    'RETR Parallelism=4;',
    'RETR Parallelism=0,0,0;',
    'STOR Parallelism=4,4,4;',
    'RETR Markers=x;',
    'STOR Markers=3601;',
    'RETR X=1;',
  ])
    expect([wrong, await client.code(`OPTS ${wrong}`)]).toEqual([wrong, 501]);
  for (const wrong of ['RETR Parallelism=99,99,99;', 'STOR Digest=SHA-3;'])
    expect(await client.code(`OPTS ${wrong}`)).toBe(504);
});
