import { stat } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { FtpError } from '../../protocol/errors.js';
import { printable } from '../../protocol/names.js';
import { parseRange } from '../../protocol/ranges.js';
import { sizeText } from '../../server/toml/units.js';
import { addUser, removeUser, setPassword, type TomlValue, type UserDraft } from '../../server/users/edit.js';
import { readUsersFile } from '../../server/users/file.js';
import { argon2Hasher, passwordFault } from '../../server/users/hash.js';
import { anonymousAccount, mergeUser } from '../../server/users/merge.js';
import { nameFault, readRights } from '../../server/users/schema.js';
import type { Account } from '../../server/users/types.js';
import type { Cli } from '../backend.js';
import { choice, collect, integer, size } from '../flags.js';
import { type Io, readStdin, say } from '../io.js';
import { withLock } from '../lock.js';
import { toJson } from '../report/json.js';
import { loadConfig } from '../serve/config.js';

const EXAMPLES = `
The users file is named by users-file in the server's configuration; without one it is users.toml in
the configuration directory. Passwords are kept as Argon2id hashes. A running server sees a change at
the next login.

Examples:
  jackstay user add alice --home /srv/ftp/alice
  pass ftp/mirror | jackstay user add mirror --home /srv/mirror --password-stdin --rights rl --fxp listed \\
    --fxp-peer 192.0.2.0/24
  jackstay user passwd alice
`;

interface ConfigFlags {
  config?: string;
}

interface PasswordFlags extends ConfigFlags {
  passwordStdin?: boolean;
}

interface AddFlags extends PasswordFlags {
  home?: string;
  group?: string[];
  rights?: Map<string, string>;
  mount?: Map<string, string>;
  quota?: number;
  quotaFiles?: number;
  rateUp?: number;
  rateDown?: number;
  maxLogins?: number;
  allowFrom?: string[];
  fxp?: string;
  fxpDirection?: string;
  fxpPeer?: string[];
}

/** jackstay user add|passwd|list|remove */
export function build(command: Command, cli: Cli): void {
  command.addHelpText('after', EXAMPLES);
  buildAdd(command.command('add').description('add a user of the server'), cli);
  forConfig(command.command('passwd').description('give a user another password'))
    .argument('<name>', 'user')
    .option('--password-stdin', 'read the password from standard input')
    .action((name: string, flags: PasswordFlags) => passwd(cli, name, flags));
  forConfig(command.command('list').description('show the users, never their passwords'))
    .option('--json', 'print one JSON object a line')
    .action((flags: ConfigFlags & { json?: boolean }) => list(cli, flags));
  forConfig(command.command('remove').description('remove a user; the files stay'))
    .argument('<name>', 'user')
    .option('--yes', 'do not ask')
    .action((name: string, flags: ConfigFlags & { yes?: boolean }) => remove(cli, name, flags));
}

function forConfig(command: Command): Command {
  return command.option('--config <file>', "the server's configuration (default: jackstay.toml)");
}

function buildAdd(command: Command, cli: Cli): void {
  const modes = ['off', 'verified', 'listed', 'open'];
  const option = <T>(flags: string, text: string, parser: (value: string, before: T) => T): Option =>
    new Option(flags, text).argParser(parser);
  forConfig(command)
    .argument('<name>', '1 to 64 characters without slashes')
    .option('--home <directory>', 'where its tree begins; needed unless a group has one')
    .option('--password-stdin', 'read the password from standard input')
    .addOption(option('--group <name>', 'group of the users file; may be repeated', collect))
    .addOption(option('--rights <[path=]rwdl>', 'read, write, delete, list; may be repeated', rights))
    .addOption(option('--mount <path=directory>', 'another directory in its tree; may be repeated', mount))
    .addOption(option('--quota <size>', 'octets that its home may hold (10G, 500M)', size))
    .addOption(option('--quota-files <n>', 'files that its home may hold', integer(1, 1e12)))
    .addOption(option('--rate-up <size>', 'octets a second that it may send (10M)', size))
    .addOption(option('--rate-down <size>', 'octets a second that it may get (10M)', size))
    .addOption(option('--max-logins <n>', 'sessions at the same time', integer(1, 1_000_000)))
    .addOption(option('--allow-from <range>', 'addresses that may log in; may be repeated', range))
    .addOption(choice('--fxp <mode>', 'server-to-server transfers', modes))
    .addOption(choice('--fxp-direction <way>', 'which of them', ['send', 'receive', 'both']))
    .addOption(option('--fxp-peer <range>', 'the other servers, or a host name; may be repeated', collect))
    .action((name: string, flags: AddFlags) => add(cli, name, flags));
}

