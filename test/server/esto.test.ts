/** ESTO, and APPE in MODE E: raw connections against one server. */
import { createHash, randomBytes } from 'node:crypto';
import { existsSync, readdirSync, statSync, utimesSync } from 'node:fs';
import { join } from 'node:path';
import { deflateSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { formatStoreFacts, type StoreFacts } from '../../src/protocol/store-facts.js';
import { sweep } from '../../src/server/storage/disk-tree.js';
import { block, ended } from '../net/plane/blocks.js';
import { type BlockUpload, blockUpload } from './block-upload.js';
import { useServer } from './harness.js';

const sha256 = (text: string | Buffer): string => createHash('sha256').update(text).digest('hex');
const esto = (path: string, facts: StoreFacts): string => `ESTO ${formatStoreFacts(facts, path)}`;
const MODIFY = Date.UTC(2001, 1, 3, 4, 5, 6, 250);
const BIG = Buffer.alloc(3_000_000, 'octets');

describe.each([0, 1])('with %i threads', (threads) => {
  const server = useServer({
    threads,
    files: { 'old.txt': 'precious', 'dir/': '', 'read.bin': BIG },
    users: [{ name: 'adder', rights: [{ path: '/', rights: ['read', 'write', 'list'] }] }],
    options: { fxp: { mode: 'off' }, modeZ: true },
  });
  /** Nothing is left but what had its name before. */
  const leftovers = (): string[] => readdirSync(server().root).filter((name) => name.startsWith('.'));
  const text = (name: string): string => server().read(name).toString();
  const blocksOf = (): Promise<BlockUpload> => blockUpload(server());

  describe('ESTO F', () => {
    test('a file has its time and its octets when its name shows', async () => {
      const client = await server().enter();
      const facts = { modify: MODIFY, size: 5, sha256: sha256('hello') };
      const { opening, final } = await client.transfer(esto('new one', facts), { body: 'hello' });
      expect([opening?.code, final.code]).toEqual([150, 226]);
      expect(text('new one')).toBe('hello');
      expect(Math.round(statSync(join(server().root, 'new one')).mtimeMs)).toBe(MODIFY);
      const again = await client.transfer(esto('new one', { size: 0 }), { body: '' });
      expect(again.final.code).toBe(226);
      expect(text('new one')).toBe('');
      expect(leftovers()).toEqual([]);
    });

    test('until it is whole there is the old file, or nothing', async () => {
      const client = await server().enter();
      for (const name of ['old.txt', 'none.txt']) {
        const link = await client.data();
        client.send(esto(name, { modify: MODIFY }));
        const socket = await link.socket;
        socket.write('half');
        expect((await client.read()).code).toBe(150);
        expect(existsSync(join(server().root, name))).toBe(name === 'old.txt');
        socket.resetAndDestroy();
        expect((await client.read()).code).toBe(426);
        expect(existsSync(join(server().root, name))).toBe(name === 'old.txt');
      }
      expect(text('old.txt')).toBe('precious');
      expect(leftovers()).toEqual([]);
    });

    test('what differs is told, and nothing changes', async () => {
      const client = await server().enter();
      const short = await client.transfer(esto('old.txt', { size: 6 }), { body: 'hello' });
      expect(short.final.code).toBe(551);
      expect(short.final.text).toMatch(/5 octets came, and 6 were announced/);
      const other = await client.transfer(esto('x', { sha256: sha256('hullo') }), { body: 'hello' });
      expect(other.final.code).toBe(551);
      expect(other.final.text).toContain(sha256('hello'));
      expect(text('old.txt')).toBe('precious');
      expect(existsSync(join(server().root, 'x'))).toBe(false);
      expect(leftovers()).toEqual([]);
    });

    test('two writers of one name: the last to end wins, and no octets mix', async () => {
      const [one, two] = [await server().enter(), await server().enter()];
      const links = [await one!.data(), await two!.data()];
      one!.send(esto('both', { size: 5 }));
      two!.send(esto('both', { size: 3 }));
      const [first, second] = [await links[0]!.socket, await links[1]!.socket];
      first.write('fir');
      second.write('se');
      expect([(await one!.read()).code, (await two!.read()).code]).toEqual([150, 150]);
      second.end('c');
      expect((await two!.read()).code).toBe(226);
      expect(text('both')).toBe('sec');
      first.end('st');
      expect((await one!.read()).code).toBe(226);
      expect(text('both')).toBe('first');
    });

    test('in MODE E: bursts, and one that differs does not end the others', async () => {
      const { client, send } = await blocksOf();
      client.send(
        esto('e1', { modify: MODIFY, size: 3 }),
        esto('e2', { size: 4 }),
        esto('old.txt', { sha256: sha256('other') }),
        esto('e4', { modify: MODIFY, size: 0, sha256: sha256('') }),
      );
      send(Buffer.concat([block(0, 'one'), ended(1), block(0, 'two'), ended(1)]));
      send(Buffer.concat([block(0, 'three'), ended(1), ended(1)]));
      expect(await client.codes(8)).toEqual([150, 226, 125, 551, 125, 551, 125, 226]);
      expect(text('e1')).toBe('one');
      expect(existsSync(join(server().root, 'e2'))).toBe(false);
      expect(text('old.txt')).toBe('precious');
      expect(Math.round(statSync(join(server().root, 'e4')).mtimeMs)).toBe(MODIFY);
      client.send(esto('e5', { size: 1 }));
      send(Buffer.concat([block(0, '5'), ended(1)]));
      expect(await client.codes(2)).toEqual([125, 226]);
      expect(leftovers()).toEqual([]);
    });

    test('in MODE E: a connection that breaks leaves nothing, no range is told, and the rest is refused', async () => {
      const client = await server().enter();
      await client.ok('MODE E');
      const link = await client.data('PASV');
      client.send(esto('e6', { size: 6 }), esto('e7', { size: 1 }));
      const socket = await link.socket;
      socket.write(block(0, 'six'));
      expect((await client.read()).code).toBe(150);
      socket.destroy();
      expect(await client.codes(2)).toEqual([426, 425]);
      expect(existsSync(join(server().root, 'e6'))).toBe(false);
      expect(leftovers()).toEqual([]);
    });

    test('blocks that come out of order have a size, and no digest that could be compared', async () => {
      const { client, send } = await blocksOf();
      client.send(esto('o1', { size: 4 }), esto('o2', { sha256: sha256('abcd') }));
      for (let i = 0; i < 2; i += 1) send(Buffer.concat([block(2, 'cd'), block(0, 'ab'), ended(1)]));
      expect(await client.codes(3)).toEqual([150, 226, 125]);
      const last = await client.read();
      expect([last.code, last.text]).toEqual([551, expect.stringContaining('out of order')]);
      expect(text('o1')).toBe('abcd');
      expect(existsSync(join(server().root, 'o2'))).toBe(false);
    });

    test('rights are those of STOR', async () => {
      const client = await server().enter('adder');
      expect((await client.transfer(esto('old.txt', { size: 3 }), { body: 'new' })).final.code).toBe(553);
      expect((await client.transfer(esto('added', { size: 3 }), { body: 'new' })).final.code).toBe(226);
      expect((await client.transfer('ESTO A 0 old.txt', { body: 'new' })).final.code).toBe(553);
      expect((await client.transfer('ESTO A 0 added2', { body: 'new' })).final.code).toBe(226);
      // One that comes meanwhile is not replaced either.
      const link = await client.data();
      client.send(esto('race', { size: 3 }));
      const socket = await link.socket;
      socket.write('la');
      expect((await client.read()).code).toBe(150);
      server().put('race', 'first');
      socket.end('t');
      expect((await client.read()).code).toBe(553);
      expect(text('race')).toBe('first');
      expect(leftovers()).toEqual([]);
    });

    test('what is no file cannot be written', async () => {
      const client = await server().enter();
      for (const [path, code] of [
        ['dir', 553],
        ['/', 553],
        ['none/x', 553],
        ['.jackstay-in.abc', 553],
      ] as const)
        expect([path, (await client.transfer(esto(path, { size: 1 }), { body: 'x' })).final.code]).toEqual([
          path,
          code,
        ]);
    });

    test('an argument with a fault is 501, and commands that do not fit are refused', async () => {
      const client = await server().enter();
      for (const wrong of [
        'F',
        'F a',
        'F Size=1;',
        'F Size=1 a',
        'F Size=1;Size=1; a',
        'F Size=1;Mode=1; a',
        'F ; a',
        'F Modify=2001; a',
        'F SHA-256=12; a',
        'A',
        'A 1',
        'A -1 a',
        'A x a',
        'A 9007199254740992 a',
      ])
        expect([wrong, await client.code(`ESTO ${wrong}`)]).toEqual([wrong, 501]);
      for (const unknown of ['', ' a', 'R 1 a'])
        expect([unknown, [501, 504].includes(await client.code(`ESTO${unknown && ` ${unknown}`}`))]).toEqual([
          unknown,
          true,
        ]);
      await client.ok('REST 3');
      expect(await client.code(esto('a', { size: 1 }))).toBe(503);
      expect(await client.code(esto('a', { size: 1 }))).toBe(425);
      await client.ok('TYPE A');
      expect(await client.code(esto('a', { size: 1 }))).toBe(504);
      expect(await client.inStep()).toBe(true);
    });

    test('MODE Z counts the octets of the file', async () => {
      const client = await server().enter();
      await client.ok('MODE Z');
      const octets = randomBytes(100_000);
      const facts = { size: octets.length, sha256: sha256(octets), modify: MODIFY };
      expect((await client.transfer(esto('z', facts), { body: deflateSync(octets) })).final.code).toBe(226);
      expect(server().read('z').equals(octets)).toBe(true);
    });
  });

  test('a file that a killed server left half is swept like every other', async () => {
    const client = await server().enter();
    const link = await client.data();
    client.send(esto('never', { size: 10 }));
    (await link.socket).write('half');
    expect((await client.read()).code).toBe(150);
    const [left] = leftovers();
    utimesSync(join(server().root, left!), 1, 1);
    expect(await sweep(server().root)).toBe(1);
    expect(leftovers()).toEqual([]);
    client.send('ABOR');
    expect(await client.codes(2)).toEqual([426, 226]);
  });

  test('ESTO A writes over what is there, from its offset on', async () => {
    const client = await server().enter();
    server().put('adjusted', '0123456789');
    expect((await client.transfer('ESTO A 4 adjusted', { body: 'AB' })).final.code).toBe(226);
    expect(text('adjusted')).toBe('0123AB6789');
    expect((await client.transfer('ESTO A 12 adjusted', { body: 'Z' })).final.code).toBe(226);
    expect(text('adjusted')).toBe('0123AB6789\0\0Z');
    const { client: blocks, send } = await blocksOf();
    blocks.send('ESTO A 8 adjusted', 'ESTO A 0 made');
    send(Buffer.concat([block(2, 'Y'), block(0, 'XX'), ended(1), block(0, 'made'), ended(1)]));
    expect(await blocks.codes(4)).toEqual([150, 226, 125, 226]);
    expect([text('adjusted'), text('made')]).toEqual(['0123AB67XXY\0Z', 'made']);
  });

  test('APPE in MODE E adds what comes over one connection, and nothing that overtook something', async () => {
    const { client, send } = await blocksOf();
    server().put('log', 'before,');
    client.send('APPE log', 'APPE log');
    send(Buffer.concat([block(0, 'one'), block(3, ','), ended(1), block(0, 'two'), ended(1)]));
    expect(await client.codes(4)).toEqual([150, 226, 125, 226]);
    expect(text('log')).toBe('before,one,two');
    client.send('APPE log');
    send(Buffer.concat([block(0, '+'), block(2, 'x'), ended(1)]));
    expect((await client.read()).code).toBe(125);
    // What was added stays; no range of it would be one of the file.
    const last = await client.read();
    expect([last.code, last.text]).toEqual([504, expect.stringContaining('one connection')]);
    expect(text('log')).toBe('before,one,two+');
    const again = await client.data('PASV');
    await client.ok('REST 0-7');
    client.send('APPE log');
    (await again.socket).write(Buffer.concat([block(7, 'new'), ended(1)]));
    expect(await client.codes(2)).toEqual([150, 226]);
    expect(text('log')).toBe('before,new');
  });
});

describe('under TLS', () => {
  const server = useServer({ tls: { required: false, closeNotify: 'optional' } });

  test('a file of which only its end says that it is whole needs a close_notify, whatever the settings say', async () => {
    const client = await server().enterTls();
    const cut = await client.transfer(esto('cut', { modify: MODIFY }), { body: 'half', cut: true });
    expect(cut.final.code).toBe(426);
    expect(existsSync(join(server().root, 'cut'))).toBe(false);
    const sized = await client.transfer(esto('sized', { size: 4 }), { body: 'half', cut: true });
    expect(sized.final.code).toBe(226);
    const whole = await client.transfer(esto('cut', { modify: MODIFY }), { body: 'half' });
    expect(whole.final.code).toBe(226);
  });
});

describe('a quota', () => {
  const server = useServer({ user: { quota: { bytes: 1000 } } as never });

  test('holds for ESTO, and a hole is nothing that it leaves room for', async () => {
    const client = await server().enter();
    expect((await client.transfer('ESTO A 5 far', { body: 'x' })).final.code).toBe(554);
    expect((await client.transfer('ESTO A 0 far', { body: 'x' })).final.code).toBe(226);
    expect((await client.transfer('ESTO A 1 far', { body: 'y'.repeat(2000) })).final.code).toBe(552);
    expect((await client.transfer(esto('f', { size: 2000 }), { body: 'y'.repeat(2000) })).final.code).toBe(
      552,
    );
    expect(existsSync(join(server().root, 'f'))).toBe(false);
  });
});
