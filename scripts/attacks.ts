/**
 * Real attackers against clear FXP, CPSV, SSCN, one-sided and full DCPA: npm run attacks
 *
 * Runs every cell of test/attacks, writes what the attackers got into docs/security.md and, row by row, to
 * bench/results/attacks.json. Ends with status 1 when a row is not what it must be, or ports can be told apart.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { load } from '../test/attacks/bounce.js';
import {
  absenceOfBounce,
  BOUNCES,
  type BounceRow,
  bounceComplaints,
  deviations,
  runBounce,
  type Timing,
  timing,
} from '../test/attacks/bounces.js';
import { fullCells, oneSidedCells, stockCells } from '../test/attacks/cells.js';
import { Tenement } from '../test/attacks/cotenant.js';
import { downgradeCells } from '../test/attacks/downgrade.js';
import { Lab, SIZE } from '../test/attacks/lab.js';
import { maliciousCells } from '../test/attacks/malicious.js';
import { type Findings, markdown } from '../test/attacks/report.js';
import type { Row } from '../test/attacks/rows.js';
import { Victim } from '../test/attacks/victim.js';
import { startJackstay } from '../test/peers/real/jackstay.js';

const PAGE = fileURLToPath(new URL('../docs/security.md', import.meta.url));
const RAW = fileURLToPath(new URL('../bench/results/attacks.json', import.meta.url));
const BETWEEN = /(<!-- attacks -->\n)[\s\S]*?(<!-- \/attacks -->)/;
/** Probes of each kind of port. */
const PROBES = 200;
const SESSIONS = 60;
const EVEN = 3;

let wrong = 0;

function tell(what: string, complaints: readonly string[]): void {
  wrong += complaints.length;
  console.log(`${complaints.length === 0 ? 'as expected' : 'WRONG'}  ${what}`);
  for (const each of complaints) console.log(`  ${each}`);
}

async function cells(lab: Lab): Promise<Row[]> {
  const rows: Row[] = [];
  const all = [stockCells, oneSidedCells, fullCells, maliciousCells, downgradeCells].flatMap((each) =>
    each(lab),
  );
  for (const cell of all) {
    const reason = cell.absence();
    if (reason !== undefined) {
      console.log(`left out  ${cell.attack}: ${cell.way}: ${reason}`);
      continue;
    }
    const row = await cell.run();
    rows.push(row);
    tell(`${row.attack}: ${row.way}: ${row.seen} seen, ${row.altered} altered`, cell.complaints(row));
  }
  return rows;
}

async function tenants(lab: Lab): Promise<Row[]> {
  const tenement = await Tenement.start(lab);
  const rows: Row[] = [];
  try {
    for (const bond of ['SSCN', 'host', 'session'] as const) {
      for (const deed of ['fetch', 'feed'] as const) {
        const row = await tenement.swap(bond, deed);
        const got = deed === 'fetch' ? row.seen : row.altered;
        const must = bond === 'session' ? 0 : SIZE;
        rows.push(bond === 'host' ? { ...row, attack: `${row.attack}, Self=host at both sides` } : row);
        tell(`${row.attack}: ${row.way}`, got === must ? [] : [`he got ${got} octets, not ${must}`]);
      }
    }
    for (const of of ['control', 'data'] as const) {
      for (const pinned of [false, true]) {
        const row = await tenement.resume(of, pinned);
        rows.push(row);
        tell(`${row.attack}: ${row.way}`, row.seen === (pinned ? 0 : SIZE) ? [] : [`${row.seen} octets`]);
      }
    }
  } finally {
    await tenement.close();
  }
  return rows;
}

async function bystander(lab: Lab): Promise<BounceRow[]> {
  const victim = await Victim.start('127.0.0.7');
  const rows: BounceRow[] = [];
  try {
    for (const cell of BOUNCES.filter((each) => absenceOfBounce(each) === undefined)) {
      const row = await runBounce(cell, await lab.berth(cell.server), victim);
      rows.push(row);
      tell(`bounce: ${row.server} (${row.guise}), ${row.load}`, bounceComplaints(cell, row));
    }
  } finally {
    await victim.stop();
  }
  return rows;
}

/** The delays are those of the default configuration; so many failures of one user would not be. */
async function ports(): Promise<Timing> {
  const limits = { foreignFailuresPerMinute: 0 };
  const server = await startJackstay({ quiet: true, server: { fxp: { mode: 'verified' }, limits } });
  try {
    load(server);
    const doors = ['open', 'closed', 'silent'] as const;
    const seen = await timing(server, 'pinned', { count: PROBES, sessions: SESSIONS, doors });
    for (const pair of seen.pairs) {
      const far = deviations(pair);
      tell(
        `ports: ${pair.pair}: AUC ${pair.auc.toFixed(3)}, ${far.toFixed(1)} deviations`,
        far < EVEN ? [] : ['told apart'],
      );
    }
    tell('ports: one reply for all', seen.replies.length === 1 ? [] : seen.replies);
    tell('ports: the open one was connected to', seen.connections === PROBES ? [] : [`${seen.connections}`]);
    return seen;
  } finally {
    await server.stop();
  }
}

const lab = new Lab();
try {
  const rows = [...(await cells(lab)), ...(await tenants(lab))];
  const bounces = await bystander(lab);
  const date = new Date().toISOString().slice(0, 10);
  const found: Findings = { date, size: SIZE, rows, bounces, timing: await ports() };
  writeFileSync(RAW, `${JSON.stringify(found, null, 2)}\n`);
  const page = readFileSync(PAGE, 'utf8');
  writeFileSync(
    PAGE,
    page.replace(BETWEEN, (_all, open: string, close: string) => `${open}\n${markdown(found)}\n\n${close}`),
  );
} finally {
  await lab.close();
}
process.exit(wrong > 0 ? 1 : 0);
