/** The real program as a child process: `jackstay serve` from the sources, in a folder of its own. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { onTestFinished } from 'vitest';
import { type Client, connect } from '../../../src/client/index.js';
import { argon2Hasher } from '../../../src/server/users/hash.js';
import { ControlClient } from '../../server/control-client.js';
import { temporaryFolder } from '../harness.js';

const ROOT = fileURLToPath(new URL('../../..', import.meta.url));
export const PASSWORD = 'correct horse 4711';

/** A line of the log or the audit log. */
export type Line = Record<string, unknown> & { event?: string; msg?: string; pid: number };

/** A folder with a configuration, one user `alice` and her home. */
export interface Place {
  folder: string;
  home: string;
  config: string;
  /** Write the configuration again: `[server]` lines, then everything else. */
  configure(server: string, rest?: string): void;
}

let hash: Promise<string> | undefined;

export async function place(server = '', rest = ''): Promise<Place> {
  const folder = await temporaryFolder();
  const home = join(folder, 'alice');
  const config = join(folder, 'jackstay.toml');
  mkdirSync(home);
  // What runs as another user must come in.
  for (const path of [folder, home]) chmodSync(path, 0o777);
  hash ??= argon2Hasher().hash(PASSWORD);
  const users = join(folder, 'users.toml');
  writeFileSync(users, `[users.alice]\npassword = "${await hash}"\nhome = "alice"\nmax-logins = 3\n`, {
    mode: 0o600,
  });
  const configure = (lines: string, more = ''): void =>
    writeFileSync(config, `[server]\nlisten = "127.0.0.1:0"\nthreads = 0\n${lines}\n${more}\n`);
  configure(server, rest);
  return { folder, home, config, configure };
}

/** A running `jackstay serve`. */
export class Program {
  readonly lines: Line[] = [];
  /** What it printed that is no JSON, and its errors. */
  text = '';
  readonly child: ChildProcess;
  readonly ended: Promise<number | null>;
  readonly #waiting = new Set<() => void>();

  constructor(words: readonly string[], input = '', env: NodeJS.ProcessEnv = {}) {
    this.child = spawn(process.execPath, ['--import', 'tsx', 'src/cli/main.ts', 'serve', ...words], {
      cwd: ROOT,
      env: { ...process.env, ...env },
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    this.child.stdin!.on('error', () => {}).end(input);
    createInterface({ input: this.child.stdout! }).on('line', (line) => this.#take(line));
    this.child.stderr!.setEncoding('utf8').on('data', (text: string) => {
      this.text += text;
      this.#wake();
    });
    this.ended = once(this.child, 'close').then(([code]) => {
      this.#wake();
      return code as number | null;
    });
    onTestFinished(async () => {
      if (this.child.exitCode === null && this.child.signalCode === null) this.child.kill('SIGKILL');
      await this.ended;
    });
  }

  #take(line: string): void {
    if (line.startsWith('{"')) this.lines.push(JSON.parse(line) as Line);
    else this.text += `${line}\n`;
    this.#wake();
  }

  #wake(): void {
    for (const wake of this.#waiting) wake();
  }

  /** The first line from `from` on that fits; an error when the program ends without one. */
  async line(fits: (line: Line) => boolean, from = 0): Promise<Line> {
    for (;;) {
      const found = this.lines.slice(from).find(fits);
      if (found) return found;
      const { exitCode, signalCode } = this.child;
      if (exitCode !== null || signalCode !== null) {
        throw new Error(
          `it ended (${exitCode ?? signalCode}) without that line\n${this.text}${JSON.stringify(this.lines)}`,
        );
      }
      await new Promise<void>((resolve) => {
        const wake = (): void => {
          this.#waiting.delete(wake);
          resolve();
        };
        this.#waiting.add(wake);
      });
    }
  }

  event(name: string, from = 0): Promise<Line> {
    return this.line(({ event }) => event === name, from);
  }

  /** Send a signal and wait for an event behind it. */
  async signal(name: NodeJS.Signals, event: string): Promise<Line> {
    const from = this.lines.length;
    this.child.kill(name);
    return this.event(event, from);
  }
}

/** Where it serves, once it does. */
export interface Served {
  port: number;
  pin: string;
  metrics: number | undefined;
}

export async function served(program: Program): Promise<Served> {
  const line = await program.event('serving');
  const [address] = line.addresses as { port: number }[];
  const metrics = line.metrics as { port: number } | undefined;
  return { port: address!.port, pin: String(line.certificatePin), metrics: metrics?.port };
}

/** A client of ours, logged in under TLS; closed at the end of the test. */
export async function login(
  { port, pin }: Pick<Served, 'port' | 'pin'>,
  { user = 'alice', password = PASSWORD, host = '127.0.0.1' } = {},
): Promise<Client> {
  const client = await connect({ host, port, tls: 'explicit', user, password, pin, maxSessions: 1 });
  onTestFinished(() => client.close());
  return client;
}

/** A control connection octet by octet, greeted; in clear. */
export async function dial(
  { port, host = '127.0.0.1' }: Pick<Served, 'port'> & { host?: string },
  localAddress?: string,
): Promise<ControlClient> {
  const client = await ControlClient.connect(host, port, localAddress);
  onTestFinished(() => client.destroy());
  const { code } = await client.read();
  if (code !== 220) throw new Error(`greeted with ${code}`);
  return client;
}

/** Every line of a file of JSON lines. */
export function linesOf(file: string): Line[] {
  if (!existsSync(file)) return [];
  return readFileSync(file, 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Line);
}
