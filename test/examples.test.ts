import { spawn } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { type Peer, requirePeer } from './peers/peer.js';
import { startProftpd } from './peers/real/proftpd.js';
import { startPureftpd } from './peers/real/pureftpd.js';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const ran = new Set<string>();

/** Run an example as its first lines say. */
async function run(
  name: string,
  ...words: string[]
): Promise<{ code: number | null; out: string; err: string }> {
  ran.add(name);
  const child = spawn(process.execPath, ['--import', 'tsx', `examples/${name}`, ...words], {
    cwd: ROOT,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let out = '';
  let err = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    out += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    err += text;
  });
  const code = await new Promise<number | null>((resolve, reject) =>
    child.once('close', resolve).once('error', reject),
  );
  return { code, out, err };
}

const url = (peer: Peer, path: string, scheme = 'ftps'): string =>
  `${scheme}://${peer.user}:${peer.password}@${peer.host}:${peer.port}/${path}`;

it('parse-listing reads four formats', async () => {
  const { code, out, err } = await run('parse-listing.ts');
  expect([code, err]).toEqual([0, '']);
  expect(out.split('\n')).toEqual([
    'unix:',
    '  file  1024  2026-11-05T12:34:00.000Z  notes.txt',
    '  link  9  2020-01-02T00:00:00.000Z  latest  notes.txt',
    'dos:',
    '  dir  -  2026-11-05T12:34:00.000Z  Reports',
    '  file  2048  2026-11-05T12:35:00.000Z  budget.xls',
    'mlsd:',
    '  file  7  2026-11-05T12:34:00.000Z  a;b.txt',
    '  dir  -  2020-01-02T00:00:00.000Z  sub',
    'vms:',
    '  file  1536  2026-11-05T12:34:56.000Z  README.TXT',
    '',
  ]);
});

it('serve-memory is its own first client', async () => {
  const { code, out, err } = await run('serve-memory.ts');
  expect([code, err]).toEqual([0, '']);
  expect(out.split('\n')).toEqual([
    'server: STOR /greeting.txt 5 octets, complete',
    'client: greeting.txt, 5 octets',
    '',
  ]);
});

it('serve-storage shows files that are made when they are asked for', async () => {
  const { code, out, err } = await run('serve-storage.ts');
  expect([code, err]).toEqual([0, '']);
  expect(out).toBe('one.txt: This is one.txt.\ntwo.txt: This is two.txt.\n');
});

const missing = requirePeer('proftpd') ?? requirePeer('pureftpd');
describe.skipIf(missing)(
  `between two servers${missing === undefined ? '' : ` (skipped: ${missing})`}`,
  () => {
    let source: Peer;
    let destination: Peer;
    const content = randomBytes(100_000);

    beforeAll(async () => {
      source = await startPureftpd();
      destination = await startProftpd();
      mkdirSync(join(source.home, 'pub/sub'), { recursive: true });
      for (let n = 0; n < 6; n++)
        writeFileSync(join(source.home, `pub/file ${n}`), content.subarray(0, n * 1000));
      writeFileSync(join(source.home, 'pub/sub/big'), content);
      source.own();
    });

    afterAll(async () => {
      await source?.stop();
      await destination?.stop();
    });

    it('copy-tree', async () => {
      const { code, out, err } = await run('copy-tree.ts', url(source, 'pub'), url(destination, 'copied'));
      expect([code, err]).toEqual([0, '']);
      expect(out).toMatch(/^route: .* is TLS client \(SSCN\) \(encrypted\)$/m);
      expect(out).toMatch(/^sub\/big: 100000 octets, proven by size$/m);
      expect(out).toMatch(/^7 files, 115000 octets; 0 of them crossed this machine$/m);
      expect(readFileSync(join(destination.home, 'copied/sub/big')).equals(content)).toBe(true);
    });

    it('copy-tree says why it cannot', async () => {
      const { code, err } = await run('copy-tree.ts', url(source, 'none'), url(destination, 'x'));
      expect(code).toBe(2);
      expect(err).toMatch(/^refused: .*there is no .*none/);
      expect(err).not.toContain(source.password);
    });

    it('check-pair', async () => {
      const { code, out, err } = await run('check-pair.ts', url(source, ''), url(destination, ''));
      expect([code, err]).toEqual([0, '']);
      expect(out).toMatch(/^\* .* SSCN@dst PASV@dst: ok$/m);
      expect(out).toMatch(/^advice: .*Pure-FTPd knows neither CPSV nor SSCN/m);
    });

    it('list', async () => {
      const { code, out, err } = await run('list.ts', url(source, 'pub'));
      expect([code, err]).toEqual([0, '']);
      expect(out.split('\n').slice(0, 3)).toEqual([
        'Pure-FTPd, control connection: TLSv1.3',
        '      100000  sub/big',
        '        5000  file 5',
      ]);
    });

    it('upload-and-verify', async () => {
      const folder = await mkdtemp(join(tmpdir(), 'jackstay-example-'));
      onTestFinished(() => rm(folder, { recursive: true, force: true }));
      writeFileSync(join(folder, 'report.bin'), content);
      mkdirSync(join(destination.home, 'incoming'));
      destination.own();
      const { code, out } = await run(
        'upload-and-verify.ts',
        join(folder, 'report.bin'),
        url(destination, 'incoming'),
      );
      const hex = createHash('sha256').update(content).digest('hex');
      expect(out).toBe(`report.bin: 100000 octets (encrypted), SHA-256 ${hex}\n`);
      expect([code, readdirSync(join(destination.home, 'incoming'))]).toEqual([0, ['report.bin']]);
    });

    it('abort', async () => {
      const words = [url(source, 'pub', 'ftp'), url(destination, 'aborted', 'ftp')];
      const { code, out, err } = await run('abort.ts', ...words);
      expect([code, err]).toEqual([0, '']);
      const found = /^stopped\nsecond run: (\d) files moved, (\d) were there already\n$/.exec(out);
      expect(Number(found?.[1]) + Number(found?.[2])).toBe(7);
      expect(Number(found?.[2])).toBeGreaterThanOrEqual(3);
      expect(readFileSync(join(destination.home, 'aborted/sub/big')).equals(content)).toBe(true);
    });
  },
);

it.skipIf(missing)('every example is run here', () => {
  expect([...ran].sort()).toEqual(readdirSync(join(ROOT, 'examples')).sort());
});
