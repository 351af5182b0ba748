/** Two real servers of other projects, a tree between them, and the proof that it arrived. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Leg, type LegOptions, runLegs } from '../../src/cli/demo/legs.js';
import type { Screen } from '../../src/cli/demo/report.js';
import { makeTree, type TreeMade, type TreePlan } from '../../src/cli/demo/tree.js';
import type { Peer } from '../../test/peers/peer.js';
import { startProftpd } from '../../test/peers/real/proftpd.js';
import { startPureftpd } from '../../test/peers/real/pureftpd.js';
import { Jackstay } from './jackstay.js';

export interface DemoOptions extends LegOptions {
  /** Default: up to 64 MiB. */
  tree?: TreePlan;
  /** Folders that also go back under TLS [large, odd names]. */
  parts?: readonly string[];
}

/** Run it. @returns true when every file arrived and every octet is the same. */
export async function demo(options: DemoOptions): Promise<boolean> {
  const { screen, signal } = options;
  const home = mkdtempSync(join(tmpdir(), 'jackstay-demo-'));
  const jackstay = new Jackstay(home);
  const peers: Peer[] = [];
  const onAbort = (): void => jackstay.stop();
  signal?.addEventListener('abort', onAbort, { once: true });
  try {
    peers.push(await startProftpd(), await startPureftpd());
    const [proftpd, pureftpd] = peers as [Peer, Peer];
    const made = makeTree(join(proftpd.home, 'tree'), options.tree);
    proftpd.own();
    tellTree(screen, made);
    await addSites(jackstay, proftpd, pureftpd);
    const parts = options.parts ?? ['large', 'odd names'];
    const legs = [wholeTree(proftpd, pureftpd, made), ...back(proftpd, made, parts)];
    return await runLegs(
      legs.map((leg) => ({ ...leg, copy: (onEvent) => jackstay.copyLeg(leg.words, onEvent) })),
      options,
    );
  } finally {
    signal?.removeEventListener('abort', onAbort);
    jackstay.stop();
    for (const peer of peers) await peer.stop();
    rmSync(home, { recursive: true, force: true });
  }
}

function tellTree(screen: Screen, { files, directories, bytes }: TreeMade): void {
  screen.write(
    '\nTwo FTP servers run on this machine, each on an address of its own: ProFTPD and Pure-FTPd.\n',
  );
  screen.write(`A tree lies on the first: ${files} files in ${directories} directories, ${bytes} octets.\n`);
}

async function addSites(jackstay: Jackstay, a: Peer, b: Peer): Promise<void> {
  const url = (peer: Peer, scheme: string): string => `${scheme}://${peer.user}@${peer.host}:${peer.port}`;
  await jackstay.addSite('proftpd', url(a, 'ftp'), a.password);
  await jackstay.addSite('pureftpd', url(b, 'ftp'), b.password);
  await jackstay.addSite('proftpd-tls', url(a, 'ftps'), a.password);
  await jackstay.addSite('pureftpd-tls', url(b, 'ftps'), b.password);
}

type Way = Omit<Leg, 'copy'>;

function wholeTree(proftpd: Peer, pureftpd: Peer, made: TreeMade): Way {
  return {
    title: 'The whole tree, ProFTPD to Pure-FTPd, in clear',
    words: ['proftpd:tree', 'pureftpd:tree'],
    from: join(proftpd.home, 'tree'),
    to: join(pureftpd.home, 'tree'),
    total: made,
  };
}

function back(proftpd: Peer, made: TreeMade, parts: readonly string[]): Way[] {
  return parts.map((part) => ({
    title: `The folder "${part}" back, Pure-FTPd to ProFTPD, under TLS`,
    // ProFTPD takes half a second for each TLS handshake as client: only more sessions make that faster.
    words: [`pureftpd-tls:tree/${part}`, `proftpd-tls:back/${part}`, '--parallel', '8'],
    from: join(proftpd.home, 'tree', part),
    to: join(proftpd.home, 'back', part),
    total: made.parts.get(part) ?? { files: 0, bytes: 0 },
  }));
}