function pair(text: string, before: Map<string, string> | undefined): Map<string, string> {
  const equals = text.indexOf('=');
  return new Map(before).set(text.slice(0, Math.max(equals, 0)) || '/', text.slice(equals + 1));
}

function rights(text: string, before: Map<string, string> | undefined): Map<string, string> {
  const all = pair(text, before);
  if (![...all.values()].every((letters) => letters !== '' && readRights(letters))) {
    throw new InvalidArgumentError('It must be letters out of rwdl, or PATH=letters.');
  }
  return all;
}

function mount(text: string, before: Map<string, string> | undefined): Map<string, string> {
  if (!/^\/[^=]+=./.test(text))
    throw new InvalidArgumentError('It must be PATH=DIRECTORY, such as /pub=/srv/pub.');
  return pair(text, before);
}

function range(text: string, before: string[] | undefined): string[] {
  parseRange(text);
  return collect(text, before);
}

async function add({ io }: Cli, name: string, flags: AddFlags): Promise<void> {
  const fault = nameFault(name);
  if (fault !== undefined) throw new FtpError('usage', `the user's name ${fault}`);
  const { usersFile } = await loadConfig(flags.config, io);
  const password = await hashed(io, name, flags);
  await addUser(usersFile, name, draftOf(password, flags), { lock: withLock });
  say(io.stdout, `added ${printable(name)} to ${usersFile}`);
  const home = flags.home === undefined ? undefined : resolve(flags.home);
  if (home !== undefined && !(await isFolder(home))) {
    say(
      io.stderr,
      `jackstay: ${printable(home)} is no directory yet; make it, and let the server's user write there`,
    );
  }
}

async function isFolder(path: string): Promise<boolean> {
  return stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  );
}

function draftOf(password: string, flags: AddFlags): UserDraft {
  const fields: Record<string, TomlValue | undefined> = {
    home: flags.home === undefined ? undefined : resolve(flags.home),
    groups: flags.group,
    rights: flags.rights && Object.fromEntries(flags.rights),
    mounts:
      flags.mount && Object.fromEntries([...flags.mount].map(([path, folder]) => [path, resolve(folder)])),
    quota: table({ bytes: flags.quota && sizeText(flags.quota), files: flags.quotaFiles }),
    rate: table({ up: rateText(flags.rateUp), down: rateText(flags.rateDown) }),
    'max-logins': flags.maxLogins,
    'allow-from': flags.allowFrom,
    fxp: table({ mode: flags.fxp, direction: flags.fxpDirection, peers: flags.fxpPeer }),
  };
  return { password, ...table(fields) };
}

function rateText(octets: number | undefined): string | undefined {
  return octets === undefined ? undefined : `${sizeText(octets)}/s`;
}

/** Without what was not given; undefined when nothing was. */
function table(fields: Record<string, TomlValue | undefined>): Record<string, TomlValue> | undefined {
  const given = Object.entries(fields).filter(
    (field): field is [string, TomlValue] => field[1] !== undefined,
  );
  return given.length === 0 ? undefined : Object.fromEntries(given);
}

async function hashed(io: Io, name: string, flags: PasswordFlags): Promise<string> {
  const password = flags.passwordStdin ? await readStdin(io) : await ask(io, name);
  const fault = passwordFault(password);
  if (fault !== undefined) throw new FtpError('usage', `the password ${fault}`);
  return argon2Hasher().hash(password);
}

async function ask({ askSecret }: Io, name: string): Promise<string> {
  if (!askSecret) {
    throw new FtpError('usage', 'there is no terminal to ask for the password', {
      advice: 'Give it on standard input, with --password-stdin.',
    });
  }
  const first = await askSecret(`Password for ${printable(name)}`);
  const second = first === undefined ? undefined : await askSecret('The same again');
  if (first === undefined || second === undefined) throw new FtpError('aborted', 'no password given');
  if (first !== second) throw new FtpError('usage', 'the two passwords differ', { advice: 'Try again.' });
  return first;
}

