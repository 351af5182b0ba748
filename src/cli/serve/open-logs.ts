import type { Output } from '../io.js';
import { type Logs, openLogs } from './logs.js';
import { FileOutput, type LineOutput, streamOutput } from './output.js';
import type { Start } from './start.js';

/** Where a process can write beside files. */
interface Streams {
  stdout: Output & { fd?: number };
  stderr: Output;
  pid: number;
}

/**
 * Log and audit log as the configuration says: without a file the log goes to standard output, as lines for people where that
 * is a terminal and as JSON elsewhere.
 *
 * @throws FtpError `local` where a file cannot be opened.
 */
export function openStartLogs({ config, json }: Start, { stdout, stderr, pid }: Streams): Logs {
  const { file, auditFile, level, format } = config.log;
  const lost = (name: string) => (why: string) => {
    stderr.write(`jackstay: ${name} loses lines: ${why}\n`);
  };
  const terminal =
    !json && (format === 'terminal' || (format === 'auto' && file === undefined && stdout.isTTY === true));
  return openLogs({
    level,
    format: terminal ? 'terminal' : 'json',
    output: outputFor(file, stdout, lost(file ?? 'the log')),
    audit: auditFile === undefined ? undefined : new FileOutput(auditFile, lost(auditFile)),
    pid,
  });
}

function outputFor(
  file: string | undefined,
  stdout: Streams['stdout'],
  onFault: (why: string) => void,
): LineOutput {
  if (file !== undefined) return new FileOutput(file, onFault);
  // A pipe whose reader stands still would hold up the process at every line (Node writes to pipes synchronously).
  if (stdout.fd !== undefined && stdout.isTTY !== true) return new FileOutput(stdout.fd, onFault);
  return streamOutput(stdout);
}
