/** RFC 1123 4.1: requirements for FTP servers. */
import { expect, test } from 'vitest';
import { LIMITS } from '../../src/server/settings.js';
import { rowOf } from '../../src/server/verbs/table.js';
import { useServer } from './harness.js';

const ftp = useServer({
  files: { 'a.txt': 'hello\n', 'dir/b.txt': 'b', 'dir/sub dir/c': 'c', 'dir/.hidden': '' },
});

test('RFC 1123 4.1.2.1: TYPE L 8 is known', async () => {
  const client = await ftp().enter();
  expect(await client.code('TYPE L 8')).toBe(200);
});

test('RFC 1123 4.1.2.2: format control T is taken as N', async () => {
  const client = await ftp().enter();
  expect(await client.code('TYPE A T')).toBe(200);
  expect((await client.transfer('RETR a.txt')).octets.toString()).toBe('hello\r\n');
});

test('RFC 1123 4.1.2.6: PASV is there, and every PASV has a new port', async () => {
  const client = await ftp().enter();
  const ports = new Set<string>();
  for (let i = 0; i < 8; i++) ports.add((await client.ok('PASV')).text);
  expect(ports.size).toBeGreaterThan(1);
});

test('RFC 1123 4.1.2.7: NLST gives names that RETR takes as they are', async () => {
  const client = await ftp().enter();
  for (const argument of ['', ' dir', ' dir/', ' /dir', ' ./dir', ' -a dir', ' dir/sub dir', ' dir/b.txt']) {
    const { octets } = await client.transfer(`NLST${argument}`);
    const names = octets.toString().split('\r\n');
    expect(names.pop()).toBe('');
    expect([argument, names.length > 0]).toEqual([argument, true]);
    for (const name of names) {
      const known = await client.code(`MLST ${name}`);
      expect([argument, name, known]).toEqual([argument, name, 250]);
    }
  }
});

test.each(['A', 'I'])('RFC 1123 4.1.2.7: LIST and NLST are text with CR LF in TYPE %s', async (type) => {
  const client = await ftp().enter();
  await client.ok(`TYPE ${type}`);
  for (const verb of ['LIST', 'NLST']) {
    const text = (await client.transfer(`${verb} dir`)).octets.toString('latin1');
    expect(text).toMatch(/^([^\r\n]+\r\n)+$/);
  }
});

test('RFC 1123 4.1.2.8: what is no standard is a SITE command', async () => {
  const client = await ftp().enter();
  const help = await client.command('SITE HELP');
  expect(help.lines.join()).toMatch(/CHMOD.*UTIME/);
});

test('RFC 1123 4.1.2.9: STOU tells the name in its 150, and the name is new', async () => {
  const client = await ftp().enter();
  await client.ok('CWD dir');
  const names = new Set<string>();
  for (const line of ['STOU', 'STOU a.txt']) {
    const { opening, final } = await client.transfer(line, { body: 'unique' });
    const [, name = ''] = /^FILE: (\S+)$/.exec(opening?.text ?? '') ?? [];
    expect([opening?.code, final.code, name === '']).toEqual([150, 226, false]);
    names.add(name);
    expect(ftp().read(`dir/${name}`).toString()).toBe('unique');
    expect((await client.transfer(`RETR ${name}`)).octets.toString()).toBe('unique');
    await client.ok(`DELE ${name}`);
  }
  expect(names.size).toBe(2);
  expect(ftp().read('a.txt').toString()).toBe('hello\n');
});

test('RFC 1123 4.1.2.10: several commands in one segment', async () => {
  const client = await ftp().connect();
  client.raw('USER user\r\nPASS secret\r\nTYPE I\r\nPWD\r\nNOOP\r\nSYST\r\n');
  expect(await client.codes(6)).toEqual([331, 230, 200, 257, 200, 215]);
});

