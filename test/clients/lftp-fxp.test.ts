/** lftp as FXP client between two of our servers, and between ours and each real server; the disks decide. */
import { randomBytes } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type PeerId, peerOf, type RunningPeer } from '../contract/peers.js';
import { giveToNobody } from '../peers/host.js';
import { requireClient, run } from './client.js';

/**
 * Without pyftpdlib, which loses what arrives before its STOR, and lftp may send RETR first; and without inetutils, whose
 * refusal of PORT lftp meets only by luck. Both are joined with ours by our own client (docs/compatibility.md).
 */
const OTHERS = ['jackstay', 'proftpd', 'pureftpd', 'vsftpd'] as const;
const SIZE = 1024 * 1024;

const home = mkdtempSync(join(tmpdir(), 'jackstay-lftp-fxp-'));
const running = new Map<string, RunningPeer>();
const missing = requireClient('lftp');
const present = OTHERS.filter((id) => peerOf(id).absence() === undefined);

beforeAll(async () => {
  if (missing !== undefined) return;
  const start = async (key: string, id: PeerId): Promise<void> => {
    running.set(key, await peerOf(id).start());
  };
  await Promise.all([start('ours', 'jackstay'), ...present.map((id) => start(id, id))]);
});

afterAll(async () => {
  await Promise.all([...running.values()].map((peer) => peer.stop()));
  rmSync(home, { recursive: true, force: true });
});

const url = ({ host, port, user, password, path }: RunningPeer, name: string): string =>
  `ftp://${user}:${password}@${host}:${port}${path === '/' ? '' : `/${path}`}/${name}`;

let files = 0;

/** Copies a file by FXP alone. @returns whether the same octets arrived. */
async function copied(
  from: RunningPeer,
  to: RunningPeer,
  tls: boolean,
  passiveSource: boolean,
): Promise<boolean> {
  files += 1;
  const name = `lftp-${files}.bin`;
  const octets = randomBytes(SIZE);
  writeFileSync(join(from.home, name), octets);
  giveToNobody(join(from.home, name));
  const script = [
    'set net:max-retries 3',
    'set net:timeout 10',
    'set net:reconnect-interval-base 0.1',
    'set cmd:fail-exit yes',
    'set ftp:use-fxp yes',
    // Never through lftp itself: that would prove nothing.
    'set ftp:fxp-force yes',
    `set ftp:fxp-passive-source ${passiveSource ? 'yes' : 'no'}`,
    `set ftp:ssl-allow ${tls ? 'yes' : 'no'}`,
    `set ftp:ssl-protect-data ${tls ? 'yes' : 'no'}`,
    `set ftp:ssl-protect-fxp ${tls ? 'yes' : 'no'}`,
    'set ssl:verify-certificate no',
    `get "${url(from, name)}" -o "${url(to, `got-${name}`)}"`,
  ];
  await run('lftp', ['--norc'], { home, env: { LFTP_HOME: home }, input: `${script.join('\n')}\n` });
  return readFileSync(join(to.home, `got-${name}`)).equals(octets);
}

describe.skipIf(missing)(`lftp as FXP client${missing === undefined ? '' : ` (skipped: ${missing})`}`, () => {
  const cases = present.flatMap((id) =>
    (['none', 'TLS'] as const)
      .filter((tls) => tls === 'none' || peerOf(id).tls)
      .flatMap((tls) => [
        { id, tls, ours: 'source' as const },
        { id, tls, ours: 'destination' as const },
      ]),
  );
  it.each(cases)('ours as $ours, $id, $tls', async ({ id, tls, ours }) => {
    const [mine, other] = [running.get('ours')!, running.get(id)!];
    const [from, to] = ours === 'source' ? [mine, other] : [other, mine];
    for (const passiveSource of [false, true]) {
      expect(await copied(from, to, tls === 'TLS', passiveSource), `passive source: ${passiveSource}`).toBe(
        true,
      );
    }
  });
});
