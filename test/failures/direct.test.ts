/** A destination that takes no temporary names, and a source whose data end too early: no part may stand for the file. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { ORDINARY } from '../peers/scripted/dialect.js';
import { startFault } from '../peers/scripted/fault.js';
import { startScripted } from '../peers/scripted/server.js';
import { store } from '../peers/scripted/verbs-data.js';
import { at, during, noise, run, SHORT } from './bench.js';

const put = store(false);
const PICKY = {
  ...ORDINARY,
  verbs: {
    ...ORDINARY.verbs,
    STOR: (...given: Parameters<typeof put>) =>
      given[1].endsWith('.jackstay') ? '553 That name is not wanted.' : put(...given),
  },
};

it('a part under the final name is removed', async () => {
  const a = await during(startFault({ at: 'data', how: 'close', files: { 'f.bin': noise(2_000_000) } }));
  const b = await during(startScripted(PICKY, {}));
  const ran = await run(at(a, 'a', 'f.bin'), at(b, 'b', 'f.bin'), { ...SHORT, maxAttempts: 2 });
  expect(ran.sent('b', /^STOR .*\/f\.bin$/).length).toBeGreaterThan(0);
  expect(ran.summary?.failed ?? 1).toBe(1);
  expect(existsSync(join(b.home, 'f.bin'))).toBe(false);
});
