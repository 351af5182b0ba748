import Table from 'cli-table3';
import type { Command } from 'commander';
import { toFtpError } from '../../protocol/errors.js';
import { joinPath } from '../../protocol/paths.js';
import type { SiteSettings } from '../../protocol/site.js';
import type { CheckReport, Cli } from '../backend.js';
import { Exit } from '../exit.js';
import { addCommonFlags, addRouteFlags, type TransferFlags, toCopyOptions } from '../flags.js';
import { count, routeWords } from '../format.js';
import { interruptible } from '../interrupt.js';
import { type Io, say } from '../io.js';
import { placeContext, type RemotePlace, resolveRemote } from '../place.js';
import { errorEvent, toJson } from '../report/json.js';
import { dialogueLine, safe } from '../report/text.js';
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
    else printReport(io, report);
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

/** Print the routes that were tried, what makes the others impossible, what the sites are, and the advice. */
export function printReport(io: Io, report: CheckReport): void {
  const table = new Table({
    head: ['', 'from', 'to', 'route', 'security', 'result', 'ms'],
    style: { head: [], border: [] },
    colAligns: ['left', 'left', 'left', 'left', 'left', 'left', 'right'],
  });
  const tried = report.routes.filter((r) => r.outcome !== 'unavailable');
  for (const r of tried) {
    const result = r.reason === undefined ? r.outcome : `${r.outcome}: ${safe(r.reason)}`;
    const ms = r.milliseconds === undefined ? '' : String(Math.round(r.milliseconds));
    table.push([r.chosen ? '*' : '', safe(r.from), safe(r.to), routeWords(r.route), r.security, result, ms]);
  }
  if (tried.length > 0) say(io.stdout, table.toString());
  if (report.routes.some((r) => r.chosen)) say(io.stdout, '* is what a copy takes');
  for (const line of impossible(report)) say(io.stdout, line);
  for (const { site, server, features } of report.facts) {
    say(io.stdout, `${safe(site)}: ${safe(server)} (${safe(features.join(', '))})`);
  }
  for (const { site, text } of report.advice) say(io.stdout, `advice for ${safe(site)}: ${safe(text)}`);
}

/** The routes that the facts exclude, by direction and reason. */
function impossible({ routes }: CheckReport): string[] {
  const groups = new Map<string, Map<string, number>>();
  for (const { from, to, outcome, reason = 'not possible' } of routes) {
    if (outcome !== 'unavailable') continue;
    const reasons = groups.get(`${from} to ${to}`) ?? new Map<string, number>();
    groups.set(`${from} to ${to}`, reasons.set(reason, (reasons.get(reason) ?? 0) + 1));
  }
  return [...groups].flatMap(([direction, reasons]) => [
    `not possible, ${safe(direction)}:`,
    ...[...reasons].map(([reason, n]) => `  ${count(n, 'route')}: ${safe(reason)}`),
  ]);
}
