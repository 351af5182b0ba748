/** MODE E as its verbs speak it (GFD.20): raw connections against one server, and two servers with each other. */
import { randomBytes } from 'node:crypto';
import { statSync, truncateSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parsePerfMarker, parseRangeMarker } from '../../src/protocol/markers.js';
import { block, decodeBlocks, ended } from '../net/plane/blocks.js';
import type { DataLink } from './control-client.js';
import { dcpa, outcome, pinEachOther, pinnedServer } from './dcpa-kit.js';
import { type ControlClient, startServer, type TestServer, useServer } from './harness.js';
import { epsvPort } from './strict-replies.js';

const SMALL = { 'a.txt': 'hello', 'b.txt': 'second', 'empty.txt': '' };

/** All that came on a connection so far, when `enough` says so. */
async function received(link: DataLink, files: number): Promise<string[]> {
  const socket = await link.socket;
  let octets = Buffer.alloc(0);
  for (;;) {
    for (let chunk = socket.read() as Buffer | null; chunk; chunk = socket.read() as Buffer | null)
      octets = Buffer.concat([octets, chunk]);
    const found = decodeBlocks([octets]);
    if (found.length >= files) return found.map(({ content }) => content.toString());
    await new Promise((resolve) => socket.once('readable', resolve));
  }
}

const gone = async (link: DataLink): Promise<void> => {
  const socket = await link.socket;
  socket.resume();
  if (!socket.destroyed && !socket.readableEnded)
    await new Promise((resolve) => socket.once('end', resolve).once('close', resolve));
};

