/** RFC 2428: EPRT and EPSV. */
import { describe, expect, test } from 'vitest';
import { useServer } from './harness.js';

const ftp = useServer({ files: { 'a.txt': 'hello\n' } });
const six = useServer({ host: '::1', files: { 'a.txt': 'hello\n' } });

const eprt: [string, number][] = [
  ['EPRT |1|127.0.0.1|50000|', 200],
  ['EPRT !1!127.0.0.1!50000!', 200],
  ['EPRT ~1~127.0.0.1~50000~', 200],
  ['EPRT |3|127.0.0.1|50000|', 522],
  ['EPRT |0|127.0.0.1|50000|', 522],
  ['EPRT |1|::1|50000|', 501],
  ['EPRT |2|127.0.0.1|50000|', 501],
  ['EPRT |1|127.0.0.1|50000', 501],
  ['EPRT 1|127.0.0.1|50000|', 501],
  ['EPRT |1|127.0.0.1|0|', 504],
  ['EPRT |1|127.0.0.1|65536|', 501],
  ['EPRT |1|localhost|50000|', 501],
  ['EPRT |1|127.0.0.1|50000|x', 501],
  ['EPRT |1||50000|', 501],
  ['EPRT', 501],
];
test('RFC 2428 2: EPRT: delimiters, families (522), and what is no address (501)', async () => {
  const client = await ftp().enter();
  const got: [string, number][] = [];
  for (const [line] of eprt) got.push([line, await client.code(line)]);
  expect(got).toEqual(eprt);
});

test('RFC 2428 2: the 522 names the families that work', async () => {
  expect((await (await ftp().enter()).command('EPRT |7|x|1|')).text).toMatch(/\((\d,)*\d\)$/);
});

test('RFC 2428 3: EPSV: the reply is 229 with the port alone, on the address of the control connection', async () => {
  const client = await ftp().enter();
  const reply = await client.command('EPSV');
  expect([reply.code, reply.text]).toEqual([229, expect.stringMatching(/\(\|\|\|\d{1,5}\|\)$/)]);
  expect((await client.transfer('RETR a.txt', { way: 'EPSV' })).octets.toString()).toBe('hello\n');
});

const epsv: [string, number][] = [
  ['EPSV', 229],
  ['EPSV 1', 229],
  ['EPSV 2', 522],
  ['EPSV 3', 522],
  ['EPSV x', 501],
  ['EPSV 1 2', 501],
];
test('RFC 2428 3: EPSV with a family: that of the control connection works, others are 522', async () => {
  const client = await ftp().enter();
  const got: [string, number][] = [];
  for (const [line] of epsv) got.push([line, await client.code(line)]);
  expect(got).toEqual(epsv);
});

describe('RFC 2428 4: EPSV ALL', () => {
  test('RFC 2428 4: EPSV ALL: PORT, PASV and EPRT are refused from then on, EPSV works', async () => {
    const client = await ftp().enter();
    expect(await client.code('EPSV ALL')).toBe(200);
    for (const line of ['PORT 127,0,0,1,200,10', 'PASV', 'EPRT |1|127.0.0.1|50000|', 'CPSV']) {
      expect([line, (await client.code(line)) >= 500]).toEqual([line, true]);
    }
    expect((await client.transfer('RETR a.txt', { way: 'EPSV' })).octets.toString()).toBe('hello\n');
  });

  test('RFC 2428 4: EPSV ALL outlives an ABOR, and ends with the session', async () => {
    const client = await ftp().enter();
    await client.ok('EPSV ALL', 'EPSV');
    expect(await client.code('ABOR')).toBe(226);
    expect(await client.code('PASV')).toBe(503);
    await client.ok('REIN');
    await client.login();
    expect(await client.code('PASV')).toBe(227);
  });
});

describe('over IPv6', () => {
  test('RFC 2428 1: EPSV and EPRT work', async () => {
    const client = await six().enter();
    for (const way of ['EPSV', 'EPRT'] as const) {
      expect((await client.transfer('RETR a.txt', { way })).octets.toString()).toBe('hello\n');
    }
  });

  test('RFC 2428 3: EPSV 2 works, EPSV 1 is 522', async () => {
    const client = await six().enter();
    expect(await client.code('EPSV 2')).toBe(229);
    expect((await client.command('EPSV 1')).text).toMatch(/\(2\)$/);
    expect(await client.code('EPSV 1')).toBe(522);
  });

  test('RFC 2428 1: PASV cannot name an IPv6 address: it is refused', async () => {
    expect(await (await six().enter()).code('PASV')).toBeGreaterThanOrEqual(500);
  });
});
