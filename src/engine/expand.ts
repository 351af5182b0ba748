import { sep } from 'node:path';
import type { Entry } from '../protocol/entry.js';
import { FtpError } from '../protocol/errors.js';
import { checkName, printable } from '../protocol/names.js';
import { joinPath } from '../protocol/paths.js';
import { decide, wantsExactTimes } from './decide.js';
import type { SkipReason } from './events.js';
import type { FileJob } from './job.js';
import type { Lane } from './lane.js';
import { finalNameOf, partialHead, partialName } from './partial.js';
import type { Extra } from './remove.js';
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
  extra: Extra[];
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
      { retry: 'never', advice: 'Leave it out with --exclude.' },
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
  await refineTimes(run, { source, target }, task, here, existing);
  const seen = new Set<string>();
  const at: Place = { task, result, lane };
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
    place(run, at, entry, existing.get(entry.name), partials.get(partialHead(entry.name)) ?? []);
  }
  for (const entry of there) {
    if (!seen.has(entry.name) && finalNameOf(entry.name) === undefined && checkName(entry.name).ok)
      result.extra.push({
        path: joinPath(task.target, entry.name),
        relative: joinPath(task.relative, entry.name),
        directory: entry.type === 'dir',
      });
  }
  return result;
}

/** Questions about times under way at once: they share segments where the server queues commands. */
const TIMES_AT_ONCE = 32;

/** Where a listing's times are too coarse to tell whether a file is the same one, MDTM is asked, many at once. */
async function refineTimes(
  run: Run,
  trees: { source: Tree; target: Tree },
  task: DirectoryTask,
  here: readonly Entry[],
  existing: ReadonlyMap<string, Entry>,
): Promise<void> {
  const questions: (() => Promise<void>)[] = [];
  const ask = (tree: Tree, directory: string, entry: Entry): void => {
    if (entry.modified !== undefined && (entry.modifiedPrecision ?? 'second') === 'second') return;
    questions.push(async () => {
      const modified = await tree.modified(joinPath(directory, entry.name));
      if (modified !== undefined) Object.assign(entry, { modified, modifiedPrecision: 'second' });
    });
  };
  for (const entry of here) {
    const old = existing.get(entry.name);
    if (entry.type !== 'file' || old?.type !== 'file' || !checkName(entry.name).ok) continue;
    if (!wantsExactTimes(entry, old, run.settings.onExists)) continue;
    ask(trees.source, task.source, entry);
    ask(trees.target, task.target, old);
  }
  while (questions.length > 0)
    await allOver(questions.splice(0, TIMES_AT_ONCE).map((question) => question()));
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

/** Names arrive on a Windows file system. */
const onWindows = (lane: Lane): boolean =>
  lane.held('destination')?.facts.behaviour.windowsNames ??
  (lane.tree('destination').kind === 'local' && sep === '\\');

/** Why a name would lead elsewhere, or nowhere, on a Windows system; undefined where it would not. */
function misplaced({ names }: Run, lane: Lane, name: string): string | undefined {
  // Whoever takes \ for a separator, known or not, would write outside the directory.
  if (name.split('\\').includes('..'))
    return `${names.source} lists a name that leads out of the directory on a Windows system`;
  const verdict = onWindows(lane) ? checkName(name, { windows: true }) : undefined;
  if (!verdict || verdict.ok) return undefined;
  return `${names.destination} is a Windows system, where this name ${verdict.why}`;
}

/** Why a server would take this name for another one, and say nothing; undefined where it would not. */
export function misread(lane: Lane, name: string): string | undefined {
  const to = lane.held('destination');
  if (name.endsWith(' ') && to?.facts.behaviour.changesTrailingBlanks)
    return `${to.session.name} changes blanks at the end of a name`;
  for (const side of ['source', 'destination'] as const) {
    const connection = lane.held(side);
    if (connection?.facts.behaviour.asciiNames && /[^\x00-\x7f]/.test(name))
      return `${connection.session.name} leaves out what is not ASCII in a name`;
  }
  return undefined;
}

function groupPartials(entries: readonly Entry[]): Map<string, Entry[]> {
  const groups = new Map<string, Entry[]>();
  for (const entry of entries) {
    const name = finalNameOf(entry.name);
    if (name !== undefined && entry.type === 'file') groups.set(name, [...(groups.get(name) ?? []), entry]);
  }
  return groups;
}

interface Place {
  task: DirectoryTask;
  result: Expansion;
  lane: Lane;
}

function place(run: Run, at: Place, entry: Entry, existing: Entry | undefined, partials: Entry[]): void {
  const { task, result } = at;
  const relative = joinPath(task.relative, entry.name);
  const reason = skipReason(run, relative, entry);
  if (reason) {
    result.skipped.push({ path: relative, reason });
    return;
  }
  const why = misread(at.lane, entry.name) ?? misplaced(run, at.lane, entry.name);
  if (why !== undefined) {
    const message = `${why}: it was not sent`;
    result.failed.push({ path: relative, message, advice: 'Rename it at the source.' });
    return;
  }
  if (entry.type === 'dir') {
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
  placeFile(run, at, entry, existing, partials);
}

function skipReason(run: Run, relative: string, entry: Entry): SkipReason | undefined {
  if (!run.settings.filter(relative, entry.type === 'dir')) return 'filtered';
  if (entry.type === 'link' || entry.type === 'special') return entry.type;
  return entry.type !== 'dir' && finalNameOf(entry.name) !== undefined ? 'filtered' : undefined;
}

function placeFile(
  run: Run,
  { task, result }: Place,
  entry: Entry,
  existing: Entry | undefined,
  partials: Entry[],
): void {
  const relative = joinPath(task.relative, entry.name);
  const paths = { source: joinPath(task.source, entry.name), target: joinPath(task.target, entry.name) };
  const decision = decide(entry, existing, run.settings.onExists);
  if (decision.do === 'skip') result.skipped.push({ path: relative, reason: decision.reason });
  else if (decision.do === 'refuse') {
    const message = `${run.names.destination}: ${decision.why}`;
    result.failed.push({ path: relative, message, advice: IN_THE_WAY });
  } else result.files.push(makeJob(relative, paths, entry, existing, decision.do === 'continue', partials));
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
  // Most directories hold none, and the name costs a digest.
  const own = partials.length === 0 ? '' : partialName(entry.name, size, entry.modified);
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
    // Behind a name that was cut there may be another file's.
    stale: own.startsWith(`${entry.name}.`)
      ? partials.map(({ name }) => name).filter((name) => name !== own)
      : [],
    direct: false,
    suspect: false,
    attempts: 0,
  };
}
