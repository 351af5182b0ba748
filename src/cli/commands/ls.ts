import type { Command } from 'commander';
import { type Found, walk } from '../../client/walk.js';
import type { Entry } from '../../protocol/entry.js';
import { printable } from '../../protocol/names.js';
import type { Cli, RemoteFiles } from '../backend.js';
import { addCommonFlags, type CommonFlags } from '../flags.js';
import { type Io, say } from '../io.js';
import { onEachRemote } from '../remote.js';
import { toJson } from '../report/json.js';

const EXAMPLES = `
Times are in UTC.

Examples:
  jackstay ls old:pub
  jackstay ls -l ftp://ftp.example/pub
  jackstay ls -R --json old:pub
`;

interface ListFlags extends CommonFlags {
  long?: boolean;
  recursive?: boolean;
}

/** jackstay ls URL... */
export function build(command: Command, cli: Cli): void {
  addCommonFlags(command)
    .argument('<place...>', 'directories or files')
    .option('-l, --long', 'type, mode, size and time as well')
    .option('-R, --recursive', 'everything below')
    .addHelpText('after', EXAMPLES)
    .action(async (words: string[], flags: ListFlags) => {
      await onEachRemote(cli, words, flags, async (files, { path }) => {
        await print(cli.io, await find(files, path, flags), flags);
      });
    });
}

async function find(
  files: RemoteFiles,
  path: string,
  flags: ListFlags,
): Promise<AsyncIterable<Found> | Found[]> {
  if (flags.recursive) return below(files, path);
  const entries = await files.list(path);
  return entries.sort((a, b) => (a.name < b.name ? -1 : 1)).map((entry) => ({ path: entry.name, entry }));
}

async function* below(files: RemoteFiles, path: string): AsyncGenerator<Found> {
  const prefix = path === '' || path.endsWith('/') ? path.length : path.length + 1;
  for await (const found of walk(files, path)) yield { ...found, path: found.path.slice(prefix) };
}

async function print(io: Io, found: AsyncIterable<Found> | Found[], flags: ListFlags): Promise<void> {
  for await (const { path, entry } of found) {
    if (flags.json) say(io.stdout, toJson({ path, ...entry }));
    else say(io.stdout, flags.long ? longLine(path, entry) : printable(path) + mark(entry));
  }
}

function mark(entry: Entry): string {
  return entry.type === 'dir' ? '/' : '';
}

/** One entry as `ls -l` shows it: type and mode, size, time, name, target of a link. */
export function longLine(path: string, entry: Entry): string {
  const letter = { file: '-', dir: 'd', link: 'l', special: 's', unknown: '?' }[entry.type];
  const size = entry.size === undefined ? '-' : String(entry.size);
  const arrow = entry.target === undefined ? '' : ` -> ${printable(entry.target)}`;
  return `${letter}${modeWords(entry.mode)} ${size.padStart(14)}  ${time(entry).padEnd(16)}  ${printable(path)}${mark(entry)}${arrow}`;
}

function modeWords(mode: number | undefined): string {
  if (mode === undefined) return '?????????';
  return [6, 3, 0]
    .map((shift) => 'rwx'.replace(/./g, (c, i: number) => ((mode >> shift) & (4 >> i) ? c : '-')))
    .join('');
}

function time({ modified, modifiedPrecision }: Entry): string {
  if (modified === undefined) return '-';
  const text = new Date(modified).toISOString();
  return modifiedPrecision === 'day' ? text.slice(0, 10) : text.slice(0, 16).replace('T', ' ');
}
