/** The inputs that coverage-guided runs found (npm run fuzz), once more: each must hold what its target asks. */
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { TARGETS, type Target } from './seeds.js';
import { fuzz as lines } from './targets/lines.js';
import { fuzz as session } from './targets/session.js';
import { fuzz as settings } from './targets/settings.js';
import { fuzz as values } from './targets/values.js';
import { fuzz as verbs } from './targets/verbs.js';

const CORPUS = join(import.meta.dirname, 'corpus');
const targets: Readonly<Record<Target, (octets: Buffer) => Promise<void>>> = {
  lines,
  session,
  settings,
  values,
  verbs,
};
const filesOf = (target: string): string[] =>
  readdirSync(join(CORPUS, target)).map((name) => join(CORPUS, target, name));

test('the corpus is there and small', () => {
  const files = Object.keys(TARGETS).flatMap(filesOf);
  expect(files.length).toBeGreaterThan(100);
  expect(files.length).toBeLessThan(500);
  expect(files.reduce((sum, file) => sum + statSync(file).size, 0)).toBeLessThan(300 * 1024);
});

describe.each(Object.entries(targets))('%s', (target, fuzz) => {
  test('holds for the whole corpus', async () => {
    for (const file of filesOf(target)) {
      try {
        await fuzz(readFileSync(file));
      } catch (error) {
        throw new Error(`${target}/${file.split('/').at(-1)}: ${String(error)}`, { cause: error });
      }
    }
  });
});
