/** Verbs of GridFTP beside MODE E (ERET, ESTO, CKSM, SCKS): the GridFTP server and globus-url-copy with ours, in every pairing. */
import { execFile } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Peer, requirePeer } from '../peers/peer.js';
import { startGridftp } from '../peers/real/gridftp.js';
import { startJackstay } from '../peers/real/jackstay.js';
import { ControlClient } from './control-client.js';

const CLIENT = '/usr/bin/globus-url-copy';
const absent =
  requirePeer('gridftp') ??
  (existsSync(CLIENT) ? undefined : `${CLIENT} is not installed: run scripts/setup-peers.sh`);
const run = promisify(execFile);

const BIG = randomBytes(3_000_003);

describe.skipIf(absent)(`GridFTP${absent ? `: ${absent}` : ''}`, () => {
  const peers: Peer[] = [];
  const work = mkdtempSync(join(tmpdir(), 'jackstay-gridftp-'));
  beforeAll(async () => {
    peers.push(...(await Promise.all([startJackstay(), startJackstay(), startGridftp(), startGridftp()])));
    for (const peer of peers) {
      writeFileSync(join(peer.home, 'big'), BIG);
      peer.own();
    }
  });
  afterAll(async () => {
    await Promise.all(peers.map((peer) => peer.stop()));
    rmSync(work, { recursive: true });
  });

  const url = ({ host, port, user, password, path }: Peer, name: string): string =>
    `ftp://${user}:${password}@${host}:${port}${path.replace(/\/$/, '')}/${name}`;
  const copy = async (from: string, to: string, ...options: string[]): Promise<string> => {
    const { stdout, stderr } = await run(CLIENT, ['-dbg', ...options, from, to], {
      timeout: 60_000,
      env: { HOME: work, PATH: '/usr/bin:/bin' },
    });
    return stdout + stderr;
  };
  const enter = async ({ host, port, user, password }: Peer): Promise<ControlClient> => {
    const client = await ControlClient.connect(host, port);
    await client.read();
    await client.login(user, password);
    await client.ok('TYPE I');
    return client;
  };

  describe.each([
    ['ours to ours', 0, 1],
    ['ours to GridFTP', 0, 2],
    ['GridFTP to ours', 2, 1],
    ['GridFTP to GridFTP', 2, 3],
  ])('%s', (_pair, source, target) => {
    const pair = (): [Peer, Peer] => [peers[source]!, peers[target]!];

    test.each([
      ['MD5', []],
      ['SHA256', ['-fast', '-p', '2']],
    ])('globus-url-copy compares both sides by %s', async (algorithm, options) => {
      const [from, to] = pair();
      const name = `sum-${source}-${algorithm}`;
      const said = await copy(
        url(from, 'big'),
        url(to, name),
        ...options,
        '-verify-checksum',
        '-checksum-alg',
        algorithm,
      );
      expect(said.match(new RegExp(`^CKSM ${algorithm} 0 -1 `, 'gm'))).toHaveLength(2);
      const hex = createHash(algorithm.toLowerCase()).update(BIG).digest('hex');
      expect(said.match(new RegExp(`^213 ${hex}`, 'gm'))).toHaveLength(2);
      expect(readFileSync(join(to.home, name)).equals(BIG)).toBe(true);
    });

    test.each([[[]], [['-fast']], [['-fast', '-p', '3']]])(
      'a part goes where it belongs in a file that is there %j',
      async (options) => {
        const [from, to] = pair();
        const name = `part-${source}-${options.length}`;
        await copy(url(from, 'big'), url(to, name));
        const other = randomBytes(BIG.length);
        writeFileSync(join(from.home, 'other'), other);
        from.own();
        const said = await copy(
          url(from, 'other'),
          url(to, name),
          ...options,
          '-off',
          '1000000',
          '-len',
          '700001',
        );
        expect(said).toMatch(/^ERET P 1000000 700001 /m);
        expect(said).toMatch(/^ESTO A 1000000 /m);
        const wanted = Buffer.concat([
          BIG.subarray(0, 1_000_000),
          other.subarray(1_000_000, 1_700_001),
          BIG.subarray(1_700_001),
        ]);
        expect(readFileSync(join(to.home, name)).equals(wanted)).toBe(true);
      },
    );
  });

  test.each([
    ['ours', 0],
    ['GridFTP', 2],
  ])('SCKS before STOR and CKSM: %s', async (_who, which) => {
    const peer = peers[which]!;
    const client = await enter(peer);
    const path = `${peer.path.replace(/\/$/, '')}/scks`;
    const md5 = createHash('md5').update('hello').digest('hex');
    await client.ok(`SCKS MD5 ${md5}`);
    expect((await client.transfer(`STOR ${path}`, { body: 'hello' })).final.code).toBe(226);
    await client.ok(`SCKS MD5 ${md5}`);
    expect((await client.transfer(`STOR ${path}`, { body: 'hullo' })).final.code).toBeGreaterThanOrEqual(500);
    expect((await client.transfer(`STOR ${path}`, { body: 'hello' })).final.code).toBe(226);
    const part = createHash('sha1').update('ell').digest('hex');
    for (const [line, hex] of [
      ['MD5 0 -1', md5],
      ['SHA1 1 3', part],
    ])
      expect((await client.command(`CKSM ${line} ${path}`)).text.trim().toLowerCase()).toBe(hex);
    client.destroy();
  });

  test('CKSM: what is wrong is refused', async () => {
    const client = await enter(peers[0]!);
    for (const [wrong, code] of [
      ['MD5', 501],
      ['MD5 0 big', 501],
      ['MD5 x 1 big', 501],
      ['MD5 0 -2 big', 501],
      ['MD5 9007199254740991 1 big', 501],
      ['MD5 9007199254740992 -1 big', 501],
      ['ADLER32 0 -1 big', 504],
      ['MD5 0 -1 none', 550],
      ['MD5 4000000 -1 big', 554],
    ] as const)
      expect([wrong, await client.code(`CKSM ${wrong}`)]).toEqual([wrong, code]);
    client.destroy();
  });
});
