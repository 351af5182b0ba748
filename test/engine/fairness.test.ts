/** A big file and many small ones between real servers: neither holds up the other, whoever chooses the number of transfers. */
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { EngineEvent } from '../../src/engine/events.js';
import { at, during, look, noise, plant, type Ran, run, wholeOf } from '../failures/bench.js';
import { type Peer, requirePeer } from '../peers/peer.js';
import { startJackstay } from '../peers/real/jackstay.js';
import { startProftpd } from '../peers/real/proftpd.js';

const SMALL = 500;
const BIG = 500 * 1024 * 1024;

const absent = requirePeer('proftpd');
const SERVERS: Record<string, () => Promise<Peer>> = {
  proftpd: () => startProftpd({ tls: false }),
  jackstay: () => startJackstay({ tls: false, quiet: true }),
};

/** 500 small files and a big one, whose name is first, last or in the middle of a listing. */
async function ground(start: () => Promise<Peer>): Promise<[Peer, Peer]> {
  const [a, b] = await Promise.all([during(start()), during(start())]);
  const small = Array.from({ length: SMALL }, (_, n) => [`tree/f${n}`, noise(2_000 + n, n)] as const);
  plant(a, { ...Object.fromEntries(small), 'tree/big': noise(BIG, 77) });
  return [a, b];
}

/** Where in the order of events something is. */
const indexOf = (ran: Ran, fits: (event: EngineEvent) => boolean): number => ran.events.findIndex(fits);

describe.each(Object.entries(SERVERS))('%s', (name, start) => {
  it.skipIf(name === 'proftpd' && absent).each(['auto', 2, 4] as const)(
    'a file of 500 MB among 500 small ones, %s transfers at once',
    async (parallel) => {
      const [a, b] = await ground(start);
      const ran = await run(at(a, 'a', 'tree'), at(b, 'b', 'copy'), { parallel, verify: 'size' });
      expect(wholeOf(ran)).toMatchObject({ files: SMALL + 1, failed: 0, clientBytes: 0 });
      const began = indexOf(ran, (event) => event.event === 'file-start' && event.path === 'big');
      const ended = indexOf(ran, (event) => event.event === 'file-done' && event.path === 'big');
      const smallDone = (from: number, to: number): number =>
        ran.events.slice(from, to).filter((event) => event.event === 'file-done' && event.path !== 'big')
          .length;
      // It does not wait for the small ones to be over, and they do not wait for it.
      expect(smallDone(0, began)).toBeLessThan(SMALL / 2);
      expect(smallDone(began, ended)).toBeGreaterThan(SMALL / 20);
      expect(look(join(b.home, 'copy'))).toEqual(look(join(a.home, 'tree')));
    },
    120_000,
  );
});
