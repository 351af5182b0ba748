import type { Command } from 'commander';
import type { Cli } from '../backend.js';
import { addTransferFlags, type TransferFlags } from '../flags.js';
import { placeContext, resolvePlace } from '../place.js';
import { runTransfer } from '../transfer.js';

const EXAMPLES = `
Examples:
  jackstay sync old:pub new:pub --dry-run         what would be copied
  jackstay sync old:pub new:pub --delete          an exact copy
`;

/** jackstay sync SRC DST */
export function build(command: Command, cli: Cli): void {
  addTransferFlags(command)
    .argument('<source>', 'directory that is right')
    .argument('<destination>', 'directory to make equal')
    .option('--delete', 'remove what the source does not have')
    .addHelpText('after', EXAMPLES)
    .action(async (source: string, destination: string, flags: TransferFlags) => {
      const context = placeContext(cli.io, flags);
      const from = await resolvePlace(source, context);
      const to = await resolvePlace(destination, context);
      cli.finish(await runTransfer(cli, 'sync', flags, [from, to]));
    });
}
