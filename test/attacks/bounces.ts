/** The bounce attack on every server, and what its times tell of a bystander's ports. */
import { absence, type Berth, type BerthId } from './berth.js';
import { type Bounced, bounce, type Guise, type Load, load, type Probe, probePorts } from './bounce.js';
import { type Comparison, compareRanks, median } from './ranks.js';
import { type Door, Victim } from './victim.js';

/** A bounce as it went. */
export interface BounceRow extends Bounced {
  readonly server: string;
  readonly guise: Guise;
  readonly load: Load;
}

export interface BounceCell {
  readonly server: BerthId;
  readonly guise: Guise;
  readonly load: Load;
  /** What reaches the victim: lines of a file or listing, some octets of TLS, a connection, nothing. */
  readonly reaches: 'payload' | 'handshake' | 'connection' | 'nothing';
}

const LOADS: readonly Load[] = ['RETR mail', 'RETR redis', 'LIST'];
const STOCK: readonly BerthId[] = ['proftpd', 'vsftpd', 'pureftpd', 'pyftpdlib', 'glftpd', 'wzdftpd'];

/**
 * Stock servers as FXP needs them. Ours in its default mode: without a pin nothing is connected. With a pin of a key that the
 * victim does not have a connection is made, without an octet; a listing goes nowhere. As TLS client, which needs a listed
 * address, a ClientHello.
 */
export const BOUNCES: readonly BounceCell[] = [
  ...STOCK.flatMap((server) =>
    LOADS.map((load): BounceCell => ({ server, guise: 'clear', load, reaches: 'payload' })),
  ),
  ...(['clear', 'protected'] as const).flatMap((guise) =>
    LOADS.map((load): BounceCell => ({ server: 'jackstay', guise, load, reaches: 'nothing' })),
  ),
  { server: 'jackstay', guise: 'pinned', load: 'RETR mail', reaches: 'connection' },
  { server: 'jackstay', guise: 'pinned', load: 'RETR redis', reaches: 'connection' },
  { server: 'jackstay', guise: 'pinned', load: 'LIST', reaches: 'nothing' },
  { server: 'jackstay', guise: 'pinned, TLS client', load: 'RETR mail', reaches: 'handshake' },
];

export const absenceOfBounce = ({ server }: BounceCell): string | undefined => absence(server);

/** Runs one on a berth. */
export async function runBounce(cell: BounceCell, berth: Berth, victim: Victim): Promise<BounceRow> {
  load(berth.peer);
  const seen = await bounce(berth.peer, cell.guise, cell.load, victim);
  return { server: berth.title, guise: cell.guise, load: cell.load, ...seen };
}

/** What does not agree. */
export function bounceComplaints(cell: BounceCell, row: BounceRow): string[] {
  const kind = row.payload
    ? 'payload'
    : row.octets > 0
      ? 'handshake'
      : row.connections > 0
        ? 'connection'
        : 'nothing';
  return kind === cell.reaches
    ? []
    : [`${kind} reached the victim, not ${cell.reaches}: ${JSON.stringify(row)}`];
}

/** Times of many looks at three kinds of ports. */
export interface Timing {
  readonly count: number;
  readonly replies: readonly string[];
  /** Connections that the open port had of them. */
  readonly connections: number;
  readonly medians: Readonly<Record<Door, number>>;
  readonly pairs: readonly (Comparison & { readonly pair: string })[];
}

/** @param greeting what the open port says to whoever connects. */
export async function timing(
  server: Berth['peer'],
  guise: Guise,
  { count, sessions, doors }: { count: number; sessions: number; doors: readonly Door[] },
): Promise<Timing> {
  const victim = await Victim.start('127.0.0.6', {
    greeting: '220 mail.example.org ESMTP\r\n',
    silent: doors.includes('silent'),
  });
  try {
    const found = await probePorts(server, victim, { guise, doors, count, sessions });
    await victim.settled();
    return timingOf(found, doors, count, victim.connections);
  } finally {
    await victim.stop();
  }
}

function timingOf(
  found: Record<Door, Probe[]>,
  doors: readonly Door[],
  count: number,
  connections: number,
): Timing {
  const times = (door: Door): number[] => found[door].map(({ milliseconds }) => milliseconds);
  const pairs = doors.flatMap((first, i) =>
    doors.slice(i + 1).map((second) => ({
      pair: `${first} and ${second}`,
      ...compareRanks(times(first), times(second)),
    })),
  );
  const medians = {
    open: median(times('open')),
    closed: median(times('closed')),
    silent: median(times('silent')),
  };
  const replies = [...new Set(doors.flatMap((door) => found[door].map(({ reply }) => reply)))];
  return { count, replies, connections, medians, pairs };
}

/** How far from even a pair is, in standard deviations. */
export const deviations = ({ auc, sigma }: Comparison): number => Math.abs(auc - 0.5) / sigma;
