import { adviceFor } from './advice.js';
import type { ErrorFacts, ErrorKind } from './failure.js';

export type { ErrorFacts, ErrorKind } from './failure.js';

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
