/** Row 1 again, with the tool that attackers take. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { parseRange } from '../../src/protocol/ranges.js';
import { requireClient } from '../clients/client.js';
import { PASSWORD, sink, target, USER, VICTIM } from './kit.js';
import { nmap } from './scanners.js';

const absent = requireClient('nmap');

// The plus sign: also on ports that are not FTP's.
const SCRIPTS = ['-Pn', '-n', '--script', '+ftp-bounce,+ftp-anon,+ftp-syst'];

const FXP = {
  'the default': {},
  listed: { fxp: { mode: 'listed' as const, peers: [parseRange('192.0.2.0/24')], requireTls: false } },
  'open to all that is not denied': { fxp: { mode: 'open' as const, requireTls: false } },
};

test.skipIf(absent).each(Object.entries(FXP))(
  'threat 1: nmap finds no bounce, no anonymous login and no version; FXP: %s',
  async (_name, options) => {
    const served = await target(options);
    const report = await nmap([...SCRIPTS, '-p', String(served.port), served.host]);
    expect(report).toMatch(new RegExp(`${served.port}/tcp open`));
    expect(report).not.toMatch(/bounce working|Anonymous FTP login allowed|VULNERABLE|jackstay/i);
    await served.event('close');
  },
);

// At once: nmap spends its time waiting.
test.skipIf(absent)(
  'threat 1: nmap -b reaches nobody through the server, whatever the FXP policy',
  async () => {
    const scans = Object.values(FXP).map(async (options) => {
      const served = await target({ threads: 1, ...options });
      writeFileSync(join(served.home, 'cargo'), 'rope');
      const victim = await sink();
      const ports = `${victim.port},${victim.port === 45_999 ? 45_998 : 45_999}`;
      const relay = `${USER}:${PASSWORD}@${served.host}:${served.port}`;
      // It gives up with an error when the server takes no foreign address; the report may come either way.
      const report = await nmap(['-Pn', '-n', '-v', '-b', relay, VICTIM, '-p', ports]).catch(
        (error: unknown) => String(error),
      );
      expect(report).toMatch(/bounce|ftp/i);
      expect(report).not.toMatch(/\/tcp\s+(open|closed)\b/);
      expect(victim.connections).toBe(0);
      await served.event('peer-refused', ({ door }) => door === 'port');
    });
    await Promise.all(scans);
  },
);

test.skipIf(absent)('the scanner itself: anonymous is found where it is switched on', async () => {
  const served = await target({ user: { name: 'anonymous', anonymous: true } });
  const report = await nmap([...SCRIPTS, '-p', String(served.port), served.host]);
  expect(report).toMatch(/Anonymous FTP login allowed/);
  expect(report).not.toMatch(/bounce working|writeable/i);
});
