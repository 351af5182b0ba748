import type { Argument, Command, Option } from 'commander';

/** A line that asks the shell to offer local files as well. */
export const FILES = ':files';

/** What the commands' arguments take, by the names they give them. */
const PLACES = new Set(['source', 'destination', 'place', 'target', 'a', 'b']);
const LOCAL = new Set(['source', 'destination', 'local']);

/**
 * Candidates for the last of the words typed so far (it may be empty), one a line as `value TAB description`, and `:files`
 * where local files fit too.
 *
 * @param words without the program's name.
 * @param sites names of the saved sites.
 */
export function candidates(program: Command, words: readonly string[], sites: readonly string[]): string[] {
  const current = words.at(-1) ?? '';
  const { command, positions, open } = readWords(program, words.slice(0, -1));
  const fits = (value: string): boolean => value.startsWith(current);
  if (open) return (open.argChoices ?? []).filter(fits);
  const assigned = /^(--[a-z-]+)=/.exec(current)?.[1];
  if (assigned)
    return valuesOf(findOption(command, assigned))
      .map((v) => `${assigned}=${v}`)
      .filter(fits);
  if (current.startsWith('-')) return optionLines(command, fits);
  const below = command.commands.filter((c) => !c.name().startsWith('_') && fits(c.name()));
  if (command.commands.length > 0) return below.map((c) => `${c.name()}\t${c.description()}`);
  return argumentLines(argumentAt(command, positions), sites, fits);
}

interface Read {
  command: Command;
  /** Arguments of the command that are complete. */
  positions: number;
  /** The option whose value comes next. */
  open: Option | undefined;
}

function readWords(program: Command, words: readonly string[]): Read {
  const read: Read = { command: program, positions: 0, open: undefined };
  for (const word of words) {
    if (read.open) {
      read.open = undefined;
      continue;
    }
    if (word.startsWith('-')) {
      const option = findOption(read.command, word);
      if (option?.required) read.open = option;
      continue;
    }
    const below = read.command.commands.find((c) => c.name() === word);
    if (below) read.command = below;
    else read.positions += 1;
  }
  return read;
}

function findOption(command: Command, word: string): Option | undefined {
  return command.options.find((o) => o.long === word || o.short === word);
}

function valuesOf(option: Option | undefined): string[] {
  return option?.argChoices ?? [];
}

function optionLines(command: Command, fits: (value: string) => boolean): string[] {
  const lines = command.options.map((o) => [o.long ?? o.short ?? '', o.description] as const);
  return lines.filter(([name]) => fits(name)).map(([name, text]) => `${name}\t${text}`);
}

function argumentAt(command: Command, position: number): Argument | undefined {
  const last = command.registeredArguments.at(-1);
  return command.registeredArguments[position] ?? (last?.variadic ? last : undefined);
}

function argumentLines(
  argument: Argument | undefined,
  sites: readonly string[],
  fits: (value: string) => boolean,
): string[] {
  if (!argument) return [];
  const name = argument.name();
  const lines = (argument.argChoices ?? []).filter(fits);
  const suffix = PLACES.has(name) ? ':' : name === 'name' ? '' : undefined;
  if (suffix !== undefined)
    lines.push(
      ...sites
        .map((s) => s + suffix)
        .filter(fits)
        .map((s) => `${s}\tsaved site`),
    );
  if (LOCAL.has(name)) lines.push(FILES);
  return lines;
}
