import { afterEach, expect, it } from 'vitest';
import { faultsOf, soak } from '../../bench/soak/run.js';
import { isRoot } from '../peers/host.js';
import { type JackstayPeer, startJackstay } from '../peers/real/jackstay.js';

let server: JackstayPeer | undefined;
afterEach(() => server?.stop());

// The one test that is about time: what 200 clients do to a server in half a minute. bench/soak.ts does it for longer.
it.skipIf(!isRoot)(
  'keeps nothing of 200 clients that break off and vanish, and every octet is right',
  { timeout: 180_000 },
  async () => {
    server = await startJackstay({ quiet: true, server: { limits: { dataTimeout: 5000 } } });
    const report = await soak(server, { clients: 200, seconds: 15, seed: Date.now() % 10_000 });
    // Memory is looked at over a longer time in bench/soak.ts: here a heap is still growing to its size.
    expect(faultsOf(report, 250)).toEqual([]);
    expect(report.octets).toBeGreaterThan(10_000_000);
    expect(Object.keys(report.acts).length).toBeGreaterThan(8);
  },
);
