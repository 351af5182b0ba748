import type { Command } from 'commander';
import type { Cli } from '../backend.js';
import { Exit } from '../exit.js';
import { size } from '../flags.js';
import { interruptible } from '../interrupt.js';

const EXAMPLES = `
It starts two FTP servers on loopback addresses, makes a tree of files with every sort of odd name on one,
copies it to the other and partly back, from server to server, where each server proves its key to the
other (DCPA), compares every octet, and removes all of it. Nothing is left behind, nothing is reachable from outside.

Examples:
  jackstay demo
  jackstay demo --largest 1G
`;

/** jackstay demo */
export function build(command: Command, cli: Cli): void {
  command
    .option('--largest <size>', 'octets of the largest file (default: 64M)', size)
    .addHelpText('after', EXAMPLES)
    .action(async (flags: { largest?: number }) => cli.finish(await demo(cli, flags)));
}

async function demo(cli: Cli, { largest }: { largest?: number }): Promise<number> {
  const { stdout } = cli.io;
  const { ownDemo } = await import('../demo/own.js');
  const { endWords } = await import('../demo/report.js');
  const { copy } = await cli.backend();
  return interruptible(cli.io, false, async ({ signal }) => {
    const screen = {
      terminal: stdout.isTTY === true,
      write: (text: string): void => void stdout.write(text),
    };
    const tree = largest === undefined ? undefined : { largest };
    const good = await ownDemo({ screen, signal, copy, tree });
    screen.write(endWords(good));
    return good ? Exit.done : Exit.failed;
  });
}
