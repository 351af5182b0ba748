import { createServer, type Server, type Socket } from 'node:net';
import { afterEach, expect, it } from 'vitest';
import { startDelayProxy } from './delay-proxy.js';
import { Dialogue } from './dialogue.js';

const closing: (() => void | Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

/** A server that greets, and answers every line with its number. Returns its port and the clients' addresses. */
async function numberingServer(): Promise<{ port: number; clients: string[] }> {
  const clients: string[] = [];
  const sockets: Socket[] = [];
  const server: Server = createServer((socket) => {
    clients.push(socket.remoteAddress ?? '');
    sockets.push(socket);
    let lines = 0;
    socket.on('error', () => {});
    socket.on('data', (data) => {
      for (const _ of data.toString('latin1').matchAll(/\n/g)) {
        lines += 1;
        socket.write(`200 ${lines}\r\n`);
      }
    });
    socket.write('220 numbers\r\n');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  closing.push(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  const address = server.address();
  return { port: address !== null && typeof address === 'object' ? address.port : 0, clients };
}

it('delays each direction, keeps the order and shows the server an ordinary client address', async () => {
  const { port, clients } = await numberingServer();
  const proxy = await startDelayProxy({
    target: { host: '127.0.0.1', port },
    delayMs: 20,
    host: '127.10.0.1',
  });
  closing.push(() => proxy.stop());
  const session = await Dialogue.open(proxy);
  closing.push(() => session.close());
  const begun = performance.now();
  await session.command('NOOP');
  // A timer may fire within the millisecond before its time.
  expect(performance.now() - begun).toBeGreaterThanOrEqual(38);
  for (let n = 0; n < 200; n++) session.send('NOOP');
  for (let n = 2; n < 202; n++) expect(await session.reply()).toBe(`200 ${n}\r\n`);
  expect(clients).toEqual(['127.0.0.1']);
  expect(proxy.connections()).toBe(1);
});

it('hands on the end of a connection', async () => {
  const { port } = await numberingServer();
  const proxy = await startDelayProxy({ target: { host: '127.0.0.1', port }, delayMs: 1 });
  const session = await Dialogue.open(proxy);
  const waiting = session.reply();
  await Promise.all([expect(waiting).rejects.toThrow('ended'), proxy.stop()]);
});
