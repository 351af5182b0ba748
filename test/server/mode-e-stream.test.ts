/** Markers of GridFTP in stream mode: asked for by OPTS, of both directions. */
import { expect, test } from 'vitest';
import { parsePerfMarker } from '../../src/protocol/markers.js';
import { useServer } from './harness.js';

const server = useServer({ files: { 'big.bin': Buffer.alloc(20_000_000) } });

test('a receiver in stream mode tells its octets while they come, and nothing unless it was asked', async () => {
  const client = await server().enter();
  await client.ok('OPTS STOR Markers=1;');
  const link = await client.data('PASV');
  client.send('STOR told');
  const socket = await link.socket;
  socket.write('abc');
  expect((await client.read()).code).toBe(150);
  expect(parsePerfMarker(await client.read())).toMatchObject({ bytes: 3, stripe: 0, stripes: 1 });
  socket.end('def');
  let last = await client.read();
  while (last.code === 112) last = await client.read();
  expect(last.code).toBe(226);
  expect(server().read('told').toString()).toBe('abcdef');
  await client.ok('OPTS STOR Markers=0;');
  const quiet = await client.transfer('STOR told', { body: 'quiet' });
  expect([quiet.opening?.code, quiet.final.code]).toEqual([150, 226]);
});

test('a sender too, while its receiver does not read', async () => {
  const client = await server().enter();
  await client.ok('OPTS RETR Markers=1;');
  const link = await client.data('PASV');
  client.send('RETR big.bin');
  const socket = await link.socket;
  expect((await client.read()).code).toBe(150);
  const marker = parsePerfMarker(await client.read());
  expect(marker!.bytes).toBeGreaterThan(0);
  expect(marker!.bytes).toBeLessThan(20_000_000);
  let size = 0;
  socket.on('data', (chunk: Buffer) => {
    size += chunk.length;
  });
  await new Promise((resolve) => socket.once('end', resolve));
  let last = await client.read();
  while (last.code === 112) last = await client.read();
  expect([last.code, size]).toEqual([226, 20_000_000]);
});
