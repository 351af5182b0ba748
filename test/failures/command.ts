/** The command line as a process of its own, out of the sources. */
import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { onTestFinished } from 'vitest';
import type { EngineEvent, Summary } from '../../src/engine/events.js';
import { type AnyPeer, folder } from './bench.js';

const MAIN = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url));

export interface Ended {
  code: number | null;
  signal: NodeJS.Signals | null;
  out: string;
  err: string;
  /** Lines of stdout that are JSON. */
  events: EngineEvent[];
  /** The last line of `--json`. */
  summary: Summary;
}

export interface Command {
  /** Resolves at the first `--json` event that fits; rejects when the process ends without. */
  until(fits: (event: EngineEvent) => boolean): Promise<EngineEvent>;
  kill(signal: NodeJS.Signals): void;
  ended: Promise<Ended>;
}

/** A place for the state of several commands that belong together. */
export const stateFolder = folder;

/** URL of a path below the peer's home, user and password in it. */
export function url(peer: AnyPeer, path: string, scheme = 'ftp'): string {
  const below = peer.path === '/' ? '' : `${peer.path}/`;
  return `${scheme}://${peer.user}:${peer.password}@${peer.host}:${peer.port}/${below}${path}`;
}

function parsed(line: string): EngineEvent | undefined {
  return line.startsWith('{') ? (JSON.parse(line) as EngineEvent) : undefined;
}

/** Starts `jackstay` with these words; `state` holds what it remembers. Ended with the test at the latest. */
export function jackstay(words: readonly string[], state: string): Command {
  const child: ChildProcess = spawn(process.execPath, ['--import', 'tsx', MAIN, ...words], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { PATH: process.env.PATH, HOME: state, JACKSTAY_HOME: state },
  });
  let out = '';
  let err = '';
  const events: EngineEvent[] = [];
  const waiting = new Set<(event: EngineEvent) => void>();
  child.stderr?.on('data', (chunk: Buffer) => {
    err += chunk.toString();
  });
  const lines = createInterface({ input: child.stdout! });
  lines.on('line', (line) => {
    out += `${line}\n`;
    const event = parsed(line);
    if (!event) return;
    events.push(event);
    for (const look of waiting) look(event);
  });
  const ended = new Promise<Ended>((resolve) => {
    child.once('close', (code, signal) =>
      resolve({ code, signal, out, err, events, summary: events.at(-1) as Summary }),
    );
  });
  onTestFinished(async () => {
    child.kill('SIGKILL');
    await ended;
  });
  const until = (fits: (event: EngineEvent) => boolean): Promise<EngineEvent> =>
    new Promise((resolve, reject) => {
      const known = events.find(fits);
      if (known) return resolve(known);
      const look = (event: EngineEvent): void => {
        if (!fits(event)) return;
        waiting.delete(look);
        resolve(event);
      };
      waiting.add(look);
      void ended.then(({ err: said }) => reject(new Error(`it ended before that event\n${said}`)));
    });
  return { until, kill: (signal) => void child.kill(signal), ended };
}
