/**
 * Many small files from stock server to stock server: ProFTPD to ProFTPD and ProFTPD to vsftpd, plain and under TLS, without and
 * with a delay on both control connections, with one and with four sessions. The clients take turns; every copy is compared with
 * its source octet for octet.
 *
 *   npm run build && npx tsx bench/small-files.ts [--runs 3] [--quick] [--match 'plain . 50 ms'] [--minutes 120] [--profile FOLDER]
 *   npx tsx bench/small-files.ts --estimate        what it would take
 *   npx tsx bench/small-files.ts --render          the tables of the last run
 *
 * The delay is a TCP proxy before both control ports that holds every octet back for 25 ms in each direction; the data go directly
 * between the servers.
 */
import { pathToFileURL } from 'node:url';
import { startProftpd } from '../test/peers/real/proftpd.js';
import { startVsftpd } from '../test/peers/real/vsftpd.js';
import { type Contender, jackstay, lftp, startOf } from './compare/contenders.js';
import { main } from './compare/frame.js';
import { closePlaces, type Place, placeOf, plantFiles, runErrand } from './compare/ground.js';
import { distinct } from './compare/statistics.js';
import { footnote, proofTable, wideTable } from './compare/tables.js';
import type { Cell, Comparison, Ground, Result, Scale } from './compare/types.js';
import { versionsOf } from './compare/versions.js';

const DELAY = 25;
const [PLAIN_LFTP, AHEAD_LFTP] = ['lftp', 'lftp, sync-mode off'];
const [BY_SIZE, OURS] = ['jackstay --verify size', 'jackstay'];

const CONTENDERS: readonly Contender[] = [
  lftp(PLAIN_LFTP, 'mirror'),
  lftp(AHEAD_LFTP, 'mirror', 'ftp:sync-mode off'),
  jackstay(BY_SIZE, 'size, by both servers', '--verify', 'size'),
  jackstay(OURS, 'SHA-256 by ProFTPD on both sides; size to vsftpd'),
];

interface Setting {
  readonly sink: 'ProFTPD' | 'vsftpd';
  readonly tls: boolean;
  /** Of each direction, ms. */
  readonly delay: number;
  readonly sessions: number;
}

const SETTINGS: readonly Setting[] = (['ProFTPD', 'vsftpd'] as const).flatMap((sink) =>
  [false, true].flatMap((tls) =>
    [0, DELAY].flatMap((delay) => [1, 4].map((sessions) => ({ sink, tls, delay, sessions }))),
  ),
);

const idOf = ({ sink, tls, delay, sessions }: Setting): string =>
  [`ProFTPD to ${sink}`, tls ? 'TLS' : 'plain', `${2 * delay} ms`, `${sessions}`].join(' | ');

const FILES = 1000;

/** Files a second, about: from these come the counts and the estimate. */
function expectedRate({ tls, delay, sessions }: Setting, contender: string): number {
  const own = contender === OURS || contender === BY_SIZE;
  // ProFTPD ends a data connection under TLS only after 0.3 to 0.6 s, as TLS server and as TLS client.
  if (tls) return sessions * (delay === 0 ? 2.3 : 1.6);
  if (delay === 0) return own ? 250 : 450;
  return sessions * (own ? 18 : 5.5);
}

/** As many files as a run of some seconds moves; ours over the line gets enough that its start does not decide. */
function countOf(setting: Setting, contender: string, rate: number): number {
  const long = contender === OURS && !setting.tls ? 60 : 4;
  const wanted = Math.min(FILES, rate * long);
  const step = wanted < 100 ? 4 : 100;
  return Math.max(4, Math.round(wanted / step) * step);
}

/** Start of the client, logins, listing, QUIT. */
const AROUND = { none: 0.5, near: 1.3 };

/** Under TLS the servers take so long for each file that variants of a client tell nothing. */
const varies = (name: string): boolean => name === AHEAD_LFTP || name === BY_SIZE;

function cellsOf(setting: Setting, { quick }: Scale): Cell[] {
  const taking = CONTENDERS.filter(
    ({ name, missing }) => missing === undefined && !(setting.tls && varies(name)),
  );
  return taking.map(({ name }) => {
    const rate = expectedRate(setting, name);
    const amount = quick ? (setting.tls ? 4 : 20) : countOf(setting, name, rate);
    const expected = amount / rate + (setting.delay === 0 ? AROUND.none : AROUND.near);
    return { setting: idOf(setting), contender: name, amount, expected };
  });
}

async function open(cells: readonly Cell[], scale: Scale): Promise<Ground> {
  const [source, proftpd, vsftpd]: [Place, Place, Place] = [
    await placeOf(await startProftpd(), [DELAY]),
    await placeOf(await startProftpd(), [DELAY]),
    await placeOf(await startVsftpd({ extra: ['xferlog_enable=NO', 'log_ftp_protocol=NO'] }), [DELAY]),
  ];
  const folders = new Map(
    distinct(cells.map(({ amount }) => amount)).map((amount) => [amount, plantFiles(source.peer, amount)]),
  );
  return {
    versions: versionsOf('ProFTPD', 'vsftpd', 'lftp', 'Jackstay', 'Node'),
    measure: (cell, label) => {
      const setting = SETTINGS.find((each) => idOf(each) === cell.setting)!;
      const contender = CONTENDERS.find(({ name }) => name === cell.contender)!;
      const { tls, delay, sessions } = setting;
      return runErrand(startOf(contender), {
        ...{ source, sink: setting.sink === 'vsftpd' ? vsftpd : proftpd, tls, delay, sessions },
        ...{ from: folders.get(cell.amount)!, to: label, what: 'folder', expected: cell.expected },
        profile: scale.profile,
      });
    },
    close: () => closePlaces([source, proftpd, vsftpd]),
  };
}

/** One round trip a file and session. */
function limitOf(setting: string): number | undefined {
  const found = SETTINGS.find((each) => idOf(each) === setting);
  return found === undefined || found.delay === 0 ? undefined : (1000 * found.sessions) / (2 * found.delay);
}

function section(result: Result): string {
  const table = wideTable(result.samples, {
    parts: ['servers', 'security', 'round trip', 'sessions'],
    contenders: CONTENDERS.map(({ name }) => name),
    ratios: [
      { title: 'jackstay to lftp', of: OURS, to: [PLAIN_LFTP] },
      { title: 'to the faster lftp', of: OURS, to: [PLAIN_LFTP, AHEAD_LFTP] },
    ],
    unit: 'files',
    limit: { title: 'of the limit', of: OURS, rate: limitOf },
  });
  return `${table}\n\nFiles a second. ${footnote(result)}\n\n${proofTable(result.samples, CONTENDERS)}`;
}

export const smallFiles: Comparison = {
  name: 'small-files',
  opening: 4,
  cells: (scale) =>
    SETTINGS.filter(({ sink, delay }) => !scale.quick || (sink === 'vsftpd') === delay > 0)
      .filter(({ sessions }) => !scale.quick || sessions === 4)
      .flatMap((setting) => cellsOf(setting, scale)),
  open,
  section,
};

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) await main(smallFiles);
