import type { Command } from 'commander';
import type { Cli } from '../backend.js';
import { addTransferFlags, type TransferFlags } from '../flags.js';
import { placeContext, resolvePlace } from '../place.js';
import { runTransfer } from '../transfer.js';

const EXAMPLES = `
Places are URLs (ftp://, ftps://, ftpes://), site:path of a saved site, or local paths.
ftp://host/a is below the login directory, ftp://host//a is absolute.

Examples:
  jackstay copy old:pub/iso new:pub/              a tree, from server to server
  jackstay copy ftps://a.example/x.bin ftps://b.example/x.bin --security one-sided
  jackstay copy old:logs ./logs --include '**/*.gz' --exclude 'tmp/**'
  jackstay copy old:big new:big --relay fallback  through this machine if the servers cannot
`;

/** jackstay copy SRC DST */
export function build(command: Command, cli: Cli): void {
  addTransferFlags(command)
    .argument('<source>', 'file or directory to copy')
    .argument('<destination>', 'where to copy it')
    .addHelpText('after', EXAMPLES)
    .action(async (source: string, destination: string, flags: TransferFlags) => {
      const context = placeContext(cli.io, flags);
      const from = await resolvePlace(source, context);
      const to = await resolvePlace(destination, context);
      cli.finish(await runTransfer(cli, 'copy', flags, [from, to]));
    });
}
