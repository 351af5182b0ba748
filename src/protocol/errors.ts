import { adviceFor } from './advice.js';

/**
 * One family of errors; every one carries facts (site, command, reply), whether a retry can help, and advice.
 */

/** `usage` caller's mistake · `malformed` peer broke the protocol · `refused` negative reply · `timeout` deadline ·
 * `closed` connection ended · `unreachable` no TCP connection · `tls` handshake or certificate · `login` USER/PASS refused ·
 * `no-route` no way to join two sites · `policy` our own rule forbids it · `verify` arrived data differ · `local` local file system ·
 * `aborted` by the caller. */
export type ErrorKind =
  | 'usage'
  | 'malformed'
  | 'refused'
  | 'timeout'
  | 'closed'
  | 'unreachable'
  | 'tls'
  | 'login'
  | 'no-route'
  | 'policy'
  | 'verify'
  | 'local'
  | 'aborted';

/** Facts about a failure; every field is optional because not every failure has it. */
export interface ErrorFacts {
  /** Name of the site, as the user calls it. Never holds credentials. */
  site?: string;
  /** The command sent, secrets masked. */
  command?: string;
  /** The reply received, without line ends. */
  reply?: { code: number; text: string };
  /** `later`: the same request may succeed on its own; `never`: it will not without a change. */
  retry?: 'later' | 'never';
  /** What the user can do about it, one sentence. */
  advice?: string;
  /** The phase in which it happened: greeting, tls, login, pasv, transfer... */
  phase?: string;
  cause?: unknown;
}

/**
 * Every error Jackstay throws on purpose. `message` is complete: it names site, command and reply. Where no advice is given,
 * `facts.advice` is the general one for the kind and the reply.
 */
export class FtpError extends Error {
  readonly kind: ErrorKind;
  readonly facts: ErrorFacts;

  constructor(kind: ErrorKind, message: string, facts: ErrorFacts = {}) {
    super(message, facts.cause === undefined ? undefined : { cause: facts.cause });
    this.name = 'FtpError';
    this.kind = kind;
    const advice = facts.advice ?? adviceFor(kind, facts);
    this.facts = advice === undefined ? facts : { ...facts, advice };
  }

  get retry(): 'later' | 'never' {
    return this.facts.retry ?? 'never';
  }
}

/** Narrow an unknown thrown value; wraps anything foreign so that callers always see an `FtpError`. */
export function toFtpError(error: unknown, facts: ErrorFacts = {}): FtpError {
  if (error instanceof FtpError) return error;
  const message = error instanceof Error ? error.message : String(error);
  return new FtpError('local', message, { ...facts, cause: error });
}
