/** Pairs of servers that have MODE E, and trees of many small files for them. */
import { parseRange } from '../../../src/protocol/ranges.js';
import { type AnyPeer, during, noise, plant, type Ran } from '../../failures/bench.js';
import { allocateHost } from '../../peers/host.js';
import { requirePeer } from '../../peers/peer.js';
import { startGridftp } from '../../peers/real/gridftp.js';
import { type Setup, startServer, type TestServer } from '../../server/harness.js';

export const noGridftp = requirePeer('gridftp');

export type Program = 'ours' | 'GridFTP';

/** Every pair in both directions, with why it cannot be had. */
export const PAIRS: readonly (readonly [Program, Program, string | undefined])[] = [
  ['ours', 'ours', undefined],
  ['ours', 'GridFTP', noGridftp],
  ['GridFTP', 'ours', noGridftp],
  ['GridFTP', 'GridFTP', noGridftp],
];

/** A server of ours in this process that serves FXP with every loopback address. */
export interface OwnPeer extends AnyPeer {
  readonly server: TestServer;
}

export async function own(setup: Setup = {}): Promise<OwnPeer> {
  const host = allocateHost();
  const fxp = { mode: 'listed' as const, peers: [parseRange('127.0.0.0/8')], requireTls: false };
  const server = await startServer({ host, ...setup, options: { fxp, ...setup.options } });
  const peer = { name: 'ours', host, port: server.port, user: 'user', password: 'secret' };
  return during(
    Promise.resolve({ ...peer, home: server.root, path: '/', server, stop: () => server.close() }),
  );
}

export const start = (program: Program): Promise<AnyPeer> =>
  program === 'ours' ? own() : during<AnyPeer>(startGridftp());

/** Small files, an empty one among them, in two directories. */
export const small = (count: number): Record<string, Buffer> =>
  Object.fromEntries(
    Array.from({ length: count }, (_, i) => [`tree/d${i % 2}/f${i}`, noise(i === 3 ? 0 : 2_000 + i, i)]),
  );

/** The same in one directory: all are listed before the first one is sent. */
export const flat = (count: number): Record<string, Buffer> =>
  Object.fromEntries(Array.from({ length: count }, (_, i) => [`tree/f${i}`, noise(2_000 + i, i)]));

/** A source with a tree, and a destination. */
export async function pair(
  from: Program,
  to: Program,
  files: Readonly<Record<string, string | Uint8Array>>,
): Promise<[AnyPeer, AnyPeer]> {
  const [a, b] = await Promise.all([start(from), start(to)]);
  plant(a, files);
  return [a, b];
}

/** Routes of the files that arrived, each with how often. */
export function kinds(ran: Ran): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { route } of ran.of('file-done')) counts[route.kind] = (counts[route.kind] ?? 0) + 1;
  return counts;
}
