import { once } from 'node:events';
import net from 'node:net';
import { describe, expect, test, vi } from 'vitest';
import { listenControl } from '../../src/net/accept.js';
import type { ServedControl } from '../../src/net/server-control.js';
import type { FtpError } from '../../src/protocol/errors.js';
import { connected, listener, type Served, serve, turns, until } from './control-bench.js';

describe('clear', () => {
  test('addresses, octets in, octets out', async () => {
    const { control, client, heard, ...rest } = await connected();
    expect(control).toMatchObject({ peerAddress: '127.0.0.3', localAddress: '127.0.0.1', tls: undefined });
    expect(control.peerPort).toBe(client.localPort);
    expect(control.localPort).toBe(client.remotePort);
    control.write(Buffer.from('220 hello\r\n'));
    await until(() => expect(heard()).toBe('220 hello\r\n'));
    client.end();
    expect(await rest.over).toBeUndefined();
  });

  test('writes of one turn are one write', async () => {
    const { control, client, heard } = await connected();
    const write = vi.spyOn(net.Socket.prototype, 'write');
    try {
      for (const text of ['a', 'b', 'c']) control.write(Buffer.from(text));
      await until(() => expect(heard()).toBe('abc'));
      expect(write.mock.contexts.filter((socket) => socket !== client)).toHaveLength(1);
    } finally {
      write.mockRestore();
    }
  });

  test('paused: nothing is taken; resumed: nothing was lost', async () => {
    const all = await connected();
    all.control.pause();
    all.client.write('NOOP\r\n');
    await turns();
    expect(all.received).toBe('');
    all.control.resume();
    await until(() => expect(all.received).toBe('NOOP\r\n'));
  });

  test('a client that does not read its replies is cut off', async () => {
    const { control, client, over } = await connected();
    client.pause();
    const reply = Buffer.alloc(64 * 1024, 0x20);
    let ended: FtpError | undefined;
    void over.then((error) => {
      ended = error;
    });
    for (let i = 0; i < 1000 && !ended; i++) {
      control.write(reply);
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect((await over)?.message).toMatch(/does not read its replies/);
  });

  test('the last reply arrives although the client still sends', async () => {
    const { control, client, heard } = await connected();
    client.write(Buffer.alloc(1 << 20, 0x41));
    control.write(Buffer.from('500 too long\r\n'));
    control.end();
    control.write(Buffer.from('never'));
    await once(client, 'end');
    expect(heard()).toBe('500 too long\r\n');
  });

  test('a client that keeps its end open after the last reply is closed', async () => {
    const { control, over } = await connected({}, { allowHalfOpen: true });
    control.end();
    expect(await over).toBeUndefined();
  });

  test('after FIN of the client replies are still sent, where somebody cares', async () => {
    const ended = vi.fn();
    const { control, client, heard, over } = await connected({ onEnd: ended });
    client.end('QUIT\r\n');
    await until(() => expect(ended).toHaveBeenCalledOnce());
    control.write(Buffer.from('221 bye\r\n'));
    control.end();
    await over;
    await until(() => expect(heard()).toBe('221 bye\r\n'));
  });

  test('a reset is told', async () => {
    const { client, over } = await connected();
    client.resetAndDestroy();
    expect((await over)?.message).toMatch(/ECONNRESET/);
  });

  test('destroyed: over at once, told once', async () => {
    const onClose = vi.fn();
    const { control } = await connected({ onClose });
    control.destroy();
    control.destroy();
    control.end();
    control.write(Buffer.from('x'));
    await turns();
    expect(onClose).toHaveBeenCalledOnce();
  });

  test('turned away without being read', async () => {
    const { port } = await listener((control) => {
      control.write(Buffer.from('421 full\r\n'));
      control.end();
    });
    const client = net.connect(port, '127.0.0.1');
    client.write(Buffer.alloc(100_000));
    let heard = '';
    for await (const chunk of client) heard += String(chunk);
    expect(heard).toBe('421 full\r\n');
  });

  test('an end before anybody attached is told to who attaches', async () => {
    let control: ServedControl | undefined;
    const { port } = await listener((accepted) => {
      control = accepted;
    });
    const client = net.connect(port, '127.0.0.1');
    await until(() => expect(control).toBeDefined());
    control!.destroy();
    client.destroy();
    expect(await serve(control!).over).toBeUndefined();
  });
});

describe('listenControl', () => {
  test('says what the system says', async () => {
    const { port } = await listener(() => {});
    await expect(listenControl({ host: '127.0.0.1', port }, () => {})).rejects.toMatchObject({
      code: 'EADDRINUSE',
    });
    await expect(listenControl({ host: '192.0.2.1', port: 0 }, () => {})).rejects.toMatchObject({
      code: 'EADDRNOTAVAIL',
    });
  });

  test('closed: no new connections, the old one goes on', async () => {
    const made: Served[] = [];
    const { port, close } = await listener((control) => made.push(serve(control)));
    const client = net.connect(port, '127.0.0.1');
    await until(() => expect(made).toHaveLength(1));
    close();
    const [error] = (await once(net.connect(port, '127.0.0.1'), 'error')) as [NodeJS.ErrnoException];
    expect(error.code).toBe('ECONNREFUSED');
    client.write('NOOP\r\n');
    await until(() => expect(made[0]!.received).toBe('NOOP\r\n'));
    client.destroy();
  });
});
