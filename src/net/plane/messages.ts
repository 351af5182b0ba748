import type {
  ActiveOrder,
  DataPeer,
  PassiveOrder,
  TlsMaterial,
  TransferOrder,
  TransferResult,
} from './types.js';

/** Ports of a host; the same key = interchangeable listeners. */
export interface GatePlace {
  host: string;
  ports?: { from: number; to: number } | undefined;
}

/** From the control side to a plane in a thread. `gate` and `id` are numbers that the control side gives. */
export type PlaneCommand<F, P> =
  | { do: 'tls'; material: TlsMaterial }
  /** Open a listener that belongs to nobody yet. */
  | { do: 'open'; gate: number; place: GatePlace }
  /** It becomes endpoint `id`. */
  | { do: 'claim'; gate: number; id: number; order: PassiveOrder<P> }
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
  | { is: 'stranger'; id: number; address: string }
  | { is: 'open'; id: number; peer: DataPeer }
  | { is: 'more'; id: number }
  | { is: 'progress'; id: number; bytes: number }
  | { is: 'done'; id: number; result: TransferResult }
  | { is: 'ended' };

/** Puts the messages of one turn into one. */
export class Batch<T> {
  readonly #post: (messages: T[]) => void;
  readonly #later: (flush: () => void) => void;
  #messages: T[] = [];

  /** @param later when to post: `queueMicrotask` or `setImmediate`. */
  constructor(post: (messages: T[]) => void, later: (flush: () => void) => void) {
    this.#post = post;
    this.#later = later;
  }

  add(message: T): void {
    this.#messages.push(message);
    if (this.#messages.length === 1) this.#later(() => this.flush());
  }

  flush(): void {
    const messages = this.#messages;
    this.#messages = [];
    if (messages.length > 0) this.#post(messages);
  }
}
