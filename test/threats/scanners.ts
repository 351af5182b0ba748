/** Other people's scanners, aimed at a server of ours: nmap and testssl.sh. No policy, and nothing of the test runner. */
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { Wire, type WireTarget } from './wire.js';

const run = promisify(execFile);

/** nmap's report, as it prints it. */
export async function nmap(args: readonly string[]): Promise<string> {
  const { stdout } = await run('nmap', [...args]);
  return stdout;
}

/** One line of testssl.sh's report. */
export interface Finding {
  id: string;
  severity: string;
  finding: string;
}

/** All that testssl.sh found. @param args checks; none = all. @param starttls begin with AUTH TLS. */
export async function testssl(
  at: { host: string; port: number },
  args: readonly string[],
  starttls: boolean,
): Promise<Finding[]> {
  const folder = await mkdtemp(join(tmpdir(), 'jackstay-testssl-'));
  const json = join(folder, 'report.json');
  const quiet = ['--quiet', '--color', '0', '--warnings', 'off', '--nodns', 'none', '--ip', at.host];
  const words = [...quiet, '--connect-timeout', '10', '--openssl-timeout', '10', '--jsonfile', json, ...args];
  if (starttls) words.push('-t', 'ftp');
  try {
    // The status counts findings; the report says more.
    await run('testssl', [...words, `${at.host}:${at.port}`], { maxBuffer: 2 ** 24 }).catch(() => {});
    return JSON.parse(await readFile(json, 'utf8')) as Finding[];
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

// WARN is a check that could not be made: of the resumption of TLS 1.3 where testssl.sh hangs up before the ticket has come.
const SEVERE = new Set(['MEDIUM', 'HIGH', 'CRITICAL', 'FATAL']);
/** What follows from a certificate that no public authority signed, and whose key clients remember for ten years. */
const OF_SELF_SIGNED =
  /^(cert_(chain_of_trust|trust|crlDistributionPoints|revocation|ocspURL|validityPeriod)|DNS_CAArecord|OCSP_stapling)/;

/** Findings of severity MEDIUM and worse but for those of a self-signed certificate. */
export const severe = (findings: readonly Finding[]): Finding[] =>
  findings.filter(({ id, severity }) => SEVERE.has(severity) && !OF_SELF_SIGNED.test(id));

/** A fixed port whose every connection is a data connection of the server. */
export interface DataDoor {
  host: string;
  port: number;
  /** Data connections so far. */
  readonly used: number;
  close(): void;
}

/**
 * Passive ports serve one connection each, scanners want one that stays: for every connection to this door a session of its
 * own sends PASV and STOR, and the octets go to and fro between scanner and data connection untouched. An upload, since it
 * leaves the end of the connection to the scanner.
 */
export async function dataDoor(
  server: WireTarget,
  login: { user: string; password: string },
): Promise<DataDoor> {
  let used = 0;
  const open = new Set<{ destroy(): void }>();
  const keep = <T extends Socket>(socket: T): T => {
    open.add(socket);
    socket.on('error', () => {});
    socket.once('close', () => open.delete(socket));
    return socket;
  };
  const through = async (scanner: Socket): Promise<void> => {
    const wire = await Wire.open(server);
    keep(wire.socket);
    await (await wire.secure()).login(login.user, login.password);
    await wire.protect();
    const data = keep(await wire.dataTo(await wire.passive()));
    wire.write('STOR scanned\r\n');
    used += 1;
    data.pipe(scanner).pipe(data);
    const end = (): void => {
      data.destroy();
      scanner.destroy();
      wire.close();
    };
    data.once('close', end);
    scanner.once('close', end);
  };
  const door = createServer((scanner) => {
    through(keep(scanner)).catch(() => scanner.destroy());
  });
  await new Promise<void>((resolve) => door.listen(0, server.host, resolve));
  return {
    host: server.host,
    port: (door.address() as AddressInfo).port,
    get used() {
      return used;
    },
    close: () => {
      door.close();
      for (const socket of open) socket.destroy();
    },
  };
}
