/** Connections that end while the server still works for them: nothing is left counted or open. */
import { afterEach, expect, test } from 'vitest';
import type { FtpServer } from '../../src/server/options.js';
import { createServer } from '../../src/server/server.js';
import { type PendingEndpoint, Session } from '../../src/server/session.js';
import { memoryStorage } from '../../src/server/storage/memory.js';
import { memoryUsers } from '../../src/server/users/memory.js';
import { ControlClient } from './control-client.js';

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const clean of cleanups.splice(0).reverse()) await clean();
});

/** Something that happens once, to be waited for. */
function moment(): { now: Promise<void>; come: () => void } {
  let come = (): void => {};
  const now = new Promise<void>((resolve) => {
    come = resolve;
  });
  return { now, come };
}

test('a login that is right after its connection has ended is not counted (maxLogins)', async () => {
  const users = memoryUsers([{ name: 'user', password: 'secret', storage: memoryStorage(), maxLogins: 1 }]);
  const [asked, answer, closed, told] = [moment(), moment(), moment(), moment()];
  const server: FtpServer = await createServer({
    threads: 0,
    users: {
      login: async (...args) => {
        asked.come();
        await answer.now;
        return users.login(...args);
      },
    },
    onEvent: ({ event }) => {
      if (event === 'close') closed.come();
      if (event === 'login') told.come();
    },
  });
  cleanups.push(() => server.close());
  const { host, port } = server.addresses[0]!;
  const first = await ControlClient.connect(host, port);
  cleanups.push(() => first.destroy());
  await first.read();
  first.send('USER user', 'PASS secret');
  await asked.now;
  // A client that only sends no more is still answered: this one is gone.
  first.socket.resetAndDestroy();
  await closed.now;
  answer.come();
  await told.now;
  const second = await ControlClient.connect(host, port);
  cleanups.push(() => second.destroy());
  await second.read();
  await second.login();
});

test('a passive port that opens after its connection has ended is closed', () => {
  let closed = 0;
  const endpoint = { close: () => (closed += 1) } as unknown as PendingEndpoint['endpoint'];
  const link = { peerAddress: '192.0.2.1', peerPort: 1, localAddress: '192.0.2.2', localPort: 21 };
  const session = new Session({} as Session['core'], { ...link, tls: undefined, startTls: async () => {} });
  session.end();
  session.prepare({ endpoint, client: false, foreign: false });
  expect(closed).toBe(1);
  expect(session.pending).toBeUndefined();
});
