/** What is measured, one server at a time. */
import { chownSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { NOBODY } from '../../test/peers/host.js';
import type { Peer } from '../../test/peers/peer.js';
import { median } from '../harness.js';
import { type Case, type Entrant, freshFolder, MIB, type Scale, SMALL_FILE } from './arena.js';
import { type Order, type Outcome, runLoad, type Taken } from './load.js';

const GIB = 1024 * MIB;
const tlsName = (tls: boolean): string => (tls ? 'TLS 1.3' : 'plain');

function expectOctets(taken: Taken, each: number): void {
  const wrong = taken.outcomes.find((one) => one.octets !== each);
  if (wrong !== undefined) throw new Error(`${wrong.octets} octets moved, ${each} expected`);
}

function throughput(verb: 'RETR' | 'STOR', connections: 1 | 4, tls: boolean): Case {
  return {
    section: 'throughput',
    kase: `${verb} ${tlsName(tls)}, ${connections === 1 ? 'one connection' : 'four connections'}`,
    measure: async ({ peer }, scale) => {
      const size = connections === 1 ? scale.mebibytes * MIB : Math.max(1, scale.mebibytes >> 1) * MIB;
      const folder = freshFolder(peer, 'up');
      chownSync(folder, NOBODY.uid, NOBODY.gid);
      const down = connections === 1 ? 'big.bin' : 'half.bin';
      const orders = Array.from({ length: connections }, (_, n): Order => {
        return { act: 'transfer', tls, verb, size, path: verb === 'RETR' ? down : `up/${n}.bin` };
      });
      try {
        const taken = await runLoad(peer, orders, { watchMemory: connections === 4 });
        expectOctets(taken, size);
        if (verb === 'STOR')
          for (let n = 0; n < connections; n++) {
            const stored = statSync(join(folder, `${n}.bin`)).size;
            if (stored !== size) throw new Error(`${stored} octets stored, ${size} sent`);
          }
        const octets = size * connections;
        return {
          megabytesPerSecond: octets / 1e6 / taken.seconds,
          cpuPerGibibyte: taken.cpu / (octets / GIB),
          ...(connections === 4 && { memoryMebibytes: taken.memory / 1024 }),
        };
      } finally {
        rmSync(folder, { recursive: true, force: true });
      }
    },
  };
}

function smallFiles(tls: boolean): Case {
  return {
    section: 'small files',
    kase: tlsName(tls),
    rehearsed: true,
    measure: async ({ peer }, scale) => {
      const order: Order = {
        ...{ act: 'small', tls, path: 'small', size: SMALL_FILE },
        ...{ files: scale.files, seconds: scale.seconds },
      };
      const { seconds, cpu, outcomes } = await runLoad(peer, [order]);
      const files = outcomes[0]?.files ?? 0;
      return { filesPerSecond: files / seconds, cpuMicroseconds: (cpu / files) * 1e6 };
    },
  };
}

const latency: Case = {
  section: 'latency',
  kase: 'PWD beside four plain RETR',
  measure: async ({ peer }, { seconds }) => {
    const churn: Order = { act: 'churn', tls: false, path: 'half.bin', seconds };
    const probe: Order = { act: 'latency', tls: false, seconds };
    const { outcomes } = await runLoad(peer, [probe, churn, churn, churn, churn]);
    const times = [...(outcomes[0]?.times ?? [])].sort((a, b) => a - b);
    const moved = outcomes.reduce((total, one) => total + (one.octets ?? 0), 0);
    return {
      p50: median(times),
      p99: times[Math.floor(times.length * 0.99)] ?? Number.NaN,
      megabytesPerSecond: moved / 1e6 / seconds,
    };
  },
};

function copy(connections: 1 | 3): Case {
  return {
    section: 'server to server',
    kase: connections === 1 ? 'one file, plain' : 'three files at once, plain',
    measure: async ({ peer, second }, scale) => {
      const size = scale.mebibytes * MIB;
      const folder = freshFolder(second, 'copies');
      chownSync(folder, NOBODY.uid, NOBODY.gid);
      const orders = Array.from({ length: connections }, (_, n): Order => {
        return { act: 'copy', tls: false, path: 'big.bin', to: `copies/${n}`, sink: second };
      });
      try {
        const { seconds, cpu } = await runLoad(peer, orders, { others: [second] });
        for (let n = 0; n < connections; n++) {
          const stored = statSync(join(folder, String(n))).size;
          if (stored !== size) throw new Error(`${stored} octets arrived, ${size} expected`);
        }
        const octets = size * connections;
        return {
          megabytesPerSecond: octets / 1e6 / seconds,
          cpuPerGibibyte: cpu / (octets / GIB),
        };
      } finally {
        rmSync(folder, { recursive: true, force: true });
      }
    },
  };
}

const CROWD_PROCESSES = 4;

async function crowdOf(peer: Peer, count: number, tls: boolean): Promise<Record<string, number>> {
  const each = Math.ceil(count / CROWD_PROCESSES);
  const orders = Array.from({ length: CROWD_PROCESSES }, (): Order => ({ act: 'crowd', tls, count: each }));
  const taken = await runLoad(peer, orders);
  const sessions = taken.outcomes.reduce((total, one: Outcome) => total + (one.sessions ?? 0), 0);
  return {
    sessions,
    loginsPerSecond: sessions / taken.seconds,
    cpuMicrosecondsPerLogin: (taken.cpu / sessions) * 1e6,
    kibibytesPerSession: (taken.memory - taken.memoryBefore) / sessions,
  };
}

function idleSessions(tls: boolean): Case {
  return {
    section: 'sessions',
    kase: tlsName(tls),
    // A server of its own: what earlier loads left in memory would hide what a session takes.
    measure: async ({ contender }, scale) => {
      const many = tls ? scale.tlsSessions : scale.sessions;
      const peer = await contender.start();
      try {
        return await crowdOf(peer, contender.forks ? Math.min(many, scale.forkedSessions) : many, tls);
      } finally {
        await peer.stop();
      }
    },
  };
}

function plantEntries({ peer }: Entrant, { entries }: Scale): void {
  const folder = join(peer.home, 'many');
  try {
    statSync(folder);
  } catch {
    freshFolder(peer, 'many');
    for (let n = 0; n < entries; n++)
      writeFileSync(join(folder, `entry-${String(n).padStart(6, '0')}.dat`), '');
  }
}

function listing(verb: 'LIST' | 'MLSD'): Case {
  return {
    section: 'listing',
    kase: verb,
    measure: async (entrant, scale) => {
      if (verb === 'MLSD' && !entrant.contender.mlsd) return {};
      plantEntries(entrant, scale);
      const { seconds, cpu, outcomes } = await runLoad(entrant.peer, [
        { act: 'listing', tls: false, verb, path: 'many' },
      ]);
      const lines = outcomes[0]?.lines ?? 0;
      // Servers may add the directory itself, its parent and a total.
      if (lines < scale.entries || lines > scale.entries + 3)
        throw new Error(`${lines} lines for ${scale.entries} entries`);
      return { milliseconds: seconds * 1000, cpuMilliseconds: cpu * 1000 };
    },
  };
}

const BOTH = [false, true] as const;

/** All cases, in the order in which they run. */
export const CASES: readonly Case[] = [
  ...BOTH.flatMap((tls) =>
    (['RETR', 'STOR'] as const).flatMap((verb) => [throughput(verb, 1, tls), throughput(verb, 4, tls)]),
  ),
  ...BOTH.map(smallFiles),
  latency,
  copy(1),
  copy(3),
  ...BOTH.map(idleSessions),
  listing('LIST'),
  listing('MLSD'),
];