describe('a server', () => {
  const server = useServer({ files: SMALL, options: { fxp: { mode: 'off' } } });
  const blocksOf = async (): Promise<ControlClient> => {
    const client = await server().enter();
    await client.ok('MODE E');
    return client;
  };
  const refusedNext = async (client: ControlClient, line = 'RETR a.txt'): Promise<void> =>
    expect((await client.command(line)).text).toMatch(/Send PASV/);

  test('sends three files that were asked for at once over one connection', async () => {
    const client = await blocksOf();
    const link = await client.data('PORT');
    client.send('RETR a.txt', 'RETR b.txt', 'RETR empty.txt');
    expect(await client.codes(6)).toEqual([150, 226, 125, 226, 125, 226]);
    expect(await received(link, 3)).toEqual(['hello', 'second', '']);
    await client.ok('MODE S');
    await gone(link);
    await refusedNext(client);
    expect(await client.inStep()).toBe(true);
  });

  test('receives three files that were announced at once over one connection', async () => {
    const client = await blocksOf();
    const link = await client.data('PASV');
    client.send('STOR r1', 'STOR r2', 'STOR r3');
    const socket = await link.socket;
    socket.write(Buffer.concat([block(2, 'b'), block(0, 'aa'), ended(1), ended(1), block(0, 'c'), ended(1)]));
    expect(await client.codes(6)).toEqual([150, 226, 125, 226, 125, 226]);
    expect(['r1', 'r2', 'r3'].map((name) => server().read(name).toString())).toEqual(['aab', '', 'c']);
  });

  test('lists over the same connection', async () => {
    const client = await blocksOf();
    const link = await client.data('PORT');
    client.send('NLST', 'RETR a.txt');
    expect(await client.codes(4)).toEqual([150, 226, 125, 226]);
    const [names, content] = await received(link, 2);
    expect(names!.split('\r\n')).toEqual(expect.arrayContaining(['a.txt', 'b.txt']));
    expect(content).toBe('hello');
  });

  test('the sender connects and the receiver listens, in TYPE I', async () => {
    const client = await blocksOf();
    await client.data('PASV');
    expect((await client.command('RETR a.txt')).code).toBe(503);
    await client.data('PORT');
    expect((await client.command('STOR x')).code).toBe(503);
    await client.data('PORT');
    await client.ok('TYPE A');
    expect(await client.code('RETR a.txt')).toBe(504);
    await client.ok('TYPE I');
    await refusedNext(client);
  });

  test('a refused file ends the connections: what follows is not taken for it', async () => {
    const client = await blocksOf();
    const sending = await client.data('PORT');
    client.send('RETR a.txt', 'RETR none.txt', 'RETR b.txt');
    expect(await client.codes(4)).toEqual([150, 226, 550, 425]);
    await gone(sending);
    const link = await client.data('PASV');
    client.send('STOR r1', 'STOR none/x', 'STOR r4');
    const socket = await link.socket;
    socket.write(
      Buffer.concat([block(0, 'one'), ended(1), block(0, 'two'), ended(1), block(0, 'three'), ended(1)]),
    );
    // The second one is here already: it is opened, and that fails.
    expect(await client.codes(5)).toEqual([150, 226, 125, 553, 425]);
    await gone(link);
    expect(() => server().read('r4')).toThrow();
  });

  test('rights that are missing end them too', async () => {
    const client = await blocksOf();
    const link = await client.data('PORT');
    client.send('RETR a.txt', 'RETR ../../etc/passwd', 'RETR b.txt');
    expect(await client.codes(4)).toEqual([150, 226, 550, 425]);
    await gone(link);
  });

  test('ABOR in the middle of a file and between files', async () => {
    const client = await blocksOf();
    const link = await client.data('PASV');
    client.send('STOR r5');
    (await link.socket).write(block(0, 'x'));
    expect((await client.read()).code).toBe(150);
    client.send('ABOR');
    expect(await client.codes(3)).toEqual([111, 426, 226]);
    await gone(link);
    const sending = await client.data('PORT');
    client.send('RETR a.txt');
    expect(await client.codes(2)).toEqual([150, 226]);
    expect(await client.code('ABOR')).toBe(226);
    await gone(sending);
    await refusedNext(client);
  });

  test('REIN, QUIT and another PASV let go of the connections', async () => {
    const client = await blocksOf();
    const links: DataLink[] = [];
    for (const leave of ['PASV', 'REIN', 'QUIT']) {
      if (leave === 'QUIT') {
        await client.login();
        await client.ok('TYPE I', 'MODE E');
      }
      const link = await client.data('PORT');
      links.push(link);
      client.send('RETR a.txt');
      expect(await client.codes(2)).toEqual([150, 226]);
      expect((await client.command(leave)).code).toBeLessThan(300);
      await gone(link);
    }
    expect(links.length).toBe(3);
  });

  test('markers come while octets move, with what is stored, and at the end of a failure', async () => {
    const client = await blocksOf();
    expect(await client.code('OPTS STOR Markers=1;')).toBe(200);
    const link = await client.data('PASV');
    client.send('STOR marked');
    const socket = await link.socket;
    socket.write(Buffer.concat([block(0, 'abc'), block(10, 'xyz')]));
    expect((await client.read()).code).toBe(150);
    expect(parsePerfMarker(await client.read())).toMatchObject({ bytes: 6, stripe: 0, stripes: 1 });
    const stored = [
      { start: 0, end: 3 },
      { start: 10, end: 13 },
    ];
    expect(parseRangeMarker(await client.read())).toEqual(stored);
    socket.destroy();
    let last = await client.read();
    while (last.code === 112 || parseRangeMarker(last)?.length === 0) last = await client.read();
    while (last.code === 111) {
      expect(parseRangeMarker(last)).toEqual(stored);
      last = await client.read();
    }
    expect(last.code).toBe(426);
    // What is missing, and nothing else.
    const again = await client.data('PASV');
    expect(await client.code('REST 0-3,10-13')).toBe(350);
    client.send('STOR marked');
    (await again.socket).write(Buffer.concat([block(13, '!'), block(3, '-------'), ended(1)]));
    expect(await client.codes(2)).toEqual([150, 226]);
    expect(server().read('marked').toString()).toBe('abc-------xyz!');
  });

  test('REST: what the receiver has is neither sent nor kept longer than it is', async () => {
    const client = await blocksOf();
    server().put('ten', '0123456789');
    server().put('back', '01..45678X tail');
    const link = await client.data('PORT');
    expect(await client.code('REST 0-2,4-9')).toBe(350);
    client.send('RETR ten', 'REST 8', 'RETR ten', 'RETR b.txt', 'REST 0-10', 'RETR ten');
    expect(await client.codes(9)).toEqual([150, 226, 350, 125, 226, 125, 226, 350, 125]);
    expect((await client.read()).code).toBe(226);
    const socket = await link.socket;
    expect(await received({ ...link, socket: Promise.resolve(socket) }, 4)).toEqual([
      '\0\x0023\0\0\0\0\x009',
      '\0\0\0\0\0\0\0\x0089',
      'second',
      '',
    ]);
    const into = await client.data('PASV');
    await client.ok('REST 0-2,4-9');
    client.send('STOR back');
    (await into.socket).write(Buffer.concat([block(9, '9'), block(2, '23'), ended(1)]));
    expect(await client.codes(2)).toEqual([150, 226]);
    expect(server().read('back').toString()).toBe('0123456789');
    const prefix = await client.data('PASV');
    await client.ok('REST 4');
    client.send('STOR back');
    (await prefix.socket).write(Buffer.concat([block(4, 'END'), ended(1)]));
    expect(await client.codes(2)).toEqual([150, 226]);
    expect(server().read('back').toString()).toBe('0123END');
    await client.data('PASV');
    await client.ok('REST 0-2,4-99');
    expect(await client.code('STOR back')).toBe(554);
    for (const wrong of ['x', '5-3', '0-9007199254740992', '1-2;3-4'])
      expect(await client.code(`REST ${wrong}`)).toBe(501);
  });

  test('ERET P: a part, counted from its beginning; in MODE S too', async () => {
    const client = await blocksOf();
    server().put('ten', '0123456789');
    const link = await client.data('PORT');
    client.send('ERET P 2 3 ten', 'RETR a.txt');
    expect(await client.codes(4)).toEqual([150, 226, 125, 226]);
    expect(await received(link, 2)).toEqual(['234', 'hello']);
    for (const wrong of ['P 2 ten', 'P x 3 ten', 'Q 2 3 ten', 'P 9007199254740991 1 ten'])
      expect(await client.code(`ERET ${wrong}`)).toBe(501);
    await client.ok('MODE S');
    expect((await client.transfer('ERET P 4 99 ten')).octets.toString()).toBe('456789');
  });

  test('a stream goes on as ever beside it', async () => {
    const client = await blocksOf();
    await client.data('PASV');
    await client.ok('MODE S');
    expect((await client.transfer('RETR a.txt')).octets.toString()).toBe('hello');
    const got = await client.transfer('STOR s', { body: 'stream' });
    expect(got.final.code).toBe(226);
  });
});

