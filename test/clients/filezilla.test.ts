import { randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { isRoot } from '../peers/host.js';
import { type JackstayPeer, startJackstay } from '../peers/real/jackstay.js';
import { everyWay } from './client.js';
import { requireFilezilla, runFilezilla } from './filezilla.js';

const absent = isRoot ? requireFilezilla() : 'our server runs as nobody, which needs root';
// It asks a person before it speaks without TLS.
const WAYS = everyWay(['explicit', 'implicit'], ['active', 'passive']);

describe.skipIf(absent)(
  `our server serves FileZilla${absent === undefined ? '' : ` (skipped: ${absent})`}`,
  () => {
    let server: JackstayPeer;
    let folder = '';
    beforeAll(async () => {
      folder = mkdtempSync(join(tmpdir(), 'jackstay-filezilla-'));
      server = await startJackstay();
    });
    afterAll(async () => {
      await server.stop();
      rmSync(folder, { recursive: true, force: true });
    });

    for (const { tls, mode } of WAYS)
      it(`TLS ${tls}, ${mode}: up, down, resumed, empty, names in UTF-8`, async () => {
        const home = mkdtempSync(join(folder, 'home-'));
        const { host, user, password } = server;
        const port = tls === 'implicit' ? server.implicitPort : server.port;
        const place = `${tls}-${mode}`;
        const disk = join(server.home, place);
        mkdirSync(disk);
        const content = randomBytes(300_000);
        const name = 'blank ünï 漢字.bin';
        writeFileSync(join(home, name), content);
        writeFileSync(join(home, 'empty.bin'), '');
        writeFileSync(join(disk, 'down.bin'), content);
        writeFileSync(join(disk, 'rest.bin'), content);
        writeFileSync(join(home, 'rest.bin'), Buffer.alloc(1000, '='));
        server.own();
        const remote = (file: string): string => `/${place}/${file}`;
        const local = (file: string): string => join(home, file);
        const target = { host, port, user, password, tls, mode, home, caFile: '' };
        const size = content.length;
        await runFilezilla(target, [
          { direction: 'upload', local: local(name), remote: remote(name), size },
          { direction: 'upload', local: local('empty.bin'), remote: remote('empty.bin'), size: 0 },
          { direction: 'download', local: local('down.bin'), remote: remote('down.bin'), size },
          { direction: 'download', local: local('rest.bin'), remote: remote('rest.bin'), size, resume: true },
        ]);
        expect(readFileSync(join(disk, name)).equals(content)).toBe(true);
        expect(statSync(join(disk, 'empty.bin')).size).toBe(0);
        expect(readFileSync(local('down.bin')).equals(content)).toBe(true);
        const rest = readFileSync(local('rest.bin'));
        expect(rest.subarray(1000).equals(content.subarray(1000))).toBe(true);
        expect(rest.subarray(0, 1000).equals(Buffer.alloc(1000, '='))).toBe(true);
      });
  },
);
