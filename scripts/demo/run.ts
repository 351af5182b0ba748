/** Two servers, a tree between them, and the proof that it arrived. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Peer } from '../../test/peers/peer.js';
import { startProftpd } from '../../test/peers/real/proftpd.js';
import { startPureftpd } from '../../test/peers/real/pureftpd.js';
import { type Comparison, compareTrees } from './compare.js';
import { Jackstay } from './jackstay.js';
import { copyLines, Progress, type Screen } from './report.js';
import { makeTree, type TreeMade, type TreePlan } from './tree.js';

export interface DemoOptions {
  screen: Screen;
  /** Default: up to 64 MiB. */
  tree?: TreePlan;
  /** Folders that also go back under TLS [large, odd names]. */
  parts?: readonly string[];
  /** Ends the demonstration; everything is cleaned up. */
  signal?: AbortSignal;
  /** Called with the two folders after a copy and before the comparison. */
  beforeComparison?: (source: string, destination: string) => void;
}

interface Leg {
  title: string;
  /** Words after `jackstay copy`. */
  words: string[];
  from: string;
  to: string;
  total: { files: number; bytes: number };
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
    let good = true;
    const parts = options.parts ?? ['large', 'odd names'];
    for (const leg of [wholeTree(proftpd, pureftpd, made), ...back(proftpd, made, parts)]) {
      signal?.throwIfAborted();
      good = (await move(jackstay, leg, options)) && good;
    }
    return good;
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

function wholeTree(proftpd: Peer, pureftpd: Peer, made: TreeMade): Leg {
  return {
    title: 'The whole tree, ProFTPD to Pure-FTPd, in clear',
    words: ['proftpd:tree', 'pureftpd:tree'],
    from: join(proftpd.home, 'tree'),
    to: join(pureftpd.home, 'tree'),
    total: made,
  };
}

function back(proftpd: Peer, made: TreeMade, parts: readonly string[]): Leg[] {
  return parts.map((part) => ({
    title: `The folder "${part}" back, Pure-FTPd to ProFTPD, under TLS`,
    // ProFTPD takes half a second for each TLS handshake as client: only more sessions make that faster.
    words: [`pureftpd-tls:tree/${part}`, `proftpd-tls:back/${part}`, '--parallel', '8'],
    from: join(proftpd.home, 'tree', part),
    to: join(proftpd.home, 'back', part),
    total: made.parts.get(part) ?? { files: 0, bytes: 0 },
  }));
}

/** One copy, its comparison and its report. @returns true when nothing differs. */
async function move(jackstay: Jackstay, leg: Leg, options: DemoOptions): Promise<boolean> {
  const { screen } = options;
  screen.write(`\n${leg.title}\n  command   jackstay copy ${leg.words.map(quoted).join(' ')}\n`);
  const progress = new Progress(screen, leg.total);
  const { code, summary, errors } = await jackstay.copy(leg.words, (event) => progress.take(event));
  progress.end();
  options.signal?.throwIfAborted();
  if (code !== 0 || summary === undefined) {
    screen.write(`  FAILED    jackstay ended with ${code}\n${errors}`);
    return false;
  }
  options.beforeComparison?.(leg.from, leg.to);
  const found = compareTrees(leg.from, leg.to);
  for (const line of copyLines(summary, found)) screen.write(`${line}\n`);
  return isGood(leg, found, summary.clientBytes);
}

const quoted = (word: string): string => (word.includes(' ') ? `'${word}'` : word);

function isGood(leg: Leg, found: Comparison, clientBytes: number): boolean {
  return found.differences.length === 0 && found.files === leg.total.files && clientBytes === 0;
}