test('the quota counts a hole as what will fill it', async () => {
  const server = await startServer({ user: { quota: { bytes: 1000 } } as never });
  try {
    const client = await server.enter();
    await client.ok('MODE E');
    const link = await client.data('PASV');
    client.send('STOR far');
    (await link.socket).write(Buffer.concat([block(2 ** 40, 'x'), ended(1)]));
    expect((await client.read()).code).toBe(150);
    let last = await client.read();
    if (last.code < 200) last = await client.read();
    expect(last.code).toBe(552);
  } finally {
    await server.close();
  }
});

describe.each([0, 1])('two servers with %i threads', (threads) => {
  let from: TestServer;
  let to: TestServer;
  let source: ControlClient;
  let target: ControlClient;
  const big = randomBytes(5_000_003);
  const names = Array.from({ length: 60 }, (_, i) => `f${i}`);
  beforeAll(async () => {
    from = await pinnedServer('127.0.0.3', { threads });
    to = await pinnedServer('127.0.0.2', { threads });
    from.put('big', big);
    for (const name of names) from.put(name, randomBytes(10_240 + name.length));
    source = await from.enterTls();
    target = await to.enterTls();
  });
  afterAll(() => Promise.all([from.close(), to.close()]));

  const aim = async (): Promise<void> => {
    const port = epsvPort(await target.ok('EPSV'));
    await source.ok(`EPRT |1|127.0.0.2|${port}|`);
  };

  test('with keys pinned: many small files in one burst, then a big one on the same connections', async () => {
    await source.ok('MODE E', 'OPTS RETR Parallelism=3,3,3;');
    await target.ok('MODE E');
    await pinEachOther(source, target);
    await aim();
    target.send(...names.map((name) => `STOR ${name}`), 'STOR big');
    source.send(...names.map((name) => `RETR ${name}`), 'RETR big');
    const codes = [150, 226, ...[...names].flatMap(() => [125, 226])];
    const all = await Promise.all([source, target].map((client) => client.codes(codes.length)));
    expect(all).toEqual([codes, codes]);
    for (const name of [...names, 'big']) expect(to.read(name).equals(from.read(name))).toBe(true);
    expect(await dcpa(source)).toMatchObject({ last: 'ok', bytes: big.length });
    const transfers = to.events.flatMap((event) => (event.event === 'transfer' ? [event.transfer] : []));
    expect(transfers.at(-1)).toMatchObject({ security: 'verified', route: 'fxp', bytes: big.length });
  });

  test('another pin, PROT or DCPA OFF: the connections are not those that would be made now', async () => {
    await source.ok(`DCPA Peer=sha-256:${'0'.repeat(64)}`);
    const refused = await source.command('RETR f1');
    expect([refused.code, refused.text]).toEqual([425, expect.stringContaining('other terms')]);
    await target.ok('DCPA OFF');
    expect(await target.code('STOR f1')).toBe(425);
  });

  test('holes of a broken copy are filled and nothing else moves', async () => {
    await source.ok('DCPA OFF');
    await target.ok('DCPA OFF');
    await pinEachOther(source, target);
    const hole = { start: 1_000_000, end: 3_500_000 };
    to.put(
      'big',
      Buffer.concat([
        big.subarray(0, hole.start),
        Buffer.alloc(hole.end - hole.start),
        big.subarray(hole.end, 4_000_000),
      ]),
    );
    await aim();
    const rest = `REST 0-${hole.start},${hole.end}-4000000`;
    await source.ok(rest);
    await target.ok(rest);
    target.send('STOR big');
    source.send('RETR big');
    const [sent, stored] = await Promise.all([outcome(source), outcome(target)]);
    expect([sent.at(-1)!.code, stored.at(-1)!.code]).toEqual([226, 226]);
    expect(await dcpa(target)).toMatchObject({ bytes: hole.end - hole.start + big.length - 4_000_000 });
    expect(to.read('big').equals(big)).toBe(true);
    truncateSync(join(to.root, 'big'), 10);
    expect(statSync(join(to.root, 'big')).size).toBe(10);
  });

  test('a stranger with the wrong key neither enters nor ends it', async () => {
    const port = epsvPort(await target.ok('EPSV'));
    await source.ok(`EPRT |1|127.0.0.2|${port}|`);
    target.send('STOR f2');
    const stranger = await to.connect();
    const { connect } = await import('node:tls');
    const socket = connect({ host: '127.0.0.2', port, rejectUnauthorized: false });
    socket.on('error', () => {});
    await new Promise((resolve) => socket.once('close', resolve));
    expect(await stranger.inStep()).toBe(true);
    source.send('RETR f2');
    const [sent, stored] = await Promise.all([outcome(source), outcome(target)]);
    expect([sent.at(-1)!.code, stored.at(-1)!.code]).toEqual([226, 226]);
    expect(to.read('f2').equals(from.read('f2'))).toBe(true);
  });
});
