import type { Reply } from '../protocol/replies.js';

/** A value that is settled from outside. A rejection that nobody awaits is not an unhandled one. */
export class Deferred<T> {
  readonly promise: Promise<T>;
  settled = false;
  #resolve!: (value: T) => void;
  #reject!: (error: Error) => void;

  constructor() {
    this.promise = new Promise<T>((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    this.promise.catch(() => {});
  }

  resolve(value: T): void {
    this.settled = true;
    this.#resolve(value);
  }

  reject(error: Error): void {
    this.settled = true;
    this.#reject(error);
  }
}

/** One command that was sent, or waits to be sent, and the replies it gets. */
export interface Exchange {
  verb: string;
  /** The command as it may be shown. */
  shown: string;
  octets: Buffer;
  /** Uses the data connection: a preliminary and a final reply. */
  transfer: boolean;
  /** May be sent behind a running transfer; its reply is 227 or 229 and waits with the transfer's final one. */
  ahead: boolean;
  /** Milliseconds for the (next) reply; 0 = none, somebody else watches. */
  timeout: number;
  preliminary: Deferred<Reply>;
  final: Deferred<Reply>;
  sent: boolean;
  timer?: NodeJS.Timeout;
}

/** A transfer command under way. */
export interface TransferExchange {
  readonly command: string;
  /** 1yz, or the final reply where no preliminary one came (empty files, refusals). Rejects when the session ends. */
  readonly preliminary: Promise<Reply>;
  /** 2yz, 4yz or 5yz. Rejects when the session ends. */
  readonly final: Promise<Reply>;
}