test('RFC 1123 4.1.2.10: one command in many segments', async () => {
  const client = await ftp().enter();
  client.socket.setNoDelay(true);
  for (const octet of 'CWD dir\r\nPWD\r\n') {
    client.raw(octet);
    await new Promise((resolve) => setImmediate(resolve));
  }
  expect(await client.codes(2)).toEqual([250, 257]);
});

test('RFC 1123 4.1.2.10: a thousand commands at once are all answered, in order', async () => {
  const client = await ftp().enter();
  const lines = Array.from({ length: 1000 }, (_, i) =>
    i % 3 === 0 ? 'PWD' : i % 3 === 1 ? 'NOOP' : 'SIZE a.txt',
  );
  client.send(...lines);
  const wanted = lines.map((line) => (line === 'PWD' ? 257 : line === 'NOOP' ? 200 : 213));
  expect(await client.codes(1000)).toEqual(wanted);
  expect(await client.inStep()).toBe(true);
});

test('RFC 1123 4.1.2.11: nothing is said that no command asked for', async () => {
  const client = await ftp().enter();
  await client.transfer('RETR a.txt');
  await client.ok('PASV');
  expect(await client.inStep()).toBe(true);
});

test('RFC 1123 4.1.2.12: the data port belongs to the address of the control connection', async () => {
  const client = await ftp().enter();
  const link = await client.data('PORT');
  client.send('RETR a.txt');
  expect((await link.socket).remoteAddress).toBe(client.socket.remoteAddress);
  expect(await client.codes(2)).toEqual([150, 226]);
});

test('RFC 1123 4.1.2.12: Telnet negotiations are refused: DONT to WILL, WONT to DO', async () => {
  const client = await ftp().enter();
  const heard: number[] = [];
  client.socket.removeAllListeners('data');
  const all = new Promise<void>((resolve) => {
    client.socket.on('data', (chunk: Buffer) => {
      heard.push(...chunk);
      if (chunk.includes('200 ')) resolve();
    });
  });
  // WILL ECHO, DO SUPPRESS-GO-AHEAD; WONT and DONT ask for nothing (RFC 854).
  client.raw(Buffer.from([255, 251, 1, 255, 253, 3, 255, 252, 1, 255, 254, 3, ...Buffer.from('NOOP\r\n')]));
  await all;
  expect(heard.slice(0, 6)).toEqual([255, 254, 1, 255, 252, 3]);
  expect(Buffer.from(heard.slice(6)).toString()).toMatch(/^200 [^\r\n]*\r\n$/);
});

const REQUIRED =
  'USER PASS ACCT PORT PASV TYPE MODE STRU RETR STOR APPE RNFR RNTO DELE CWD CDUP RMD MKD PWD LIST NLST SYST STAT HELP NOOP QUIT';
test('RFC 1123 4.1.2.13: the commands that every server has', () => {
  expect(REQUIRED.split(' ').filter((verb) => rowOf(verb) === undefined || rowOf(verb)?.refused)).toEqual([]);
});

test('RFC 1123 4.1.3.1: the X forms of the directory commands', async () => {
  const client = await ftp().enter();
  expect(await client.code('XMKD x')).toBe(257);
  expect(await client.code('XCWD x')).toBe(250);
  expect((await client.command('XPWD')).text).toContain('"/x"');
  expect(await client.code('XCUP')).toBe(await client.code('CDUP'));
  expect(await client.code('XRMD x')).toBe(250);
});

test('RFC 1123 4.1.3.2: the idle timeout is at least five minutes', () => {
  expect(LIMITS.idleTimeout).toBeGreaterThanOrEqual(300_000);
});

test('RFC 1123 4.1.3.3: commands are read while data moves', async () => {
  const client = await ftp().enter();
  const link = await client.data();
  client.send('STOR up');
  const socket = await link.socket;
  expect((await client.read()).code).toBe(150);
  expect((await client.command('STAT')).code).toBe(213);
  client.send('ABOR');
  expect(await client.codes(2)).toEqual([426, 226]);
  socket.destroy();
});
