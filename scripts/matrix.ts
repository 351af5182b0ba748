/**
 * Measures the compatibility matrix between all servers of the contract suite.
 *
 * `--repeat N` [20] measures, and writes docs/compatibility.md, docs/compatibility.json and the block in the README.
 * `--check` measures each cell once, writes nothing, and fails when a cell is not what the file on disk says.
 * `--only SERVER` measures the pairs with one server and keeps what is on record for the others.
 * `--dcpa` measures the ways under DCPA of the pairs with ours, and keeps what is on record for all other ways.
 * `--fast` measures the fast lane of the pairs that have it, and keeps what is on record for all other ways.
 * `--jobs N` [4] pairs at once. Ends with 1 when anything is not as expected.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { PEER_IDS, type PeerId, peerOf } from '../test/contract/peers.js';
import { differences } from './matrix/differences.js';
import { type Measurement, measure, merged, withDcpa, withFast } from './matrix/measure.js';
import { page, withMatrix } from './matrix/report.js';

const inRepository = (path: string): string => fileURLToPath(new URL(`../${path}`, import.meta.url));
const PAGE = inRepository('docs/compatibility.md');
const FIGURES = inRepository('docs/compatibility.json');
const README = inRepository('README.md');

function write(measurement: Measurement): void {
  const { pairs, ...head } = measurement;
  const lines = pairs.map((pair) => JSON.stringify(pair)).join(',\n');
  writeFileSync(FIGURES, `${JSON.stringify(head).slice(0, -1)},\n"pairs":[\n${lines}\n]}\n`);
  writeFileSync(PAGE, page(measurement));
  writeFileSync(README, withMatrix(readFileSync(README, 'utf8'), measurement));
}

const onRecord = (): Measurement => JSON.parse(readFileSync(FIGURES, 'utf8')) as Measurement;

function onlyOf(id: string | undefined): PeerId | undefined {
  const known = PEER_IDS.find((each) => each === id);
  if (id !== undefined && known === undefined) throw new Error(`${id} is none of ${PEER_IDS.join(', ')}`);
  return known;
}

/** What is not so any more, one line each. */
function check(measurement: Measurement): string[] {
  const recorded = onRecord();
  const stale =
    page(recorded) === readFileSync(PAGE, 'utf8')
      ? []
      : ['docs/compatibility.md is not what its figures give'];
  return [...stale, ...differences(recorded, measurement)];
}

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      repeat: { type: 'string', default: '20' },
      jobs: { type: 'string', default: '4' },
      check: { type: 'boolean', default: false },
      only: { type: 'string' },
      dcpa: { type: 'boolean', default: false },
      fast: { type: 'boolean', default: false },
    },
  });
  const only = values.dcpa ? 'jackstay' : onlyOf(values.only);
  const absent = PEER_IDS.filter((id) => peerOf(id).absence() !== undefined);
  if (absent.length > 0) {
    for (const id of absent) console.error(`${id}: ${peerOf(id).absence()}`);
    return 1;
  }
  let complaints = 0;
  const fresh = await measure({
    ids: PEER_IDS,
    only,
    dcpa: values.dcpa,
    fast: values.fast,
    repeat: values.check ? 1 : Number(values.repeat),
    jobs: Number(values.jobs),
    onPair: ({ source, destination, mode }, found, left) => {
      complaints += found.length;
      console.log(
        `${mode.padEnd(5)} ${source} to ${destination}${found.length > 0 ? '' : ' ok'} (${left} left)`,
      );
      for (const complaint of found) console.log(`      ${complaint}`);
    },
  });
  const whole = only === undefined ? fresh : merged(onRecord(), fresh, only);
  const some = values.fast ? withFast : values.dcpa ? withDcpa : undefined;
  const measurement = some ? some(onRecord(), fresh) : whole;
  const changes = values.check ? check(measurement) : [];
  if (!values.check) write(measurement);
  for (const change of changes) console.log(change);
  console.log(`${complaints} not as expected, ${changes.length} not as recorded`);
  return complaints + changes.length === 0 ? 0 : 1;
}

process.exitCode = await main();
