import { readFileSync } from 'node:fs';
import { Command, CommanderError } from 'commander';
import { toFtpError } from '../protocol/errors.js';
import { printable } from '../protocol/names.js';
import { maskText } from '../protocol/url.js';
import type { Cli } from './backend.js';
import { Exit, errorLines, exitCodeOf } from './exit.js';
import { readStdin, say } from './io.js';

/** A command: only its line in the help is known before it is used. */
interface Row {
  name: string;
  summary: string;
  load: () => Promise<{ build: (command: Command, cli: Cli) => void }>;
}

const ROWS: Row[] = [
  {
    name: 'copy',
    summary: 'copy files or trees, from server to server',
    load: () => import('./commands/copy.js'),
  },
  { name: 'sync', summary: 'make one tree equal to another', load: () => import('./commands/sync.js') },
  { name: 'check', summary: 'try every route between two sites', load: () => import('./commands/check.js') },
  { name: 'ls', summary: 'list a directory', load: () => import('./commands/ls.js') },
  { name: 'cat', summary: 'print files', load: () => import('./commands/cat.js') },
  { name: 'get', summary: 'download', load: () => import('./commands/get.js') },
  { name: 'put', summary: 'upload', load: () => import('./commands/put.js') },
  { name: 'rm', summary: 'remove files or trees', load: () => import('./commands/rm.js') },
  { name: 'mkdir', summary: 'make directories', load: () => import('./commands/mkdir.js') },
  { name: 'mv', summary: 'rename on one server', load: () => import('./commands/mv.js') },
  { name: 'hash', summary: 'let the server compute digests', load: () => import('./commands/hash.js') },
  { name: 'du', summary: 'sum up the sizes in a tree', load: () => import('./commands/du.js') },
  {
    name: 'site',
    summary: 'saved sites: add, list, show, test, remove',
    load: () => import('./commands/site.js'),
  },
  { name: 'serve', summary: 'be an FTP server', load: () => import('./commands/serve.js') },
  {
    name: 'user',
    summary: 'users of the server: add, passwd, list, remove',
    load: () => import('./commands/user.js'),
  },
  {
    name: 'demo',
    summary: 'two servers, a tree between them, every octet compared',
    load: () => import('./commands/demo.js'),
  },
  {
    name: 'completion',
    summary: 'print a completion script for a shell',
    load: () => import('./commands/completion.js'),
  },
];

const EXAMPLES = `
Examples:
  jackstay demo
  jackstay copy ftps://alice@a.example/iso ftps://bob@b.example/
  jackstay check old new
  source <(jackstay completion bash)

Exit codes: 0 done, 1 some files failed, 2 usage, 3 no route at this security floor,
4 login or certificate refused, 5 site unreachable, 130 interrupted.`;

const HEAD = 'Moves files directly between two FTP servers (FXP), and proves that they arrived.';

/** Run the command line of `cli.io`; gives the exit code, prints errors itself and never throws. */
export async function run(cli: Omit<Cli, 'finish'>): Promise<number> {
  let code: number = Exit.done;
  const finish = (given: number): void => {
    code = given;
  };
  try {
    const program = await buildProgram({ ...cli, finish });
    await program.parseAsync([...cli.io.argv], { from: 'user' });
    return code;
  } catch (thrown) {
    // Help and version leave by this door with 0; everything else commander throws is a wrong command line.
    if (thrown instanceof CommanderError) return thrown.exitCode === 0 ? Exit.done : Exit.usage;
    const error = toFtpError(thrown);
    for (const line of errorLines(error, printable)) say(cli.io.stderr, line);
    return exitCodeOf(error);
  }
}

async function buildProgram(cli: Cli): Promise<Command> {
  const { io } = cli;
  const program = new Command('jackstay')
    .description(HEAD)
    .version(version(), '-V, --version')
    .helpOption('-h, --help', 'show help')
    .exitOverride()
    .configureOutput({
      writeOut: (text) => io.stdout.write(text),
      writeErr: (text) => io.stderr.write(text),
      outputError: (text, write) => write(maskText(text)),
      getOutHelpWidth: () => io.stdout.columns ?? 100,
      getErrHelpWidth: () => io.stderr.columns ?? 100,
    })
    .addHelpText('after', EXAMPLES);
  const wanted = wantedCommand(io.argv);
  const completing = wanted === '__complete';
  for (const row of ROWS) {
    const command = program.command(row.name).description(row.summary);
    if (completing || wanted === row.name) (await row.load()).build(command, cli);
  }
  if (completing) program.command('__complete', { hidden: true }).action(() => printCandidates(program, cli));
  return program;
}

async function printCandidates(program: Command, { io }: Cli): Promise<void> {
  const { candidates } = await import('./complete.js');
  const { siteStore } = await import('./sites.js');
  // A broken site file must not break the shell's prompt.
  const sites = await siteStore(io.dirs)
    .all()
    .catch(() => new Map<string, unknown>());
  const words = (await readStdin(io)).split('\n');
  for (const line of candidates(program, words.slice(1), [...sites.keys()])) say(io.stdout, line);
}

/** The command that is asked for or whose help is: only its file is loaded. */
function wantedCommand(argv: readonly string[]): string | undefined {
  const words = argv.filter((word) => !word.startsWith('-'));
  return words[0] === 'help' ? words[1] : words[0];
}

function version(): string {
  const file = readFileSync(new URL('../../package.json', import.meta.url), 'utf8');
  return (JSON.parse(file) as { version: string }).version;
}
