import type { Command } from 'commander';
import { trustKey } from '../../client/trust.js';
import { FtpError } from '../../protocol/errors.js';
import { printable } from '../../protocol/names.js';
import { parseUrl } from '../../protocol/url.js';
import type { Cli } from '../backend.js';
import { Exit } from '../exit.js';
import { addCommonFlags, type CommonFlags, choice, fingerprint, integer } from '../flags.js';
import { readStdin, say } from '../io.js';
import { placeContext } from '../place.js';
import { onRemote } from '../remote.js';
import { toJson } from '../report/json.js';
import type { SavedSite } from '../sites.js';
import { fileTrust } from '../stores.js';

const EXAMPLES = `
A saved site is used as NAME:path. Its password is kept in secrets.json, readable by you only and
sealed if JACKSTAY_MASTER is set; it can also come from JACKSTAY_PASSWORD_NAME or ~/.netrc.

Examples:
  jackstay site add old ftps://alice@old.example
  pass old.example | jackstay site add old ftps://alice@old.example --password-stdin
  jackstay site test old
`;

const PROOFS = {
  pki: 'certificate checked',
  pin: 'as pinned',
  remembered: 'as last time',
  'first-use': 'first contact, remembered now',
  insecure: 'not checked',
};

interface AddFlags extends Omit<SavedSite, 'host' | 'port' | 'user'> {
  passwordStdin?: boolean;
  force?: boolean;
}

/** jackstay site add|list|show|test|remove|forget */
export function build(command: Command, cli: Cli): void {
  command.addHelpText('after', EXAMPLES);
  buildAdd(command.command('add').description('save a site, or replace it'), cli);
  command
    .command('list')
    .description('name the saved sites')
    .option('--json', 'print one JSON object a line')
    .action((flags: CommonFlags) => list(cli, flags));
  command
    .command('show')
    .description('print the settings of a site, without its password')
    .argument('<name>', 'saved site')
    .option('--json', 'print JSON')
    .action((name: string, flags: CommonFlags) => show(cli, name, flags));
  command
    .command('remove')
    .description('forget a site and its password')
    .argument('<name>', 'saved site')
    .action((name: string) => remove(cli, name));
  command
    .command('forget')
    .description('forget the key that a server showed, and that it had DCPA')
    .argument('<server>', 'saved site, URL, or HOST:PORT')
    .action((server: string) => forget(cli, server));
  addCommonFlags(command.command('test').description('log in, and say what the server is'))
    .argument('<name>', 'saved site or URL')
    .action((name: string, flags: CommonFlags) => test(cli, name, flags));
}

function buildAdd(command: Command, cli: Cli): void {
  command
    .argument('<name>', '2 to 64 letters, digits, dots, dashes or underscores')
    .argument('<url>', 'ftp://, ftps:// or ftpes://[user@]host[:port][/directory]')
    .option('--password-stdin', 'read the password from standard input')
    .option('--force', 'replace a site of this name')
    .addOption(
      choice('--tls <mode>', 'protection of the control connection', ['none', 'explicit', 'implicit']),
    )
    .option('--account <name>', 'account (ACCT)')
    .option('--virtual-host <name>', 'name sent as HOST before the login')
    .option('--pin <sha256>', 'public key that the control certificate must have', fingerprint)
    .option('--insecure', 'accept any control certificate')
    .option('--max-sessions <n>', 'most control connections at once (default: 16)', integer(1, 64))
    .addOption(choice('--charset <name>', 'character set of names (default: utf8)', ['utf8', 'latin1']))
    .addOption(choice('--data-mode <mode>', 'who listens for data (default: passive)', ['passive', 'active']))
    .option('--allow-foreign-pasv', 'the server may name another address for data')
    .option('--local-address <address>', 'connect from this address')
    .action((name: string, url: string, flags: AddFlags) => add(cli, name, url, flags));
}

