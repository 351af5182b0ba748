import type { Command } from 'commander';
import type { Cli } from '../backend.js';
import { addTransferFlags, type TransferFlags } from '../flags.js';
import { placeContext, resolveRemote } from '../place.js';
import { runTransfer } from '../transfer.js';

const EXAMPLES = `
Examples:
  jackstay put ./x.iso new:pub/
  jackstay put ./logs ftps://host.example/logs --on-exists newer
`;

/** jackstay put LOCAL URL */
export function build(command: Command, cli: Cli): void {
  addTransferFlags(command)
    .argument('<local>', 'file or directory on this machine')
    .argument('<place>', 'where to put it on a server')
    .addHelpText('after', EXAMPLES)
    .action(async (path: string, word: string, flags: TransferFlags) => {
      const to = await resolveRemote(word, placeContext(cli.io, flags));
      cli.finish(await runTransfer(cli, 'copy', flags, [{ kind: 'local', path }, to]));
    });
}
