/** The listener of active mode. */

import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { expect, it, onTestFinished } from 'vitest';
import { type ActiveListener, listenActive } from '../../src/net/data.js';
import { allocateHost } from '../peers/host.js';

async function listening(): Promise<{ listener: ActiveListener; peer: string }> {
  const peer = allocateHost();
  const listener = await listenActive('127.0.0.1', peer);
  onTestFinished(() => listener.close());
  return { listener, peer };
}

async function dial({ host, port }: ActiveListener, from: string): Promise<Socket> {
  const socket = connect({ host, port, localAddress: from });
  onTestFinished(() => void socket.destroy());
  socket.on('error', () => {});
  await once(socket, 'connect');
  return socket;
}

it('takes the server that came before it was waited for, with what it said', async () => {
  const { listener, peer } = await listening();
  const far = await dial(listener, peer);
  far.write('early');
  const near = await listener.accept(2_000);
  const said = once(near, 'data');
  near.resume();
  expect(String((await said)[0])).toBe('early');
});

it('turns strangers away, and goes on waiting (RFC 2577 8)', async () => {
  const { listener, peer } = await listening();
  const waiting = listener.accept(5_000);
  const stranger = await dial(listener, allocateHost());
  await once(stranger, 'close');
  const far = await dial(listener, peer);
  expect((await waiting).remotePort).toBe(far.localPort);
});

it('names the stranger when the server never comes', async () => {
  const { listener, peer } = await listening();
  const from = allocateHost();
  await once(await dial(listener, from), 'close');
  await expect(listener.accept(50)).rejects.toMatchObject({
    kind: 'timeout',
    message: expect.stringContaining(`${from} connected instead of ${peer}`),
    facts: { advice: expect.stringContaining('passive mode') },
  });
});

it('closes the connection of a server that nobody waits for any more', async () => {
  const { listener, peer } = await listening();
  const far = await dial(listener, peer);
  listener.close();
  await once(far, 'close');
  expect(far.destroyed).toBe(true);
});
