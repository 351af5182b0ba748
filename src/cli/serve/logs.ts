import { type Logger, pino, stdTimeFunctions } from 'pino';
import type { ServerEvent } from '../../server/events.js';
import { auditOf } from './audit.js';
import { describe, type Level, terminalLine } from './describe.js';
import type { LineOutput } from './output.js';

/** Where log and audit log go. */
export interface LogTargets {
  level: Level;
  /** `json`: one object a line. `terminal`: a line for people. */
  format: 'json' | 'terminal';
  output: LineOutput;
  audit?: LineOutput | undefined;
  /** Which process writes. */
  pid: number;
  now?: () => Date;
}

/** Log and audit log of one process. */
export interface Logs {
  /** Takes every event of the server. */
  event(event: ServerEvent): void;
  /** A line of the daemon itself. */
  say(level: Level, text: string, fields?: Record<string, unknown>): void;
  setLevel(level: Level): void;
  /** Both files opened again. @throws FtpError `local`. */
  reopen(): void;
  /** Resolves once every line is at its place. */
  drain(): Promise<void>;
  /** The lines that wait to their place now. */
  flush(): void;
}

const FREQUENT: ReadonlySet<ServerEvent['event']> = new Set(['command', 'connect', 'close']);

/** DEL, C1 and what reorders text (UAX 9): inside JSON strings as `\uXXXX`, so that no raw line steers a terminal. */
const STEERING = /[\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]/g;

/** One line of JSON with every character visible that JSON itself would let through; parsed, it is the same value. */
export function visibleJson(line: string): string {
  return line.replace(STEERING, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

/** Log of the daemon and the server's events; no line holds a password, since no event does. */
export function openLogs(targets: LogTargets): Logs {
  const { output, audit, pid, now = () => new Date() } = targets;
  const main = jsonLogger(output, targets.level, pid);
  const write = (level: Level, text: string, fields: Record<string, unknown>): void => {
    if (!main.isLevelEnabled(level)) return;
    if (targets.format === 'json') main[level](fields, text);
    else output.write(`${terminalLine(level, text, now())}\n`);
  };
  const ledger = audit && jsonLogger(audit, 'info', pid);
  return {
    event: (event) => {
      const record = ledger && auditOf(event);
      if (record) ledger.info(record);
      // What comes with every command and connection is not even described where nobody reads it.
      if (FREQUENT.has(event.event) && !main.isLevelEnabled('debug')) return;
      const { level, text, fields } = describe(event);
      write(level, text, fields);
    },
    say: (level, text, fields = {}) => write(level, text, fields),
    setLevel: (level) => {
      main.level = level;
    },
    reopen: () => {
      output.reopen();
      audit?.reopen();
    },
    drain: async () => {
      await output.drain();
      await audit?.drain();
    },
    flush: () => {
      output.flush();
      audit?.flush();
    },
  };
}

function jsonLogger(output: LineOutput, level: Level, pid: number): Logger {
  return pino(
    {
      level,
      base: { pid },
      timestamp: stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
    },
    { write: (line: string) => output.write(visibleJson(line)) },
  );
}
