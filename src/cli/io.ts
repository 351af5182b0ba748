import { homedir } from 'node:os';
import { type StateDirs, stateDirs } from './state.js';

/** A stream to print on. */
export interface Output {
  write(text: string | Uint8Array, done?: () => void): boolean;
  readonly isTTY?: boolean;
  readonly columns?: number;
}

/** Everything a command takes from its process; tests pass their own. */
export interface Io {
  /** The words after the program's name. */
  argv: readonly string[];
  env: NodeJS.ProcessEnv;
  home: string;
  platform: NodeJS.Platform;
  stdin: NodeJS.ReadableStream & { isTTY?: boolean };
  stdout: Output & NodeJS.WritableStream;
  stderr: Output & NodeJS.WritableStream;
  dirs: StateDirs;
  /** Where SIGINT and SIGTERM arrive. */
  signals: Pick<NodeJS.EventEmitter, 'on' | 'off'>;
  /** End the process without waiting for anything. */
  exitNow: (code: number) => void;
  /** Ask for a secret on the terminal; `undefined` when the user gives up. Absent where nobody can be asked. */
  askSecret?: (question: string) => Promise<string | undefined>;
  /** Ask yes or no on the terminal, no by default. Absent where nobody can be asked. */
  askYesNo?: (question: string) => Promise<boolean>;
}

/** The real process. */
export function processIo(): Io {
  const { env, stdin, stdout, stderr, platform } = process;
  const home = homedir();
  const io: Io = {
    argv: process.argv.slice(2),
    env,
    home,
    platform,
    stdin,
    stdout,
    stderr,
    dirs: stateDirs(env, home),
    signals: process,
    exitNow: (code) => process.exit(code),
  };
  if (stdin.isTTY && stderr.isTTY) {
    io.askSecret = askOnTerminal;
    io.askYesNo = confirmOnTerminal;
  }
  return io;
}

async function askOnTerminal(message: string): Promise<string | undefined> {
  const { isCancel, password } = await import('@clack/prompts');
  // On stderr, so that stdout stays free for what a script reads.
  const answer = await password({ message, output: process.stderr });
  return isCancel(answer) ? undefined : answer;
}

async function confirmOnTerminal(message: string): Promise<boolean> {
  const { confirm } = await import('@clack/prompts');
  // Giving up is a symbol, not true.
  return (await confirm({ message, initialValue: false, output: process.stderr })) === true;
}

/** Print one line. */
export function say(out: Output, line: string): void {
  out.write(`${line}\n`);
}

/** All of standard input as text without its last line end; at most 64 KiB. */
export async function readStdin(io: Io): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of io.stdin) {
    const bytes = Buffer.from(chunk as Uint8Array | string);
    size += bytes.length;
    if (size > 65_536) break;
    chunks.push(bytes);
  }
  return Buffer.concat(chunks)
    .toString('utf8')
    .replace(/\r?\n$/, '');
}
