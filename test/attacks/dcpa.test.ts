/** The same attackers against DCPA, at both sides and at one. */
import { afterAll, describe, expect, it } from 'vitest';
import { fullCells, oneSidedCells } from './cells.js';
import { Lab } from './lab.js';

const lab = new Lab();
afterAll(() => lab.close());

const SUITES = {
  'DCPA at both sides: no octet read, none altered': fullCells(lab),
  'DCPA at one side: that side is safe, and the client says what became of the other': oneSidedCells(lab),
};

for (const [title, cells] of Object.entries(SUITES)) {
  describe(title, () => {
    for (const cell of cells) {
      const reason = cell.absence();
      it.skipIf(reason)(`${cell.attack}: ${cell.way} ${reason ?? ''}`, async () => {
        const row = await cell.run();
        expect(cell.complaints(row), JSON.stringify(row)).toEqual([]);
      });
    }
  });
}
