import { chmodSync, existsSync, mkdirSync, readdirSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { sweepLeftovers } from '../../../src/cli/serve/leftovers.js';
import { temporaryFolder } from '../harness.js';
import { Program, place, served } from './program.js';

const ALLOW = process.getuid?.() === 0 ? ['--allow-root'] : [];
const LONG_AGO = Date.now() / 1000 - 100_000;

function leftover(folder: string, name: string): string {
  const file = join(folder, name);
  writeFileSync(file, 'half');
  utimesSync(file, LONG_AGO, LONG_AGO);
  return file;
}

it('removes what a killed server left in the homes when it starts', async () => {
  const { home, config } = await place();
  mkdirSync(join(home, 'in'));
  const old = leftover(join(home, 'in'), '.jackstay-in.aaaaaaaaaaaa');
  const other = leftover(home, 'kept.bin');
  const program = new Program(['--config', config, ...ALLOW]);
  await served(program);
  expect(await program.event('swept')).toMatchObject({ root: home, files: 1 });
  expect([existsSync(old), existsSync(other)]).toEqual([false, true]);
});

it('looks at no directory twice, passes over those that are not there, and tells what it cannot read', async () => {
  const folder = await temporaryFolder();
  mkdirSync(join(folder, 'a', 'b'), { recursive: true });
  leftover(join(folder, 'a', 'b'), '.jackstay-in.aaaaaaaaaaaa');
  writeFileSync(join(folder, 'file'), 'no directory');
  chmodSync(folder, 0o755);
  const said: unknown[] = [];
  const roots = ['a', 'a/b', 'none', 'file'].map((name) => join(folder, name));
  await sweepLeftovers(roots, {
    say: (level, _text, fields) => said.push([level, fields?.event, fields?.root]),
  });
  expect(said).toEqual([
    ['info', 'swept', roots[0]],
    ['warn', 'sweep-failed', roots[3]],
  ]);
  expect(readdirSync(roots[1]!)).toEqual([]);
});
