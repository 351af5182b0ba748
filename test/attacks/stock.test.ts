/** The attackers bite: what they do to servers that know nothing of DCPA, each attack on each technique. */
import { afterAll, describe, expect, it } from 'vitest';
import { stockCells } from './cells.js';
import { Lab } from './lab.js';

const lab = new Lab();
afterAll(() => lab.close());

describe('FXP in clear, by CPSV and by SSCN: the attack succeeds', () => {
  for (const cell of stockCells(lab)) {
    const reason = cell.absence();
    it.skipIf(reason)(`${cell.attack}: ${cell.way} ${reason ?? ''}`, async () => {
      const row = await cell.run();
      expect(cell.complaints(row), JSON.stringify(row)).toEqual([]);
    });
  }
});
