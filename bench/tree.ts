/**
 * A large tree, server to server: 100,000 small files in 1,000 directories, by `jackstay copy` between two servers of ours and by
 * lftp between two vsftpd. Tells when all was listed, when the first file was there, how long all of it took and how much memory
 * the client needed at most. Every file is compared with its source octet for octet.
 *
 *   npm run build && npx tsx bench/tree.ts [--runs 1] [--quick] [--match lftp] [--minutes 120] [--profile FOLDER]
 *   npx tsx bench/tree.ts --estimate        what it would take
 *   npx tsx bench/tree.ts --render          the table of the last run
 */
import { spawn } from 'node:child_process';
import { linkSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { workFolder } from '../test/peers/host.js';
import type { Peer } from '../test/peers/peer.js';
import { startVsftpd } from '../test/peers/real/vsftpd.js';
import { type Contender, jackstay, lftp, siteOf } from './compare/contenders.js';
import { main } from './compare/frame.js';
import { treesEqual } from './compare/ground.js';
import { endProfiled, startOurs } from './compare/ours.js';
import { ratioOf, spreadIn } from './compare/statistics.js';
import { footnote, told, toldRatio } from './compare/tables.js';
import type { Cell, Comparison, Ground, Measured, Result, Scale } from './compare/types.js';
import { versionsOf } from './compare/versions.js';
import { markdownTable } from './harness.js';

const SIZE = 64;
const SESSIONS = 4;
/** Milliseconds between two looks at the sink and at the client's memory. */
const LOOK = 20;
const LIMIT_MS = 1_800_000;
const LFTP = 'lftp, vsftpd';

type Servers = 'ours' | 'vsftpd';

interface Entrant {
  readonly contender: Contender;
  readonly servers: Servers;
  /** Files a second, about. */
  readonly rate: number;
}

const ENTRANTS: readonly Entrant[] = [
  { contender: lftp(LFTP, 'mirror'), servers: 'vsftpd', rate: 500 },
  { contender: jackstay('jackstay', 'SHA-256, by both servers'), servers: 'ours', rate: 1000 },
];

const scaleOf = ({ quick }: Scale) =>
  quick ? { files: 2000, directories: 20 } : { files: 100_000, directories: 1000 };

const idOf = (scale: Scale): string => {
  const { files, directories } = scaleOf(scale);
  return `${files.toLocaleString('en')} files in ${directories.toLocaleString('en')} directories`;
};

function cells(scale: Scale): Cell[] {
  const amount = scaleOf(scale).files;
  return ENTRANTS.filter(({ contender }) => contender.missing === undefined).map(({ contender, rate }) => ({
    ...{ setting: idOf(scale), contender: contender.name, amount },
    // The comparison and the removal of so many files take their time too.
    expected: amount / rate + amount / 10_000,
  }));
}

function plant(sources: readonly Peer[], { files, directories }: ReturnType<typeof scaleOf>): void {
  const each = Math.ceil(files / directories);
  for (let d = 0; d < directories; d++) {
    const name = join('tree', `dir-${String(d).padStart(4, '0')}`);
    for (const { home } of sources) mkdirSync(join(home, name), { recursive: true });
    for (let n = 0; n < Math.min(each, files - d * each); n++) {
      const [first = '', ...others] = sources.map(({ home }) => join(home, name, `f${n}`));
      writeFileSync(first, `${d} ${n} `.padEnd(SIZE, '.'));
      for (const other of others) linkSync(first, other);
    }
  }
  for (const source of sources) source.own();
}

/** Peak resident memory so far, octets; 0 when the process is gone. */
function peakMemory(pid: number): number {
  try {
    const line = /^VmHWM:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'));
    return Number(line?.[1] ?? 0) * 1024;
  } catch {
    return 0;
  }
}

/** A file anywhere below the folder that has octets. */
function hasFile(folder: string): boolean {
  try {
    return readdirSync(folder).some((name) => {
      const path = join(folder, name);
      const stats = statSync(path);
      return stats.isDirectory() ? hasFile(path) : stats.size > 0;
    });
  } catch {
    return false;
  }
}

/** Run the client to its end; of its output only the end is kept, and the moment when it says that all is listed. */
function follow(
  command: readonly string[],
  env: Readonly<Record<string, string>>,
  target: string,
): Promise<Measured> {
  const [program = '', ...args] = command;
  const begun = performance.now();
  const passed = (): number => (performance.now() - begun) / 1000;
  const child = spawn(program, args, {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { PATH: process.env.PATH ?? '', LANG: 'C.UTF-8', ...env },
    timeout: LIMIT_MS,
    killSignal: 'SIGKILL',
  });
  const values: Record<string, number> = { clientMebibytes: 0 };
  let tail = '';
  const keep = (chunk: Buffer): void => {
    const text = tail + chunk.toString('utf8');
    if (values.listed === undefined && /"event":"scan"[^\n]*"done":true/.test(text)) values.listed = passed();
    tail = text.slice(-2_000);
  };
  child.stdout.on('data', keep);
  child.stderr.on('data', keep);
  const timer = setInterval(() => {
    values.clientMebibytes = Math.max(values.clientMebibytes ?? 0, peakMemory(child.pid ?? 0) / 2 ** 20);
    if (values.firstFile === undefined && hasFile(target)) values.firstFile = passed();
  }, LOOK);
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (status) => {
      clearInterval(timer);
      const failure = status === 0 ? {} : { failure: `status ${status}: ${tail}` };
      resolve({ seconds: passed(), identical: false, ...failure, values });
    });
  });
}

