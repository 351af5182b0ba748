/** Every server with every other one, by every technique: the bytes on the disks decide. */
import { afterAll, beforeAll, describe, it } from 'vitest';
import { ATTEMPTS, pairsOf } from './expected.js';
import { complaintAboutCell, complaintsAboutTree } from './judge.js';
import { Harbour, type Mode } from './matrix.js';
import { PEER_IDS, peerOf } from './peers.js';

const harbour = new Harbour();
const absent = PEER_IDS.filter((id) => peerOf(id).absence() !== undefined);
const present = PEER_IDS.filter((id) => !absent.includes(id));

beforeAll(async () => {
  await Promise.all(present.flatMap((id) => [harbour.berth(id, 'source'), harbour.berth(id, 'destination')]));
});

afterAll(() => harbour.close());

describe.runIf(absent.length > 0)('servers that this machine does not have', () => {
  for (const id of absent) it.skip(`${id}: ${peerOf(id).absence()}`, () => {});
});

const TITLES: Readonly<Record<Mode, string>> = { plain: 'in clear', tls: 'under TLS' };

for (const mode of ['plain', 'tls'] as const) {
  describe(`each technique ${TITLES[mode]}`, () => {
    it.concurrent.for(pairsOf(present, mode))('%s to %s', async ([source, destination], { expect }) => {
      const { cells, tree } = await harbour.join(source, destination, mode, async (pair) => {
        const measured = [];
        for (const attempt of await pair.attempts()) measured.push(await pair.run(attempt));
        return { cells: measured, tree: await pair.copyTree() };
      });
      const about = { source, destination, mode };
      const complaints = cells.flatMap((cell) => complaintAboutCell(about, cell) ?? []);
      expect(complaints).toEqual([]);
      expect(cells.map(({ attempt }) => attempt)).toEqual(expect.arrayContaining([...ATTEMPTS[mode]]));
      expect(complaintsAboutTree(about, tree)).toEqual([]);
    });
  });
}
