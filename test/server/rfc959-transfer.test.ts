/** RFC 959: data connections, representation, transfers, and what may be said while one runs. */
import type net from 'node:net';
import { describe, expect, test } from 'vitest';
import type { ControlClient, Way } from './control-client.js';
import { download } from './control-client.js';
import { type TestServer, useServer } from './harness.js';

const BIG = Buffer.alloc(24 * 1024 * 1024, 'jackstay');
const ALL_OCTETS = Buffer.from(Array.from({ length: 256 }, (_, i) => i));

describe.each([0, 1])('with %i threads', (threads) => {
  const ftp = useServer({
    threads,
    files: {
      'a.txt': 'hello\n',
      'lines.txt': 'one\ntwo\r\nthree',
      'octets.bin': ALL_OCTETS,
      big: BIG,
      'dir/b.txt': 'b',
      'empty/': '',
      none: '',
    },
  });

  const WAYS: Way[] = ['PASV', 'EPSV', 'PORT', 'EPRT'];
  test.each(WAYS)('RFC 959 4.1.3: RETR, STOR, APPE, LIST and NLST over %s: 150, then 226', async (way) => {
    const client = await ftp().enter();
    const sent = await client.transfer('RETR octets.bin', { way });
    expect([sent.opening?.code, sent.final.code, sent.clean]).toEqual([150, 226, true]);
    expect(sent.octets).toEqual(ALL_OCTETS);
    const stored = await client.transfer('STOR up.bin', { way, body: ALL_OCTETS });
    expect([stored.opening?.code, stored.final.code]).toEqual([150, 226]);
    expect(ftp().read('up.bin')).toEqual(ALL_OCTETS);
    expect((await client.transfer('APPE up.bin', { way, body: 'more' })).final.code).toBe(226);
    expect(ftp().read('up.bin')).toEqual(Buffer.concat([ALL_OCTETS, Buffer.from('more')]));
    const names = await client.transfer('NLST', { way });
    expect(names.octets.toString()).toMatch(/(^|\r\n)a\.txt\r\n/);
    const listed = await client.transfer('LIST', { way });
    expect([listed.opening?.code, listed.final.code]).toEqual([150, 226]);
    await client.ok('DELE up.bin');
  });

  test('RFC 959 4.1.3: STOR replaces, APPE creates', async () => {
    ftp().put('target', 'a longer old content');
    const client = await ftp().enter();
    expect((await client.transfer('STOR target', { body: 'new' })).final.code).toBe(226);
    expect(ftp().read('target').toString()).toBe('new');
    expect((await client.transfer('APPE fresh', { body: 'new' })).final.code).toBe(226);
    expect(ftp().read('fresh').toString()).toBe('new');
    await client.ok('DELE target', 'DELE fresh');
  });

  test('RFC 959 4.1.3: a large file arrives whole, both ways', async () => {
    const client = await ftp().enter();
    expect((await client.transfer('RETR big')).octets.equals(BIG)).toBe(true);
    expect((await client.transfer('STOR copy', { body: BIG })).final.code).toBe(226);
    expect(ftp().read('copy').equals(BIG)).toBe(true);
    await client.ok('DELE copy');
  });

  const refused: [string, number[]][] = [
    ['RETR missing', [550]],
    ['RETR dir', [550]],
    ['RETR dir/none/x', [550]],
    ['STOR dir', [553]],
    ['STOR nowhere/x', [553]],
    ['STOR a.txt/x', [553]],
    ['APPE dir', [550, 553]],
    ['LIST missing', [450, 550]],
    ['NLST missing', [450, 550]],
  ];
  test.each(refused)('RFC 959 5.4: %s is refused without a 150', async (line, codes) => {
    const client = await ftp().enter();
    const { opening, final } = await client.transfer(line, line.startsWith('RETR') ? {} : { body: '' });
    expect(opening).toBeUndefined();
    expect(codes).toContain(final.code);
    expect(await client.inStep()).toBe(true);
    expect((await client.transfer('RETR a.txt')).final.code).toBe(226);
  });

  test('RFC 959 5.4: a file of no octets and a directory of no files: 150, nothing, 226', async () => {
    const client = await ftp().enter();
    for (const line of ['RETR none', 'LIST empty', 'NLST empty', 'MLSD empty']) {
      const { opening, final, octets } = await client.transfer(line);
      expect([line, opening?.code, final.code]).toEqual([line, 150, 226]);
      if (line !== 'MLSD empty') expect(octets.toString()).toBe('');
    }
  });

  test('RFC 959 3.1.1.1: TYPE A: lines end CR LF on the way, LF in the file', async () => {
    const client = await ftp().enter();
    await client.ok('TYPE A');
    expect((await client.transfer('RETR lines.txt')).octets.toString()).toBe('one\r\ntwo\r\nthree');
    expect((await client.transfer('STOR text', { body: 'x\r\ny\rz\nend\r\n' })).final.code).toBe(226);
    expect(ftp().read('text').toString()).toBe('x\ny\rz\nend\n');
    await client.transfer('APPE text', { body: 'more\r\n' });
    expect(ftp().read('text').toString()).toBe('x\ny\rz\nend\nmore\n');
    await client.ok('TYPE I', 'DELE text');
  });

  test('RFC 959 3.1.1.3 and 3.1.1.4: TYPE I and TYPE L 8 leave every octet as it is', async () => {
    const client = await ftp().enter();
    for (const type of ['I', 'L 8']) {
      await client.ok('TYPE A', `TYPE ${type}`);
      expect((await client.transfer('RETR octets.bin')).octets).toEqual(ALL_OCTETS);
    }
  });

  test('RFC 959 3.4.1: stream mode: a download that breaks off does not end like one that is complete', async () => {
    const client = await ftp().enter();
    const link = await client.data();
    client.send('RETR big');
    const socket = await link.socket;
    expect((await client.read()).code).toBe(150);
    const first = await new Promise<Buffer>((resolve) => socket.once('data', resolve));
    socket.pause();
    expect(first.length).toBeGreaterThan(0);
    client.send('ABOR');
    expect(await client.codes(2)).toEqual([426, 226]);
    await expect(download(socket)).rejects.toThrow(/ECONNRESET/);
  });

  describe('RFC 959 3.3: data connections', () => {
    test('RFC 959 3.3: without PASV or PORT there is none: 425', async () => {
      const client = await ftp().enter();
      for (const line of ['RETR a.txt', 'STOR x', 'LIST'])
        expect([line, await client.code(line)]).toEqual([line, 425]);
    });

    test('RFC 959 3.3: each transfer has a data connection of its own', async () => {
      const client = await ftp().enter();
      await client.transfer('RETR a.txt');
      expect(await client.code('RETR a.txt')).toBe(425);
    });

    test('RFC 959 4.1.2: a second PASV closes the first port', async () => {
      const client = await ftp().enter();
      const first = await client.data('PASV');
      const held = await first.socket;
      const second = await client.data('PASV');
      expect(await download(held).catch(() => Buffer.alloc(0))).toEqual(Buffer.alloc(0));
      expect((await client.over(second, 'RETR a.txt')).octets.toString()).toBe('hello\n');
    });

    test('RFC 959 4.1.2: PORT after PASV takes its place, and PASV after PORT', async () => {
      const client = await ftp().enter();
      const unused = await client.data('PASV');
      expect((await client.transfer('RETR a.txt', { way: 'PORT' })).octets.toString()).toBe('hello\n');
      unused.close();
      const dead = await client.data('PORT');
      expect((await client.transfer('RETR a.txt', { way: 'PASV' })).octets.toString()).toBe('hello\n');
      dead.close();
    });

    test('RFC 959 3.2: a data port that nobody listens on: 425', async () => {
      const client = await ftp().enter();
      const link = await client.data('PORT');
      link.close();
      expect((await client.command('RETR a.txt')).code).toBe(425);
      expect(await client.inStep()).toBe(true);
    });

    test('RFC 959 4.1.3: an upload that the client breaks off is 426, and what came is there for REST', async () => {
      const client = await ftp().enter();
      const link = await client.data();
      client.send('STOR partial');
      const socket = await link.socket;
      expect((await client.read()).code).toBe(150);
      await new Promise<void>((resolve) => socket.write(BIG.subarray(0, 100_000), () => resolve()));
      socket.resetAndDestroy();
      expect((await client.read()).code).toBe(426);
      expect(await client.inStep()).toBe(true);
    });

    test('RFC 959 4.1.3: a download that the client breaks off is 426', async () => {
      const client = await ftp().enter();
      const link = await client.data();
      client.send('RETR big');
      const socket = await link.socket;
      expect((await client.read()).code).toBe(150);
      socket.resetAndDestroy();
      expect((await client.read()).code).toBe(426);
      expect(await client.inStep()).toBe(true);
    });
  });

  /** A download that stands still since nobody reads it. */
  async function stuck(client: ControlClient): Promise<net.Socket> {
    const link = await client.data();
    client.send('RETR big');
    const socket = await link.socket;
    socket.pause();
    expect((await client.read()).code).toBe(150);
    return socket;
  }

  describe('RFC 959 4.1.3: while a transfer runs', () => {
    test('RFC 959 4.1.3: STAT tells how far it is, NOOP is answered', async () => {
      const client = await ftp().enter();
      const socket = await stuck(client);
      const state = await client.command('STAT');
      expect(state.code).toBe(213);
      expect(Number(/(\d+) bytes/.exec(state.text)?.[1])).toBeGreaterThan(0);
      expect(await client.code('NOOP')).toBe(200);
      expect((await download(socket)).length).toBe(BIG.length);
      expect((await client.read()).code).toBe(226);
      expect((await client.command('STAT')).code).toBe(211);
    });

    test('RFC 959 4.1.3: STAT during an upload counts the octets received', async () => {
      const client = await ftp().enter();
      const link = await client.data();
      client.send('STOR counted');
      const socket = await link.socket;
      expect((await client.read()).code).toBe(150);
      socket.write('12345');
      let told = 0;
      while (told < 5) told = Number(/(\d+) bytes/.exec((await client.command('STAT')).text)?.[1]);
      expect(told).toBe(5);
      socket.end('67');
      expect((await client.read()).code).toBe(226);
      expect(ftp().read('counted').toString()).toBe('1234567');
    });

    test('RFC 959 4.1.3: other commands wait for their turn, in order', async () => {
      const client = await ftp().enter();
      const socket = await stuck(client);
      client.send('PWD', 'SIZE a.txt', 'CWD dir', 'PWD', 'NOOP');
      await download(socket);
      const replies = [];
      for (let i = 0; i < 6; i++) replies.push(await client.read());
      expect(replies.map(({ code }) => code)).toEqual([226, 257, 213, 250, 257, 200]);
      expect(replies[4]?.text).toContain('"/dir"');
    });

    test('RFC 959 4.1.1: QUIT lets the transfer end first', async () => {
      const client = await ftp().enter();
      const socket = await stuck(client);
      client.send('QUIT');
      expect((await download(socket)).length).toBe(BIG.length);
      expect((await client.closed()).map(({ code }) => code)).toEqual([226, 221]);
    });

    test('RFC 959 4.1.1: a control connection that ends without QUIT ends the transfer', async () => {
      const client = await ftp().enter();
      const socket = await stuck(client);
      client.socket.end();
      await expect(download(socket)).rejects.toThrow(/ECONNRESET/);
    });
  });

  describe('RFC 959 4.1.3: ABOR', () => {
    /** ABOR now: the codes of its replies; and all is as before. */
    async function aborted(client: ControlClient, server: TestServer): Promise<number[]> {
      client.send('ABOR', 'NOOP');
      const codes: number[] = [];
      while (codes.at(-1) !== 200) codes.push((await client.read()).code);
      expect(await client.inStep()).toBe(true);
      await client.ok('TYPE I');
      expect((await client.transfer('RETR a.txt')).octets.toString()).toBe('hello\n');
      expect(server.read('a.txt').toString()).toBe('hello\n');
      return codes.slice(0, -1);
    }

    const idle: Record<string, string[]> = {
      'nothing to abort': [],
      'behind PASV': ['PASV'],
      'behind EPSV': ['EPSV'],
      'behind PORT': ['PORT 127,0,0,1,200,10'],
      'behind REST': ['REST 3'],
      'behind RNFR': ['RNFR a.txt'],
      'behind a failed command': ['CWD none'],
    };
    test.each(Object.keys(idle))('RFC 959 4.1.3: ABOR, %s', async (state) => {
      const client = await ftp().enter();
      for (const line of idle[state]!) await client.command(line);
      client.send('ABOR');
      expect([225, 226]).toContain((await client.read()).code);
      // The endpoint is closed with it.
      expect(await client.code('LIST')).toBe(425);
      await client.command('REST 0');
      expect(await aborted(client, ftp())).toEqual([226]);
    });

    test('RFC 959 4.1.3: ABOR before the login', async () => {
      expect([225, 226]).toContain(await (await ftp().connect()).code('ABOR'));
    });

    test.each(['RETR a.txt', 'STOR x', 'LIST', 'APPE x', 'STOU', 'MLSD'])(
      'RFC 959 4.1.3: ABOR while %s waits for the data connection: 426, 226',
      async (line) => {
        const client = await ftp().enter();
        await client.ok('PASV');
        client.send(line);
        expect(await aborted(client, ftp())).toEqual([426, 226]);
      },
    );

    test('RFC 959 4.1.3: ABOR in the same segment as the transfer command', async () => {
      const client = await ftp().enter();
      await client.ok('PASV');
      client.send('RETR a.txt', 'ABOR');
      expect(await client.codes(2)).toEqual([426, 226]);
      expect(await client.inStep()).toBe(true);
    });

    test('RFC 959 4.1.3: ABOR in the middle of a download: 426, 226', async () => {
      const client = await ftp().enter();
      await stuck(client);
      expect(await aborted(client, ftp())).toEqual([426, 226]);
    });

    test('RFC 959 4.1.3: ABOR in the middle of an upload: 426, 226', async () => {
      const client = await ftp().enter();
      const link = await client.data();
      client.send('STOR part');
      const socket = await link.socket;
      expect((await client.read()).code).toBe(150);
      socket.write('some');
      expect(await aborted(client, ftp())).toEqual([426, 226]);
      link.close();
    });

    test('RFC 959 4.1.3: ABOR right after the connection is there, before an octet moved', async () => {
      const client = await ftp().enter();
      const link = await client.data();
      client.send('STOR part');
      await link.socket;
      client.send('ABOR');
      const codes: number[] = [];
      while (codes.at(-1) !== 226) codes.push((await client.read()).code);
      // The 150 may have left already.
      expect(codes.filter((code) => code !== 150)).toEqual([426, 226]);
      expect(await client.inStep()).toBe(true);
      link.close();
    });

    test('RFC 959 4.1.3: ABOR after the 226 is 226, and harms nothing', async () => {
      const client = await ftp().enter();
      await client.transfer('RETR a.txt');
      expect(await aborted(client, ftp())).toEqual([226]);
    });

    test('RFC 959 4.1.3: ABOR behind commands that wait is answered in its turn', async () => {
      const client = await ftp().enter();
      await stuck(client);
      client.send('PWD', 'SIZE a.txt', 'ABOR', 'NOOP');
      expect(await client.codes(5)).toEqual([426, 257, 213, 226, 200]);
    });

    test('RFC 959 4.1.3: ABOR ends every transfer that was sent before it', async () => {
      const client = await ftp().enter();
      await stuck(client);
      client.send('PASV', 'RETR a.txt', 'ABOR', 'NOOP');
      expect(await client.codes(5)).toEqual([426, 227, 426, 226, 200]);
    });

    test('RFC 959 4.1.3: ABOR twice', async () => {
      const client = await ftp().enter();
      await stuck(client);
      client.send('ABOR', 'ABOR');
      expect(await client.codes(3)).toEqual([426, 226, 226]);
      expect(await client.inStep()).toBe(true);
    });

    test('RFC 959 4.1.3: ABOR behind Telnet IP and Synch, the mark sent as urgent data or not', async () => {
      const client = await ftp().enter();
      await stuck(client);
      client.raw(Buffer.from([255, 244, 255, 242, ...Buffer.from('ABOR\r\n')]));
      expect(await client.codes(2)).toEqual([426, 226]);
      client.raw(Buffer.from([242, ...Buffer.from('ABOR\r\n')]));
      expect(await client.codes(1)).toEqual([226]);
      expect(await client.inStep()).toBe(true);
    });
  });
});
