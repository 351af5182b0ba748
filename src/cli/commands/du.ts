import type { Command } from 'commander';
import { walk } from '../../client/walk.js';
import { printable } from '../../protocol/names.js';
import type { Cli } from '../backend.js';
import { addCommonFlags, type CommonFlags } from '../flags.js';
import { bytes, count } from '../format.js';
import { say } from '../io.js';
import { onEachRemote } from '../remote.js';
import { toJson } from '../report/json.js';

const EXAMPLES = `
Sizes are those of the listings. Links are not followed.

Example:
  jackstay du old:pub
`;

/** jackstay du URL... */
export function build(command: Command, cli: Cli): void {
  addCommonFlags(command)
    .argument('<place...>', 'directories to sum up')
    .option('--bytes', 'print plain numbers')
    .addHelpText('after', EXAMPLES)
    .action(async (words: string[], flags: CommonFlags & { bytes?: boolean }) => {
      await onEachRemote(cli, words, flags, async (files, { path }) => {
        const sum = { files: 0, directories: 0, bytes: 0 };
        for await (const { entry } of walk(files, path)) {
          if (entry.type === 'dir') sum.directories += 1;
          else if (entry.type === 'file') {
            sum.files += 1;
            sum.bytes += entry.size ?? 0;
          }
        }
        const size = flags.bytes ? String(sum.bytes) : bytes(sum.bytes);
        const words = `${count(sum.files, 'file')}, ${sum.directories} director${sum.directories === 1 ? 'y' : 'ies'}`;
        say(
          cli.io.stdout,
          flags.json ? toJson({ path, ...sum }) : `${size}  ${words}  ${printable(path || '.')}`,
        );
      });
    });
}
