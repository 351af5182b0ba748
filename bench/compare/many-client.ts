/**
 * A client with many copies at once: each its own folder, its own sessions. Prints what they add up to and what they cost this
 * process, as JSON.
 *
 *   node --import tsx bench/compare/many-client.ts HOST:PORT HOST:PORT USER PASSWORD COPIES
 */
import type { EngineEvent } from '../../src/engine/events.js';
import type { Place } from '../../src/engine/options.js';
import { REPOSITORY } from '../harness.js';

/** What the events of all copies add up to, and the costs. */
export interface ManyReport {
  commands: number;
  logins: number;
  underWay: number;
  /** Files under way at the same time, at most. */
  most: number;
  done: number;
  seconds: number;
  cpuSeconds: number;
  /** Resident memory at its peak above that at the start, octets. */
  peakMemory: number;
  failed: number;
  /** The first copy that was refused. */
  refused?: string;
}

const [from = '', to = '', user = '', password = '', copies = '1'] = process.argv.slice(2);
const report: ManyReport = {
  ...{ commands: 0, logins: 0, underWay: 0, most: 0, done: 0 },
  ...{ seconds: 0, cpuSeconds: 0, peakMemory: 0, failed: 0 },
};

function place(address: string, path: string): Place {
  const [host = '', port = ''] = address.split(':');
  return { kind: 'site', site: { host, port: Number(port), user, password, maxSessions: 2 }, path };
}

function take(event: EngineEvent): void {
  if (event.event === 'dialogue' && event.direction === '>') report.commands += 1;
  else if (event.event === 'login') report.logins += 1;
  else if (event.event === 'file-start') report.most = Math.max(report.most, ++report.underWay);
  else if (event.event === 'file-done') {
    report.underWay -= 1;
    report.done += 1;
  }
}

// The client that was built, as users have it.
const built = `${REPOSITORY}dist/engine/copy.js`;
const { copy } = (await import(built)) as typeof import('../../src/engine/copy.js');
const before = process.memoryUsage().rss;
const cpu = process.cpuUsage();
const begun = performance.now();
const results = await Promise.allSettled(
  Array.from({ length: Number(copies) }, (_, n) =>
    copy(place(from, `/from-${n}`), place(to, `/to-${n}`), { parallel: 1, onEvent: take }),
  ),
);
const used = process.cpuUsage(cpu);
const refused = results.find((result) => result.status === 'rejected');
Object.assign(report, {
  seconds: (performance.now() - begun) / 1000,
  cpuSeconds: (used.user + used.system) / 1e6,
  peakMemory: process.resourceUsage().maxRSS * 1024 - before,
  failed: results.filter((result) => result.status === 'rejected' || result.value.failed > 0).length,
  ...(refused === undefined ? {} : { refused: String(refused.reason) }),
});
process.stdout.write(`${JSON.stringify(report)}\n`);
