/**
 * FileZilla has no command line: its queue is written for it, and the one key that starts the queue is pressed in a screen
 * that nobody sees. What it did is read from its log.
 */

import { type ChildProcess, execFile, execFileSync, spawn } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { accessSync, constants, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { issueCertificate } from '../peers/certs.js';
import { SYSTEM_PYTHON } from '../peers/programs.js';
import type { Target } from './client.js';

const PROGRAMS = { filezilla: '/usr/bin/filezilla', xvfb: '/usr/bin/Xvfb', xdotool: '/usr/bin/xdotool' };
const QUEUE = fileURLToPath(new URL('filezilla-queue.py', import.meta.url));
/** Its numbers of protocols: plain FTP, AUTH TLS required, TLS from the first octet. */
const PROTOCOLS = { none: 6, explicit: 4, implicit: 3 } as const;
const LIMIT_MS = 40_000;
const PAUSE_MS = 50;
const SILENT_PAUSES = 30;

/** As `requireClient`. */
export function requireFilezilla(): string | undefined {
  try {
    for (const program of Object.values(PROGRAMS)) accessSync(program, constants.X_OK);
    return undefined;
  } catch {
    const reason = 'filezilla, xvfb and xdotool are not installed: run scripts/setup-peers.sh';
    if (process.env.CI === 'true') throw new Error(reason);
    return reason;
  }
}

export interface QueueItem {
  readonly direction: 'upload' | 'download';
  /** Absolute paths. */
  readonly local: string;
  readonly remote: string;
  readonly size: number;
  /** Go on behind what is there; else it is replaced. */
  readonly resume?: boolean;
}

const setting = (name: string, value: string): string => `<Setting name="${name}">${value}</Setting>`;
const file = (content: string): string =>
  `<?xml version="1.0" encoding="UTF-8"?>\n<FileZilla3 version="3.63.0" platform="*nix">${content}</FileZilla3>\n`;

/** Settings that ask nothing at the start, a log, and the server's certificate as one that was accepted before. */
function configure(target: Target, folder: string, log: string): void {
  const settings = [
    setting('Update Check', '0'),
    setting('Disable update check', '1'),
    setting('Greeting version', '99.0.0'),
    setting('Logging', '1'),
    setting('Logging file', log),
    setting('Number of Transfers', '1'),
  ];
  writeFileSync(join(folder, 'filezilla.xml'), file(`<Settings>${settings.join('')}</Settings>`));
  const { raw, validFrom, validTo } = new X509Certificate(issueCertificate(target.host).cert);
  const seconds = (text: string): number => Math.floor(Date.parse(text) / 1000);
  const trusted = [
    `<Data>${raw.toString('hex')}</Data><ActivationTime>${seconds(validFrom)}</ActivationTime>`,
    `<ExpirationTime>${seconds(validTo)}</ExpirationTime><Host>${target.host}</Host><Port>${target.port}</Port>`,
  ];
  const content = `<TrustedCerts><Certificate>${trusted.join('')}<TrustSANs>0</TrustSANs></Certificate></TrustedCerts>`;
  writeFileSync(join(folder, 'trustedcerts.xml'), file(content));
}

function enqueue(target: Target, queue: string, items: readonly QueueItem[]): void {
  const { host, port, user, password, tls, mode } = target;
  const rows = items.map(({ direction, local, remote, size, resume = false }) => {
    const [source, end] = direction === 'upload' ? [local, remote] : [remote, local];
    return {
      ...{ direction, size, resume, source: basename(source), target: basename(end) },
      ...{ localFolder: `${dirname(local)}/`, remoteFolder: dirname(remote) },
    };
  });
  const server = {
    ...{ host, port, user, password, protocol: PROTOCOLS[tls] },
    mode: mode === 'active' ? 'MODE_ACTIVE' : 'MODE_PASSIVE',
  };
  execFileSync(SYSTEM_PYTHON, [QUEUE], { input: JSON.stringify({ file: queue, server, items: rows }) });
}

async function endAll(children: readonly ChildProcess[]): Promise<void> {
  for (const child of children) {
    if (child.exitCode !== null || child.signalCode !== null) continue;
    const closed = once(child, 'exit');
    child.kill('SIGKILL');
    await closed;
  }
}

/** A screen of its own: its number, as the X server chose it. */
async function openScreen(children: ChildProcess[]): Promise<string> {
  const args = ['-displayfd', '3', '-screen', '0', '1024x768x24', '-nolisten', 'tcp'];
  const child = spawn(PROGRAMS.xvfb, args, { stdio: ['ignore', 'ignore', 'ignore', 'pipe'] });
  children.push(child);
  const pipe = child.stdio[3];
  if (pipe === null || pipe === undefined) throw new Error('Xvfb has no pipe');
  const [number] = (await once(pipe, 'data')) as [Buffer];
  return `:${number.toString().trim()}`;
}

const pause = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, PAUSE_MS));

function readLog(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

/** Presses Ctrl+P until the queue runs (pressed again it would stop), and waits until every item has ended. */
async function runQueue(log: string, display: string, items: number): Promise<string> {
  const env = { PATH: '/usr/bin:/bin', DISPLAY: display };
  const xdotool = (...args: string[]) =>
    promisify(execFile)(PROGRAMS.xdotool, args, { env, timeout: LIMIT_MS });
  const found = await xdotool('search', '--sync', '--onlyvisible', '--name', 'FileZilla');
  const window = found.stdout.split('\n')[0] ?? '';
  const until = performance.now() + LIMIT_MS;
  for (let n = 0; performance.now() < until; n++) {
    const text = readLog(log);
    const ended = text.match(
      /File transfer (?:successful|failed)|Critical file transfer error|File transfer skipped/g,
    );
    if ((ended?.length ?? 0) >= items) return text;
    if (text === '' && n % SILENT_PAUSES === 0) await xdotool('windowfocus', window, 'key', 'ctrl+p');
    await pause();
  }
  throw new Error(`FileZilla did not end its queue\n${readLog(log)}`);
}

/** Lets FileZilla work through the items, in one go. Rejects with its log when any of them failed. */
export async function runFilezilla(target: Target, items: readonly QueueItem[]): Promise<void> {
  const folder = join(target.home, '.config', 'filezilla');
  const log = join(target.home, 'log.txt');
  mkdirSync(folder, { recursive: true });
  configure(target, folder, log);
  enqueue(target, join(folder, 'queue.sqlite3'), items);
  const children: ChildProcess[] = [];
  try {
    const display = await openScreen(children);
    const env = { PATH: '/usr/bin:/bin', HOME: target.home, DISPLAY: display, LANG: 'C.UTF-8', TZ: 'UTC' };
    children.unshift(spawn(PROGRAMS.filezilla, [], { env, stdio: 'ignore' }));
    const said = await runQueue(log, display, items.length);
    const successes = said.match(/File transfer successful/g)?.length ?? 0;
    if (successes !== items.length) throw new Error(`FileZilla: ${successes} of ${items.length}\n${said}`);
  } finally {
    await endAll(children);
  }
}
