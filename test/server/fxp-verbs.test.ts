/** CPSV, SSCN, PRET and CEPR: what server-to-server transfers are set up with. */
import { describe, expect, test } from 'vitest';
import { useServer } from './harness.js';

const files = { 'a.txt': 'hello\n', 'dir/b': 'b' };
const ftp = useServer({
  tls: 'optional',
  files,
  users: [{ name: 'reader', rights: [{ path: '/', rights: ['read', 'list'] }] }],
});
const off = useServer({ tls: 'optional', files, options: { fxp: { mode: 'off' } } });

describe('CPSV', () => {
  test('CPSV: as PASV, and TLS client for that one data connection', async () => {
    const client = await ftp().enterTls();
    const got = await client.transfer('RETR a.txt', { way: 'CPSV', role: 'server' });
    expect([got.opening?.code, got.final.code, got.octets.toString()]).toEqual([150, 226, 'hello\n']);
    const put = await client.transfer('STOR up', { way: 'CPSV', role: 'server', body: 'sent' });
    expect([put.final.code, ftp().read('up').toString()]).toEqual([226, 'sent']);
    // The next one is as ever.
    expect((await client.transfer('RETR a.txt', { way: 'PASV' })).octets.toString()).toBe('hello\n');
  });

  test('CPSV: listings stay with the server as TLS server', async () => {
    const client = await ftp().enterTls();
    expect((await client.transfer('NLST dir', { way: 'CPSV' })).octets.toString()).toBe('dir/b\r\n');
  });

  test('CPSV comes after PROT P: 503', async () => {
    expect(await (await ftp().enter()).code('CPSV')).toBe(503);
    const client = await ftp().enterTls();
    await client.ok('PROT C');
    expect(await client.code('CPSV')).toBe(503);
  });
});

describe('SSCN', () => {
  test('SSCN: asks, switches on and off', async () => {
    const client = await ftp().enterTls();
    const told: string[] = [];
    for (const line of ['SSCN', 'SSCN ON', 'SSCN', 'SSCN off', 'SSCN']) {
      const reply = await client.command(line);
      expect([line, reply.code]).toEqual([line, 200]);
      told.push(reply.text);
    }
    const [server, on] = ['SSCN:SERVER METHOD', 'SSCN:CLIENT METHOD'];
    expect(told).toEqual([server, on, on, server, server]);
    expect(await client.code('SSCN MAYBE')).toBe(501);
  });

  test.each(['PASV', 'EPSV', 'PORT', 'EPRT'] as const)(
    'SSCN ON: TLS client over %s until it is switched off',
    async (way) => {
      const client = await ftp().enterTls();
      await client.ok('SSCN ON');
      for (let i = 0; i < 2; i++) {
        const got = await client.transfer('RETR a.txt', { way, role: 'server' });
        expect([got.final.code, got.octets.toString()]).toEqual([226, 'hello\n']);
      }
      expect((await client.transfer('STOR up', { way, role: 'server', body: 'x' })).final.code).toBe(226);
      expect((await client.transfer('NLST dir', { way })).octets.toString()).toBe('dir/b\r\n');
      await client.ok('SSCN OFF');
      expect((await client.transfer('RETR a.txt', { way })).octets.toString()).toBe('hello\n');
    },
  );

  test('SSCN ON comes after PROT P: 503', async () => {
    expect(await (await ftp().enter()).code('SSCN ON')).toBe(503);
  });

  test('CPSV and SSCN are neither listed nor served where FXP is off', async () => {
    const client = await off().enterTls();
    expect(await client.code('CPSV')).toBe(502);
    expect(await client.code('SSCN ON')).toBe(502);
  });
});

describe('PRET', () => {
  const cases: [string, number][] = [
    ['PRET RETR a.txt', 200],
    ['PRET RETR none', 550],
    ['PRET RETR dir', 550],
    ['PRET STOR new', 200],
    ['PRET APPE new', 200],
    ['PRET STOU', 200],
    ['PRET LIST', 200],
    ['PRET NLST', 200],
    ['PRET MLSD dir', 200],
    ['PRET retr a.txt', 200],
    ['PRET DELE a.txt', 501],
    ['PRET', 501],
  ];
  test('PRET: the transfer that is to follow, refused early', async () => {
    const client = await ftp().enter();
    const got: [string, number][] = [];
    for (const [line] of cases) got.push([line, await client.code(line)]);
    expect(got).toEqual(cases);
  });

  test('PRET: rights count', async () => {
    const client = await ftp().enter('reader');
    expect(await client.code('PRET RETR a.txt')).toBe(200);
    for (const verb of ['STOR', 'APPE']) expect(await client.code(`PRET ${verb} x`)).toBe(553);
  });
});

test('CEPR: ON shows the address in the 229, OFF takes it back', async () => {
  const client = await ftp().enter();
  expect(await client.code('CEPR ON')).toBe(200);
  expect((await client.command('EPSV')).text).toMatch(/\(\|1\|127\.0\.0\.1\|\d+\|\)$/);
  expect(await client.code('CEPR off')).toBe(200);
  expect((await client.command('EPSV')).text).toMatch(/\(\|\|\|\d+\|\)$/);
  expect(await client.code('CEPR')).toBe(501);
  expect(await client.code('CEPR YES')).toBe(501);
});
