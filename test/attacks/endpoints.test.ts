/** Malicious servers with DCPA, and attacks on the control connection that want the client to do without. */
import { afterAll, describe, expect, it } from 'vitest';
import { downgradeCells } from './downgrade.js';
import { Lab } from './lab.js';
import { maliciousCells } from './malicious.js';

const lab = new Lab();
afterAll(() => lab.close());

const SUITES = {
  'a server that lies: ours stores nothing of another, the client says what is wrong': maliciousCells(lab),
  'downgrade: the client asks for no less than it had': downgradeCells(lab),
};

for (const [title, cells] of Object.entries(SUITES)) {
  describe(title, () => {
    for (const cell of cells) {
      it(`${cell.attack}: ${cell.way}`, async () => {
        const row = await cell.run();
        expect(cell.complaints(row), JSON.stringify(row)).toEqual([]);
      });
    }
  });
}
