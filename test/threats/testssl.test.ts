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

/** The check was made, and went well. */
function expectGood(findings: readonly Finding[], check: RegExp): void {
  const found = findings.filter(({ id }) => check.test(id));
  expect(found.length, String(check)).toBeGreaterThan(0);
  for (const { id, severity } of found) expect(severity, id).toBe('OK');
}

test.skipIf(absent)(
  'testssl.sh: control connection, default configuration: protocols and renegotiation are clean',
  async () => {
    const host = allocateHost();
    const served = await target({
      listen: { host, port: 0 },
      tls: await selfSigned([host]),
      limits: { loginFailuresPerMinute: 0 },
    });
    const findings = await testssl({ host, port: served.port }, ['-p', '-R'], true);
    const found = Object.fromEntries(findings.map(({ id, finding }) => [id, finding]));
    expect(found).toMatchObject({ ...VERSIONS, TLS1_2: 'offered' });
    expect(found.TLS1_3).toMatch(/^offered/);
    expectGood(findings, /^secure_(client_)?renego/);
    expect(severe(findings)).toEqual([]);
  },
  120_000,
);

test.skipIf(absent)(
  'testssl.sh: data connections, FXP listed: forward secrecy and compression are clean',
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
      const findings = await testssl(door, ['-f', '-C'], false);
      expectGood(findings, /^P?FS$/);
      expectGood(findings, /^CRIME_TLS$/);
      expect(severe(findings)).toEqual([]);
      expect(door.used).toBeGreaterThan(5);
    } finally {
      door.close();
    }
  },
  120_000,
);
