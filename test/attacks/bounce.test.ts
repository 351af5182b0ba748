/** A bystander: what reaches it through every server, and what the replies and their times tell of its ports. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startJackstay } from '../peers/real/jackstay.js';
import { absence } from './berth.js';
import { load } from './bounce.js';
import { absenceOfBounce, BOUNCES, bounceComplaints, deviations, runBounce, timing } from './bounces.js';
import { Lab } from './lab.js';
import { compareRanks } from './ranks.js';
import { Victim } from './victim.js';

const lab = new Lab();
let victim: Victim;
beforeAll(async () => {
  victim = await Victim.start('127.0.0.7');
});
afterAll(async () => {
  await lab.close();
  await victim.stop();
});

describe('bounce', () => {
  for (const cell of BOUNCES) {
    const reason = absenceOfBounce(cell);
    const title = `${cell.server} (${cell.guise}), ${cell.load}: ${cell.reaches} at the victim`;
    it.skipIf(reason)(`${title} ${reason ?? ''}`, async () => {
      const row = await runBounce(cell, await lab.berth(cell.server), victim);
      expect(bounceComplaints(cell, row)).toEqual([]);
    });
  }
});

describe('ports told apart', () => {
  it('ranks: lists from one source are even, others are not', () => {
    expect(compareRanks([1, 3, 5], [2, 3, 4]).auc).toBeCloseTo(0.5);
    expect(compareRanks([4, 5, 6], [1, 2, 3]).auc).toBe(1);
    expect(compareRanks([1, 1], [1, 1]).auc).toBe(0.5);
  });

  const reason = absence('vsftpd');
  it.skipIf(reason)(`through vsftpd: an open port and a closed one ${reason ?? ''}`, async () => {
    const { peer } = await lab.berth('vsftpd');
    load(peer);
    const seen = await timing(peer, 'clear', { count: 10, sessions: 5, doors: ['open', 'closed'] });
    expect(seen.connections).toBe(10);
    expect(seen.replies.length).toBeGreaterThan(1);
  });

  it('through ours with a pin: open, closed and silent ones look alike', async () => {
    const server = await startJackstay({
      quiet: true,
      // The delay is that of the default configuration; so many failures of one user would not be.
      server: { fxp: { mode: 'verified' }, limits: { foreignFailuresPerMinute: 0 } },
    });
    try {
      load(server);
      const doors = ['open', 'closed', 'silent'] as const;
      const seen = await timing(server, 'pinned', { count: 20, sessions: 60, doors });
      expect(seen.connections).toBe(20);
      expect(seen.replies).toEqual(['200 Address noted. / 425 Data connection not authenticated.']);
      for (const pair of seen.pairs) expect(deviations(pair), JSON.stringify(seen)).toBeLessThan(4);
    } finally {
      await server.stop();
    }
  });
});
