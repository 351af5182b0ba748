/** A server in a process of its own, so that what it holds can be measured: started by server-crowd.test.ts. */
import { readdirSync } from 'node:fs';
import { createServer } from '../../src/server/server.js';
import { memoryUsers } from '../../src/server/users/memory.js';
import { PASSWORD, USER } from '../threats/kit.js';

/** What the process holds after a collection, octets. */
export interface Held {
  heap: number;
  /** Buffers outside the heap. */
  outside: number;
  resident: number;
  descriptors: number;
  sessions: number;
}

const [host = '127.0.0.1', home = '', cert, key] = process.argv.slice(2);
const problems: unknown[] = [];
const server = await createServer({
  listen: { host, port: 0 },
  threads: 1,
  users: memoryUsers([{ name: USER, password: PASSWORD, home }]),
  ...(cert && key ? { tls: { cert, key, required: false } } : {}),
  onEvent: (event) => {
    if (event.event === 'error') problems.push(event.message);
  },
});

process.on('message', (question) => {
  if (question === 'problems') process.send?.(problems);
  if (question !== 'held') return;
  for (let i = 0; i < 3; i++) globalThis.gc?.();
  const { heapUsed, external, arrayBuffers, rss } = process.memoryUsage();
  const held: Held = {
    heap: heapUsed,
    outside: external + arrayBuffers,
    resident: rss,
    descriptors: readdirSync('/proc/self/fd').length,
    sessions: server.sessions,
  };
  process.send?.(held);
});
process.on('disconnect', () => process.exit(0));
process.send?.({ port: server.addresses[0]!.port });
