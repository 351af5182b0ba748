/**
 * The fast lane: many small files between two servers of ours by `jackstay copy`, plain and with both keys proven (DCPA), beside
 * globus-url-copy between two GridFTP servers, and beside globus-url-copy between two of ours. Everything in turns; every copy is
 * compared with its source octet for octet.
 *
 *   npm run build && npx tsx bench/fast.ts [--runs 3] [--quick] [--match '50 ms . 4'] [--minutes 120] [--profile FOLDER]
 *   npx tsx bench/fast.ts --estimate        what it would take
 *   npx tsx bench/fast.ts --render          the tables of the last run
 */
import { pathToFileURL } from 'node:url';
import { startGridftp } from '../test/peers/real/gridftp.js';
import { type Contender, globus, jackstay, startOf } from './compare/contenders.js';
import { main } from './compare/frame.js';
import { closePlaces, type Place, placeOf, plantFiles, runErrand } from './compare/ground.js';
import { endProfiled, startOurs } from './compare/ours.js';
import { distinct } from './compare/statistics.js';
import { footnote, proofTable, wideTable } from './compare/tables.js';
import type { Cell, Comparison, Ground, Result, Scale } from './compare/types.js';
import { versionsOf } from './compare/versions.js';

const DELAY = 25;
const MANY = 1000;
const OURS = 'jackstay';
const PROVEN = 'jackstay, DCPA';

/** A contender, the servers that it joins, and about how many files a second it moves with one and with four sessions. */
interface Entrant {
  readonly contender: Contender;
  readonly servers: 'ours' | 'GridFTP';
  readonly tls: boolean;
  readonly near: readonly [number, number];
  readonly far: readonly [number, number];
}

const GLOBUS: readonly Entrant[] = [
  {
    contender: globus('globus -fast', 'folder', '-fast'),
    ...{ servers: 'GridFTP', tls: false, near: [1500, 2000], far: [6.3, 23] },
  },
  {
    contender: globus('globus -pp', 'folder', '-fast', '-pp'),
    ...{ servers: 'GridFTP', tls: false, near: [3500, 3500], far: [165, 345] },
  },
  {
    contender: globus('globus -pp -ppq 400', 'folder', '-fast', '-pp', '-ppq', '400'),
    ...{ servers: 'GridFTP', tls: false, near: [3500, 3500], far: [700, 900] },
  },
  {
    contender: globus('globus -pp, servers ours', 'folder', '-fast', '-pp'),
    ...{ servers: 'ours', tls: false, near: [2500, 2500], far: [165, 345] },
  },
];

const SHA = 'SHA-256 of what the source sent and of what the sink stored, each by its server';
const ENTRANTS: readonly Entrant[] = [
  ...GLOBUS,
  {
    contender: jackstay('jackstay --verify size', 'size, by both servers', '--verify', 'size'),
    ...{ servers: 'ours', tls: false, near: [2500, 2500], far: [900, 1500] },
  },
  {
    contender: jackstay(OURS, SHA),
    ...{ servers: 'ours', tls: false, near: [2000, 2000], far: [900, 1500] },
  },
  {
    contender: jackstay(PROVEN, `${SHA}; each server the key of the other`, '--security', 'verified'),
    ...{ servers: 'ours', tls: true, near: [1500, 1500], far: [900, 1500] },
  },
];

interface Setting {
  readonly files: number;
  readonly delay: number;
  readonly sessions: 1 | 4;
}

const settings = ({ quick }: Scale): Setting[] =>
  (quick ? [40] : [MANY, 10 * MANY]).flatMap((files) =>
    [0, DELAY].flatMap((delay) => ([1, 4] as const).map((sessions) => ({ files, delay, sessions }))),
  );

const idOf = ({ files, delay, sessions }: Setting): string =>
  [files.toLocaleString('en'), `${2 * delay} ms`, `${sessions}`].join(' | ');

/** Seconds: a run of globus-url-copy that would take longer gets fewer files. */
const LONGEST = 3;
const AROUND = 0.6;

function cellsOf(setting: Setting): Cell[] {
  const { delay, sessions, files } = setting;
  const entrants = ENTRANTS.filter(({ contender }) => contender.missing === undefined);
  // What these two tell, they tell with the fewer files.
  const few = entrants.filter(({ contender }) => !/-fast|--verify/.test(contender.name));
  return (files > MANY ? few : entrants).map((entrant) => {
    const rate = (delay === 0 ? entrant.near : entrant.far)[sessions === 1 ? 0 : 1];
    const long = Math.max(40, Math.round((LONGEST * rate) / 20) * 20);
    const amount = GLOBUS.includes(entrant) ? Math.min(files, long) : files;
    const expected = amount / rate + AROUND;
    return { setting: idOf(setting), contender: entrant.contender.name, amount, expected };
  });
}

async function open(cells: readonly Cell[], scale: Scale): Promise<Ground> {
  const start = async (): Promise<Record<Entrant['servers'], Place>> => ({
    ours: await placeOf(await startOurs({ profile: scale.profile }), [DELAY]),
    GridFTP: await placeOf(await startGridftp(), [DELAY]),
  });
  const [source, sink] = [await start(), await start()];
  const amounts = distinct(cells.map(({ amount }) => amount));
  for (const amount of amounts) for (const { peer } of Object.values(source)) plantFiles(peer, amount);
  return {
    versions: versionsOf('globus-gridftp-server', 'globus-url-copy', 'Jackstay', 'Node'),
    measure: (cell, label) => {
      const { contender, servers, tls } = ENTRANTS.find(
        ({ contender: { name } }) => name === cell.contender,
      )!;
      const { delay, sessions } = settings(scale).find((each) => idOf(each) === cell.setting)!;
      return runErrand(startOf(contender), {
        ...{ source: source[servers], sink: sink[servers], tls, delay, sessions, what: 'folder' },
        ...{ from: `files-${cell.amount}`, to: label, expected: cell.expected, profile: scale.profile },
      });
    },
    close: async () => {
      if (scale.profile !== undefined) await endProfiled([source.ours.peer, sink.ours.peer]);
      await closePlaces([...Object.values(source), ...Object.values(sink)]);
    },
  };
}

function section(result: Result): string {
  const { samples } = result;
  const pipelined = ['globus -pp'];
  const all = GLOBUS.filter(({ servers }) => servers === 'GridFTP').map(({ contender }) => contender.name);
  const table = wideTable(samples, {
    parts: ['files', 'round trip', 'sessions'],
    contenders: ENTRANTS.map(({ contender }) => contender.name),
    ratios: [
      { title: 'jackstay to globus -pp', of: OURS, to: pipelined },
      { title: 'DCPA to globus -pp', of: PROVEN, to: pipelined },
      { title: 'jackstay to the fastest globus', of: OURS, to: all },
    ],
    unit: 'files',
  });
  const proofs = ENTRANTS.map(({ contender, servers }) => ({ ...contender, servers }));
  return `${table}\n\nFiles a second. ${footnote(result)}\n\n${proofTable(samples, proofs)}`;
}

export const fast: Comparison = {
  name: 'fast',
  opening: 12,
  cells: (scale) => settings(scale).flatMap(cellsOf),
  open,
  section,
};

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) await main(fast);
