import type { Entry } from '../protocol/entry.js';
import { FtpError } from '../protocol/errors.js';
import { checkName, printable } from '../protocol/names.js';
import { joinPath } from '../protocol/paths.js';
import { decide, wantsExactTimes } from './decide.js';
import type { SkipReason } from './events.js';
import type { FileJob } from './job.js';
import type { Lane } from './lane.js';
import { finalNameOf, partialName } from './partial.js';
import type { Run } from './run.js';
import type { Tree } from './tree.js';

/** A directory to be compared and copied. */
export interface DirectoryTask {
  relative: string;
  source: string;
  target: string;
  /** False when it is known that the target has to be made. */
  exists: boolean;
  depth: number;
}

/** What a directory holds for the run. */
export interface Expansion {
  files: FileJob[];
  directories: DirectoryTask[];
  skipped: { path: string; reason: SkipReason }[];
  failed: { path: string; message: string; advice: string }[];
  /** What the source does not have (names at the target). */
  extra: { path: string; type: Entry['type'] }[];
  made: boolean;
}

/** What to do about a target that is not to be replaced. */
const IN_THE_WAY = 'Move it away, choose another --on-exists, or another destination.';

/** Deeper than any sane tree: a loop of links. */
const DEPTH_LIMIT = 100;

/** List both sides of a directory at once, make the target, and decide about every entry. */
export async function expand(run: Run, lane: Lane, task: DirectoryTask): Promise<Expansion> {
  if (task.depth > DEPTH_LIMIT)
    throw new FtpError(
      'policy',
      `${task.relative} is more than ${DEPTH_LIMIT} directories deep: probably a loop of links`,
    );
  const source = lane.tree('source');
  const target = lane.tree('destination');
  const [here, there, made] = await allOver([
    source.list(task.source),
    task.exists ? target.list(task.target) : [],
    task.exists ? false : make(run, target, task.target),
  ] as const);
  const result: Expansion = { files: [], directories: [], skipped: [], failed: [], extra: [], made };
  const existing = new Map(there.map((entry) => [entry.name, entry]));
  const partials = groupPartials(there);
  const seen = new Set<string>();
  const at: Place = { source, target, task, result, lane };
  for (const entry of here) {
    const verdict = checkName(entry.name);
    if (!verdict.ok || seen.has(entry.name)) {
      const why = verdict.ok ? 'the listing names it twice' : verdict.why;
      result.failed.push({
        path: joinPath(task.relative, printable(entry.name)),
        message: `${run.names.source} lists a name that is not used: ${why}`,
        advice: 'Rename it at that server.',
      });
      continue;
    }
    seen.add(entry.name);
    await place(run, at, entry, existing.get(entry.name), partials.get(entry.name) ?? []);
  }
  for (const entry of there) {
    if (!seen.has(entry.name) && finalNameOf(entry.name) === undefined && checkName(entry.name).ok)
      result.extra.push({ path: joinPath(task.target, entry.name), type: entry.type });
  }
  return result;
}

/** As `Promise.all`, but a failure waits for the others: a retry must not meet them on the same session. */
async function allOver<T extends readonly unknown[]>(
  tasks: T,
): Promise<{ -readonly [K in keyof T]: Awaited<T[K]> }> {
  await Promise.allSettled(tasks);
  return Promise.all(tasks);
}

async function make(run: Run, tree: Tree, path: string): Promise<boolean> {
  return run.settings.dryRun ? true : tree.makeDirectory(path);
}

/** The destination would store this name as another one, and say nothing. */
export const losesBlanks = (lane: Lane, name: string): boolean =>
  name.endsWith(' ') && lane.held('destination')?.facts.behaviour.changesTrailingBlanks === true;

function groupPartials(entries: readonly Entry[]): Map<string, Entry[]> {
  const groups = new Map<string, Entry[]>();
  for (const entry of entries) {
    const name = finalNameOf(entry.name);
    if (name !== undefined && entry.type === 'file') groups.set(name, [...(groups.get(name) ?? []), entry]);
  }
  return groups;
}

interface Place {
  source: Tree;
  target: Tree;
  task: DirectoryTask;
  result: Expansion;
  lane: Lane;
}

async function place(
  run: Run,
  at: Place,
  entry: Entry,
  existing: Entry | undefined,
  partials: Entry[],
): Promise<void> {
  const { task, result } = at;
  const relative = joinPath(task.relative, entry.name);
  const skip = (reason: SkipReason): void => void result.skipped.push({ path: relative, reason });
  const directory = entry.type === 'dir';
  if (!run.settings.filter(relative, directory)) return skip('filtered');
  if (losesBlanks(at.lane, entry.name)) {
    const message = `${run.names.destination} changes blanks at the end of a name: it was not sent there`;
    result.failed.push({ path: relative, message, advice: 'Rename it at the source.' });
    return;
  }
  if (directory) {
    if (existing && existing.type !== 'dir' && existing.type !== 'link') {
      const message = `${run.names.destination}: a file of that name is in the way of a directory`;
      result.failed.push({ path: relative, message, advice: IN_THE_WAY });
      return;
    }
    const path = joinPath(task.target, entry.name);
    result.directories.push({
      relative,
      source: joinPath(task.source, entry.name),
      target: path,
      exists: existing !== undefined,
      depth: task.depth + 1,
    });
    return;
  }
  if (entry.type === 'link' || entry.type === 'special') return skip(entry.type);
  if (finalNameOf(entry.name) !== undefined) return skip('filtered');
  await placeFile(run, at, entry, existing, partials);
}

async function placeFile(
  run: Run,
  { source, target, task, result }: Place,
  entry: Entry,
  existing: Entry | undefined,
  partials: Entry[],
): Promise<void> {
  const relative = joinPath(task.relative, entry.name);
  const paths = { source: joinPath(task.source, entry.name), target: joinPath(task.target, entry.name) };
  const known = { ...entry };
  const old = existing ? { ...existing } : undefined;
  if (old && wantsExactTimes(known, old, run.settings.onExists)) {
    const [a, b] = await Promise.all([source.modified(paths.source), target.modified(paths.target)]);
    if (a !== undefined) Object.assign(known, { modified: a, modifiedPrecision: 'second' });
    if (b !== undefined) Object.assign(old, { modified: b, modifiedPrecision: 'second' });
  }
  const decision = decide(known, old, run.settings.onExists);
  if (decision.do === 'skip') result.skipped.push({ path: relative, reason: decision.reason });
  else if (decision.do === 'refuse') {
    const message = `${run.names.destination}: ${decision.why}`;
    result.failed.push({ path: relative, message, advice: IN_THE_WAY });
  } else result.files.push(makeJob(relative, paths, known, old, decision.do === 'continue', partials));
}

/** An entry and what stands at its target -> the job. */
export function makeJob(
  relative: string,
  paths: { source: string; target: string },
  entry: Entry,
  existing: Entry | undefined,
  continues: boolean,
  partials: readonly Entry[],
): FileJob {
  const size = entry.sizeExact === false ? undefined : entry.size;
  const own = partialName(entry.name, size, entry.modified);
  return {
    relative,
    ...paths,
    size,
    modified: entry.modified,
    coarse: entry.modifiedPrecision !== undefined && entry.modifiedPrecision !== 'second',
    mode: entry.mode,
    existing,
    continues,
    partial: partials.find(({ name }) => name === own)?.size ?? 0,
    stale: partials.map(({ name }) => name).filter((name) => name !== own),
    direct: false,
    suspect: false,
    attempts: 0,
  };
}
