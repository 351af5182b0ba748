import type { Command } from 'commander';
import type { Cli } from '../backend.js';
import { addCommonFlags, type CommonFlags } from '../flags.js';
import { onEachRemote } from '../remote.js';

const EXAMPLES = `
Example:
  jackstay cat old:pub/README | less
`;

/** jackstay cat URL... */
export function build(command: Command, cli: Cli): void {
  addCommonFlags(command)
    .argument('<place...>', 'files to print, one after the other')
    .addHelpText('after', EXAMPLES)
    .action(async (words: string[], flags: CommonFlags) => {
      await onEachRemote(cli, words, flags, async (files, place) => {
        await files.download(place.path, cli.io.stdout, { offset: 0 });
      });
    });
}
