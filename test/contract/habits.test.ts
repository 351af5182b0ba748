/** Habits of single servers that would put a wrong file, or a file under a wrong name, on a disk. */
import { randomBytes } from 'node:crypto';
import { existsSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { copy } from '../../src/engine/copy.js';
import { joinPath } from '../../src/protocol/paths.js';
import { Harbour, siteOf } from './matrix.js';
import { handOver, type PeerId, peerOf, type RunningPeer } from './peers.js';

const started: RunningPeer[] = [];
const harbours: Harbour[] = [];

afterEach(async () => {
  await Promise.all(harbours.splice(0).map((harbour) => harbour.close()));
  await Promise.all(started.splice(0).map((peer) => peer.stop()));
});

async function up(id: PeerId): Promise<RunningPeer> {
  const peer = await peerOf(id).start();
  started.push(peer);
  return peer;
}

const without = (...ids: PeerId[]): string | undefined =>
  ids.map((id) => peerOf(id).absence()).find((reason) => reason !== undefined);

describe.skipIf(without('pyftpdlib', 'pureftpd', 'proftpd'))('pyftpdlib', () => {
  // Its ABOR keeps the stopped file queued, and sends it over the next data connection.
  it('sends the file that is asked for after one that was stopped', async () => {
    const harbour = new Harbour();
    harbours.push(harbour);
    const stopped = await harbour.join('pyftpdlib', 'proftpd-strict', 'plain', (pair) =>
      pair.run('PASV@dst'),
    );
    expect(stopped).toMatchObject({ mark: 'refused', finding: 'destination refuses-foreign-peer' });
    for (const attempt of ['PASV@dst', 'PASV@src']) {
      const next = await harbour.join('pyftpdlib', 'pureftpd', 'plain', (pair) => pair.run(attempt));
      expect(next).toMatchObject({ attempt, mark: 'ok' });
    }
  });
});

describe.skipIf(without('gridftp', 'pureftpd'))('GridFTP', () => {
  // Its command reader drops octets above 127: `é.txt` would be read from, or written to, `.txt`.
  it.each([
    ['gridftp', 'pureftpd', 'é.txt', 'copied.txt'],
    ['pureftpd', 'gridftp', 'plain.txt', 'é.txt'],
  ] as const)('is not asked for a name beyond ASCII (%s to %s)', async (from, to, source, target) => {
    const [a, b] = [await up(from), await up(to)];
    for (const name of new Set(['.txt', source])) writeFileSync(join(a.home, name), randomBytes(1000));
    handOver(from, a.home);
    const run = copy(
      { kind: 'site', site: siteOf(from, a, 'plain'), path: joinPath(a.path, source) },
      { kind: 'site', site: siteOf(to, b, 'plain'), path: joinPath(b.path, target) },
    );
    await expect(run).rejects.toMatchObject({
      kind: 'policy',
      message: expect.stringContaining('gridftp leaves out what is not ASCII'),
    });
    expect(readdirSync(b.home)).toEqual([]);
  });
});

describe('IIS', () => {
  // It takes names for Latin-1 until OPTS UTF8 ON, in each session anew.
  it('is told of UTF-8 in every session', async () => {
    const [a, b] = [await up('iis'), await up('iis')];
    const names = Array.from({ length: 12 }, (_, at) => `ключ ${at}.txt`);
    for (const name of names) writeFileSync(join(a.home, name), name);
    await copy(
      { kind: 'site', site: siteOf('iis', a, 'plain'), path: a.path },
      { kind: 'site', site: { ...siteOf('iis', b, 'plain'), name: 'other' }, path: b.path },
      { parallel: 4 },
    );
    expect(names.filter((name) => !existsSync(join(b.home, name)))).toEqual([]);
    expect(readdirSync(b.home)).toHaveLength(names.length);
  });
});
