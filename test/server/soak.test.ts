import { afterEach, expect, it } from 'vitest';
import { faultsOf, soak } from '../../bench/soak/run.js';
import { isRoot } from '../peers/host.js';
import { type JackstayPeer, startJackstay } from '../peers/real/jackstay.js';

const servers: JackstayPeer[] = [];
afterEach(async () => {
  for (const server of servers.splice(0)) await server.stop();
});

async function start(): Promise<JackstayPeer> {
  // 200 clients of one user on a busy machine: a connection that comes too late must not end the trying of all the others.
  const limits = { dataTimeout: 5000, foreignFailuresPerMinute: 0 };
  const server = await startJackstay({ quiet: true, server: { limits } });
  servers.push(server);
  return server;
}

// The one test that is about time: what 200 clients do to two servers in half a minute. bench/soak.ts does it for longer.
it.skipIf(!isRoot)(
  'keeps nothing of 200 clients that break off and vanish, and every octet is right',
  { timeout: 180_000 },
  async () => {
    const [server, sink] = [await start(), await start()];
    const seed = Date.now() % 10_000;
    const report = await soak(server, { clients: 200, seconds: 20, seed, sink });
    // Memory is looked at over a longer time in bench/soak.ts: here a heap is still growing to its size.
    expect(faultsOf(report, 400), `seed ${seed}`).toEqual([]);
    expect(report.octets).toBeGreaterThan(10_000_000);
    expect(Object.keys(report.acts).sort(), `seed ${seed}`).toEqual([
      ...['abort', 'burst', 'chat', 'copy', 'cut download', 'cut upload', 'digest', 'download', 'drop'],
      ...['forgotten endpoint', 'list', 'tree by the client', 'upload', 'vanish'],
    ]);
  },
);