async function add(cli: Cli, name: string, url: string, flags: AddFlags): Promise<void> {
  const { sites, secrets } = placeContext(cli.io, {});
  const { passwordStdin, force, ...settings } = flags;
  const { site, path } = parseUrl(url);
  const { password: inUrl, ...plain } = site;
  if (!force && (await sites.get(name))) {
    throw new FtpError('usage', `there is a site "${name}" already`, {
      advice: 'Give --force to replace it.',
    });
  }
  const password = passwordStdin ? await readStdin(cli.io) : inUrl;
  await sites.put(name, { ...plain, ...(path !== '' && { directory: path }), ...settings });
  if (password === undefined) await secrets.remove(name);
  else await secrets.set(name, password);
  say(
    cli.io.stdout,
    `saved ${name} in ${sites.file}${password === undefined ? '' : ', its password in secrets.json'}`,
  );
}

async function list({ io }: Cli, flags: CommonFlags): Promise<void> {
  for (const [name, site] of await placeContext(io, {}).sites.all()) {
    say(io.stdout, flags.json ? toJson({ name, ...site }) : `${name.padEnd(20)} ${address(site)}`);
  }
}

function address(site: SavedSite): string {
  const scheme = (site.tls ?? 'none') === 'none' ? 'ftp' : 'ftps';
  const host = site.host.includes(':') ? `[${site.host}]` : site.host;
  const user = site.user === undefined ? '' : `${encodeURIComponent(site.user)}@`;
  const port = site.port === undefined ? '' : `:${site.port}`;
  return printable(`${scheme}://${user}${host}${port}/${site.directory ?? ''}`);
}

async function show({ io }: Cli, name: string, flags: CommonFlags): Promise<void> {
  const { sites, secrets } = placeContext(io, {});
  const site = await sites.get(name);
  if (!site) throw noSite(name);
  const password = (await secrets.get(name)) === undefined ? 'not saved' : 'saved';
  if (flags.json) return say(io.stdout, toJson({ name, ...site, password }));
  for (const [key, value] of Object.entries({ name, ...site, password })) {
    say(io.stdout, `${key.padEnd(16)} ${printable(String(value))}`);
  }
}

async function remove(cli: Cli, name: string): Promise<void> {
  const { sites, secrets } = placeContext(cli.io, {});
  // The password first: a crash in between must not leave one without a site.
  await secrets.remove(name);
  if (!(await sites.remove(name))) throw noSite(name);
}

/** What the next login sees is taken for the first contact. */
async function forget({ io }: Cli, server: string): Promise<void> {
  const saved = await placeContext(io, {}).sites.get(server);
  const site = saved ?? parseUrl(server.includes('://') ? server : `ftps://${server}`).site;
  const { host, port = site.tls === 'implicit' ? 990 : 21 } = site;
  const trust = fileTrust(io.dirs);
  const known = await trust.get(host, port);
  if (!known) {
    throw new FtpError('usage', `nothing is known of the key of ${trustKey(host, port)}`, {
      advice: 'Give host and port as in the message: jackstay site forget HOST:PORT.',
    });
  }
  await trust.forget(host, port);
  say(io.stdout, `forgot the key of ${trustKey(host, port)}: sha256 ${known.pin}`);
}

async function test(cli: Cli, name: string, flags: CommonFlags): Promise<void> {
  const code = await onRemote(cli, name, flags, async ({ about }) => {
    if (flags.json) say(cli.io.stdout, toJson({ event: 'site', name, ...about }));
    else {
      say(cli.io.stdout, `login    accepted`);
      say(cli.io.stdout, `control  ${about.tls === false ? 'clear' : printable(about.tls)}`);
      if (about.pin)
        say(cli.io.stdout, `key      sha256 ${about.pin} (${PROOFS[about.certificate ?? 'insecure']})`);
      say(cli.io.stdout, `server   ${printable(about.server)}`);
      say(cli.io.stdout, `features ${printable(about.features.join(', '))}`);
    }
    return Exit.done;
  });
  cli.finish(code);
}

function noSite(name: string): FtpError {
  return new FtpError('usage', `there is no site "${name}"`, { advice: 'See: jackstay site list' });
}
