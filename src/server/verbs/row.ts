import type { Answer, Say } from '../reply.js';
import type { Session } from '../session.js';

/** A verb as data: syntax check, login check, HELP, FEAT and docs/rfc.md read the same row. */
export interface VerbRow {
  /** Upper case; `SITE CHMOD` for a subcommand of SITE. */
  verb: string;
  /** Where it is defined: `RFC 959 4.1.3`. */
  source: string;
  /** Argument as HELP shows it; '' for none. */
  syntax: string;
  argument: 'none' | 'optional' | 'required';
  /** One line for HELP and docs/rfc.md. */
  summary: string;
  /** `always`: also before login. `login`: 530 before it. */
  when: 'always' | 'login';
  /** Answered while a transfer runs, when nothing is queued before it. */
  during?: boolean;
  /** Another spelling of an older RFC (RFC 1123 4.1.3.1, RFC 775). */
  aliases?: readonly string[];
  /** Lines of FEAT, without the leading blank (RFC 2389 3.2). */
  features?: (session: Session) => readonly string[];
  /** Known but not done: the reason, for docs/rfc.md. */
  refused?: string;
  run: (session: Session, argument: string, say: Say) => Answer;
}
