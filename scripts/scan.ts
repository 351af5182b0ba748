/**
 * Other people's scanners against our own server: npm run scan
 *
 * nmap's scripts and its bounce scan, and every check of testssl.sh on the control connection, on the port with TLS from the
 * first octet and on data connections; in the default configuration and with FXP for listed peers. Prints what each found and
 * ends with status 1 when there is a bounce, or a finding of severity MEDIUM or worse that does not come from a certificate of
 * the server's own making.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer as createSink } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseRange } from '../src/protocol/ranges.js';
import { selfSigned } from '../src/server/certificate.js';
import type { ServerOptions } from '../src/server/options.js';
import { createServer } from '../src/server/server.js';
import { memoryUsers } from '../src/server/users/memory.js';
import { dataDoor, type Finding, nmap, severe, testssl } from '../test/threats/scanners.js';

const HOST = '127.0.3.1';
const VICTIM = '127.0.3.2';
const LOGIN = { user: 'scanner', password: 'marlinspike' };

const CONFIGURATIONS: Record<string, Partial<ServerOptions>> = {
  'default configuration': {},
  'FXP listed': { fxp: { mode: 'listed', peers: [parseRange('192.0.2.0/24')] } },
};

let bad = 0;

function tell(what: string, findings: readonly Finding[]): void {
  const left = severe(findings);
  bad += left.length;
  console.log(`${what}: ${findings.length} findings, ${left.length} of severity MEDIUM or worse`);
  for (const { severity, id, finding } of left) console.log(`  ${severity} ${id}: ${finding}`);
}

/** A bounce by `nmap -b`, counted at the victim. */
async function bounce(port: number): Promise<void> {
  let connections = 0;
  const sink = createSink((socket) => {
    connections += 1;
    socket.destroy();
  });
  await new Promise<void>((resolve) => sink.listen(45_999, VICTIM, resolve));
  const relay = `${LOGIN.user}:${LOGIN.password}@${HOST}:${port}`;
  await nmap(['-Pn', '-n', '-b', relay, VICTIM, '-p', '45998,45999']).catch(() => '');
  sink.close();
  bad += connections;
  console.log(`nmap -b: ${connections} connections at the victim`);
}

async function scripts(port: number): Promise<void> {
  const report = await nmap([
    '-Pn',
    '-n',
    '--script',
    '+ftp-bounce,+ftp-anon,+ftp-syst',
    '-p',
    `${port}`,
    HOST,
  ]);
  const works = /bounce working|Anonymous FTP login allowed/.exec(report)?.[0];
  if (works !== undefined) bad += 1;
  console.log(`nmap --script ftp-bounce,ftp-anon,ftp-syst: ${works ?? 'no bounce, no anonymous login'}`);
}

const home = mkdtempSync(join(tmpdir(), 'jackstay-scan-'));
try {
  for (const [name, options] of Object.entries(CONFIGURATIONS)) {
    console.log(`\n${name}`);
    const tls = await selfSigned([HOST]);
    const server = await createServer({
      ...options,
      tls,
      users: memoryUsers([{ name: LOGIN.user, password: LOGIN.password, home }]),
      listen: [
        { host: HOST, port: 0 },
        { host: HOST, port: 0, implicitTls: true },
      ],
    });
    // The scanner that logs in does not speak TLS.
    const clear = await createServer({
      ...options,
      users: memoryUsers([{ name: LOGIN.user, password: LOGIN.password, home }]),
      listen: { host: HOST, port: 0 },
    });
    const [explicit, implicit] = server.addresses;
    const door = await dataDoor({ host: HOST, port: explicit!.port }, LOGIN);
    await scripts(clear.addresses[0]!.port);
    await bounce(clear.addresses[0]!.port);
    tell('testssl.sh, control', await testssl(explicit!, [], true));
    tell('testssl.sh, TLS from the first octet', await testssl(implicit!, [], false));
    tell('testssl.sh, data', await testssl(door, [], false));
    console.log(`${door.used} data connections were scanned`);
    door.close();
    await Promise.all([server.close(), clear.close()]);
  }
} finally {
  rmSync(home, { recursive: true, force: true });
}
process.exitCode = bad > 0 ? 1 : 0;
