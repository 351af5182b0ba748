import type { Command } from 'commander';
import type { Cli } from '../backend.js';
import { addTransferFlags, type TransferFlags } from '../flags.js';
import { placeContext, resolveRemote } from '../place.js';
import { runTransfer } from '../transfer.js';

const EXAMPLES = `
A file that is there in part is continued.

Examples:
  jackstay get ftp://ftp.example/pub/x.iso
  jackstay get old:pub/logs ./logs
`;

/** jackstay get URL [LOCAL] */
export function build(command: Command, cli: Cli): void {
  addTransferFlags(command)
    .argument('<place>', 'file or directory on a server')
    .argument('[local]', 'where to put it', './')
    .addHelpText('after', EXAMPLES)
    .action(async (word: string, path: string, flags: TransferFlags) => {
      const from = await resolveRemote(word, placeContext(cli.io, flags));
      cli.finish(await runTransfer(cli, 'copy', flags, [from, { kind: 'local', path }]));
    });
}
