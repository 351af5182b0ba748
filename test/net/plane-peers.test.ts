/** Who gets a data connection: strangers, early comers, ports, lifetimes (RFC 2577 3, 8). */
import { once } from 'node:events';
import net from 'node:net';
import { afterAll, afterEach, describe, expect, test } from 'vitest';
import type { PassiveOrder } from '../../src/net/plane/types.js';
import type { TestPeer } from './plane/files.js';
import {
  begin,
  CLIENT,
  closePeers,
  dialIn,
  drain,
  ended,
  FOREIGN,
  Folder,
  order,
  PEER,
  STRANGER,
} from './plane/peer.js';
import { PLANES, usePlane } from './plane/planes.js';

const folder = new Folder();
afterAll(() => folder.remove());
afterEach(() => closePeers());

const none = (): void => {};

describe.each(PLANES)('%s plane', (_name, make) => {
  const plane = usePlane(make, () => {
    folder.write('secret', 'for the client only');
  });

  const asked = (more: Partial<PassiveOrder<TestPeer>> = {}): PassiveOrder<TestPeer> => ({
    host: CLIENT,
    peer: PEER,
    lifetime: 10_000,
    ...more,
  });

  /** Every stranger told, and a promise of the next one. */
  function strangers(): { told: string[]; next: () => Promise<void>; hear: (address: string) => void } {
    const told: string[] = [];
    let wake = none;
    return {
      told,
      next: () =>
        new Promise((resolve) => {
          wake = resolve;
        }),
      hear: (address) => {
        told.push(address);
        wake();
      },
    };
  }

  test('strangers get nothing, are told, and the right peer is served after them', async () => {
    const { told, next, hear } = strangers();
    const endpoint = await plane.passive(asked(), hear);
    const heard = next();
    const early = await dialIn(endpoint.port, STRANGER);
    expect(await drain(early)).toHaveLength(0);
    await heard;
    const { finished, opened } = begin(endpoint, order('send', folder.file('secret')));
    const late = await dialIn(endpoint.port, STRANGER);
    expect(await drain(late)).toHaveLength(0);
    const right = await dialIn(endpoint.port);
    expect((await drain(right)).toString()).toBe('for the client only');
    expect((await opened).address).toBe(CLIENT);
    expect((await finished).failure).toBeUndefined();
    expect(told).toEqual([STRANGER, STRANGER]);
  });

  test('a peer that was possible at PASV is judged again at the transfer', async () => {
    const { told, hear } = strangers();
    const endpoint = await plane.passive(asked(), hear);
    const foreign = await dialIn(endpoint.port, FOREIGN);
    const client = await dialIn(endpoint.port, CLIENT);
    const given = order('send', folder.file('secret'), { peer: { client: [CLIENT], foreign: [] } });
    const { finished } = begin(endpoint, given);
    expect(await drain(foreign)).toHaveLength(0);
    expect((await drain(client)).toString()).toBe('for the client only');
    expect((await finished).peer?.address).toBe(CLIENT);
    expect(told).toEqual([FOREIGN]);
  });

  test('nothing is read from a connection before the transfer', async () => {
    const endpoint = await plane.passive(asked(), none);
    const socket = await dialIn(endpoint.port);
    // More than the buffers of the system hold: a reader would take it while the other transfer runs.
    socket.write(Buffer.alloc(32 * 1024 * 1024));
    const other = await plane.passive(asked(), none);
    const { finished } = begin(other, order('send', folder.write('much', Buffer.alloc(32 * 1024 * 1024))));
    expect(await drain(await dialIn(other.port))).toHaveLength(32 * 1024 * 1024);
    await finished;
    expect(socket.writableLength).toBeGreaterThan(0);
    endpoint.close();
    await ended(socket);
  });

  test('of many connections one is taken, a few may wait, the rest is dropped', async () => {
    const endpoint = await plane.passive(asked(), none);
    const sockets = await Promise.all(Array.from({ length: 7 }, () => dialIn(endpoint.port)));
    const dropped = sockets.map((socket) => ended(socket).then(() => socket));
    await Promise.all([Promise.race(dropped), Promise.race(dropped)]);
    const { finished } = begin(endpoint, order('send', folder.file('secret')));
    const texts = await Promise.all(sockets.map((socket) => drain(socket)));
    expect((await finished).failure).toBeUndefined();
    expect(texts.map(String).filter((text) => text !== '')).toEqual(['for the client only']);
  });

  test('the listener is gone once the peer is there', async () => {
    const endpoint = await plane.passive(asked(), none);
    const { opened, finished, transfer } = begin(endpoint, order('receive', folder.file('in')));
    await dialIn(endpoint.port);
    await opened;
    await expect(dialIn(endpoint.port)).rejects.toMatchObject({ code: 'ECONNREFUSED' });
    transfer.abort();
    expect((await finished).failure?.stage).toBe('aborted');
  });

  test('ports differ from one time to the next and stay in the range', async () => {
    const ports = { from: 52_000, to: 52_999 };
    const endpoints = await Promise.all(
      Array.from({ length: 12 }, () => plane.passive(asked({ ports }), none)),
    );
    const used = endpoints.map(({ port }) => port);
    expect(used.every((port) => port >= ports.from && port <= ports.to)).toBe(true);
    const steps = new Set(used.slice(1).map((port, i) => port - used[i]!));
    expect(new Set(used).size).toBe(12);
    expect(steps.size).toBeGreaterThan(6);
    for (const endpoint of endpoints) endpoint.close();
  });

  test('a range that is used up is an error that says so; a port given back is used again', async () => {
    const taken = net.createServer().listen(0, CLIENT);
    await once(taken, 'listening');
    const { port } = taken.address() as net.AddressInfo;
    const ports = { from: port, to: port };
    await expect(plane.passive(asked({ ports }), none)).rejects.toMatchObject({ code: 'EADDRINUSE' });
    taken.close();
    await once(taken, 'close');
    const endpoint = await plane.passive(asked({ ports }), none);
    expect(endpoint.port).toBe(port);
    endpoint.close();
  });

  test('an address that is not of this machine is refused by the system', async () => {
    await expect(plane.passive(asked({ host: '192.0.2.1' }), none)).rejects.toMatchObject({
      code: 'EADDRNOTAVAIL',
    });
  });

  test('an endpoint without a transfer closes after its lifetime', async () => {
    const endpoint = await plane.passive(asked({ lifetime: 30 }), none);
    const early = await dialIn(endpoint.port);
    await ended(early);
    await expect(dialIn(endpoint.port)).rejects.toMatchObject({ code: 'ECONNREFUSED' });
    const { finished } = begin(endpoint, order('send', folder.file('secret')));
    expect((await finished).failure).toMatchObject({ stage: 'connect', code: 'EXPIRED' });
  });

  test('IPv6 works, and IPv4 comes mapped to a listener for both', async () => {
    const peer = { client: ['::1', CLIENT], foreign: [] };
    for (const [host, from, to] of [
      ['::1', '::1', '::1'],
      ['::', CLIENT, CLIENT],
    ] as const) {
      const endpoint = await plane.passive(asked({ host, peer }), none);
      const { finished } = begin(endpoint, order('send', folder.file('secret'), { peer }));
      expect((await drain(await dialIn(endpoint.port, from, to))).toString()).toBe('for the client only');
      expect((await finished).peer?.address).toBe(from);
    }
  });

  test('an active peer is judged before anything is connected', async () => {
    const server = net.createServer();
    let connections = 0;
    server.on('connection', () => {
      connections += 1;
    });
    server.listen(0, STRANGER);
    await once(server, 'listening');
    const { port } = server.address() as net.AddressInfo;
    const endpoint = plane.active({ host: STRANGER, port, peer: PEER });
    const { finished } = begin(endpoint, order('send', folder.file('secret')));
    expect((await finished).failure).toMatchObject({ stage: 'connect', code: 'REFUSED' });
    expect(connections).toBe(0);
    server.close();
  });

  test('an active peer that does not listen, or does not answer, is a failure to connect', async () => {
    const closed = net.createServer().listen(0, CLIENT);
    await once(closed, 'listening');
    const { port } = closed.address() as net.AddressInfo;
    closed.close();
    await once(closed, 'close');
    const refused = begin(
      plane.active({ host: CLIENT, port, peer: PEER }),
      order('send', folder.file('secret')),
    );
    expect((await refused.finished).failure).toMatchObject({ stage: 'connect', code: 'ECONNREFUSED' });
    const given = order('send', folder.file('secret'));
    given.timeouts = { ...given.timeouts, connect: 30 };
    const silent = begin(await plane.passive(asked(), none), given);
    expect((await silent.finished).failure).toMatchObject({ stage: 'connect', code: 'ETIMEDOUT' });
  });
});
