/** Runs every cell of the compatibility matrix several times and counts how each came out. */
import {
  ATTEMPTS,
  BLOCKS,
  expected,
  expectedPair,
  isFast,
  isUnderDcpa,
  pairsOf,
} from '../../test/contract/expected.js';
import { complaintAboutCell, complaintsAboutTree } from '../../test/contract/judge.js';
import { type Cell, Harbour, type Mark, type Mode, type Pair } from '../../test/contract/matrix.js';
import { type PeerId, peerOf } from '../../test/contract/peers.js';

/** One technique between two servers. */
export interface MeasuredCell {
  readonly attempt: string;
  readonly runs: number;
  /** How often each mark came. */
  readonly marks: Partial<Record<Mark, number>>;
  /** For a refusal: side and obstacle, and the words of the engine. */
  readonly finding?: string;
  readonly reason?: string;
}

/** Two servers, in one mode. */
export interface MeasuredPair {
  readonly source: PeerId;
  readonly destination: PeerId;
  readonly mode: Mode;
  /** Techniques that both servers have the commands for. */
  readonly cells: readonly MeasuredCell[];
  /** How a copy of a tree ended: all files, only what lossy ways let through, or no way. */
  readonly end: 'all' | 'lossy' | 'none';
  /** The attempt that a copy takes. */
  readonly route?: string;
  /** What the engine advises where there is no way. */
  readonly advice?: string;
}

export interface MeasuredServer {
  readonly id: PeerId;
  readonly title: string;
  readonly setting: string;
  readonly kind: 'real' | 'scripted';
  readonly version: string;
}

export interface Measurement {
  /** Day, UTC. */
  readonly date: string;
  readonly node: string;
  readonly repeat: number;
  readonly servers: readonly MeasuredServer[];
  readonly pairs: readonly MeasuredPair[];
}

export interface MeasureOptions {
  readonly ids: readonly PeerId[];
  /** Runs of each cell that is expected to work. */
  readonly repeat: number;
  /** Only pairs that this server is part of. */
  readonly only?: PeerId | undefined;
  /** Only the ways under DCPA, and which way a copy takes. */
  readonly dcpa?: boolean;
  /** Only the fast lane, and which way a copy takes; pairs in which both have MODE E. */
  readonly fast?: boolean;
  /** Pairs at once. */
  readonly jobs: number;
  /** Called after each pair with what was not as expected there. */
  readonly onPair: (pair: MeasuredPair, complaints: readonly string[], left: number) => void;
}

/** Cells that lose data are run this often, refusals and gaps once. */
const LOSSY_RUNS = 5;
/** Ways under DCPA are many, and each runs this often. */
export const DCPA_RUNS = 5;

export async function measure(options: MeasureOptions): Promise<Measurement> {
  const { ids, repeat, jobs, onPair, only, dcpa = false, fast = false } = options;
  const dialogue = new Dialogue();
  const harbour = new Harbour((site, session, direction, text) =>
    dialogue.add(site, `${site}#${session} ${direction} ${text}`),
  );
  const pairs: MeasuredPair[] = [];
  const work = async (waiting: About[]): Promise<void> => {
    for (let about = waiting.shift(); about !== undefined; about = waiting.shift()) {
      const { source, destination, mode } = about;
      const tail = (): string[] => dialogue.tail(source, destination);
      const { pair, complaints } = await harbour.join(source, destination, mode, (joined) =>
        measurePair(joined, about, repeat, tail),
      );
      pairs.push(pair);
      onPair(pair, complaints, waiting.length);
    }
  };
  try {
    for (const mode of dcpa ? (['tls'] as const) : (['plain', 'tls'] as const)) {
      const waiting = pairsOf(ids, mode)
        .filter((pair) => only === undefined || pair.includes(only))
        .filter((pair) => !fast || pair.every((id) => BLOCKS.includes(id)))
        .map(([source, destination]) => ({ source, destination, mode, dcpa, fast }));
      await Promise.all(Array.from({ length: jobs }, () => work(waiting)));
      await harbour.leave(mode);
    }
  } finally {
    await harbour.close();
  }
  return {
    date: new Date().toISOString().slice(0, 10),
    node: process.versions.node,
    repeat,
    servers: ids.map(describeServer),
    pairs: inOrder(ids, pairs),
  };
}

function inOrder(ids: readonly PeerId[], pairs: readonly MeasuredPair[]): MeasuredPair[] {
  const order = ({ source, destination, mode }: MeasuredPair): number =>
    (mode === 'tls' ? 1e6 : 0) + ids.indexOf(source) * 1e3 + ids.indexOf(destination);
  return [...pairs].sort((a, b) => order(a) - order(b));
}

/** What was measured for one server, together with what is on record for the pairs of the others. */
export function merged(recorded: Measurement, fresh: Measurement, only: PeerId): Measurement {
  const others = recorded.pairs.filter(({ source, destination }) => source !== only && destination !== only);
  const ids = fresh.servers.map(({ id }) => id);
  return { ...fresh, pairs: inOrder(ids, [...others, ...fresh.pairs]) };
}

