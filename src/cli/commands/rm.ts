import type { Command } from 'commander';
import type { Cli } from '../backend.js';
import { addCommonFlags, type CommonFlags } from '../flags.js';
import { onEachRemote } from '../remote.js';

const EXAMPLES = `
Examples:
  jackstay rm old:pub/x.iso
  jackstay rm -r old:pub/logs
`;

/** jackstay rm URL... */
export function build(command: Command, cli: Cli): void {
  addCommonFlags(command)
    .argument('<place...>', 'files to remove')
    .option('-r, --recursive', 'remove directories and all that is in them')
    .addHelpText('after', EXAMPLES)
    .action(async (words: string[], flags: CommonFlags & { recursive?: boolean }) => {
      await onEachRemote(cli, words, flags, async (files, { path }) => {
        const tree = flags.recursive && (await files.stat(path)).type === 'dir';
        await (tree ? files.removeTree(path) : files.remove(path));
      });
    });
}
