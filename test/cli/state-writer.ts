// Runs as a process of its own. `count FILE N`: add 1 to the number in FILE, N times. `hold FILE`: take its lock and stay.
import { z } from 'zod';
import { withLock } from '../../src/cli/lock.js';
import { updateJson } from '../../src/cli/state.js';

const [verb, file, times] = process.argv.slice(2);
if (verb === 'hold') {
  await withLock(`${file}.lock`, () => {
    process.stdout.write('held\n');
    return new Promise(() => {
      setInterval(() => {}, 1000);
    });
  });
}
for (let i = 0; i < Number(times); i++) {
  await updateJson(file!, z.strictObject({ n: z.number() }), (old) => ({ n: (old?.n ?? 0) + 1 }));
}
