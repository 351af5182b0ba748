/** Every comparison once, as small as can be: the real servers, the real clients, octet for octet. */
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { REPOSITORY } from '../../bench/harness.js';
import { requirePeer } from '../peers/peer.js';
import { notBuilt } from '../peers/real/jackstay.js';

const client = (name: string): string | undefined =>
  existsSync(`/usr/bin/${name}`) ? undefined : `${name} is not installed: run scripts/setup-peers.sh`;
const [stock, gridftp, lftp, globus] = [
  requirePeer('proftpd') ?? requirePeer('vsftpd'),
  requirePeer('gridftp'),
  client('lftp'),
  client('globus-url-copy'),
];

/** @returns what it printed; rejects with its errors when it ends with anything but 0. */
function bench(name: string, ...args: string[]): Promise<string> {
  const words = ['--import', 'tsx', join('bench', `${name}.ts`), '--quick', ...args];
  return new Promise((resolve, reject) => {
    execFile(process.execPath, words, { cwd: REPOSITORY, timeout: 240_000 }, (error, out, err) => {
      if (error === null) resolve(out);
      else reject(new Error(`${error.message}\n${out}\n${err}`));
    });
  });
}

const CASES = [
  ['small-files', stock ?? lftp, /\| ProFTPD to vsftpd \| plain \| 50 ms \| 4 \| \d.*\| \d/, []],
  ['fast', gridftp ?? globus, /\| 40 \| 50 ms \| 4 \| \d.*\| \d/, ['--match', '50 ms . 4']],
  ['big-file', stock ?? gridftp ?? lftp ?? globus, /\| jackstay, DCPA \| \d.*\| 1 of 1 \|/, []],
  ['many', undefined, /\| commands a second and core of the client \| \d/, []],
  ['tree', stock ?? lftp, /\| jackstay \| [\d.]+ \| [\d.]+ \|/, []],
] as const;

for (const [name, missing = notBuilt(), row, args] of CASES) {
  it.skipIf(missing !== undefined)(
    `bench/${name}.ts measures every cell, and all that arrives is what was sent${missing === undefined ? '' : ` (${missing})`}`,
    { timeout: 300_000 },
    async () => {
      const out = await bench(name, ...args);
      expect(out).toMatch(row);
      expect(out).toMatch(/all \d+ copies identical with their sources/);
    },
  );
}
