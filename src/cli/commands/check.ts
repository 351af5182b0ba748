import type { Command } from 'commander';
import { toFtpError } from '../../protocol/errors.js';
import { joinPath } from '../../protocol/paths.js';
import type { SiteSettings } from '../../protocol/site.js';
import type { Cli } from '../backend.js';
import { Exit } from '../exit.js';
import { addCommonFlags, addRouteFlags, type TransferFlags, toCopyOptions } from '../flags.js';
import { interruptible } from '../interrupt.js';
import { say } from '../io.js';
import { placeContext, type RemotePlace, resolveRemote } from '../place.js';
import { checkLines } from '../report/check.js';
import { errorEvent, toJson } from '../report/json.js';
import { dialogueLine } from '../report/text.js';
import { fileRoutes, fileTrust } from '../stores.js';

const EXAMPLES = `
Moves a small probe file over every route, in both directions, and removes it again. The path of a
place is the directory for the probe file. Exit code 3: no route at this security floor.

Examples:
  jackstay check old new
  jackstay check ftps://a.example/incoming ftps://b.example/incoming --security one-sided
`;

/** jackstay check A B */
export function build(command: Command, cli: Cli): void {
  addCommonFlags(addRouteFlags(command))
    .argument('<a>', 'one site')
    .argument('<b>', 'the other site')
    .addHelpText('after', EXAMPLES)
    .action(async (a: string, b: string, flags: TransferFlags) => {
      const context = placeContext(cli.io, flags);
      const sites = [
        asSite(await resolveRemote(a, context)),
        asSite(await resolveRemote(b, context)),
      ] as const;
      cli.finish(await interruptible(cli.io, false, ({ signal }) => runCheck(cli, flags, sites, signal)));
    });
}

async function runCheck(
  cli: Cli,
  flags: TransferFlags,
  [a, b]: readonly [SiteSettings, SiteSettings],
  signal: AbortSignal,
): Promise<number> {
  const { io } = cli;
  try {
    const backend = await cli.backend();
    const report = await backend.check(a, b, {
      ...toCopyOptions(flags),
      signal,
      trust: fileTrust(io.dirs),
      routes: fileRoutes(io.dirs),
      onEvent: (e) => {
        if (e.event === 'dialogue' && flags.verbose) say(io.stderr, dialogueLine(e));
      },
    });
    if (flags.json) say(io.stdout, toJson({ event: 'check', ...report }));
    else for (const line of checkLines(report)) say(io.stdout, line);
    return report.routes.some((r) => r.chosen && r.outcome === 'ok') ? Exit.done : Exit.noRoute;
  } catch (error) {
    if (flags.json) say(io.stdout, toJson(errorEvent(toFtpError(error))));
    throw error;
  }
}

function asSite({ site, path }: RemotePlace): SiteSettings {
  if (path === '') return site;
  return { ...site, directory: path.startsWith('/') ? path : joinPath(site.directory ?? '', path) };
}
