/** CPU profiles as V8 writes them (`--cpu-prof`), told by the functions that the time passed in. */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { markdownTable } from '../harness.js';
import { grouped } from './statistics.js';

interface ProfileNode {
  readonly id: number;
  readonly callFrame: { readonly functionName: string; readonly url: string; readonly lineNumber: number };
}

/** https://chromedevtools.github.io/devtools-protocol/tot/Profiler/#type-Profile; times in microseconds. */
export interface CpuProfile {
  readonly nodes: readonly ProfileNode[];
  readonly samples?: readonly number[];
  readonly timeDeltas?: readonly number[];
}

/** Time in a function itself, not in what it calls; milliseconds. */
export interface SelfTime {
  readonly where: string;
  readonly milliseconds: number;
}

/** Functions of one or more profiles by self time, most first. `(idle)` is left out: it is no work. */
export function selfTimes(profiles: readonly CpuProfile[]): SelfTime[] {
  const times = new Map<string, number>();
  for (const { nodes, samples = [], timeDeltas = [] } of profiles) {
    const names = new Map(nodes.map(({ id, callFrame }) => [id, placeOf(callFrame)]));
    for (const [n, id] of samples.entries()) {
      const where = names.get(id) ?? '(unknown)';
      // A delta can be negative where two samples were taken out of order.
      if (where !== '(idle)') times.set(where, (times.get(where) ?? 0) + Math.max(0, timeDeltas[n] ?? 0));
    }
  }
  return [...times]
    .map(([where, microseconds]) => ({ where, milliseconds: microseconds / 1000 }))
    .sort((a, b) => b.milliseconds - a.milliseconds);
}

function placeOf({ functionName, url, lineNumber }: ProfileNode['callFrame']): string {
  const name = functionName === '' ? '(anonymous)' : functionName;
  if (url === '') return name;
  const file = /(?:dist|src|node_modules)\/.*$/.exec(url)?.[0] ?? url;
  return `${name} ${file}:${lineNumber + 1}`;
}

function profilesIn(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.cpuprofile'))
    .map((name) => join(folder, name))
    .sort();
}

const SHOWN = 25;

/**
 * A table of self times for each folder with profiles below this one (client, source, sink), also written to `summary.md` in it.
 * @returns the Markdown.
 */
export function summarizeProfiles(folder: string): string {
  const groups = grouped(profilesIn(folder), (file) => relative(folder, file).split('/')[0] ?? '');
  const parts = [...groups].map(([name, files]) => {
    const times = selfTimes(files.map((file) => JSON.parse(readFileSync(file, 'utf8')) as CpuProfile));
    const total = times.reduce((sum, { milliseconds }) => sum + milliseconds, 0);
    const rows = times.slice(0, SHOWN).map(({ where, milliseconds }) => {
      return [milliseconds.toFixed(0), `${((100 * milliseconds) / total).toFixed(1)} %`, `\`${where}\``];
    });
    const head = `${name}: ${files.length} profiles, ${total.toFixed(0)} ms on the CPU`;
    return `${head}\n\n${markdownTable([['self ms', 'share', 'function'], ...rows])}`;
  });
  const text = parts.length === 0 ? `no profile was written below ${folder}` : parts.join('\n\n');
  writeFileSync(join(folder, 'summary.md'), `${text}\n`);
  return text;
}
