/**
 * Many server-to-server copies at once from one process: n copies, each of its own folder with its own sessions, between two
 * servers of ours, which are processes of their own. Tells what the client costs: CPU seconds, memory, commands a second and
 * core. Every file is compared octet for octet.
 *
 *   npm run build && npx tsx bench/many.ts [--copies 1000] [--files 4] [--size 65536] [--built 1]
 *   npx tsx bench/many.ts --quick          50 copies, result to the terminal only
 */
import { randomBytes } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { EngineEvent } from '../src/engine/events.js';
import type { Place } from '../src/engine/options.js';
import type { Peer } from '../test/peers/peer.js';
import { notBuilt, startJackstay } from '../test/peers/real/jackstay.js';
import { markdownTable, numericOptions, REPOSITORY, saveResult } from './harness.js';

const quick = process.argv.includes('--quick');
const options = numericOptions(
  { copies: quick ? 50 : 1000, files: 4, size: 65_536, built: 1 },
  process.argv.slice(2).filter((word) => word !== '--quick'),
);

/** What the events of all copies add up to. */
interface Count {
  commands: number;
  logins: number;
  underWay: number;
  most: number;
  done: number;
}

const place = ({ host, port, user, password }: Peer, path: string): Place => ({
  kind: 'site',
  site: { host, port, user, password, maxSessions: 2 },
  path,
});

function plant(peer: Peer): void {
  for (let copy = 0; copy < options.copies; copy++) {
    const folder = join(peer.home, `from-${copy}`);
    mkdirSync(folder);
    for (let n = 0; n < options.files; n++) writeFileSync(join(folder, `f${n}`), randomBytes(options.size));
  }
  peer.own();
}

function take(count: Count, event: EngineEvent): void {
  if (event.event === 'dialogue' && event.direction === '>') count.commands += 1;
  else if (event.event === 'login') count.logins += 1;
  else if (event.event === 'file-start') count.most = Math.max(count.most, ++count.underWay);
  else if (event.event === 'file-done') {
    count.underWay -= 1;
    count.done += 1;
  }
}

/** The client that was built, as users have it, or the sources. */
async function client(): Promise<Pick<typeof import('../src/engine/copy.js'), 'copy'>> {
  return options.built ? import(`${REPOSITORY}dist/engine/copy.js`) : import('../src/engine/copy.js');
}

function wrongFiles(source: Peer, sink: Peer): number {
  let wrong = 0;
  for (let copy = 0; copy < options.copies; copy++)
    for (let n = 0; n < options.files; n++) {
      const from = readFileSync(join(source.home, `from-${copy}`, `f${n}`));
      const to = join(sink.home, `to-${copy}`, `f${n}`);
      try {
        if (!readFileSync(to).equals(from)) wrong += 1;
      } catch {
        wrong += 1;
      }
    }
  return wrong;
}

async function measure(source: Peer, sink: Peer) {
  const { copy } = await client();
  const count: Count = { commands: 0, logins: 0, underWay: 0, most: 0, done: 0 };
  const before = process.memoryUsage().rss;
  const cpu = process.cpuUsage();
  const begun = performance.now();
  const results = await Promise.allSettled(
    Array.from({ length: options.copies }, (_, n) =>
      copy(place(source, `/from-${n}`), place(sink, `/to-${n}`), {
        parallel: 1,
        onEvent: (event) => take(count, event),
      }),
    ),
  );
  const seconds = (performance.now() - begun) / 1000;
  const used = process.cpuUsage(cpu);
  const refused = results.flatMap((result) => (result.status === 'rejected' ? [String(result.reason)] : []));
  if (refused.length > 0) process.stderr.write(`${refused.length} copies failed: ${refused[0]}\n`);
  return {
    ...count,
    seconds,
    cpuSeconds: (used.user + used.system) / 1e6,
    peakMemory: process.resourceUsage().maxRSS * 1024 - before,
    failed: results.filter((result) => result.status === 'rejected' || result.value.failed > 0).length,
    wrong: wrongFiles(source, sink),
  };
}

function table(run: Awaited<ReturnType<typeof measure>>): string {
  const { seconds, cpuSeconds, commands } = run;
  return markdownTable([
    ['', ''],
    ['copies at once, files in all', `${options.copies}, ${options.copies * options.files}`],
    ['files under way at the same time, most', `${run.most}`],
    ['seconds', seconds.toFixed(2)],
    ['files a second', (run.done / seconds).toFixed(0)],
    ['client, CPU seconds', cpuSeconds.toFixed(2)],
    ['client, milliseconds of CPU a file', ((1000 * cpuSeconds) / run.done).toFixed(2)],
    ['client, memory above the start, MiB', (run.peakMemory / 2 ** 20).toFixed(0)],
    ['client, KiB a session', (run.peakMemory / 1024 / run.logins).toFixed(1)],
    ['commands', `${commands}`],
    ['commands a second and core of the client', (commands / cpuSeconds).toFixed(0)],
    ['copies that failed, files that differ', `${run.failed}, ${run.wrong}`],
  ]);
}

async function main(): Promise<void> {
  const missing = options.built ? notBuilt() : undefined;
  if (missing !== undefined) throw new Error(missing);
  const start = () =>
    startJackstay({ built: options.built === 1, quiet: true, tls: false, server: { banner: 'ready' } });
  const [source, sink] = [await start(), await start()];
  try {
    plant(source);
    const run = await measure(source, sink);
    process.stdout.write(`${table(run)}\n`);
    if (!quick) saveResult('many', { options, run });
    if (run.failed > 0 || run.wrong > 0) process.exitCode = 1;
  } finally {
    await source.stop();
    await sink.stop();
  }
}

await main();
