/**
 * One big file, server to server, on a tmpfs: two of ours in stream mode and as `jackstay copy` sends it, two GridFTP servers with
 * globus-url-copy, two vsftpd with lftp; under TLS two of ours with both keys proven (DCPA) beside what one TLS 1.3 stream can do
 * between two processes on this machine. Everything in turns; every copy is compared with its source octet for octet.
 *
 *   npm run build && npx tsx bench/big-file.ts [--runs 3] [--quick] [--match TLS] [--minutes 120] [--profile FOLDER]
 *   npx tsx bench/big-file.ts --estimate        what it would take
 *   npx tsx bench/big-file.ts --render          the tables of the last run
 *
 * CPU seconds and peak memory of a client are those that the operating system accounts to its process when it has ended.
 */
import { linkSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { issueCertificate, placeCertificate } from '../test/peers/certs.js';
import { SYSTEM_PYTHON } from '../test/peers/peer.js';
import { startGridftp } from '../test/peers/real/gridftp.js';
import { startVsftpd } from '../test/peers/real/vsftpd.js';
import { type Contender, globus, jackstay, lftp, startOf, type Task } from './compare/contenders.js';
import { main } from './compare/frame.js';
import { closePlaces, type Place, placeOf, plantBigFile, runErrand, type Start } from './compare/ground.js';
import { endProfiled, startOurs } from './compare/ours.js';
import { countOf, fastestOf, ratioOf, samplesOf, spreadIn } from './compare/statistics.js';
import { footnote, told, toldRatio } from './compare/tables.js';
import type { Cell, Comparison, Ground, Result, Sample, Scale } from './compare/types.js';
import { versionsOf } from './compare/versions.js';
import { markdownTable } from './harness.js';

type Servers = 'ours' | 'GridFTP' | 'vsftpd';
type Security = 'plain' | 'TLS';

interface Entrant {
  readonly name: string;
  readonly servers: Servers;
  readonly security: Security;
  readonly verifies: string;
  readonly missing: string | undefined;
  readonly start: Start;
  /** MiB a second, about. */
  readonly rate: number;
}

const of = (contender: Contender, servers: Servers, security: Security, rate: number): Entrant => {
  const { name, verifies, missing } = contender;
  return { name, servers, security, verifies, missing, start: startOf(contender), rate };
};

const LOADER = pathToFileURL(createRequire(import.meta.url).resolve('tsx')).href;
const near = (name: string): string => fileURLToPath(new URL(`compare/${name}`, import.meta.url));

/** `jackstay copy` chooses the way itself; this one keeps to stream mode. */
function byStream({ source, sink, from, to, state }: Task): ReturnType<Start> {
  const places = [source, sink].map(({ host, port }) => `${host}:${port}`);
  const words = [...places, source.user, source.password, `/${from}`, `/${to}`, 'PASV@dst'];
  const program = [process.execPath, '--import', LOADER, near('stream-client.ts')];
  return { command: [...program, ...words], env: { HOME: state } };
}

/** One TLS stream from file to file; the folders of the servers are only where the files are. */
const streamOf =
  (program: string, script: string, homes: () => readonly [string, string]): Start =>
  ({ from, to, source, state }) => {
    const { certFile, keyFile } = placeCertificate(issueCertificate(source.host), state);
    const files = [join(homes()[0], from), join(homes()[1], to)];
    return {
      command: [program, near(script), certFile, keyFile, source.host, ...files],
      env: { HOME: state },
    };
  };

let homes: readonly [string, string] = ['', ''];
const NOBODY = { verifies: 'nothing', missing: undefined, servers: 'ours', security: 'TLS' } as const;
const SHA = 'SHA-256, by both servers';
const OURS = 'jackstay';
const PROVEN = 'jackstay, DCPA';
const LFTP = 'lftp, vsftpd';
const BY_GLOBUS = ['globus, MODE S', 'globus -fast', 'globus -p 4'];
const STREAMS = ['one TLS stream, Python', 'one TLS stream, Node'];

const ENTRANTS: readonly Entrant[] = [
  // Its STAT while the octets move is an unknown command to vsftpd, and then lftp says that it failed.
  of(lftp(LFTP, 'get', 'ftp:stat-interval 3600'), 'vsftpd', 'plain', 1000),
  of(jackstay('jackstay, vsftpd', 'size, by both servers'), 'vsftpd', 'plain', 1000),
  of(globus(BY_GLOBUS[0]!, 'file'), 'GridFTP', 'plain', 1000),
  of(globus(BY_GLOBUS[1]!, 'file', '-fast'), 'GridFTP', 'plain', 1000),
  of(globus(BY_GLOBUS[2]!, 'file', '-p', '4'), 'GridFTP', 'plain', 900),
  {
    ...{ name: 'ours, stream mode', servers: 'ours', security: 'plain', verifies: 'nothing' },
    ...{ missing: undefined, start: byStream, rate: 1200 },
  },
  of(jackstay('jackstay --verify size', 'size, by both servers', '--verify', 'size'), 'ours', 'plain', 1000),
  of(jackstay(OURS, SHA), 'ours', 'plain', 700),
  { ...NOBODY, name: STREAMS[0]!, start: streamOf(SYSTEM_PYTHON, 'tls-pair.py', () => homes), rate: 700 },
  { ...NOBODY, name: STREAMS[1]!, start: streamOf(process.execPath, 'tls-pair.mjs', () => homes), rate: 600 },
  of(
    jackstay(
      `${PROVEN} --verify size`,
      'size, by both servers',
      '--security',
      'verified',
      '--verify',
      'size',
    ),
    ...(['ours', 'TLS', 600] as const),
  ),
  of(jackstay(PROVEN, `${SHA}; each the key of the other`, '--security', 'verified'), 'ours', 'TLS', 450),
];

const mebibytes = ({ quick }: Scale): number => (quick ? 16 : 2048);
const AROUND = 0.6;
/** Both files are read once more, MiB a second. */
const COMPARED = 1000;

function cells(scale: Scale): Cell[] {
  const amount = mebibytes(scale);
  return ENTRANTS.filter(({ missing }) => missing === undefined).map(({ name, security, rate }) => {
    const expected = amount / rate + amount / COMPARED + AROUND;
    return { setting: security, contender: name, amount, expected };
  });
}

async function open(_cells: readonly Cell[], scale: Scale): Promise<Ground> {
  const quietly = { extra: ['xferlog_enable=NO', 'log_ftp_protocol=NO'] };
  const start = async (): Promise<Record<Servers, Place>> => ({
    ours: await placeOf(await startOurs({ profile: scale.profile }), []),
    GridFTP: await placeOf(await startGridftp(), []),
    vsftpd: await placeOf(await startVsftpd(quietly), []),
  });
  const [source, sink] = [await start(), await start()];
  homes = [source.ours.peer.home, sink.ours.peer.home];
  const first = join(source.ours.peer.home, 'big.bin');
  plantBigFile(first, mebibytes(scale));
  for (const { peer } of Object.values(source)) {
    if (peer.home !== homes[0]) linkSync(first, join(peer.home, 'big.bin'));
    peer.own();
  }
  return {
    versions: versionsOf(
      ...([
        'globus-gridftp-server',
        'globus-url-copy',
        'vsftpd',
        'lftp',
        'Python',
        'Jackstay',
        'Node',
      ] as const),
    ),
    measure: async (cell, label) => {
      const entrant = ENTRANTS.find(({ name }) => name === cell.contender)!;
      const measured = await runErrand(entrant.start, {
        ...{ source: source[entrant.servers], sink: sink[entrant.servers], sessions: 1, delay: 0 },
        ...{ tls: entrant.security === 'TLS', from: 'big.bin', to: label, what: 'file' },
        ...{ expected: cell.expected, profile: scale.profile },
      });
      // There the process that is waited for is both ends, and the octets that it maps count as its memory.
      const { clientCpuSeconds = 0 } = measured.values;
      return STREAMS.includes(entrant.name)
        ? { ...measured, values: { serverCpuSeconds: clientCpuSeconds } }
        : measured;
    },
    close: async () => {
      if (scale.profile !== undefined) await endProfiled([source.ours.peer, sink.ours.peer]);
      await closePlaces([...Object.values(source), ...Object.values(sink)]);
    },
  };
}

/** The yardsticks of each security, and what is told of them. */
const YARDSTICKS: readonly { security: Security; title: string; names: readonly string[] }[] = [
  { security: 'plain', title: 'the fastest globus', names: BY_GLOBUS },
  { security: 'plain', title: 'lftp between vsftpd', names: [LFTP] },
  { security: 'TLS', title: 'the faster single stream', names: STREAMS },
];

function table(samples: readonly Sample[], security: Security): string {
  const yardsticks = YARDSTICKS.filter((each) => each.security === security);
  const entrants = ENTRANTS.filter((each) => each.security === security);
  const present = entrants.filter(({ name }) => samplesOf(samples, security, name).length > 0);
  const value = (name: string, key: string): string =>
    told(spreadIn(samples, security, name, ({ values }) => values[key] || undefined));
  const row = ({ name, verifies }: Entrant): string[] => [
    ...[name, told(spreadIn(samples, security, name))],
    ...yardsticks.map(({ names }) => {
      const yardstick = fastestOf(samples, security, names);
      return yardstick === undefined ? '-' : toldRatio(ratioOf(samples, security, name, yardstick));
    }),
    ...['clientCpuSeconds', 'serverCpuSeconds', 'clientMebibytes'].map((key) => value(name, key)),
    ...[verifies, samplesOf(samples, security, name)[0]?.said ?? '-', countOf(samples, security, name)],
  ];
  const ratios = yardsticks.map(({ title }) => `to ${title}`);
  const costs = ['client CPU s', 'CPU s of both ends', 'client MiB, peak'];
  const proof = ['compared', 'route and proof as reported', 'runs identical'];
  return markdownTable([['', 'MiB/s', ...ratios, ...costs, ...proof], ...present.map(row)]);
}

function section(result: Result): string {
  const { samples } = result;
  const measured = (['plain', 'TLS'] as const).filter((each) =>
    samples.some(({ setting }) => setting === each),
  );
  const tables = measured.map((security) => table(samples, security));
  const what = `One file of ${Math.max(...samples.map(({ amount }) => amount))} MiB.`;
  return `${tables.join('\n\n')}\n\n${what} ${footnote(result)}`;
}

export const bigFile: Comparison = { name: 'big-file', opening: 8, cells, open, section };

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) await main(bigFile);
