/** testssl.sh on control and data connections: the checks that take seconds. All of them: npm run scan. */
import { expect, test } from 'vitest';
import { parseRange } from '../../src/protocol/ranges.js';
import { selfSigned } from '../../src/server/certificate.js';
import { requireClient } from '../clients/client.js';
import { allocateHost } from '../peers/host.js';
import { PASSWORD, target, USER } from './kit.js';
import { dataDoor, type Finding, severe, testssl } from './scanners.js';

const absent = requireClient('testssl');

/** What every one of our TLS servers offers, as testssl.sh names it. */
const VERSIONS = { SSLv2: 'not offered', SSLv3: 'not offered', TLS1: 'not offered', TLS1_1: 'not offered' };

function expectClean(findings: readonly Finding[]): void {
  const found = Object.fromEntries(findings.map(({ id, finding }) => [id, finding]));
  expect(found).toMatchObject({ ...VERSIONS, TLS1_2: 'offered' });
  expect(found.TLS1_3).toMatch(/^offered/);
  expect(severe(findings)).toEqual([]);
}

test.skipIf(absent)(
  'testssl.sh: control connection, default configuration: protocols, certificate and renegotiation are clean',
  async () => {
    const host = allocateHost();
    const served = await target({
      listen: { host, port: 0 },
      tls: await selfSigned([host]),
      limits: { loginFailuresPerMinute: 0 },
    });
    const findings = await testssl({ host, port: served.port }, ['-p', '-S', '-R'], true);
    expectClean(findings);
    expect(findings.find(({ id }) => id === 'secure_client_renego')?.severity).toBe('OK');
  },
  120_000,
);

test.skipIf(absent)(
  'testssl.sh: data connections, FXP listed: protocols, compression and forward secrecy are clean',
  async () => {
    const host = allocateHost();
    const served = await target({
      listen: { host, port: 0 },
      threads: 1,
      tls: await selfSigned([host]),
      fxp: { mode: 'listed', peers: [parseRange('192.0.2.0/24')] },
    });
    const door = await dataDoor({ host, port: served.port }, { user: USER, password: PASSWORD });
    try {
      const findings = await testssl(door, ['-p', '-C', '-f'], false);
      expectClean(findings);
      expect(findings.find(({ id }) => id === 'FS' || id === 'PFS')?.severity).toBe('OK');
      expect(door.used).toBeGreaterThan(10);
    } finally {
      door.close();
    }
  },
  120_000,
);
