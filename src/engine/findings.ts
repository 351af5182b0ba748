import type { Obstacle } from '../client/quirks/index.js';
import type { Reply } from '../protocol/replies.js';
import type { Attempt, Side } from './route.js';
import { demands, provers } from './shapes.js';

export type { Side } from './route.js';

/** What an attempt taught about one side of a pair. */
export interface Finding {
  side: Side;
  /**
   * What is in the way; `technique` = the verb is missing or refused, `not-proven` = a key that was demanded by DCPA was not
   * shown, `refuses-active-client` = it connects to another host only as TLS server, or not at all, `unknown` = only this
   * attempt is out.
   */
  obstacle:
    | Obstacle
    | 'technique'
    | 'tls-role'
    | 'passive-unreachable'
    | 'not-proven'
    | 'refuses-active-client'
    | 'unknown';
  /** The verb, for `technique`. */
  verb?: string;
  /** The attempt that taught it, for obstacles that rule out only that one. */
  attempt?: string;
  /** What was asked and answered. */
  message: string;
  reply?: { code: number; text: string };
  /** After `not-proven`: routes on which fewer servers prove who they are are not tried any more. */
  atLeast?: 0 | 1 | 2;
  /** For `not-proven`: a server that had nothing to check reported success to whoever was at its other end. */
  fooled?: Side;
}

/** Where in an attempt a reply came. */
export type RoutePhase = 'passive' | 'aim' | 'role' | 'transfer';

const says = (reply: Pick<Reply, 'text'>, pattern: RegExp): boolean => pattern.test(reply.text);

/**
 * The obstacle behind a negative reply, from code, phase, TCP role and TLS role; the text decides only between meanings
 * that share a code.
 *
 * @returns undefined when the reply speaks of the file, not of the route.
 */
export function obstacleOf(
  attempt: Attempt,
  side: Side,
  phase: RoutePhase,
  reply: Pick<Reply, 'code' | 'text'>,
): Finding['obstacle'] | undefined {
  const { code } = reply;
  if (phase === 'passive') return 'technique';
  // Without TLS the only role asked for is PROT C.
  if (phase === 'role') return attempt.tls ? 'technique' : 'requires-tls-data';
  if (phase === 'aim') {
    // pyftpdlib connects at PORT: 425 is about the other side's port, a foreign address is 501.
    if (code === 425 && !says(reply, FOREIGN)) return 'passive-unreachable';
    // docs/dcpa.md 15.3: a pin lets nobody in for an active TLS client; as TLS server it may.
    if (code >= 400 && demands(attempt, side) && attempt.tls?.client === side) return 'refuses-active-client';
    return code >= 400 ? 'refuses-foreign-port' : undefined;
  }
  const passive = attempt.passive === side;
  // 522: the passive side saw a wrong key or none. 425: the active side tells nobody what it met (docs/dcpa.md).
  if (demands(attempt, side) && (code === 425 || code === 522)) return 'not-proven';
  const tlsServer = attempt.tls !== undefined && attempt.tls.client !== side;
  if (tlsServer && code === 522 && says(reply, /reus|session|resum/i)) return 'requires-session-reuse';
  if (code === 521 || code === 522 || code === 534) return attempt.tls ? 'tls-role' : 'requires-tls-data';
  if (!attempt.tls && code >= 500 && says(reply, /\b(?:tls|ssl|prot p|encrypt\w*)\b/i))
    return 'requires-tls-data';
  if (code === 500 || code === 501) {
    if (says(reply, /3rd|third|foreign|fxp|transfers? (?:to|from)/i)) return foreign(passive);
    // wzdftpd: 501 PASV timeout, when nobody connected.
    return says(reply, /pasv time/i) ? 'unknown' : undefined;
  }
  // The session or the data connection was idle: no word about the route.
  if (code === 421 && says(reply, /^(?:timeout|idle|data timeout)/i)) return undefined;
  if (code === 425 || code === 435 || code === 421 || code === 432) {
    if (says(reply, FOREIGN)) return foreign(passive);
    // ProFTPD: 425 ... Operation not permitted, when it is TLS server and the session was not resumed.
    if (tlsServer && says(reply, /not permitted|reus|resum/i)) return 'requires-session-reuse';
    return attempt.tls ? 'tls-role' : passive ? 'unknown' : 'passive-unreachable';
  }
  if (code === 426 && says(reply, /fxp/i)) return foreign(passive);
  return undefined;
}

/** Words of servers that refuse a third host. */
const FOREIGN = /3rd|third|foreign|bad ip|security|rejected|not allowed|permission denied/i;

const foreign = (passive: boolean): Obstacle => (passive ? 'refuses-foreign-peer' : 'refuses-foreign-port');

/** What the fast lane met may be owed to MODE E: stream mode is tried all the same. */
const LANES_OWN: ReadonlySet<Finding['obstacle']> = new Set(['technique', 'passive-unreachable']);

/** True when what was found makes this attempt pointless. */
function blocks(finding: Finding, attempt: Attempt): boolean {
  const { side, obstacle } = finding;
  // Whatever it was: what failed is not tried again.
  if (finding.attempt === attempt.id) return true;
  if (!attempt.fast && finding.attempt?.startsWith('fast ') && LANES_OWN.has(obstacle)) return false;
  switch (obstacle) {
    case 'refuses-foreign-port':
      return attempt.passive !== side;
    case 'refuses-foreign-peer':
      return attempt.passive === side;
    case 'refuses-active-client':
      return attempt.passive !== side && (attempt.tls?.client === side || !demands(attempt, side));
    case 'passive-unreachable':
      // The active side could not reach the passive one.
      return attempt.passive !== side;
    case 'requires-session-reuse':
      return attempt.tls !== undefined && attempt.tls.client !== side;
    case 'verifies-peer':
    case 'never-tls-client':
      return attempt.tls?.client === side;
    case 'requires-tls-data':
      return attempt.tls === undefined;
    case 'technique':
      return (
        (attempt.technique === finding.verb && attempt.passive === side) ||
        (attempt.tls?.by === finding.verb && attempt.tls?.client === side) ||
        (finding.verb === 'DCPA' && demands(attempt, side))
      );
    case 'not-proven':
      return provers(attempt) < (finding.atLeast ?? 0);
    case 'tls-role':
    case 'truncates':
    case 'no-dcpa':
    case 'unchecked-certificate':
    case 'unknown':
      return false;
  }
}

/** The first finding that rules an attempt out, with the words for the report. */
export function rulesOut(
  findings: readonly Finding[],
  attempt: Attempt,
): { reason: string; finding: Finding } | undefined {
  const finding = findings.find((candidate) => blocks(candidate, attempt));
  return finding ? { reason: finding.message, finding } : undefined;
}
