/**
 * A server in a program: files in memory, one user, a certificate made on the spot. The program is its own first client.
 *
 *   node --import tsx examples/serve-memory.ts
 */
import { connect } from 'jackstay/client';
import { createServer, memoryStorage, memoryUsers, selfSigned } from 'jackstay/server';

const server = await createServer({
  users: memoryUsers([{ name: 'alice', password: 'secret', storage: memoryStorage() }]),
  tls: await selfSigned(['127.0.0.1']),
  onEvent: (event) => {
    if (event.event !== 'transfer') return;
    const { verb, path, bytes, outcome } = event.transfer;
    console.log(`server: ${verb} ${path} ${bytes} octets, ${outcome}`);
  },
});
const { host, port } = server.addresses[0]!;

const client = await connect(`ftpes://alice:secret@${host}:${port}/`);
await client.store('greeting.txt', 'hello');
for (const { name, size } of await client.list()) console.log(`client: ${name}, ${size} octets`);
await client.close();
await server.close();
