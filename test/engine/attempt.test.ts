import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  type Cause,
  GRACE,
  graceOf,
  initialState,
  isDone,
  next,
  type Progress,
  type TransferEvent,
  type TransferState,
} from '../../src/engine/attempt.js';
import type { Side } from '../../src/engine/findings.js';
import { FtpError } from '../../src/protocol/errors.js';
import type { Reply } from '../../src/protocol/replies.js';

const SIDES: readonly Side[] = ['source', 'destination'];
const reply = (code: number): Reply => ({ code, lines: [`${code} text`], text: 'text' });
const gone = new FtpError('closed', 'gone');

const sent = (side: Side): TransferEvent => ({ type: 'sent', side });
const open = (side: Side): TransferEvent => ({ type: 'preliminary', side });
const final = (side: Side, code: number): TransferEvent => ({ type: 'final', side, reply: reply(code) });
const lost = (side: Side): TransferEvent => ({ type: 'lost', side, error: gone });
const DEADLINE: TransferEvent = { type: 'deadline' };
const CANCELLED: TransferEvent = { type: 'cancelled' };
const DRAINED: TransferEvent = { type: 'drained' };
const STALLED: TransferEvent = { type: 'stalled', reason: 'nothing moved' };

const run = (...events: TransferEvent[]): TransferState => events.reduce(next, initialState);
const causeOf = (state: TransferState): Cause | undefined => ('cause' in state ? state.cause : undefined);
const started = [sent('destination'), sent('source'), open('destination'), open('source')];

const anySide = fc.constantFrom(...SIDES);
const anyEvent: fc.Arbitrary<TransferEvent> = fc.oneof(
  anySide.map(sent),
  anySide.map(open),
  fc.tuple(anySide, fc.constantFrom(226, 250, 425, 426, 550)).map(([side, code]) => final(side, code)),
  anySide.map(lost),
  fc.constantFrom(DEADLINE, CANCELLED, DRAINED, STALLED),
  anySide.map((side): TransferEvent => ({ type: 'stalled', reason: 'nothing moved', side })),
);
const anyRun = fc.array(anyEvent, { maxLength: 14 });

/** Every state on the way. */
function statesOf(events: readonly TransferEvent[]): TransferState[] {
  const states = [initialState];
  for (const event of events) states.push(next(states.at(-1)!, event));
  return states;
}

const RANK: Record<Progress['at'], number> = { waiting: 0, sent: 1, open: 2, final: 3, lost: 3 };

describe('every order of events', () => {
  const always = (holds: (states: TransferState[], events: TransferEvent[]) => void): void =>
    fc.assert(
      fc.property(anyRun, (events) => holds(statesOf(events), events)),
      { numRuns: 3_000 },
    );

  test('the end is the end', () => {
    always((states) => {
      const at = states.findIndex((state) => state.at === 'ended');
      if (at >= 0) for (const state of states.slice(at)) expect(state).toBe(states[at]);
    });
  });

  test('the first cause wins', () => {
    always((states) => {
      const causes = states.map(causeOf);
      const first = causes.findIndex((cause) => cause !== undefined);
      if (first >= 0) for (const cause of causes.slice(first)) expect(cause).toBe(causes[first]);
    });
  });

  test('no side ever goes back, and a final reply stays', () => {
    always((states) => {
      for (const side of SIDES) {
        for (const [i, state] of states.slice(1).entries()) {
          const [before, after] = [states[i]![side], state[side]];
          expect(RANK[after.at]).toBeGreaterThanOrEqual(RANK[before.at]);
          if (RANK[before.at] === 3) expect(after).toBe(before);
        }
      }
    });
  });

  test('done means two positive replies and nothing that went wrong', () => {
    always((states, events) => {
      for (const state of states) {
        if (!isDone(state)) continue;
        for (const side of SIDES) {
          const progress = state[side];
          expect(progress.at === 'final' && progress.reply.code < 300).toBe(true);
        }
        expect(events.some(({ type }) => type === 'cancelled' || type === 'stalled')).toBe(
          events.slice(states.indexOf(state)).some(({ type }) => type === 'cancelled' || type === 'stalled'),
        );
      }
    });
  });

  test('what ended without a cause is done', () => {
    always((states) => {
      for (const state of states)
        if (state.at === 'ended') expect(isDone(state)).toBe(state.cause === undefined);
    });
  });

  test('it can always be brought to its end: stopped and drained', () => {
    always((states) => {
      for (const state of states) expect(next(next(state, CANCELLED), DRAINED).at).toBe('ended');
    });
  });

  test('the runner is never left without an end: time or both sides bring it', () => {
    always((states) => {
      for (const state of states) {
        const late = next(next(state, DEADLINE), DRAINED);
        expect(late.at).toBe('ended');
        const over = SIDES.reduce((now, side) => next(now, lost(side)), state);
        expect(next(over, DRAINED).at).toBe('ended');
      }
    });
  });

  test('in settling one side is over and the other one is waited for', () => {
    always((states) => {
      for (const state of states) {
        if (state.at !== 'settling') continue;
        const other = state.waitingFor === 'source' ? 'destination' : 'source';
        expect(RANK[state[other].at]).toBe(3);
        expect(RANK[state[state.waitingFor].at]).toBeLessThan(3);
      }
    });
  });

  test('an abort has a cause and a side to abort; it ends only when drained', () => {
    always((states, events) => {
      for (const [i, state] of states.entries()) {
        if (state.at !== 'aborting') continue;
        expect(state.cause).toBeDefined();
        const after = states[i + 1];
        if (after && events[i]!.type !== 'drained') expect(after.at).toBe('aborting');
      }
    });
  });

  test('the time given is positive, or only the data decide', () => {
    always((states) => {
      for (const state of states) {
        for (const passive of SIDES) {
          const grace = graceOf(state, passive);
          if (grace !== undefined) expect(grace).toBeGreaterThan(0);
          if (state.at === 'settling') expect(grace).toBeDefined();
          if (state.at === 'aborting' || state.at === 'ended') expect(grace).toBeUndefined();
        }
      }
    });
  });
});

