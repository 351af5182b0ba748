/** Empty files under TLS: nothing is written between the handshake and the end, and close_notify must still come between them. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { connect } from '../../src/client/index.js';
import { startServer } from '../server/harness.js';

const CONNECTIONS = 6;
const FILES = 40;

test.each(['explicit', 'implicit'] as const)('our client sends empty files whole, TLS %s', async (tls) => {
  const server = await startServer({ tls: 'optional', implicitTls: tls === 'implicit', threads: 1 });
  try {
    const { host, port } = server;
    const local = join(server.root, 'local');
    writeFileSync(local, '');
    const clients = await Promise.all(
      Array.from({ length: CONNECTIONS }, () =>
        connect({ host, port, user: 'user', password: 'secret', tls, insecure: true }),
      ),
    );
    await Promise.all(
      clients.map(async (client, n) => {
        for (let i = 0; i < FILES; i++) await client.upload(local, `/empty-${n}-${i}`);
        await client.close();
      }),
    );
    const ends = server.events.filter(({ event }) => event === 'transfer');
    expect(ends).toHaveLength(CONNECTIONS * FILES);
    for (const end of ends) expect(end).toMatchObject({ transfer: { outcome: 'complete', bytes: 0 } });
  } finally {
    await server.close();
  }
});
