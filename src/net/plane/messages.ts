import type {
  ActiveOrder,
  DataPeer,
  PassiveOrder,
  TlsMaterial,
  TransferOrder,
  TransferResult,
  TransferState,
} from './types.js';

/** Ports of a host; the same key = interchangeable listeners. */
export interface GatePlace {
  host: string;
  ports?: { from: number; to: number } | undefined;
}

/** From the control side to a plane in a thread. `gate` and `id` are numbers that the control side gives. */
export type PlaneCommand<F, P> =
  | { do: 'tls'; material: TlsMaterial }
  /** Open a listener that belongs to nobody yet; at once when somebody waits for it. */
  | { do: 'open'; gate: number; place: GatePlace; awaited: boolean }
  /** It became endpoint `id` at that time (`Date.now()`). */
  | { do: 'claim'; gate: number; id: number; order: PassiveOrder<P>; at: number }
  /** It is not needed. */
  | { do: 'shut'; gate: number }
  | { do: 'transfer'; id: number; order: TransferOrder<F, P>; active?: ActiveOrder<P> | undefined }
  | { do: 'close'; id: number }
  | { do: 'abort'; id: number }
  | { do: 'rate'; id: number; bytesPerSecond: number }
  | { do: 'grant'; id: number; bytes: number }
  | { do: 'progress'; id: number }
  | { do: 'end' };

/** From a plane in a thread to the control side. */
export type PlaneEvent =
  | { is: 'opened'; gate: number; port: number }
  | { is: 'unopened'; gate: number; code: string; message: string }
  | { is: 'stranger'; id: number; address: string; why?: string | undefined }
  | { is: 'open'; id: number; peer: DataPeer }
  | { is: 'more'; id: number }
  | { is: 'progress'; id: number; state: TransferState }
  | { is: 'done'; id: number; result: TransferResult }
  | { is: 'ended' };

/** Milliseconds that a message nobody waits for may wait for one to go with. */
const LAZY = 5;

/** Puts several messages into one: to wake another thread costs more than all else that a small file needs. */
export class Batch<T> {
  readonly #post: (messages: T[]) => void;
  readonly #soon: (flush: () => void) => void;
  #messages: T[] = [];
  #due = false;
  #timer: NodeJS.Timeout | undefined;

  /** @param soon when to post what is added: `queueMicrotask` or `setImmediate`. */
  constructor(post: (messages: T[]) => void, soon: (flush: () => void) => void) {
    this.#post = post;
    this.#soon = soon;
  }

  /** To be posted with what else this turn brings. */
  add(message: T): void {
    this.#messages.push(message);
    if (this.#due) return;
    this.#due = true;
    this.#soon(() => this.flush());
  }

  /** To be posted with the next one that is added, or after some milliseconds. */
  addLazily(message: T): void {
    this.#messages.push(message);
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      this.flush();
    }, LAZY);
  }

  flush(): void {
    const messages = this.#messages;
    this.#messages = [];
    this.#due = false;
    if (messages.length > 0) this.#post(messages);
  }
}
