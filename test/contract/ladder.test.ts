/**
 * The order of commands is found by trying it: every server with its knowledge taken away (what the quirks say of the order of
 * commands) must end at the step that it stands, with every file whole; and the next run must not try again what went wrong.
 */
import { randomBytes } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { copy, type EngineEvent, memoryRoutes, type RouteMemory } from '../../src/engine/index.js';
import { ORDERS } from '../../src/engine/route-memory.js';
import { handOver, type PeerId, peerOf, type RunningPeer } from './peers.js';

vi.mock('../../src/client/quirks/index.js', async (original) => {
  const real = await original<typeof import('../../src/client/quirks/index.js')>();
  return {
    ...real,
    recognise: (evidence: Parameters<typeof real.recognise>[0]) => {
      const quirk = real.recognise(evidence);
      const { ahead: _ahead, lockstep: _lockstep, ...behaviour } = quirk.behaviour;
      return { ...quirk, behaviour };
    },
  };
});

/** What each server stands: measured here, once with the knowledge that the quirks hold and once by these very trials. */
const STANDS = {
  proftpd: 'ahead',
  vsftpd: 'ahead',
  pureftpd: 'ahead',
  inetutils: 'ahead',
  jackstay: 'ahead',
  pyftpdlib: 'burst',
  glftpd: 'ahead',
  wzdftpd: 'plain',
} as const;
type Name = keyof typeof STANDS;
const NAMES = (Object.keys(STANDS) as Name[]).filter((name) => peerOf(name).absence() === undefined);
const FILES = 12;
/** The other server of every pair: it queues what stands behind a transfer. */
const PARTNER: PeerId = 'vsftpd';

const peers = {} as Record<Name, RunningPeer>;

beforeAll(async () => {
  await Promise.all(
    NAMES.map(async (name) => {
      const peer = await peerOf(name).start();
      peers[name] = peer;
      const from = join(peer.home, 'from');
      mkdirSync(from);
      for (let i = 0; i < FILES; i++) writeFileSync(join(from, `f${i}`), randomBytes(i * 900));
      handOver(name, from);
    }),
  );
});
afterAll(() => Promise.all(Object.values(peers).map((peer) => peer.stop())));

interface Ran {
  events: EngineEvent[];
  /** How often a passive command left right behind a transfer command, on either side. */
  asked: number;
}

async function run(
  source: Name,
  destination: Name,
  to: string,
  options: { routes?: RouteMemory; parallel?: number } = {},
): Promise<Ran> {
  const events: EngineEvent[] = [];
  const last = new Map<string, string>();
  let asked = 0;
  const place = (name: Name, path: string) => {
    const { host, port, user, password, path: root } = peers[name];
    return {
      kind: 'site' as const,
      site: { name, host, port, user, password, tls: 'none' as const },
      path: join(root, path),
    };
  };
  const summary = await copy(place(source, 'from'), place(destination, to), {
    parallel: 1,
    security: 'clear',
    commandTimeout: 10_000,
    ...options,
    onEvent: (event) => {
      if (event.event !== 'dialogue') events.push(event);
      else if (event.direction === '>') {
        const session = `${event.site} ${event.session}`;
        if (/^(PASV|EPSV)$/.test(event.text) && /^(STOR|RETR) /.test(last.get(session) ?? '')) asked += 1;
        last.set(session, event.text);
      }
    },
  });
  expect(summary).toMatchObject({ files: FILES, failed: 0 });
  const [from, arrived] = [join(peers[source].home, 'from'), join(peers[destination].home, to)];
  expect(readdirSync(arrived).sort()).toEqual(readdirSync(from).sort());
  for (const name of readdirSync(from))
    expect(readFileSync(join(arrived, name)).equals(readFileSync(join(from, name))), name).toBe(true);
  return { events, asked };
}

/** The last step of a site that was told, and all of them. */
function steps(ran: Ran, site: string): { last: string | undefined; all: string[] } {
  const all = ran.events.flatMap((event) =>
    event.event === 'order' && event.site === site ? [event.order] : [],
  );
  return { last: all.at(-1), all };
}

describe.skipIf(NAMES.length < 3)(
  'a server of which nothing is known ends at the step that it stands',
  () => {
    it.each(NAMES.filter((name) => name !== PARTNER))('%s as the passive side', async (name) => {
      const routes = memoryRoutes();
      const first = await run(PARTNER, name, `to-${name}-1`, { routes });
      expect(steps(first, name).last).toBe(STANDS[name]);
      expect(first.events.filter(({ event }) => event === 'file-failed' || event === 'retry')).toEqual([]);
      if (STANDS[name] === 'ahead') expect(first.asked).toBeGreaterThanOrEqual(FILES - 5);
      // One trial at most.
      else expect(first.asked).toBeLessThanOrEqual(1);

      const again = await run(PARTNER, name, `to-${name}-2`, { routes });
      expect(steps(again, name).all).toEqual([STANDS[name]]);
      if (STANDS[name] === 'ahead') expect(again.asked).toBeGreaterThanOrEqual(FILES - 2);
      else expect(again.asked).toBe(0);
    });

    it.each(NAMES.filter((name) => name !== PARTNER))(
      '%s as the source, four transfers at once',
      async (name) => {
        const ran = await run(name, PARTNER, `from-${name}`, { parallel: 4 });
        expect(ran.events.filter(({ event }) => event === 'file-failed')).toEqual([]);
        // It may have been the active side all the time: then nothing was tried of it.
        expect(ORDERS.slice(0, ORDERS.indexOf(STANDS[name]) + 1)).toContain(steps(ran, name).last);
      },
    );
  },
);
