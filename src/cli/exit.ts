import type { Summary } from '../engine/events.js';
import type { ErrorKind, FtpError } from '../protocol/errors.js';
import { maskText } from '../protocol/url.js';

/** What the process answers to its caller; scripts depend on these numbers. */
export const Exit = {
  /** Everything asked for was done. */
  done: 0,
  /** Some files, or the one thing asked for, failed. */
  failed: 1,
  /** The command line or a configuration file is wrong. */
  usage: 2,
  /** No route between the sites at this security floor. */
  noRoute: 3,
  /** Login or certificate refused. */
  denied: 4,
  /** Nothing done, site unreachable. */
  unreachable: 5,
  /** Stopped by SIGINT or SIGTERM; what was moved stays. */
  interrupted: 130,
} as const;

const BY_KIND: Record<ErrorKind, number> = {
  usage: Exit.usage,
  'no-route': Exit.noRoute,
  policy: Exit.noRoute,
  login: Exit.denied,
  tls: Exit.denied,
  unreachable: Exit.unreachable,
  timeout: Exit.unreachable,
  closed: Exit.unreachable,
  malformed: Exit.unreachable,
  refused: Exit.failed,
  verify: Exit.failed,
  local: Exit.failed,
  aborted: Exit.interrupted,
};

/** Exit code of a run that could not be done at all. A refused greeting (RFC 959 5.4: 120, 421) counts as unreachable. */
export function exitCodeOf(error: FtpError): number {
  if (error.kind === 'refused' && error.facts.phase === 'greeting') return Exit.unreachable;
  return BY_KIND[error.kind];
}

/** Exit code of a run that came to its end. */
export function exitCodeOfSummary(summary: Summary): number {
  return summary.failed > 0 ? Exit.failed : Exit.done;
}

/**
 * An error as lines for people: what went wrong, what was asked, what was answered, what to do. Command and reply are left
 * out where the message already holds them.
 */
export function errorLines(error: FtpError, printable: (text: string) => string): string[] {
  const { site, command, reply, advice } = error.facts;
  const [first = '', ...more] = error.message.split('\n');
  const lines = [`jackstay: ${first}`, ...more];
  const where = site !== undefined && !error.message.includes(site) ? ` (${site})` : '';
  if (command !== undefined && !error.message.includes(command)) lines.push(`  asked:    ${command}${where}`);
  if (reply !== undefined && !error.message.includes(reply.text))
    lines.push(`  answered: ${reply.code} ${reply.text}`);
  if (advice !== undefined) lines.push(`  to do:    ${advice}`);
  return lines.map((line) => printable(maskText(line)));
}
