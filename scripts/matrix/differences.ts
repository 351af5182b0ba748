/** Two measurements compared cell by cell; counts, dates and words do not matter. */
import { ATTEMPTS, expected } from '../../test/contract/expected.js';
import type { Mark } from '../../test/contract/matrix.js';
import type { MeasuredCell, MeasuredPair, Measurement } from './measure.js';

type Kind = 'whole' | 'lossy' | 'refused' | 'unavailable' | 'broken';

const has = ({ marks }: MeasuredCell, ...wanted: Mark[]): boolean => wanted.some((mark) => marks[mark]);

function kindOf(cell: MeasuredCell): Kind {
  if (has(cell, 'hang', 'error', 'missed')) return 'broken';
  if (has(cell, 'T', 'X')) return 'lossy';
  return has(cell, 'refused') ? 'refused' : 'whole';
}

const nameOf = ({ source, destination, mode }: MeasuredPair): string => `${mode} ${source} to ${destination}`;

/** One line for each cell, route or pair that is not what was recorded. */
export function differences(recorded: Measurement, now: Measurement): string[] {
  const before = new Map(recorded.pairs.map((pair) => [nameOf(pair), pair]));
  const after = new Map(now.pairs.map((pair) => [nameOf(pair), pair]));
  const gone = [...before.keys()]
    .filter((name) => !after.has(name))
    .map((name) => `${name}: not measured any more`);
  const rest = [...after].flatMap(([name, pair]) => {
    const old = before.get(name);
    return old === undefined ? [`${name}: not recorded`] : inPair(name, old, pair);
  });
  return [...gone, ...rest];
}

function inPair(name: string, old: MeasuredPair, pair: MeasuredPair): string[] {
  const found: string[] = [];
  if (old.end !== pair.end || old.route !== pair.route)
    found.push(`${name}: ${old.end} ${old.route ?? ''} recorded, ${pair.end} ${pair.route ?? ''} now`);
  const mayLose = (attempt: string): boolean =>
    expected(pair.source, pair.destination, pair.mode, attempt).marks.some((mark) => mark !== 'ok');
  const kindIn = ({ cells }: MeasuredPair, wanted: string): Kind => {
    const cell = cells.find(({ attempt }) => attempt === wanted);
    if (cell === undefined) return 'unavailable';
    const kind = kindOf(cell);
    // A way that may lose data loses it by chance.
    return kind === 'whole' && mayLose(wanted) ? 'lossy' : kind;
  };
  for (const attempt of ATTEMPTS[pair.mode]) {
    const was = kindIn(old, attempt);
    const is = kindIn(pair, attempt);
    if (was !== is) found.push(`${name} ${attempt}: ${was} recorded, ${is} now`);
  }
  return found;
}
