import type { HostPort } from '../protocol/addresses.js';
import { saysAborted, saysBroken } from '../protocol/codes.js';
import { FtpError } from '../protocol/errors.js';
import { type Reply, replyText } from '../protocol/replies.js';
import { type Cause, isDone, type TransferState } from './attempt.js';
import type { Driven } from './drive.js';
import { type Finding, obstacleOf, type Side } from './findings.js';
import type { Outcome, Rig } from './rig.js';
import { other } from './shapes.js';

/** The end of the state machine in the words of the engine: done, no way, or failed. */
export function explain(rig: Rig, { state, opened }: Driven, endpoint: HostPort): Outcome {
  const passiveOpen = opened.has(rig.attempt.passive);
  const { source, destination } = state;
  if (isDone(state) && source.at === 'final' && destination.at === 'final')
    return { kind: 'done', endpoint, said: { source: source.reply, destination: destination.reply } };
  const cause: Cause =
    state.at === 'ended' && state.cause ? betterCause(rig, state, state.cause) : { kind: 'cancelled' };
  const stranger = passiveOpen ? undefined : notAccepted(rig, cause);
  if (stranger) return stranger;
  switch (cause.kind) {
    case 'cancelled':
      throw new FtpError('aborted', 'stopped by the caller');
    case 'reply':
      return refused(rig, cause.side, cause.reply);
    case 'lost':
      return lost(rig, cause.side, cause.error, cause.before);
    case 'silent':
      return silent(rig, cause, passiveOpen);
    case 'stalled': {
      const error = new FtpError('timeout', cause.reason, {
        retry: 'later',
        phase: 'stall',
        ...(cause.side ? { site: rig[cause.side].session.name } : {}),
      });
      return { kind: 'failed', error, ...(cause.side ? { side: cause.side } : {}) };
    }
  }
}

/** When both sides failed, the one that names an obstacle or a permanent reason says more than `426 broken`. */
function betterCause(rig: Rig, state: TransferState, cause: Cause): Cause {
  if (cause.kind !== 'reply' && cause.kind !== 'lost') return cause;
  const side = other(cause.side);
  const progress = state[side];
  // The one closed its session over the other's certificate, and the other saw only a handshake that broke.
  if (progress.at === 'lost' && rig.attempt.pins === cause.side && rig.attempt.tls?.client === side)
    return { kind: 'lost', side, error: progress.error, before: 'open' };
  if (progress.at !== 'final' || progress.reply.code < 400) return cause;
  // A lost session says nothing of its own: vsftpd dies of a failed handshake, whoever made it fail.
  const had = cause.kind === 'reply' ? weight(rig, cause.side, cause.reply) : 2;
  return weight(rig, side, progress.reply) > had
    ? { kind: 'reply', side, reply: progress.reply, before: 'open' }
    : cause;
}

/** How much a negative reply says. */
function weight(rig: Rig, side: Side, reply: Reply): number {
  const obstacle = obstacleOf(rig.attempt, side, 'transfer', { code: reply.code, text: replyText(reply) });
  switch (obstacle) {
    case undefined:
    case 'unknown':
    case 'tls-role':
    case 'passive-unreachable':
      if (reply.code === 426 || saysBroken(reply)) return 0;
      return reply.code >= 500 ? 2 : 1;
    // Said of every handshake that broke: a rule that the other side names says more.
    case 'not-proven':
      return 2.5;
    // ProFTPD says the same of every handshake that failed, also where the other side had refused the peer.
    case 'requires-session-reuse':
      return 3;
    default:
      return 4;
  }
}

const commandOf = (rig: Rig, side: Side): string =>
  side === 'source' ? `RETR ${rig.sourcePath}` : `STOR ${rig.destinationPath}`;

function finding(
  rig: Rig,
  side: Side,
  obstacle: Finding['obstacle'],
  message: string,
  reply?: Reply,
): Outcome {
  return {
    kind: 'cannot',
    finding: {
      side,
      obstacle,
      message,
      attempt: rig.attempt.id,
      ...(reply ? { reply: { code: reply.code, text: reply.text } } : {}),
    },
  };
}

function refused(rig: Rig, side: Side, reply: Reply): Outcome {
  const { session } = rig[side];
  const text = replyText(reply);
  const obstacle = obstacleOf(rig.attempt, side, 'transfer', { code: reply.code, text });
  if (obstacle)
    return finding(
      rig,
      side,
      obstacle,
      `${session.name} answered ${commandOf(rig, side)} with ${reply.code} ${text}`,
      reply,
    );
  const error = session.refusal(commandOf(rig, side), reply);
  return {
    kind: 'failed',
    side,
    error:
      saysAborted(reply) || saysBroken(reply)
        ? new FtpError('closed', error.message, { ...error.facts, retry: 'later' })
        : error,
  };
}

/** ProFTPD with TLSVerifyServer closes the control connection without a word when it rejects the peer's certificate. */
function lost(rig: Rig, side: Side, error: FtpError, before: 'waiting' | 'sent' | 'open'): Outcome {
  if (before === 'open' && rig.attempt.tls?.client === side && error.kind === 'closed') {
    const message = `${rig[side].session.name} closed its control connection during the TLS handshake as client: it rejects the other server's certificate`;
    return finding(rig, side, 'verifies-peer', message);
  }
  return { kind: 'failed', side, error };
}

/**
 * The active side had its connection, and the passive one went on waiting: it drops strangers without a word, as servers
 * do that cannot be bounced or robbed (RFC 2577 8).
 */
function notAccepted(rig: Rig, cause: Cause): Outcome | undefined {
  const { passive } = rig.attempt;
  const active = other(passive);
  const done = cause.kind === 'silent' && cause.phase === 'end' && cause.side === passive;
  const cut =
    cause.kind === 'reply' && cause.side === active && cause.before === 'open' && cause.reply.code === 426;
  if (!done && !cut) return undefined;
  const [listener, dialler] = [rig[passive].session.name, rig[active].session.name];
  if (rig.attempt.pins) {
    const message = `${listener} went on waiting after ${dialler} had connected somewhere, where another one was`;
    return finding(rig, passive, 'not-proven', message);
  }
  const message = `${listener} went on waiting after ${dialler} had connected to its passive port: it drops other servers silently`;
  return finding(rig, passive, 'refuses-foreign-peer', message);
}

function silent(rig: Rig, cause: Extract<Cause, { kind: 'silent' }>, passiveOpen: boolean): Outcome {
  const { session } = rig[cause.side];
  const what = commandOf(rig, cause.side);
  if (cause.phase === 'end') {
    const error = new FtpError(
      'timeout',
      `${session.name} gave no final reply to ${what} although the other side was done`,
      {
        site: session.name,
        retry: 'later',
        command: what,
      },
    );
    return { kind: 'failed', side: cause.side, error };
  }
  if (rig.attempt.tls && passiveOpen)
    return finding(
      rig,
      cause.side,
      'tls-role',
      `${session.name} did not answer ${what}: the TLS handshake between the servers hung`,
    );
  const active = other(rig.attempt.passive);
  const door = `the passive port of ${rig[rig.attempt.passive].session.name}`;
  const message = `${session.name} gave no reply to ${what}: it hangs, or ${rig[active].session.name} could not reach ${door}`;
  return finding(rig, active, 'passive-unreachable', message);
}