async function passwd({ io }: Cli, name: string, flags: PasswordFlags): Promise<void> {
  const { usersFile } = await loadConfig(flags.config, io);
  // Before the question: a wrong name must not cost a password.
  if (!(await readUsersFile(usersFile)).users.has(name)) throw noUser(name, usersFile);
  await setPassword(usersFile, name, await hashed(io, name, flags), { lock: withLock });
  say(io.stdout, `changed the password of ${printable(name)}`);
}

async function list({ io }: Cli, flags: ConfigFlags & { json?: boolean }): Promise<void> {
  const { usersFile, maxLoginsPerUser } = await loadConfig(flags.config, io);
  const file = await readUsersFile(usersFile);
  const how = { folder: dirname(usersFile), maxLogins: maxLoginsPerUser };
  const { enabled, home } = file.anonymous;
  if (enabled && home !== undefined) show(io, anonymousAccount(home, file, how), false, flags);
  for (const name of [...file.users.keys()].sort()) {
    const { account, disabled } = mergeUser(name, file, how);
    show(io, account, disabled, flags);
  }
  if (file.users.size === 0 && !enabled)
    say(io.stderr, `jackstay: no users in ${usersFile}, see: jackstay user add`);
}

function show(io: Io, account: Account, disabled: boolean, flags: { json?: boolean }): void {
  const home = account.mounts.find(({ path }) => path === '/')?.storage;
  const root = home?.kind === 'disk' ? home.root : '';
  say(io.stdout, flags.json ? jsonOf(account, root, disabled) : lineOf(account, root, disabled));
}

function jsonOf(account: Account, home: string, disabled: boolean): string {
  const { name, groups, rights, quota, rate, maxLogins, allowFrom, fxp } = account;
  const texts = (ranges: typeof allowFrom): string[] => ranges.map(({ text }) => text);
  const policy = { ...fxp, ...(fxp.peers && { peers: texts(fxp.peers) }) };
  return toJson({
    ...{ name, home, disabled, groups, rights, quota, rate, maxLogins },
    allowFrom: texts(allowFrom),
    fxp: policy,
  });
}

function lineOf(
  { name, groups, rights, quota, allowFrom, fxp }: Account,
  home: string,
  off: boolean,
): string {
  const rules = rights.map((rule) => `${rule.path}=${rule.rights.map((right) => right[0]).join('')}`);
  const notes = [
    off && 'disabled',
    groups.length > 0 && `groups ${groups.join(', ')}`,
    rules.length > 0 && rules.join(' '),
    quota?.bytes !== undefined && `quota ${sizeText(quota.bytes)}`,
    fxp.mode !== undefined && `fxp ${fxp.mode}`,
    allowFrom.length > 0 && `from ${allowFrom.map(({ text }) => text).join(', ')}`,
  ].filter((note) => typeof note === 'string');
  return printable([name.padEnd(20), home, ...notes].join('  '));
}

async function remove({ io }: Cli, name: string, flags: ConfigFlags & { yes?: boolean }): Promise<void> {
  const { usersFile } = await loadConfig(flags.config, io);
  if (!(await readUsersFile(usersFile)).users.has(name)) throw noUser(name, usersFile);
  if (!flags.yes && !(await confirmed(io, name))) throw new FtpError('aborted', 'nothing was removed');
  await removeUser(usersFile, name, { lock: withLock });
  say(io.stdout, `removed ${printable(name)}; the files of its home are still there`);
}

async function confirmed({ askYesNo }: Io, name: string): Promise<boolean> {
  if (askYesNo) return askYesNo(`Remove the user ${printable(name)}?`);
  throw new FtpError('usage', 'there is no terminal to ask on', { advice: 'Give --yes to remove the user.' });
}

function noUser(name: string, file: string): FtpError {
  return new FtpError('usage', `there is no user "${name}" in ${file}`, {
    advice: 'See: jackstay user list',
  });
}