describe('known courses', () => {
  test('both 226, in any order', () => {
    for (const [a, b] of [SIDES, SIDES.toReversed()] as Side[][]) {
      expect(isDone(run(...started, final(a!, 226), final(b!, 226)))).toBe(true);
    }
  });

  test('226 of one side before 150 of the other (tiny files)', () => {
    const state = run(sent('destination'), sent('source'), open('source'), final('source', 226));
    expect(state).toMatchObject({ at: 'settling', waitingFor: 'destination' });
    expect(isDone([open('destination'), final('destination', 226)].reduce(next, state))).toBe(true);
  });

  test('a direct 226 counts as both replies', () => {
    expect(
      isDone(run(sent('destination'), sent('source'), final('source', 226), final('destination', 226))),
    ).toBe(true);
  });

  test('the first command is refused: the other one is never sent', () => {
    const state = run(sent('destination'), final('destination', 553));
    expect(state).toMatchObject({
      at: 'ended',
      cause: { kind: 'reply', side: 'destination', before: 'sent' },
    });
  });

  test('226 at the source, 426 at the destination: failed, for the destination’s reason', () => {
    const state = run(...started, final('source', 226), final('destination', 426));
    expect(state).toMatchObject({
      at: 'ended',
      cause: { side: 'destination', before: 'open', reply: { code: 426 } },
    });
  });

  test('426 at the source, 226 at the destination: failed, whatever the second says', () => {
    const state = run(...started, final('source', 426), final('destination', 226));
    expect(isDone(state)).toBe(false);
    expect(causeOf(state)).toMatchObject({ side: 'source' });
  });

  test('a side that stays silent after the other failed is aborted, for the failure', () => {
    const state = run(...started, final('source', 550), DEADLINE);
    expect(state).toMatchObject({ at: 'aborting', cause: { kind: 'reply', side: 'source' } });
    const ended = [final('destination', 426), DRAINED].reduce(next, state);
    expect(ended).toMatchObject({ at: 'ended', cause: { kind: 'reply', side: 'source' } });
  });

  test('226 that comes while aborting does not make it done', () => {
    const state = run(...started, CANCELLED, final('source', 226), final('destination', 226), DRAINED);
    expect(isDone(state)).toBe(false);
    expect(causeOf(state)).toEqual({ kind: 'cancelled' });
  });

  test('nothing sent, nothing to abort', () => {
    expect(run(CANCELLED)).toMatchObject({ at: 'ended', cause: { kind: 'cancelled' } });
  });

  test('who is silent: the one that gave no preliminary reply', () => {
    expect(causeOf(run(sent('destination'), sent('source'), open('source'), DEADLINE))).toEqual({
      kind: 'silent',
      side: 'destination',
      phase: 'start',
    });
    expect(causeOf(run(...started, final('source', 226), DEADLINE))).toEqual({
      kind: 'silent',
      side: 'destination',
      phase: 'end',
    });
  });
});

describe('how long each state may last', () => {
  test.each<[string, TransferEvent[], Side, number | undefined]>([
    ['commands are out', [sent('destination'), sent('source')], 'source', GRACE.start],
    [
      'one preliminary reply is missing',
      [sent('destination'), sent('source'), open('destination')],
      'source',
      GRACE.start,
    ],
    ['data flow', started, 'source', undefined],
    ['the source is done', [...started, final('source', 226)], 'source', GRACE.destinationAfterSource],
    [
      'the destination is done',
      [...started, final('destination', 226)],
      'source',
      GRACE.sourceAfterDestination,
    ],
    ['one failed in the middle', [...started, final('source', 426)], 'source', GRACE.afterFailure],
    [
      'the active side was refused, the passive one waits in accept()',
      [sent('destination'), sent('source'), final('source', 550)],
      'destination',
      GRACE.neverConnected,
    ],
    [
      'the passive side was refused, the active one sees the end itself',
      [sent('destination'), sent('source'), final('source', 550)],
      'source',
      GRACE.afterFailure,
    ],
  ])('%s', (_name, events, passive, milliseconds) => {
    expect(graceOf(run(...events), passive)).toBe(milliseconds);
  });
});
