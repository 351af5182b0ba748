/**
 * A soak: clients that download, upload, list, copy between two servers, abort, break off and vanish at random, for a bounded
 * time. Every octet is compared; behind the last client the servers must hold what they held before: descriptors, ports,
 * sessions, memory.
 *
 *   npx tsx bench/soak.ts [--minutes 20] [--clients 200] [--seed 1] [--memory 64] [--server 0]
 *
 * --memory is how many MiB the servers may grow; --server: 0 our own (built), 1 vsftpd, 2 Pure-FTPd, 3 ProFTPD, 4 pyftpdlib.
 */
import type { Peer } from '../test/peers/peer.js';
import { startJackstay } from '../test/peers/real/jackstay.js';
import { numericOptions, saveResult } from './harness.js';
import { CONTENDERS } from './server/contenders.js';
import { faultsOf, soak } from './soak/run.js';

const options = numericOptions({ minutes: 20, clients: 200, seed: 1, memory: 64, server: 0 });
const OTHERS = ['vsftpd', 'Pure-FTPd', 'ProFTPD', 'pyftpdlib'];

function start(): Promise<Peer> {
  if (options.server === 0) {
    // One user stands for all clients: the bound on failures of one would hit them all.
    const limits = { dataTimeout: 10_000, foreignFailuresPerMinute: 0 };
    return startJackstay({ built: true, quiet: true, server: { limits } });
  }
  const other = CONTENDERS.find(({ name }) => name === OTHERS[options.server - 1]);
  if (other === undefined) throw new Error(`--server goes from 0 to ${OTHERS.length}`);
  return other.start();
}

async function main(): Promise<void> {
  const peer = await start();
  // Copies go to a second server of ours, however the first one is called.
  const sink = options.server === 0 ? await start() : undefined;
  try {
    const { clients, seed } = options;
    const report = await soak(peer, {
      ...{ clients, seed, sink, seconds: options.minutes * 60 },
      onNote: (text) => process.stderr.write(`${text}\n`),
    });
    const faults = faultsOf(report, options.memory);
    process.stdout.write(`${JSON.stringify({ ...report, faults }, null, 2)}\n`);
    if (options.server === 0) saveResult('soak', { options, report, faults });
    if (faults.length > 0) process.exitCode = 1;
  } finally {
    await peer.stop();
    await sink?.stop();
  }
}

await main();
