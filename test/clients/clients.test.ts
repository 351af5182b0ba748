import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, it } from 'vitest';
import { testAuthority } from '../peers/certs.js';
import { isRoot } from '../peers/host.js';
import { type Peer, requirePeer } from '../peers/peer.js';
import { type JackstayPeer, startJackstay } from '../peers/real/jackstay.js';
import { startPureftpd } from '../peers/real/pureftpd.js';
import { type DataMode, requireClient, type Target, type TlsUse } from './client.js';
import { CLIENT_DRIVERS } from './index.js';
import { travel } from './journey.js';

const because = (reason: string | undefined): string => (reason === undefined ? '' : ` (skipped: ${reason})`);

let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'jackstay-clients-'));
  writeFileSync(join(folder, 'ca.pem'), testAuthority().cert);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function targetOf(peer: Peer, port: number, tls: TlsUse, mode: DataMode): Target {
  const { host, user, password } = peer;
  return {
    ...{ host, port, user, password, tls, mode },
    caFile: join(folder, 'ca.pem'),
    home: mkdtempSync(join(folder, 'home-')),
  };
}

const absent = requirePeer('pureftpd');
describe.skipIf(absent)(`the drivers themselves, with Pure-FTPd${because(absent)}`, () => {
  let peer: Peer;
  beforeAll(async () => {
    peer = await startPureftpd();
  });
  afterAll(() => peer.stop());

  for (const driver of CLIENT_DRIVERS) {
    const missing = requireClient(driver.name);
    for (const { tls, mode } of driver.ways.filter(({ tls, mode }) => tls === 'none' && mode === 'passive'))
      it.skipIf(missing)(`${driver.name} ${tls} ${mode} ${because(missing)}`, async () => {
        await travel(driver, targetOf(peer, peer.port, tls, mode), peer, `${driver.name}-${tls}-${mode}`);
      });
  }
});

const alone = isRoot ? undefined : 'our server runs as nobody, which needs root';
describe.skipIf(alone)(`our server serves${because(alone)}`, () => {
  let server: JackstayPeer;
  beforeAll(async () => {
    server = await startJackstay();
  });
  afterAll(() => server.stop());

  let journeys = 0;
  for (const driver of CLIENT_DRIVERS) {
    const missing = requireClient(driver.name);
    for (const { tls, mode } of driver.ways)
      it.skipIf(missing)(`${driver.name}, TLS ${tls}, ${mode}${because(missing)}`, async () => {
        const port = tls === 'implicit' ? server.implicitPort : server.port;
        journeys += 1;
        const label = `${driver.name}-${tls}-${mode}-${journeys}`;
        await travel(driver, targetOf(server, port, tls, mode), server, label);
      });
  }
});