async function open(_cells: readonly Cell[], scale: Scale): Promise<Ground> {
  const { profile } = scale;
  const quietly = { tls: false, extra: ['xferlog_enable=NO', 'log_ftp_protocol=NO'] };
  const start = async (): Promise<Record<Servers, Peer>> => ({
    ours: await startOurs({ profile }),
    vsftpd: await startVsftpd(quietly),
  });
  const [source, sink] = [await start(), await start()];
  plant(Object.values(source), scaleOf(scale));
  const measure = async (cell: Cell, label: string): Promise<Measured> => {
    const { contender, servers } = ENTRANTS.find(({ contender: { name } }) => name === cell.contender)!;
    const state = workFolder('bench');
    const [origin, target] = [join(source[servers].home, 'tree'), join(sink[servers].home, label)];
    try {
      const task = {
        ...{ source: siteOf(source[servers]), sink: siteOf(sink[servers]), from: 'tree', to: label },
        ...{ sessions: SESSIONS, tls: false, state, profile },
      };
      const run = await follow(contender.command(task), contender.env(task), target);
      return { ...run, identical: treesEqual(origin, target) };
    } finally {
      rmSync(state, { recursive: true, force: true });
      rmSync(target, { recursive: true, force: true });
    }
  };
  return {
    versions: versionsOf('vsftpd', 'lftp', 'Jackstay', 'Node'),
    measure,
    close: async () => {
      if (profile !== undefined) await endProfiled([source.ours, sink.ours]);
      for (const peer of [...Object.values(source), ...Object.values(sink)]) await peer.stop();
    },
  };
}

function section(result: Result): string {
  const { samples } = result;
  const setting = samples[0]?.setting ?? '';
  const row = ({ contender: { name, verifies } }: Entrant): string[] => {
    const value = (key: string): string =>
      told(spreadIn(samples, setting, name, ({ values }) => values[key]));
    return [
      ...[name, value('listed'), value('firstFile')],
      told(spreadIn(samples, setting, name, ({ seconds }) => seconds)),
      told(spreadIn(samples, setting, name)),
      toldRatio(ratioOf(samples, setting, name, LFTP)),
      ...[value('clientMebibytes'), verifies],
    ];
  };
  const head = ['', 'all listed after s', 'first file after s', 'all after s', 'files/s', 'to lftp'];
  const table = markdownTable([[...head, 'client MiB, peak', 'compared'], ...ENTRANTS.map(row)]);
  return `${table}\n\n${setting}, ${SIZE} octets each, ${SESSIONS} sessions, plain. ${footnote(result)}`;
}

export const tree: Comparison = { name: 'tree', opening: 30, runs: 1, cells, open, section };

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) await main(tree);
