import type { Command } from 'commander';
import { FtpError } from '../../protocol/errors.js';
import { baseName, joinPath } from '../../protocol/paths.js';
import type { SiteSettings } from '../../protocol/site.js';
import { looksLikeUrl, parseUrl } from '../../protocol/url.js';
import type { Cli } from '../backend.js';
import { Exit } from '../exit.js';
import { addCommonFlags, type CommonFlags } from '../flags.js';
import { type PlaceContext, placeContext, type RemotePlace } from '../place.js';
import { onRemote } from '../remote.js';

const EXAMPLES = `
The second place is a path on the same server, or a place there. With a final slash the name is kept.

Examples:
  jackstay mv old:pub/x.part pub/x.iso
  jackstay mv old:pub/x.iso old:archive/
`;

/** jackstay mv URL TARGET */
export function build(command: Command, cli: Cli): void {
  addCommonFlags(command)
    .argument('<place>', 'file or directory to rename')
    .argument('<target>', 'its new path')
    .addHelpText('after', EXAMPLES)
    .action(async (word: string, target: string, flags: CommonFlags) => {
      const code = await onRemote(cli, word, flags, async (files, place) => {
        const to = await targetPath(target, place, cli, flags);
        await files.rename(place.path, to.endsWith('/') ? joinPath(to, baseName(place.path)) : to);
        return Exit.done;
      });
      cli.finish(code);
    });
}

async function targetPath(word: string, from: RemotePlace, { io }: Cli, flags: CommonFlags): Promise<string> {
  const to = await readTarget(word, placeContext(io, flags));
  if (to === undefined) return word;
  if (sameServer(to.site, from.site)) return to.path;
  throw new FtpError('usage', 'both places of mv must be on the same server', {
    advice: 'Use copy, then rm.',
  });
}

async function readTarget(
  word: string,
  { sites }: PlaceContext,
): Promise<{ site: SiteSettings; path: string } | undefined> {
  if (looksLikeUrl(word)) return parseUrl(word);
  const name = /^([A-Za-z0-9][A-Za-z0-9._-]+):/.exec(word)?.[1];
  const site = name === undefined ? undefined : await sites.get(name);
  return site && { site, path: word.slice(name!.length + 1) };
}

function sameServer(a: SiteSettings, b: SiteSettings): boolean {
  const port = (s: SiteSettings): number => s.port ?? (s.tls === 'implicit' ? 990 : 21);
  const sameUser = a.user === undefined || a.user === b.user;
  return a.host.toLowerCase() === b.host.toLowerCase() && port(a) === port(b) && sameUser;
}
