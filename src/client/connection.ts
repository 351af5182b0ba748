import type { FtpError } from '../protocol/errors.js';
import type { Reply } from '../protocol/replies.js';
import type { DcpaState } from './dcpa.js';
import type { SiteFacts } from './facts.js';
import type { FullSite } from './login.js';
import type { Session } from './session.js';

/** State of one session that the server keeps and the client must know. */
export interface SessionState {
  /** SSCN ON in force; undefined = never touched, which means OFF. */
  sscn?: boolean;
  prot: 'C' | 'P';
  type: 'I' | 'A';
  /** MODE in force; undefined = never touched, which means S. */
  mode?: 'S' | 'Z' | 'E';
  /** `OPTS RETR Digest` or `OPTS STOR Digest` is in force. */
  digest?: boolean;
  /** CEPR ON was sent: 229 replies carry the address. */
  cepr?: boolean;
  /** A passive endpoint that was asked for ahead, for the attempt of that name. */
  ahead?: {
    attempt: string;
    reply: Promise<Reply>;
    /** Milliseconds that the answer is given behind the transfer. */
    patience: number;
    /** No answer came in that time. */
    late(): void;
  };
  /** DCPA in force: key shown, key demanded, TLS role. */
  dcpa?: DcpaState;
  /** Newest TLS session or ticket, for data connections that must resume. */
  ticket?: Buffer;
}

/** A session together with what is known of its server. The verbs of `verbs.ts`, `list.ts` and others work on it. */
export interface Connection {
  readonly session: Session;
  readonly site: FullSite;
  readonly facts: SiteFacts;
  readonly state: SessionState;
}

/** Octets that crossed this client's own data connections. */
export interface TrafficMeter {
  files: number;
  listings: number;
}

/** Remember that a verb does not exist here, if the error says so (500, 502, 504). */
export function noteMissing(facts: SiteFacts, verb: string, error: FtpError): boolean {
  const code = error.facts.reply?.code ?? 0;
  const missing = code === 500 || code === 502 || code === 504;
  if (missing) facts.missing.add(verb);
  return missing;
}
