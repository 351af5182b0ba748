/** The GridFTP server and globus-url-copy with ours: MODE E over kept and parallel connections, in every pairing. */
import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { type Peer, requirePeer } from '../peers/peer.js';
import { startGridftp } from '../peers/real/gridftp.js';
import { startJackstay } from '../peers/real/jackstay.js';

const CLIENT = '/usr/bin/globus-url-copy';
const absent =
  requirePeer('gridftp') ??
  (existsSync(CLIENT) ? undefined : `${CLIENT} is not installed: run scripts/setup-peers.sh`);
const run = promisify(execFile);

const NAMES = Array.from({ length: 60 }, (_, i) => `f${i}`);
const BIG = randomBytes(20_000_003);

describe.skipIf(absent)(`globus-url-copy${absent ? `: ${absent}` : ''}`, () => {
  const peers: Peer[] = [];
  const work = mkdtempSync(join(tmpdir(), 'jackstay-mode-e-'));
  beforeAll(async () => {
    peers.push(...(await Promise.all([startJackstay(), startJackstay(), startGridftp(), startGridftp()])));
    for (const peer of peers) {
      mkdirSync(join(peer.home, 'from'));
      mkdirSync(join(peer.home, 'to'));
      for (const name of NAMES)
        writeFileSync(join(peer.home, 'from', name), name === 'f7' ? '' : randomBytes(10_240));
      writeFileSync(join(peer.home, 'big'), BIG);
      peer.own();
    }
  });
  afterEach(() => {
    for (const { home } of peers)
      for (const name of readdirSync(join(home, 'to'))) rmSync(join(home, 'to', name));
  });
  afterAll(async () => {
    await Promise.all(peers.map((peer) => peer.stop()));
    rmSync(work, { recursive: true });
  });

  const url = ({ host, port, user, password, path }: Peer, name: string): string =>
    `ftp://${user}:${password}@${host}:${port}${path.replace(/\/$/, '')}/${name}`;
  const copy = (from: string, to: string, ...options: string[]): Promise<unknown> =>
    run(CLIENT, ['-fast', ...options, from, to], {
      timeout: 60_000,
      env: { HOME: work, PATH: '/usr/bin:/bin' },
    });

  describe.each([
    ['ours to ours', 0, 1],
    ['ours to GridFTP', 0, 2],
    ['GridFTP to ours', 2, 1],
    ['GridFTP to GridFTP', 2, 3],
  ])('%s', (_pair, source, target) => {
    const pair = (): [Peer, Peer] => [peers[source]!, peers[target]!];

    test.each([
      ['one after the other over one connection', []],
      ['in a burst', ['-pp']],
      ['in a burst, each over four connections', ['-pp', '-p', '4']],
      ['with four sessions', ['-pp', '-cc', '4']],
    ])('many small files %s', async (_how, options) => {
      const [from, to] = pair();
      await copy(url(from, 'from/'), url(to, 'to/'), '-r', ...options);
      for (const name of NAMES)
        expect(
          readFileSync(join(to.home, 'to', name)).equals(readFileSync(join(from.home, 'from', name))),
        ).toBe(true);
    });

    test.each([1, 4])('one big file over %i connections', async (streams) => {
      const [from, to] = pair();
      await copy(url(from, 'big'), url(to, 'to/big'), '-p', String(streams));
      expect(readFileSync(join(to.home, 'to', 'big')).equals(BIG)).toBe(true);
    });
  });

  test('to and from the client itself, and by SPAS and SPOR', async () => {
    const [ours, other] = [peers[0]!, peers[1]!];
    await copy(url(ours, 'big'), `file://${work}/got`, '-p', '4');
    expect(readFileSync(join(work, 'got')).equals(BIG)).toBe(true);
    await copy(`file://${work}/got`, url(ours, 'to/put'), '-p', '2');
    expect(readFileSync(join(ours.home, 'to', 'put')).equals(BIG)).toBe(true);
    await copy(url(ours, 'big'), url(other, 'to/striped'), '-stripe');
    expect(readFileSync(join(other.home, 'to', 'striped')).equals(BIG)).toBe(true);
  });

  test('the connections are kept: the servers say 125 for every file behind the first', async () => {
    const { stdout, stderr } = (await copy(
      url(peers[0]!, 'from/'),
      url(peers[1]!, 'to/'),
      '-r',
      '-pp',
      '-dbg',
    )) as {
      stdout: string;
      stderr: string;
    };
    const said = stdout + stderr;
    // The listing of the source has a connection of its own, and then each server one for the files.
    expect(said.match(/^150 /gm)).toHaveLength(3);
    expect(said.match(/^125 /gm)).toHaveLength(2 * (NAMES.length - 1));
    expect(said.match(/^PASV/gm)).toHaveLength(1);
  });

  test('a file that is missing at the source fails and puts nothing in the wrong place', async () => {
    const [from, to] = [peers[0]!, peers[1]!];
    const list = join(work, 'list');
    const rows = ['f1', 'none', 'f2', 'f3'].map(
      (name) => `${url(from, `from/${name}`)} ${url(to, `to/${name}`)}`,
    );
    writeFileSync(list, `${rows.join('\n')}\n`);
    const failed = run(CLIENT, ['-fast', '-pp', '-f', list], {
      timeout: 60_000,
      env: { HOME: work, PATH: '/usr/bin:/bin' },
    });
    await expect(failed).rejects.toThrow();
    for (const name of readdirSync(join(to.home, 'to'))) {
      expect(name).not.toBe('none');
      expect(
        readFileSync(join(to.home, 'to', name)).equals(readFileSync(join(from.home, 'from', name))),
      ).toBe(true);
    }
  });
});
