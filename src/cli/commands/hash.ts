import type { Command } from 'commander';
import { printable } from '../../protocol/names.js';
import type { Cli } from '../backend.js';
import { addCommonFlags, type CommonFlags } from '../flags.js';
import { say } from '../io.js';
import { onEachRemote } from '../remote.js';
import { toJson } from '../report/json.js';

const EXAMPLES = `
The server computes the digest; the file does not cross this machine.

Examples:
  jackstay hash old:pub/x.iso
  jackstay hash --algorithm SHA-256 old:pub/x.iso
`;

/** jackstay hash URL... */
export function build(command: Command, cli: Cli): void {
  addCommonFlags(command)
    .argument('<place...>', 'files')
    .option('--algorithm <name>', "for example SHA-256, SHA-1, MD5, CRC32 (default: the server's best)")
    .addHelpText('after', EXAMPLES)
    .action(async (words: string[], flags: CommonFlags & { algorithm?: string }) => {
      await onEachRemote(cli, words, flags, async (files, { path }) => {
        const { algorithm, hex } = await files.hash(path, flags.algorithm);
        const line = flags.json
          ? toJson({ path, algorithm, digest: hex })
          : `${hex}  ${algorithm}  ${printable(path)}`;
        say(cli.io.stdout, line);
      });
    });
}
