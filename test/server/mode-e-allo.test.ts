/** MODE E where ALLO told how large the files will be: the thread of the control connection carries them. */
import { randomBytes } from 'node:crypto';
import { expect, test } from 'vitest';
import { block, ended } from '../net/plane/blocks.js';
import { useServer } from './harness.js';

const server = useServer({ options: { fxp: { mode: 'off' } } });

test('ALLO named small files: a large one among them arrives whole, in clear and beside other commands', async () => {
  const large = randomBytes(5_000_000);
  const client = await server().enter();
  await client.ok('MODE E');
  await client.ok('ALLO 10');
  const link = await client.data('PASV');
  client.send('STOR first', 'STOR large', 'STOR last');
  const other = await server().enter();
  const octets = [block(0, 'first'), ended(1), block(0, large), ended(1), block(0, 'last'), ended(1)];
  (await link.socket).write(Buffer.concat(octets));
  await other.ok('PWD');
  expect(await client.codes(6)).toEqual([150, 226, 125, 226, 125, 226]);
  expect(server().read('large').equals(large)).toBe(true);
  expect(['first', 'last'].map((name) => server().read(name).toString())).toEqual(['first', 'last']);
});

test('ALLO named large ones: small files arrive as well', async () => {
  const client = await server().enter();
  await client.ok('MODE E');
  await client.ok('ALLO 1000000');
  const link = await client.data('PASV');
  client.send('STOR a', 'STOR b');
  (await link.socket).write(Buffer.concat([block(0, 'one'), ended(1), block(0, 'two'), ended(1)]));
  expect(await client.codes(4)).toEqual([150, 226, 125, 226]);
  expect(['a', 'b'].map((name) => server().read(name).toString())).toEqual(['one', 'two']);
});
