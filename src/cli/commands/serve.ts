import { statSync } from 'node:fs';
import { resolve } from 'node:path';
import type { Command } from 'commander';
import { FtpError } from '../../protocol/errors.js';
import type { ListenAddress } from '../../server/options.js';
import type { Cli } from '../backend.js';
import { collect } from '../flags.js';
import { type Io, readStdin, say } from '../io.js';
import type { QuickUser, Request } from '../serve/start.js';

const EXAMPLES = `
Without --config it reads jackstay.toml in the configuration directory, where there is one. A certificate
is made at the first start and kept. docs/server.md is the guide, docs/jackstay.toml a commented example.

Signals: SIGTERM or SIGINT stops in order, a second one at once; SIGHUP reads configuration, certificate
and users again and opens the logs anew.

Examples:
  jackstay serve --home ~/pub --user alice        try it out: one user, nothing is saved
  jackstay user add alice --home /srv/ftp/alice   then: jackstay serve
  jackstay serve --config /etc/jackstay/jackstay.toml --check-config
`;

interface Flags {
  config?: string;
  listen?: string[];
  home?: string;
  user?: string;
  passwordStdin?: boolean;
  checkConfig?: boolean;
  printConfig?: boolean;
  allowRoot?: boolean;
  json?: boolean;
}

/** jackstay serve */
export function build(command: Command, cli: Cli): void {
  command
    .option('--config <file>', 'configuration (TOML)')
    .option('--listen <address:port>', 'listen here instead; may be repeated', collect)
    .option('--home <dir>', 'try it out: the home of the one user')
    .option('--user <name>', 'try it out: the name of the one user')
    .option('--password-stdin', 'try it out: read the password from standard input')
    .option('--check-config', 'check configuration, certificate and users, and end')
    .option('--print-config', 'print the configuration with every default, as JSON, and end')
    .option('--allow-root', 'serve with the rights of root')
    .option('--json', 'log JSON lines even on a terminal')
    .addHelpText('after', EXAMPLES)
    .action(async (flags: Flags) => cli.finish(await serve(cli.io, flags)));
}

async function serve(io: Io, flags: Flags): Promise<number> {
  if (flags.checkConfig || flags.printConfig) return inspect(io, flags);
  const request = await requestOf(io, flags);
  const { runDaemon } = await import('../serve/daemon.js');
  return runDaemon(request, io, { pid: process.pid, ids: process, umask: (mask) => process.umask(mask) });
}

async function inspect(io: Io, flags: Flags): Promise<number> {
  const { checkConfig, printConfig } = await import('../serve/inspect.js');
  const request: Request = { ...(await plainRequest(flags)), quick: undefined };
  if (flags.printConfig) say(io.stdout, await printConfig(request, io));
  if (flags.checkConfig) for (const line of await checkConfig(request, io)) say(io.stdout, line);
  return 0;
}

async function plainRequest(flags: Flags): Promise<Request> {
  const { listenAddress } = await import('../serve/start.js');
  const listen: ListenAddress[] | undefined = flags.listen?.map(listenAddress);
  return {
    config: flags.config,
    listen,
    allowRoot: flags.allowRoot ?? false,
    json: flags.json ?? false,
  };
}

async function requestOf(io: Io, flags: Flags): Promise<Request> {
  const request = await plainRequest(flags);
  const { home, user, passwordStdin, config } = flags;
  if (home === undefined && user === undefined && !passwordStdin) return request;
  if (home === undefined || user === undefined)
    throw new FtpError('usage', 'to try it out, --home and --user are both needed', {
      advice: 'For example: jackstay serve --home ~/pub --user alice',
    });
  if (config !== undefined)
    throw new FtpError('usage', '--config does not go with --user, which serves one user and nothing else', {
      advice: 'Leave --config out, or add the user with: jackstay user add',
    });
  return { ...request, quick: await quickUser(io, user, home, passwordStdin ?? false) };
}

async function quickUser(io: Io, name: string, folder: string, stdin: boolean): Promise<QuickUser> {
  const home = resolve(folder);
  if (!statSync(home, { throwIfNoEntry: false })?.isDirectory())
    throw new FtpError('usage', `--home ${home} is not a directory`, { advice: 'Make it first.' });
  const password = stdin ? await readStdin(io) : await io.askSecret?.(`Password for ${name}`);
  if (password === undefined || password === '')
    throw new FtpError('usage', `no password for ${name}`, {
      advice: 'Give it on a terminal, or by --password-stdin.',
    });
  return { name, password, home };
}
