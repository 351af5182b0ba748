/** Measured against expected, in words. */
import { expected, expectedPair, isAdvised, knowsAsciiOnly } from './expected.js';
import type { Cell, Mode } from './matrix.js';
import type { PeerId } from './peers.js';
import { BEYOND_ASCII, TREE_SIZE, type TreeResult } from './tree.js';

export interface PairOfPeers {
  readonly source: PeerId;
  readonly destination: PeerId;
  readonly mode: Mode;
}

/** What is not as expected in one cell; undefined when all is. */
export function complaintAboutCell(
  { source, destination, mode }: PairOfPeers,
  cell: Cell,
): string | undefined {
  const { marks, findings } = expected(source, destination, mode, cell.attempt);
  const known = findings === undefined || (cell.finding !== undefined && findings.includes(cell.finding));
  if (marks.includes(cell.mark) && known) return undefined;
  const wanted = [...marks, ...(findings ?? [])].join(' or ');
  const got = [cell.mark, cell.finding, cell.reason].filter(Boolean).join(', ');
  return `${cell.attempt}: expected ${wanted}, measured ${got}`;
}

/** What is not as expected of a copied tree. Whatever the pair: success is never told of files that did not arrive. */
export function complaintsAboutTree(pair: PairOfPeers, result: TreeResult): string[] {
  const { end, route } = expectedPair(pair.source, pair.destination, pair.mode);
  const unsent = [pair.source, pair.destination].some(knowsAsciiOnly) ? BEYOND_ASCII : 0;
  const { summary, error, identical } = result;
  const complaints: string[] = [];
  const check = (holds: boolean, what: string): void => {
    if (!holds) complaints.push(what);
  };
  check(result.altered.length === 0, `altered files: ${result.altered.join(', ')}`);
  check((summary?.clientBytes ?? 0) === 0, 'file data crossed the client');
  check(
    summary === undefined || summary.files === identical,
    `told ${summary?.files} files, ${identical} are there`,
  );
  check(
    summary === undefined || summary.files + summary.failed === TREE_SIZE,
    'a file is neither done nor failed',
  );
  if (end === 'all') {
    check(summary?.failed === unsent, `failed: ${error?.message ?? summary?.failed}`);
    check(identical === TREE_SIZE - unsent, `${identical} files of ${TREE_SIZE} arrived`);
    check(result.strange.length === 0, `left behind: ${result.strange.join(', ')}`);
    check(result.route === route, `route ${result.route}, expected ${route}`);
  } else if (end === 'none') {
    const advice = error?.facts.advice ?? '';
    check(error?.kind === 'no-route', `expected no-route, got ${error?.kind ?? 'success'}`);
    check(isAdvised(advice, [pair.source, pair.destination]), `advice without a setting: ${advice}`);
    check(identical === 0 && result.strange.length === 0, `left behind: ${result.strange.join(', ')}`);
  }
  return complaints.length === 0 ? [] : [...complaints, ...result.notes];
}
