/** docs/rfc.md against the table of verbs and the tests it is made from. */
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { expect, test } from 'vitest';
import { rfcPage } from '../../scripts/rfc/page.js';
import { testedSections } from '../../scripts/rfc/sections.js';
import { ROWS } from '../../src/server/verbs/table.js';

const ROOT = resolve(import.meta.dirname, '../..');
const page = readFileSync(join(ROOT, 'docs/rfc.md'), 'utf8');

test('docs/rfc.md is what `npm run rfc` makes', () => {
  expect(page).toBe(rfcPage(ROOT));
});

test('every verb of the table has its line', () => {
  for (const { verb } of ROWS)
    expect(page).toMatch(new RegExp(`^\\| \`${verb}\`.* \\| (?:done|refused: .+?) \\|`, 'm'));
});

test('every RFC that a verb names has tests named by its sections', () => {
  const named = new Set(ROWS.flatMap(({ source }) => source.match(/RFC \d+/g) ?? []));
  const tested = new Set(testedSections(ROOT, 'test/server').map(({ source }) => source));
  expect([...named].filter((source) => !tested.has(source))).toEqual([]);
});
