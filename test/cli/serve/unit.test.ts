import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { temporaryFolder } from '../harness.js';

const UNIT = fileURLToPath(new URL('../../../contrib/jackstay.service', import.meta.url));
const found = spawnSync('systemd-analyze', ['--version']).status === 0;
const reason = found ? '' : ' (skipped: no systemd-analyze here)';

/** The unit with a program that exists on this machine. */
async function unit(): Promise<string> {
  const file = join(await temporaryFolder(), 'jackstay.service');
  writeFileSync(file, readFileSync(UNIT, 'utf8').replace('/usr/bin/jackstay', process.execPath));
  return file;
}

it.skipIf(!found)(`contrib/jackstay.service: systemd finds no fault in it${reason}`, async () => {
  const { status, stderr } = spawnSync('systemd-analyze', ['verify', '--man=no', await unit()], {
    encoding: 'utf8',
  });
  expect([status, stderr]).toEqual([0, '']);
});

it.skipIf(!found)(`contrib/jackstay.service: exposed no more than its sockets need${reason}`, async () => {
  const words = ['security', '--offline=true', '--no-pager', '--threshold=20', await unit()];
  const { status, stdout } = spawnSync('systemd-analyze', words, { encoding: 'utf8' });
  expect(stdout).toMatch(/Overall exposure level for jackstay\.service: 1\.\d OK/);
  expect(status).toBe(0);
});
