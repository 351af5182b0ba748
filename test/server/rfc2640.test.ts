/** RFC 2640: names are UTF-8; LANG. */
import { expect, test } from 'vitest';
import { inner, useServer } from './harness.js';

const ftp = useServer({ files: { 'grüße.txt': 'ü', 'каталог/файл': 'б', '日本/語': '語', '😀': '!' } });

test('RFC 2640 2.2 and 3.1: names are UTF-8 in arguments, replies and listings', async () => {
  const client = await ftp().enter();
  expect((await client.transfer('RETR grüße.txt')).octets.toString()).toBe('ü');
  expect((await client.ok('CWD каталог', 'PWD')).text).toContain('"/каталог"');
  expect((await client.transfer('NLST')).octets.toString()).toBe('файл\r\n');
  expect((await client.command('MLST /日本/語')).lines[1]).toMatch(/ \/日本\/語$/);
  expect((await client.transfer('MLSD /')).octets.toString()).toContain(' 😀\r\n');
  expect((await client.transfer('LIST /')).octets.toString()).toContain(' grüße.txt\r\n');
  expect((await client.command('MKD ñandú')).text).toMatch(/^"\/каталог\/ñandú"/);
});

test('RFC 2640 3.1: octets that are no UTF-8 are kept as they are', async () => {
  const client = await ftp().enter();
  const name = Buffer.from([0x6e, 0xe9, 0x80, 0x6e]);
  const link = await client.data();
  client.raw(Buffer.concat([Buffer.from('STOR '), name, Buffer.from('\r\n')]));
  (await link.socket).end('latin');
  expect(await client.codes(2)).toEqual([150, 226]);
  const listed = (await client.transfer('NLST')).octets;
  expect(listed.includes(Buffer.concat([name, Buffer.from('\r\n')]))).toBe(true);
  client.raw(Buffer.concat([Buffer.from('DELE '), name, Buffer.from('\r\n')]));
  expect((await client.read()).code).toBe(250);
});

test('RFC 2640 3.2: FEAT lists UTF8', async () => {
  expect(inner(await (await ftp().connect()).command('FEAT'))).toContain(' UTF8');
});

const lang: [string, number][] = [
  ['LANG', 200],
  ['LANG en', 200],
  ['LANG EN', 200],
  ['LANG en-GB', 200],
  ['LANG fr', 504],
  ['LANG tlh-Latn', 504],
  ['LANG not a tag', 501],
  ['LANG en_GB', 501],
];
test('RFC 2640 4.1: LANG: known, unknown (504), no tag (501); without one the default', async () => {
  const client = await ftp().connect();
  const got: [string, number][] = [];
  for (const [line] of lang) got.push([line, await client.code(line)]);
  expect(got).toEqual(lang);
});

test('RFC 2640 4.3: FEAT lists the languages, the one in use with an asterisk', async () => {
  expect(inner(await (await ftp().connect()).command('FEAT'))).toContain(' LANG EN*');
});
