/** What drafts and custom added: MFMT, MFCT, MFF, HASH, RANG, the X digests, MODE Z, AVBL, SITE. */
import { createHash } from 'node:crypto';
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { crc32, deflateSync, inflateSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { inner, useServer } from './harness.js';

const TEN = '0123456789';
const BIG = Buffer.from(Array.from({ length: 200_000 }, (_, i) => `${i} and so on\n`).join(''));
const files = { ten: TEN, 'a "b".txt': 'quoted', 'dir/x': 'x', none: '', big: BIG, lines: 'one\ntwo\n' };
const ftp = useServer({
  files,
  options: { modeZ: true },
  users: [
    { name: 'reader', rights: [{ path: '/', rights: ['read', 'list'] }] },
    { name: 'keeper', rights: [{ path: '/', rights: ['read', 'list', 'write'] }] },
    { name: 'anonymous', anonymous: true },
  ],
});
const plain = useServer({ files, tls: 'optional' });
const hash = (name: string, content: string | Buffer): string =>
  createHash(name).update(content).digest('hex');
const mtime = (path: string): number => statSync(join(ftp().root, path)).mtimeMs;

describe('draft-somers-ftp-mfxx', () => {
  test('draft-somers-ftp-mfxx 3: MFMT sets the modification time, and tells it', async () => {
    const client = await ftp().enter();
    const reply = await client.command('MFMT 20020717210715 ten');
    expect([reply.code, reply.text]).toEqual([213, 'Modify=20020717210715; /ten']);
    expect((await client.command('MDTM ten')).text).toBe('20020717210715');
    expect(mtime('ten')).toBe(Date.UTC(2002, 6, 17, 21, 7, 15));
  });

  const times: [string, number][] = [
    ['MFMT 20240229120000 ten', 213],
    ['MFMT 20230229120000 ten', 501],
    ['MFMT 2002071721071 ten', 501],
    ['MFMT 20020717210715', 501],
    ['MFMT ten', 501],
    ['MFMT', 501],
    ['MFMT 20020717210715 nothing', 550],
  ];
  test('draft-somers-ftp-mfxx 3: MFMT wants a time that exists and a file that is there', async () => {
    const client = await ftp().enter();
    const got: [string, number][] = [];
    for (const [line] of times) got.push([line, await client.code(line)]);
    expect(got).toEqual(times);
    expect(await (await ftp().enter('reader')).code('MFMT 20020717210715 ten')).toBe(550);
  });

  test('draft-somers-ftp-mfxx 4: MFCT sets the time of creation, or says that none is kept', async () => {
    const client = await ftp().enter();
    expect([213, 504]).toContain(await client.code('MFCT 20020717210715 ten'));
    expect(await client.code('MFCT x ten')).toBe(501);
  });

  test('draft-somers-ftp-mfxx 5: MFF sets facts, tells them, and refuses what it does not know', async () => {
    const client = await ftp().enter();
    const reply = await client.command('MFF Modify=20030101000000;UNIX.mode=0640; ten');
    expect([reply.code, reply.text]).toEqual([213, 'Modify=20030101000000;UNIX.mode=0640; /ten']);
    expect([mtime('ten'), statSync(join(ftp().root, 'ten')).mode & 0o777]).toEqual([
      Date.UTC(2003, 0, 1),
      0o640,
    ]);
    expect(await client.code('MFF UNIX.owner=root; ten')).toBe(504);
    expect(await client.code('MFF UNIX.mode=4755; ten')).toBe(504);
    expect(await client.code('MFF ten')).toBe(501);
    expect(await client.code('MFF modify=20030101000000; nothing')).toBe(550);
    expect(inner(await client.command('FEAT'))).toEqual(
      expect.arrayContaining([' MFMT', ' MFCT', expect.stringMatching(/^ MFF (\S+;)+$/)]),
    );
  });
});

describe('draft-bryan-ftpext-hash and draft-bryan-ftp-range', () => {
  test('draft-bryan-ftpext-hash 4: OPTS HASH tells and selects the algorithm, FEAT marks it', async () => {
    const client = await ftp().enter();
    expect((await client.command('OPTS HASH')).text).toBe('SHA-256');
    for (const name of ['SHA-512', 'SHA-1', 'MD5', 'CRC32', 'SHA-256']) {
      expect((await client.command(`OPTS HASH ${name}`)).text).toBe(name);
      const line = inner(await client.command('FEAT')).find((one) => one.startsWith(' HASH '));
      expect(line).toContain(`${name}*`);
      expect(line?.match(/\*/g)).toHaveLength(1);
    }
    expect(await client.code('OPTS HASH ROT13')).toBe(504);
    expect((await client.command('OPTS HASH')).text).toBe('SHA-256');
  });

  const algorithms: [string, (content: string) => string][] = [
    ['SHA-256', (content) => hash('sha256', content)],
    ['SHA-512', (content) => hash('sha512', content)],
    ['SHA-1', (content) => hash('sha1', content)],
    ['MD5', (content) => hash('md5', content)],
    ['CRC32', (content) => crc32(content).toString(16).padStart(8, '0')],
  ];
  test.each(algorithms)('draft-bryan-ftpext-hash 3: HASH with %s', async (name, digest) => {
    const client = await ftp().enter();
    await client.ok(`OPTS HASH ${name}`);
    const { code, text } = await client.command('HASH ten');
    expect([code, text]).toEqual([213, `${name} 0-9 ${digest(TEN)} ten`]);
  });

  test('draft-bryan-ftpext-hash 3: HASH: nothing there 550, a directory 553, no argument 501', async () => {
    const client = await ftp().enter();
    for (const [line, code] of [
      ['HASH nothing', 550],
      ['HASH dir', 553],
      ['HASH', 501],
    ] as const) {
      expect([line, await client.code(line)]).toEqual([line, code]);
    }
  });

  test('draft-bryan-ftp-range 3: RANG: RETR and HASH of a range, both ends included, for one command', async () => {
    const client = await ftp().enter();
    expect(await client.code('RANG 2 5')).toBe(350);
    expect((await client.transfer('RETR ten')).octets.toString()).toBe('2345');
    expect((await client.transfer('RETR ten')).octets.toString()).toBe(TEN);
    await client.ok('RANG 2 5');
    expect((await client.command('HASH ten')).text).toBe(`SHA-256 2-5 ${hash('sha256', '2345')} ten`);
    expect((await client.command('HASH ten')).text).toContain(' 0-9 ');
    await client.ok('RANG 8 1000');
    expect((await client.transfer('RETR ten')).octets.toString()).toBe('89');
  });

  test('draft-bryan-ftp-range 3: RANG 1 0 takes the range back; REST and RANG exclude each other', async () => {
    const client = await ftp().enter();
    await client.ok('RANG 2 5', 'RANG 1 0');
    expect((await client.transfer('RETR ten')).octets.toString()).toBe(TEN);
    await client.ok('RANG 2 5', 'REST 7');
    expect((await client.transfer('RETR ten')).octets.toString()).toBe('789');
    await client.ok('REST 7', 'RANG 2 5');
    expect((await client.transfer('RETR ten')).octets.toString()).toBe('2345');
  });

  test('draft-bryan-ftp-range 3: RANG: what is no range', async () => {
    const client = await ftp().enter();
    for (const line of ['RANG', 'RANG 1', 'RANG a b', 'RANG 5 2', 'RANG -1 2', 'RANG 1 99999999999999999']) {
      expect([line, await client.code(line)]).toEqual([line, 501]);
    }
    await client.ok('TYPE A');
    expect(await client.code('RANG 1 2')).toBe(504);
    expect(inner(await client.command('FEAT'))).toContain(' RANG STREAM');
  });
});

describe('digests by X verbs', () => {
  const verbs: [string, (content: string | Buffer) => string][] = [
    ['XCRC', (content) => crc32(content).toString(16).padStart(8, '0')],
    ['XMD5', (content) => hash('md5', content)],
    ['XSHA', (content) => hash('sha1', content)],
    ['XSHA1', (content) => hash('sha1', content)],
    ['XSHA256', (content) => hash('sha256', content)],
    ['XSHA512', (content) => hash('sha512', content)],
  ];
  test.each(verbs)('%s of a file, of a range, of a name in quotes', async (verb, digest) => {
    const client = await ftp().enter();
    const cases: [string, string][] = [
      ['ten', TEN],
      ['"ten"', TEN],
      ['"ten" 2 5', '234'],
      ['"ten" 4', '456789'],
      ['"a ""b"".txt"', 'quoted'],
      ['a "b".txt', 'quoted'],
      ['none', ''],
    ];
    for (const [argument, content] of cases) {
      const { code, text } = await client.command(`${verb} ${argument}`);
      expect([argument, code, text.toLowerCase()]).toEqual([argument, 250, digest(content)]);
    }
    expect(await client.code(`${verb} nothing`)).toBe(550);
    expect(await client.code(`${verb} "ten" 5 2`)).toBe(501);
    expect(await client.code(`${verb} "ten" 11`)).toBe(554);
  });
});

describe('draft-preston-ftpext-deflate: MODE Z', () => {
  test('MODE Z: files and listings are zlib streams, both ways; MODE S ends it', async () => {
    const client = await ftp().enter();
    expect(await client.code('MODE Z')).toBe(200);
    const packed = (await client.transfer('RETR big')).octets;
    expect(packed.length).toBeLessThan(BIG.length / 4);
    expect(inflateSync(packed).equals(BIG)).toBe(true);
    expect((await client.transfer('STOR up', { body: deflateSync(BIG) })).final.code).toBe(226);
    expect(ftp().read('up').equals(BIG)).toBe(true);
    expect(inflateSync((await client.transfer('NLST dir')).octets).toString()).toBe('dir/x\r\n');
    expect(inflateSync((await client.transfer('RETR none')).octets).length).toBe(0);
    await client.ok('MODE S');
    expect((await client.transfer('RETR ten')).octets.toString()).toBe(TEN);
  });

  test('MODE Z with TYPE A: lines first, then deflate', async () => {
    const client = await ftp().enter();
    await client.ok('TYPE A', 'MODE Z');
    expect(inflateSync((await client.transfer('RETR lines')).octets).toString()).toBe('one\r\ntwo\r\n');
    await client.transfer('STOR text', { body: deflateSync(Buffer.from('x\r\ny\r\n')) });
    expect(ftp().read('text').toString()).toBe('x\ny\n');
  });

  test('MODE Z: an upload that is no zlib stream, or half of one, fails', async () => {
    const client = await ftp().enter();
    await client.ok('MODE Z');
    for (const body of [Buffer.from('no zlib stream'), deflateSync(BIG).subarray(0, 500)]) {
      const { final } = await client.transfer('STOR broken', { body });
      expect([426, 451]).toContain(final.code);
      expect(await client.inStep()).toBe(true);
    }
  });

  test('MODE Z: the level is an option; a server that does not offer it says 504', async () => {
    const client = await ftp().enter();
    expect(await client.code('OPTS MODE Z LEVEL 1')).toBe(200);
    expect(await client.code('OPTS MODE Z LEVEL 10')).toBe(501);
    const other = await plain().enter();
    expect(await other.code('MODE Z')).toBe(504);
    expect(await other.code('OPTS MODE Z LEVEL 1')).toBe(501);
  });
});

test('AVBL: octets that can still be stored', async () => {
  const client = await ftp().enter();
  for (const line of ['AVBL', 'AVBL dir'])
    expect(Number((await client.command(line)).text)).toBeGreaterThan(1000);
  expect(await client.code('AVBL ten')).toBe(550);
  expect(await client.code('AVBL nothing')).toBe(550);
});

test('CLNT: the client names itself', async () => {
  expect(await (await ftp().connect()).code('CLNT some client 1.0')).toBe(200);
});

describe('SITE', () => {
  test('SITE CHMOD: permission bits and no more', async () => {
    const client = await ftp().enter();
    const cases: [string, number][] = [
      ['SITE CHMOD 600 ten', 200],
      ['SITE chmod 0644 ten', 200],
      ['SITE CHMOD 4755 ten', 501],
      ['SITE CHMOD 888 ten', 501],
      ['SITE CHMOD 600', 501],
      ['SITE CHMOD 600 nothing', 550],
    ];
    const got: [string, number][] = [];
    for (const [line] of cases) got.push([line, await client.code(line)]);
    expect(got).toEqual(cases);
    expect(statSync(join(ftp().root, 'ten')).mode & 0o777).toBe(0o644);
    expect(await (await ftp().enter('reader')).code('SITE CHMOD 600 ten')).toBe(550);
  });

  test('SITE UTIME: both forms', async () => {
    const client = await ftp().enter();
    expect(await client.code('SITE UTIME 20010203040506 ten')).toBe(200);
    expect(mtime('ten')).toBe(Date.UTC(2001, 1, 3, 4, 5, 6));
    expect(await client.code('SITE UTIME 200102030405 ten')).toBe(200);
    expect(mtime('ten')).toBe(Date.UTC(2001, 1, 3, 4, 5, 0));
    expect(await client.code('SITE UTIME ten 20050101000000 20040101000000 20030101000000 UTC')).toBe(200);
    expect(mtime('ten')).toBe(Date.UTC(2004, 0, 1));
    expect(await client.code('SITE UTIME 20011303040506 ten')).toBe(501);
    expect(await client.code('SITE UTIME 20010203040506 nothing')).toBe(550);
  });

  test('SITE WHO: sessions of the same account only', async () => {
    const client = await ftp().enter();
    await ftp().enter('reader');
    expect((await client.command('SITE WHO')).lines.at(-1)).toMatch(/^200 1 /);
    await ftp().enter();
    expect((await client.command('SITE WHO')).lines.at(-1)).toMatch(/^200 2 /);
  });

  test('SITE PSWD: not in clear, not for anonymous, only with the old password', async () => {
    expect(await (await ftp().enter('anonymous')).code('SITE PSWD a b')).toBe(502);
    expect(await (await plain().enter()).code('SITE PSWD secret other')).toBe(534);
    const client = await plain().enterTls();
    expect(await client.code('SITE PSWD wrong other')).toBe(530);
    expect(await client.code('SITE PSWD secret')).toBe(501);
    expect(await client.code('SITE PSWD secret other')).toBe(200);
    const again = await plain().connect();
    await again.ok('USER user');
    expect(await again.code('PASS secret')).toBe(530);
    await again.ok('USER user', 'PASS other');
    expect(await client.code('SITE PSWD other secret')).toBe(200);
  });

  test('SITE XDUPE: with a dupe the names that are there are told', async () => {
    const client = await ftp().enter('keeper');
    expect((await client.transfer('STOR ten', { body: 'x' })).final.lines).toHaveLength(1);
    expect((await client.command('SITE XDUPE')).text).toContain('0');
    expect(await client.code('SITE XDUPE 3')).toBe(200);
    const { final } = await client.transfer('STOR ten', { body: 'x' });
    expect(final.code).toBe(553);
    expect(final.lines.slice(0, -1)).toContain('553- X-DUPE: ten');
    for (const line of final.lines.slice(0, -1)) expect(line).toMatch(/^553- X-DUPE: \S/);
    expect(await client.code('SITE XDUPE 9')).toBe(501);
    expect(await client.code('SITE XDUPE 0')).toBe(200);
    expect(ftp().read('ten').toString()).toBe(TEN);
  });

  test('anonymous: reads and lists, changes nothing', async () => {
    const client = await ftp().enter('anonymous');
    expect((await client.transfer('RETR ten')).octets.toString()).toBe(TEN);
    expect((await client.transfer('MLSD dir')).octets.toString()).toContain(' x\r\n');
    for (const line of [
      'MKD new',
      'RMD dir',
      'DELE ten',
      'RNFR ten',
      'MFMT 20010101000000 ten',
      'SITE CHMOD 600 ten',
    ]) {
      expect([line, await client.code(line)]).toEqual([line, 550]);
    }
    for (const verb of ['STOR', 'APPE'])
      expect((await client.transfer(`${verb} ten`, { body: '' })).final.code).toBe(553);
    expect((await client.transfer('STOU', { body: '' })).final.code).toBe(553);
  });
});