/** The ways under DCPA that were measured, and what is on record for all others. */
export function withDcpa(recorded: Measurement, fresh: Measurement): Measurement {
  const measured = new Map(
    fresh.pairs.map((pair) => [`${pair.mode} ${pair.source} ${pair.destination}`, pair]),
  );
  const pairs = recorded.pairs.map((old) => {
    const pair = measured.get(`${old.mode} ${old.source} ${old.destination}`);
    const others = old.cells.filter(({ attempt }) => !isUnderDcpa(attempt));
    return pair ? { ...pair, cells: [...pair.cells, ...others] } : old;
  });
  return { ...fresh, repeat: recorded.repeat, pairs };
}

/** The fast lane as it was measured, and what is on record for all other ways. */
export function withFast(recorded: Measurement, fresh: Measurement): Measurement {
  const pairs = recorded.pairs.map((old) => {
    const pair = fresh.pairs.find(
      ({ source, destination, mode }) =>
        source === old.source && destination === old.destination && mode === old.mode,
    );
    const others = old.cells.filter(({ attempt }) => !isFast(attempt));
    return pair ? { ...pair, cells: [...pair.cells, ...others] } : old;
  });
  return { ...fresh, repeat: recorded.repeat, pairs };
}

function describeServer(id: PeerId): MeasuredServer {
  const { title, setting, kind, version } = peerOf(id);
  return { id, title, setting, kind, version: version() };
}

/** The newest lines of each server, shown when something is not as expected. */
class Dialogue {
  private readonly lines = new Map<string, string[]>();

  add(site: string, line: string): void {
    const known = this.lines.get(site) ?? [];
    known.push(`${new Date().toISOString().slice(11)} ${line}`);
    if (known.length > 2 * DIALOGUE_LINES) known.splice(0, DIALOGUE_LINES);
    this.lines.set(site, known);
  }

  tail(...sites: readonly string[]): string[] {
    return [...new Set(sites)].flatMap((site) => (this.lines.get(site) ?? []).slice(-DIALOGUE_LINES));
  }
}

const DIALOGUE_LINES = 60;

interface About {
  readonly source: PeerId;
  readonly destination: PeerId;
  readonly mode: Mode;
  readonly dcpa: boolean;
  readonly fast: boolean;
}

async function measurePair(
  joined: Pair,
  { dcpa, fast, ...about }: About,
  repeat: number,
  dialogue: () => string[],
): Promise<{ pair: MeasuredPair; complaints: string[] }> {
  const cells: MeasuredCell[] = [];
  const complaints: string[] = [];
  for (const attempt of ATTEMPTS[about.mode]) {
    if ((dcpa && !isUnderDcpa(attempt)) || (fast && !isFast(attempt))) continue;
    const { marks } = expected(about.source, about.destination, about.mode, attempt);
    const sure = marks.length === 1 && marks[0] === 'ok';
    const often = isUnderDcpa(attempt) ? DCPA_RUNS : repeat;
    const runs = sure ? often : marks.some((mark) => mark === 'T' || mark === 'X') ? LOSSY_RUNS : 1;
    const results: Cell[] = [];
    for (let run = 0; run < Math.min(runs, repeat); run++) {
      const cell = await joined.run(attempt);
      results.push(cell);
      const complaint = complaintAboutCell(about, cell);
      if (complaint !== undefined) complaints.push([complaint, ...dialogue()].join('\n        '));
    }
    if (results.some(({ mark }) => mark !== 'unavailable')) cells.push(tally(attempt, results));
  }
  const tree = await joined.copyTree();
  complaints.push(...complaintsAboutTree(about, tree));
  const { end } = expectedPair(about.source, about.destination, about.mode);
  const advice = end === 'none' ? tree.error?.facts.advice : undefined;
  const pair: MeasuredPair = {
    ...about,
    cells,
    end,
    ...(tree.route === undefined || end !== 'all' ? {} : { route: tree.route }),
    ...(advice === undefined ? {} : { advice: nameless(advice) }),
  };
  return { pair, complaints };
}

/** Words of servers hold addresses and file names of this run: they stay out, so that two runs can be compared. */
const nameless = (text: string): string =>
  text
    .replace(/\d+,\d+,\d+,\d+,\d+,\d+/g, 'a,a,a,a,p,p')
    .replace(/\d+\.\d+\.\d+\.\d+ port \d+/g, 'ADDRESS')
    .replace(/(?:\/\S+)?\/(?:arrived-\d+\.bin|payload\.bin)/g, 'FILE')
    .replace(/\d+ octets/g, 'n octets');

function tally(attempt: string, results: readonly Cell[]): MeasuredCell {
  const marks: Partial<Record<Mark, number>> = {};
  for (const { mark } of results) marks[mark] = (marks[mark] ?? 0) + 1;
  const odd = results.find(({ mark }) => mark !== 'ok');
  return {
    attempt,
    runs: results.length,
    marks,
    ...(odd?.finding === undefined ? {} : { finding: odd.finding }),
    ...(odd?.reason === undefined ? {} : { reason: nameless(odd.reason) }),
  };
}
