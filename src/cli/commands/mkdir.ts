import type { Command } from 'commander';
import type { Cli } from '../backend.js';
import { addCommonFlags, type CommonFlags } from '../flags.js';
import { onEachRemote } from '../remote.js';

const EXAMPLES = `
Example:
  jackstay mkdir -p new:pub/2026/11
`;

/** jackstay mkdir URL... */
export function build(command: Command, cli: Cli): void {
  addCommonFlags(command)
    .argument('<place...>', 'directories to make')
    .option('-p, --parents', 'make what is missing above them; an existing directory is no error')
    .addHelpText('after', EXAMPLES)
    .action(async (words: string[], flags: CommonFlags & { parents?: boolean }) => {
      await onEachRemote(cli, words, flags, async (files, { path }) => {
        await files.mkdir(path, { parents: flags.parents === true });
      });
    });
}
