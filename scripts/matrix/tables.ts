/** The matrix as Markdown tables: rows are sources, columns are destinations. */
import type { Mark, Mode } from '../../test/contract/matrix.js';
import type { PeerId } from '../../test/contract/peers.js';
import type { MeasuredCell, MeasuredPair, Measurement } from './measure.js';

/** One letter for one technique, or for the same one through several doors. */
interface Technique {
  readonly letter: string;
  readonly meaning: string;
  includes(attempt: string): boolean;
}

const exactly = (letter: string, attempt: string, meaning: string): Technique => ({
  letter,
  meaning,
  includes: (other) => other === attempt,
});
const through = (letter: string, start: string, meaning: string): Technique => ({
  letter,
  meaning,
  includes: (other) => other.startsWith(start),
});

const FAST =
  'the fast lane (MODE E: many files over one kept connection), in each of these ways with the destination listening';

/** What the letters of each table mean. */
export const TECHNIQUES: Readonly<Record<Mode, readonly Technique[]>> = {
  plain: [
    through('M', 'fast ', FAST),
    exactly('p', 'PASV@dst', 'PASV at the destination, PORT at the source'),
    exactly('q', 'PASV@src', 'PASV at the source, PORT at the destination'),
    exactly('e', 'EPSV@dst', 'EPSV at the destination, PORT at the source'),
    exactly('f', 'EPSV@src', 'EPSV at the source, PORT at the destination'),
  ],
  tls: [
    through('M', 'fast ', FAST),
    through('V', 'DCPA ', 'DCPA: each server proves its key to the other (PASV and EPSV at either side)'),
    through('v', 'DCPA@', 'DCPA at one server: the other proves its key to it (every door and TLS role)'),
    exactly('d', 'CPSV@dst', 'CPSV: the destination listens and is TLS client'),
    through('D', 'SSCN@dst', 'SSCN: the destination is TLS client (PASV and EPSV at either side)'),
    exactly('s', 'CPSV@src', 'CPSV: the source listens and is TLS client'),
    through('S', 'SSCN@src', 'SSCN: the source is TLS client (PASV and EPSV at either side)'),
    through('c', 'clear', 'login under TLS, data in clear by PROT C (only with `--security clear`)'),
  ],
};

const LOSSES: readonly Mark[] = ['T', 'X', 'hang', 'error', 'missed'];

/** Why a technique was refused, as one letter behind a cross. */
const REFUSALS: readonly (readonly [RegExp, string])[] = [
  [/refuses-foreign-port/, 'P'],
  [/refuses-foreign-peer|tls-role|unknown|not-proven/, 'A'],
  [/requires-session-reuse/, 'R'],
  [/technique/, 'E'],
];

const sum = (cells: readonly MeasuredCell[], mark: Mark): number =>
  cells.reduce((total, cell) => total + (cell.marks[mark] ?? 0), 0);

/** `D 80/80`, `S T 18/20`, bold where it is the way a copy takes. */
function words({ letter, includes }: Technique, pair: MeasuredPair): string {
  const tried = pair.cells.filter(({ attempt, marks }) => includes(attempt) && !marks.refused);
  if (tried.length === 0) return '';
  const runs = tried.reduce((total, cell) => total + cell.runs, 0);
  const losses = LOSSES.filter((mark) => sum(tried, mark) > 0).map(
    (mark) => `${mark} ${sum(tried, mark)}/${runs}`,
  );
  const good = sum(tried, 'ok');
  const counts = [...(good > 0 ? [`${good}/${runs}`] : []), ...losses].join(' ');
  const name = pair.route !== undefined && includes(pair.route) ? `**${letter}**` : letter;
  return `${name} ${counts}`;
}

function refusals(pair: MeasuredPair): string {
  const findings = pair.cells.flatMap(({ finding, attempt }) =>
    finding === undefined || attempt.startsWith('clear') ? [] : [finding],
  );
  const letters = REFUSALS.filter(([pattern]) => findings.some((finding) => pattern.test(finding)));
  return letters.length === 0 ? '' : `✗${letters.map(([, letter]) => letter).join('')}`;
}

/** The content of one field of a table. */
export function field(pair: MeasuredPair): string {
  const parts = [...TECHNIQUES[pair.mode].map((technique) => words(technique, pair)), refusals(pair)];
  return parts.filter((part) => part !== '').join('<br>') || '-';
}

/** A table of one mode. */
export function table({ pairs, servers }: Measurement, mode: Mode): string {
  const mine = pairs.filter((pair) => pair.mode === mode);
  const ids = servers.map(({ id }) => id).filter((id) => mine.some(({ source }) => source === id));
  return grid(ids, (source, destination) => {
    const pair = mine.find((each) => each.source === source && each.destination === destination);
    return pair === undefined ? '' : field(pair);
  });
}

/** One symbol for each pair: both in clear and under TLS, in clear only, or by relay only. */
export function symbols({ pairs, servers }: Measurement): string {
  const works = (source: PeerId, destination: PeerId, mode: Mode): boolean =>
    pairs.some(
      (pair) =>
        pair.source === source &&
        pair.destination === destination &&
        pair.mode === mode &&
        pair.end === 'all',
    );
  return grid(
    servers.map(({ id }) => id),
    (source, destination) => {
      if (!works(source, destination, 'plain')) return '○';
      return works(source, destination, 'tls') ? '●' : '◐';
    },
  );
}

function grid(ids: readonly PeerId[], fill: (source: PeerId, destination: PeerId) => string): string {
  const head = `| from \\ to | ${ids.join(' | ')} |`;
  const line = `|---|${ids.map(() => '---|').join('')}`;
  const rows = ids.map((source) => `| **${source}** | ${ids.map((id) => fill(source, id)).join(' | ')} |`);
  return [head, line, ...rows].join('\n');
}
