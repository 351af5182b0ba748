import type { FtpError } from '../protocol/errors.js';
import type { Reply } from '../protocol/replies.js';
import type { Side } from './findings.js';

/** How far one side is: command not sent, sent, preliminary reply came, final reply came, connection lost. */
export type Progress =
  | { at: 'waiting' }
  | { at: 'sent' }
  | { at: 'open' }
  | { at: 'final'; reply: Reply }
  | { at: 'lost'; error: FtpError };

/** Why a transfer goes down: the first cause wins. */
export type Cause =
  | { kind: 'reply'; side: Side; reply: Reply; before: 'waiting' | 'sent' | 'open' }
  | { kind: 'lost'; side: Side; error: FtpError; before: 'waiting' | 'sent' | 'open' }
  | { kind: 'silent'; side: Side; phase: 'start' | 'end' }
  | { kind: 'stalled'; side?: Side; reason: string }
  | { kind: 'cancelled' };

export type TransferState =
  | { at: 'running'; source: Progress; destination: Progress }
  /** One side is done or failed, the other one is given a moment. */
  | { at: 'settling'; source: Progress; destination: Progress; waitingFor: Side; cause?: Cause }
  | { at: 'aborting'; source: Progress; destination: Progress; cause: Cause }
  | { at: 'ended'; source: Progress; destination: Progress; cause?: Cause };

export type TransferEvent =
  | { type: 'sent'; side: Side }
  | { type: 'preliminary'; side: Side }
  | { type: 'final'; side: Side; reply: Reply }
  | { type: 'lost'; side: Side; error: FtpError }
  | { type: 'deadline' }
  | { type: 'stalled'; side?: Side; reason: string }
  | { type: 'cancelled' }
  /** Every side that was aborted is quiet again, or its connection is gone. */
  | { type: 'drained' };

/** Milliseconds that one side is given, by what happened at the other. */
export interface Grace {
  /** Until both sides gave a preliminary or final reply. */
  start: number;
  /** Destination after the source's 226: it flushes, runs hooks. */
  destinationAfterSource: number;
  /** Source after the destination's 226. */
  sourceAfterDestination: number;
  /** The other side after a failure that it will see on the data connection. */
  afterFailure: number;
  /** The passive side when the active one never connected. */
  neverConnected: number;
  /** The passive side when the active one is done and it has not even said 150: it takes that peer for a stranger. */
  neverAccepted: number;
}

export const GRACE: Grace = {
  start: 20_000,
  destinationAfterSource: 60_000,
  sourceAfterDestination: 15_000,
  afterFailure: 3_000,
  neverConnected: 50,
  neverAccepted: 5_000,
};

export const initialState: TransferState = {
  at: 'running',
  source: { at: 'waiting' },
  destination: { at: 'waiting' },
};

const over = (progress: Progress): boolean => progress.at === 'final' || progress.at === 'lost';
const succeeded = (progress: Progress): boolean => progress.at === 'final' && progress.reply.code < 300;
const otherSide = (side: Side): Side => (side === 'source' ? 'destination' : 'source');

/**
 * The transfer as a pure function: state and event -> state. The runner does what the new state asks: in `settling` it
 * arms `graceOf`, in `aborting` it aborts the sides that are not over.
 */
export function next(state: TransferState, event: TransferEvent): TransferState {
  if (state.at === 'ended') return state;
  switch (event.type) {
    case 'sent':
      return state[event.side].at === 'waiting' ? advance(state, event.side, { at: 'sent' }) : state;
    case 'preliminary':
      return state[event.side].at === 'sent' ? advance(state, event.side, { at: 'open' }) : state;
    case 'final':
    case 'lost':
      return finish(state, event);
    case 'deadline':
      return abort(state, silentCause(state));
    case 'stalled':
      // One side is done and nobody is known to be dead: the other one owes its final reply.
      if (state.at === 'settling' && event.side === undefined) return abort(state, silentCause(state));
      return abort(state, {
        kind: 'stalled',
        reason: event.reason,
        ...(event.side ? { side: event.side } : {}),
      });
    case 'cancelled':
      return abort(state, { kind: 'cancelled' });
    case 'drained':
      return state.at === 'aborting' ? { ...state, at: 'ended' } : state;
  }
}

function advance(state: TransferState, side: Side, progress: Progress): TransferState {
  return over(state[side]) ? state : { ...state, [side]: progress };
}

function finish(
  state: TransferState,
  event: Extract<TransferEvent, { type: 'final' | 'lost' }>,
): TransferState {
  const { side } = event;
  const before = state[side].at;
  if (before === 'final' || before === 'lost') return state;
  const progress: Progress =
    event.type === 'final' ? { at: 'final', reply: event.reply } : { at: 'lost', error: event.error };
  const moved = { source: state.source, destination: state.destination, [side]: progress };
  const failed: Cause | undefined =
    event.type === 'lost'
      ? { kind: 'lost', side, error: event.error, before }
      : event.reply.code >= 300
        ? { kind: 'reply', side, reply: event.reply, before }
        : undefined;
  const cause = ('cause' in state ? state.cause : undefined) ?? failed;
  const withCause = cause ? { cause } : {};
  // Both final replies are not the end of an abort: the answers to ABOR and to the sentinel are still due.
  if (state.at === 'aborting') return { ...state, ...moved };
  if (over(moved.source) && over(moved.destination)) return { ...moved, at: 'ended', ...withCause };
  if (failed && moved[otherSide(side)].at === 'waiting') return { ...moved, at: 'ended', ...withCause };
  return { ...moved, at: 'settling', waitingFor: otherSide(side), ...withCause };
}

function silentCause(state: TransferState): Cause {
  if (state.at === 'settling') return state.cause ?? { kind: 'silent', side: state.waitingFor, phase: 'end' };
  const side: Side = state.source.at === 'open' || over(state.source) ? 'destination' : 'source';
  return { kind: 'silent', side, phase: 'start' };
}

function abort(state: TransferState, cause: Cause): TransferState {
  if (state.at === 'aborting' || state.at === 'ended') return state;
  const first = ('cause' in state ? state.cause : undefined) ?? cause;
  const untouched = (progress: Progress): boolean => over(progress) || progress.at === 'waiting';
  const done = untouched(state.source) && untouched(state.destination);
  return {
    source: state.source,
    destination: state.destination,
    at: done ? 'ended' : 'aborting',
    cause: first,
  };
}

/**
 * How long the present state may last, milliseconds; undefined when only the data decide.
 *
 * @param passive who listens: a passive side whose peer never connected waits in accept() for nothing.
 */
export function graceOf(state: TransferState, passive: Side, grace: Grace = GRACE): number | undefined {
  if (state.at === 'running') {
    const started = (progress: Progress): boolean => progress.at === 'open' || over(progress);
    return started(state.source) && started(state.destination) ? undefined : grace.start;
  }
  if (state.at !== 'settling') return undefined;
  const { waitingFor, cause } = state;
  if (!cause && waitingFor === passive && state[passive].at === 'sent') return grace.neverAccepted;
  if (!cause)
    return waitingFor === 'destination' ? grace.destinationAfterSource : grace.sourceAfterDestination;
  const failedActive = cause.kind === 'reply' && cause.side !== passive && cause.before !== 'open';
  return failedActive && waitingFor === passive ? grace.neverConnected : grace.afterFailure;
}

/** Both final replies are positive and nothing went wrong before. Proves nothing about the file. */
export function isDone(state: TransferState): boolean {
  return (
    state.at === 'ended' &&
    state.cause === undefined &&
    succeeded(state.source) &&
    succeeded(state.destination)
  );
}
