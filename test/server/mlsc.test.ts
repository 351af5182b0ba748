/** MLSC: the listing of MLSD over the control connection. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { memoryStorage } from '../../src/server/storage/memory.js';
import { storageSpec } from '../../src/server/storage/objects.js';
import { FileError } from '../../src/server/storage/types.js';
import { useServer } from './harness.js';

describe.each([0, 1])('with %i threads', (threads) => {
  const server = useServer({
    threads,
    tls: 'optional',
    files: { 'a file': 'hello', '250 End': 'x', ' blank': '', 'd/below': 'y', 'empty/': '' },
    users: [{ name: 'blind', rights: [{ path: '/', rights: ['read'] }] }],
  });

  test('says what MLSD says', async () => {
    for (const client of [await server().enter(), await server().enterTls()]) {
      for (const path of ['', ' d', ' /empty', ' .']) {
        const listed = (await client.transfer(`MLSD${path}`)).octets.toString().split('\r\n').slice(0, -1);
        const reply = await client.command(`MLSC${path}`);
        expect(reply.code).toBe(250);
        expect(reply.lines.slice(1, -1).map((line) => line.slice(1))).toEqual(listed);
        expect(reply.lines.slice(1, -1).every((line) => line.startsWith(' '))).toBe(true);
      }
      await client.ok('OPTS MLST Type;');
      expect((await client.command('MLSC d')).lines.slice(1, -1)).toEqual([' Type=file; below']);
      expect(await client.inStep()).toBe(true);
    }
  });

  test('what cannot be listed', async () => {
    const client = await server().enter();
    expect(await client.code('MLSC none')).toBe(550);
    expect(await client.code('MLSC a file')).toBe(501);
    expect(await (await server().enter('blind')).code('MLSC')).toBe(550);
    expect(await (await server().connect()).code('MLSC')).toBe(530);
  });

  test('a client that reads slowly gets all of 20,000 entries, and other clients their replies meanwhile', async () => {
    server().put('many/', '');
    for (let i = 0; i < 20_000; i += 1) writeFileSync(join(server().root, 'many', `entry ${i}`), '');
    const [slow, other] = [await server().enter(), await server().enter()];
    slow!.socket.pause();
    slow!.send('MLSC many', 'MLSC d', 'NOOP');
    // More than the system holds on the way: the reply waits.
    for (let i = 0; i < 50; i += 1) expect(await other!.code('NOOP')).toBe(200);
    expect((await other!.command('MLSC d')).lines).toHaveLength(3);
    slow!.socket.resume();
    const reply = await slow!.read();
    const names = reply.lines.slice(1, -1).map((line) => line.slice(line.indexOf('; ') + 2));
    expect(names.length).toBe(20_000);
    expect(new Set(names).size).toBe(20_000);
    expect((await slow!.read()).lines).toHaveLength(3);
    expect((await slow!.read()).code).toBe(200);
  });

  test('one that goes away in the middle is let go of', async () => {
    const client = await server().enter();
    client.socket.pause();
    client.send('MLSC many');
    client.destroy();
    await server().event(
      (event): event is Extract<typeof event, { event: 'close' }> => event.event === 'close',
    );
    expect((await (await server().enter()).command('MLSC d')).code).toBe(250);
  });
});

describe('a storage that fails', () => {
  const files = memoryStorage();
  let after = 0;
  const failing = Object.assign(Object.create(files) as typeof files, {
    stat: (path: string) => files.stat(path),
    async *list(path: string) {
      for await (const batch of files.list(path)) {
        for (const one of batch) {
          if (after === 0) throw new FileError('io', 'the medium is gone');
          after -= 1;
          yield [one];
        }
      }
    },
  });
  const server = useServer({ user: { storage: storageSpec(failing) } });

  test('at once is an error; in the middle there is no last line, and the connection ends', async () => {
    for (let i = 0; i < 3000; i += 1) await files.mkdir(`/directory-${i}`);
    const client = await server().enter();
    expect(await client.code('MLSC')).toBe(451);
    after = 2000;
    client.raw('MLSC\r\n');
    let heard = '';
    client.socket.on('data', (chunk: Buffer) => {
      heard += chunk.toString();
    });
    expect(await client.closed()).toEqual([]);
    expect(heard).toMatch(/^250-Listing:\r\n Type=dir;/);
    expect(heard).not.toMatch(/^250 /m);
  });
});
