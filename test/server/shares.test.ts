import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { type ControlClient, useServer } from './harness.js';

const KIB = 1024;
const QUOTA = 1000 * KIB;

const octets = (size: number): Buffer => Buffer.alloc(size, 'x');

function held(root: string): number {
  return readdirSync(root).reduce((sum, name) => sum + statSync(join(root, name)).size, 0);
}

async function put(client: ControlClient, line: string, size: number): Promise<number> {
  return (await client.transfer(line, { body: octets(size) })).final.code;
}

describe('a quota at work', () => {
  const server = useServer({
    user: { quota: { bytes: QUOTA, files: 5 } },
    files: { old: octets(200 * KIB) },
  });

  it('counts what was there, replaces within it, gives back what goes', async () => {
    const { root } = server();
    const client = await server().enter();
    expect(await put(client, 'STOR a', 700 * KIB)).toBe(226);
    expect(await put(client, 'STOR a', 800 * KIB)).toBe(226);
    expect(await put(client, 'STOR b', 1)).toBe(552);
    expect(await put(client, 'APPE a', 1)).toBe(552);
    expect(await client.code('DELE old')).toBe(250);
    expect(await put(client, 'APPE a', 100 * KIB)).toBe(226);
    expect(await client.code('RNFR a')).toBe(350);
    expect(await client.code('RNTO c')).toBe(250);
    expect(await put(client, 'STOR d', 100 * KIB)).toBe(226);
    expect(await client.code('RNFR d')).toBe(350);
    expect(await client.code('RNTO c')).toBe(250);
    expect(await put(client, 'STOR e', QUOTA - 100 * KIB)).toBe(226);
    expect(await put(client, 'STOR f', 1)).toBe(552);
    expect(held(root)).toBe(QUOTA);
    for (const name of ['c', 'e']) expect(await client.code(`DELE ${name}`)).toBe(250);
    expect(await put(client, 'STOR g', QUOTA)).toBe(226);
    expect(await client.code('DELE g')).toBe(250);
  });

  it('reached in the middle ends the transfer with 552, and the rest can be used', async () => {
    const { root } = server();
    const client = await server().enter();
    expect(await put(client, 'STOR big', QUOTA + 1)).toBe(552);
    expect(held(root)).toBeLessThanOrEqual(QUOTA);
    await client.code('DELE big');
    expect(await put(client, 'STOR next', QUOTA)).toBe(226);
    expect(await client.code('DELE next')).toBe(250);
  });

  it('threat 34: is not exceeded by parallel uploads', async () => {
    const { root } = server();
    const clients = await Promise.all([1, 2, 3, 4].map(() => server().enter()));
    const codes = await Promise.all(clients.map((client, i) => put(client, `STOR part${i}`, 400 * KIB)));
    expect(codes.filter((code) => code === 226).length).toBeLessThanOrEqual(2);
    expect(codes.filter((code) => code === 552).length).toBeGreaterThanOrEqual(2);
    expect(held(root)).toBeLessThanOrEqual(QUOTA);
    for (const name of readdirSync(root)) await clients[0]!.code(`DELE ${name}`);
  });

  it('limits the number of files, empty ones too', async () => {
    const client = await server().enter();
    for (const name of ['1', '2', '3', '4', '5']) expect(await put(client, `STOR ${name}`, 0)).toBe(226);
    expect(await put(client, 'STOR 6', 0)).toBe(552);
    expect(await put(client, 'STOR 5', 10)).toBe(226);
    expect(await client.code('DELE 1')).toBe(250);
    expect(await put(client, 'STOR 6', 0)).toBe(226);
  });
});

describe('a rate at work', () => {
  const server = useServer({
    user: { rate: { up: 2000 * KIB, down: 0 } },
    users: [{ name: 'slow', rate: { down: 1000 * KIB } }],
    files: { file: octets(600 * KIB) },
  });

  it('slows down the direction that it is for', async () => {
    const user = await server().enter();
    const slow = await server().enter('slow');
    await user.transfer('STOR up', { body: octets(1000 * KIB) });
    await slow.transfer('RETR file');
    const seconds = new Map<string, number>();
    for (const name of ['up', 'file']) {
      const { transfer } = await server().event(
        (event): event is Extract<typeof event, { event: 'transfer' }> =>
          event.event === 'transfer' && event.transfer.path === `/${name}`,
      );
      seconds.set(name, transfer.seconds);
    }
    // A pacer may send its first piece at once; a quarter of the time is far from none.
    expect(seconds.get('up')).toBeGreaterThan(0.12);
    expect(seconds.get('file')).toBeGreaterThan(0.15);
  });
});
