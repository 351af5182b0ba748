import type { TransferExchange } from '../client/exchange.js';
import type { Session } from '../client/session.js';
import { announcedSize } from '../protocol/announced.js';
import { toFtpError } from '../protocol/errors.js';
import {
  GRACE,
  type Grace,
  graceOf,
  initialState,
  next,
  type TransferEvent,
  type TransferState,
} from './attempt.js';
import type { Side } from './findings.js';

/** One side of a transfer about to start. */
export interface TransferHandle {
  session: Session;
  verb: 'RETR' | 'STOR';
  path: string;
  /** Its preliminary reply comes at once and is waited for before the other side starts. */
  prompt: boolean;
}

export interface TransferHandles {
  source: TransferHandle;
  destination: TransferHandle;
  passive: Side;
  /** Whose command goes first. */
  order: [Side, Side];
  /** Ask the passive side for the next endpoint, in one segment with its transfer command. */
  ahead?: (() => Promise<unknown>) | undefined;
  /** Nobody knows yet whether the passive side stands that: it is given less time. */
  trial?: boolean;
  /** Free a passive side that waits in accept(). */
  unblock(): Promise<void>;
  signal?: AbortSignal | undefined;
  watch?: ((stalled: (reason: string, side?: Side) => void) => () => void) | undefined;
}

/** The end of the state machine, and which sides had said 150 by then: under DCPA those whose peer was proven. */
export interface Driven {
  state: TransferState;
  opened: ReadonlySet<Side>;
  /** Octets that the source announced in its 150. */
  announced?: number | undefined;
}

/** Milliseconds until both sides have said something, while it is tried whether a server stands an order. */
const TRIAL_START = 5_000;
/** Milliseconds for the rest of a transfer that was overtaken by the answer to what stands behind it. */
const OVERTAKEN = 1_500;

/** Send both transfer commands and follow the replies to the end of the state machine. */
export async function drive(handles: TransferHandles): Promise<Driven> {
  const driver = new Driver(handles);
  return driver.run();
}

class Driver {
  readonly #handles: TransferHandles;
  #grace: Grace;
  #state: TransferState = initialState;
  #timer: NodeJS.Timeout | undefined;
  #armed: number | undefined;
  #stopWatch: (() => void) | undefined;
  #end!: () => void;
  #aborted: Promise<void> | undefined;
  readonly #opened = new Set<Side>();
  #announced: number | undefined;

  constructor(handles: TransferHandles) {
    this.#handles = handles;
    const { source, destination } = handles;
    const patience = Math.min(source.session.commandTimeout, destination.session.commandTimeout);
    const start = handles.trial ? TRIAL_START : GRACE.start;
    // Before a session gives up its command: which side hangs can be told from both only.
    this.#grace = {
      ...GRACE,
      start: Math.min(start, 0.75 * patience),
      neverAccepted: Math.min(GRACE.neverAccepted, 0.75 * patience),
    };
  }

  async run(): Promise<Driven> {
    const { signal } = this.#handles;
    const ended = new Promise<void>((resolve) => {
      this.#end = resolve;
    });
    const onAbort = (): void => this.#dispatch({ type: 'cancelled' });
    signal?.addEventListener('abort', onAbort, { once: true });
    try {
      await this.#start();
      await ended;
      // Both final replies may be there before the abort is answered in full: the sessions are not idle until then.
      await this.#aborted;
    } finally {
      signal?.removeEventListener('abort', onAbort);
      clearTimeout(this.#timer);
      this.#stopWatch?.();
    }
    return { state: this.#state, opened: this.#opened, announced: this.#announced };
  }

  /** The first command, then the other one without waiting for a 150 that may need the peer (most passive servers). */
  async #start(): Promise<void> {
    const [first, second] = this.#handles.order;
    const exchange = this.#send(first);
    if (this.#handles[first].prompt) await exchange?.preliminary.catch(() => {});
    // The events of that reply were queued before this continuation.
    await Promise.resolve();
    if (this.#state.at === 'running') this.#send(second);
    if (this.#state.at === 'running') {
      this.#stopWatch = this.#handles.watch?.((reason, side) =>
        this.#dispatch({ type: 'stalled', reason, ...(side ? { side } : {}) }),
      );
    }
  }

  #send(side: Side): TransferExchange | undefined {
    const { session, verb, path } = this.#handles[side];
    try {
      const exchange = session.begin(verb, path);
      if (side === this.#handles.passive)
        this.#handles.ahead?.().then(
          () => this.#overtaken(side),
          () => {},
        );
      this.#dispatch({ type: 'sent', side });
      this.#follow(side, exchange);
      return exchange;
    } catch (error) {
      this.#dispatch({ type: 'lost', side, error: toFtpError(error) });
      return undefined;
    }
  }

  /** The next endpoint is there before this transfer has ended: the server may have given this one up for it. */
  #overtaken(side: Side): void {
    const { at } = this.#state[side];
    if (at === 'final' || at === 'lost') return;
    const { start, neverAccepted } = this.#grace;
    this.#grace = {
      ...GRACE,
      start: Math.min(start, OVERTAKEN),
      neverAccepted: Math.min(neverAccepted, OVERTAKEN),
      destinationAfterSource: OVERTAKEN,
      sourceAfterDestination: OVERTAKEN,
    };
    this.#arm();
  }

  #follow(side: Side, exchange: TransferExchange): void {
    exchange.preliminary.then(
      (reply) => {
        if (reply.code >= 200) return;
        this.#opened.add(side);
        if (side === 'source') this.#announced = announcedSize(reply);
        this.#dispatch({ type: 'preliminary', side });
      },
      () => {},
    );
    exchange.final.then(
      (reply) => this.#dispatch({ type: 'final', side, reply }),
      (error: unknown) => this.#dispatch({ type: 'lost', side, error: toFtpError(error) }),
    );
  }

  #dispatch(event: TransferEvent): void {
    const before = this.#state;
    this.#state = next(before, event);
    if (this.#state.at === 'ended') {
      clearTimeout(this.#timer);
      this.#end();
      return;
    }
    if (this.#state.at === 'aborting' && before.at !== 'aborting') this.#aborted = this.#abort();
    this.#arm();
  }

  #arm(): void {
    const grace = graceOf(this.#state, this.#handles.passive, this.#grace);
    if (grace === this.#armed) return;
    this.#armed = grace;
    clearTimeout(this.#timer);
    if (grace !== undefined) this.#timer = setTimeout(() => this.#dispatch({ type: 'deadline' }), grace);
  }

  async #abort(): Promise<void> {
    clearTimeout(this.#timer);
    const sides = (['source', 'destination'] as const).filter((side) => {
      const { at } = this.#state[side];
      return at === 'sent' || at === 'open';
    });
    await Promise.all(
      sides.map((side) => {
        const blocked = side === this.#handles.passive && this.#state[side].at === 'sent';
        return this.#handles[side].session.abort(5_000, blocked ? () => this.#handles.unblock() : undefined);
      }),
    );
    this.#dispatch({ type: 'drained' });
  }
}
