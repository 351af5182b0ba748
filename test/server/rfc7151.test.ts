/** RFC 7151: HOST. */
import { expect, test } from 'vitest';
import { inner, useServer } from './harness.js';

const ftp = useServer({ tls: 'optional', options: { hosts: ['ftp.example.com', '[::1]', '127.0.0.1'] } });
const any = useServer();

const names: [string, number][] = [
  ['HOST ftp.example.com', 220],
  ['HOST FTP.Example.COM', 220],
  ['HOST ftp.example.com.', 220],
  ['HOST 127.0.0.1', 220],
  ['HOST [::1]', 220],
  ['HOST other.example.com', 504],
  ['HOST ftp.example.com:21', 501],
  ['HOST ::1', 501],
  ['HOST ftp example', 501],
  ['HOST -/-', 501],
  ['HOST', 501],
];
test('RFC 7151 3.1: HOST: known names 220, unknown 504, with a port or no name 501', async () => {
  const client = await ftp().connect();
  const got: [string, number][] = [];
  for (const [line] of names) got.push([line, await client.code(line)]);
  expect(got).toEqual(names);
});

test('RFC 7151 3.2: HOST comes before USER: 503 behind it', async () => {
  const client = await ftp().connect();
  await client.ok('HOST ftp.example.com', 'USER user');
  expect(await client.code('HOST ftp.example.com')).toBe(503);
  await client.ok('PASS secret');
  expect(await client.code('HOST ftp.example.com')).toBe(503);
});

test('RFC 7151 3.2.1: REIN makes HOST possible again', async () => {
  const client = await (await ftp().connect()).login();
  await client.ok('REIN');
  expect(await client.code('HOST ftp.example.com')).toBe(220);
});

test('RFC 7151 3.3: a name that differs from the one of the TLS handshake is 504', async () => {
  const client = await ftp().connect();
  await client.secure({ servername: 'ftp.example.com' });
  expect(await client.code('HOST 127.0.0.1')).toBe(504);
  expect(await client.code('HOST ftp.example.com')).toBe(220);
});

test('RFC 7151 3.4: FEAT lists HOST', async () => {
  expect(inner(await (await ftp().connect()).command('FEAT'))).toContain(' HOST');
});

test('RFC 7151 3.1: a server that was told no names takes any', async () => {
  expect(await (await any().connect()).code('HOST whatever.example')).toBe(220);
});
