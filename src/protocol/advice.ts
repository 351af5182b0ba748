import type { ErrorFacts, ErrorKind } from './failure.js';

/** What a reply asks its reader to do, by code (RFC 959 4.2, RFC 2228 5, RFC 4217 10). Only codes that say more than their class. */
const BY_CODE: Readonly<Record<number, string>> = {
  421: 'The server ends sessions or has too many: wait a moment, or use fewer sessions (--parallel).',
  425: 'The data connection could not be made: check firewalls and passive ports of that server.',
  426: 'The data connection broke: run the same command again, what arrived is kept.',
  450: 'The file is in use or cannot be read just now: try again later.',
  451: 'The server had trouble of its own, often with its disk: its log tells more; then run the same command again.',
  452: 'The disk or the quota of that server is full: free some space and run the same command again.',
  522: 'That server wants TLS, or a resumed TLS session, on data connections: its operator can relax that.',
  530: 'Log in as a user who may do this.',
  532: 'Set the account of that site: it is needed for storing files.',
  550: 'Check that the path exists, and that this user may read and write there.',
  551: 'The server cannot store it: its disk or file system may be at its limit.',
  552: 'The disk or the quota of that server is full: free some space and run the same command again.',
  553: 'The server does not take this name here: check the rights of the directory, or use another name.',
  554: 'The server cannot start at that offset: run it again with --on-exists overwrite.',
};

const BY_KIND: Partial<Record<ErrorKind, string>> = {
  malformed: 'Check host and port: this may be no FTP server.',
  timeout: 'The server or the line hangs: try again later, or give it more time (--timeout).',
  closed:
    'The server or something on the way cut the connection: try again; the log of the server may tell why.',
  unreachable: 'Check host and port, and that the server runs.',
  tls: 'Check that the server speaks TLS on this port; port 990 is implicit TLS, others explicit.',
  login: 'Check user and password.',
  verify: 'Run the same command again; if it repeats, the disk or the network of a server damages files.',
  local: 'Check the path and its rights on this machine.',
};

/**
 * One sentence on what the user can do about an error that came without advice of its own; undefined where there is
 * nothing to say (`aborted`, `usage`).
 */
export function adviceFor(kind: ErrorKind, { reply, retry, cause }: ErrorFacts): string | undefined {
  // An exception that no system call made is a fault of our own.
  if (kind === 'local' && cause instanceof Error && !('code' in cause))
    return 'This is a fault of Jackstay itself: please report it with this message.';
  if (kind === 'closed') return BY_CODE[reply?.code ?? 0] ?? BY_KIND.closed;
  if (kind !== 'refused') return BY_KIND[kind];
  if (!reply) return 'Check the path; `jackstay ls` shows what is there.';
  const known = BY_CODE[reply.code];
  if (known !== undefined) return known;
  if (reply.code >= 500 && reply.code <= 504) return 'That server does not know this command in this form.';
  return retry === 'later' ? 'Try again later.' : 'Ask the operator of that server: it will not do this.';
}
