import { maskCommand } from '../protocol/commands.js';
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

/** Who hears what a command leads to. */
export interface ReplySink {
  /** Each 1yz: the first one opens a transfer, 111 and 112 tell how far it is. */
  preliminary?(reply: Reply): void;
  /** 2yz to 5yz; nothing comes behind it. */
  final(reply: Reply): void;
  /** No final reply comes any more. */
  lost(error: Error): void;
}

/** One command that was sent, or waits to be sent. */
export interface Exchange {
  verb: string;
  /** Absent: the command has none. */
  argument: string | undefined;
  octets: Buffer;
  /** Uses the data connection: a preliminary and a final reply. */
  transfer: boolean;
  /** May be sent behind a running transfer; its reply is 227 or 229 and waits with the transfer's final one. */
  ahead: boolean;
  /** Milliseconds for the (next) reply; 0 = none, somebody else watches. */
  timeout: number;
  sink: ReplySink;
  sent: boolean;
  /** A preliminary reply came. */
  begun: boolean;
  timer?: NodeJS.Timeout;
}

/** The command as it may be shown. */
export const shownOf = ({ verb, argument }: Exchange): string => maskCommand(verb, argument);

/** A transfer command under way. */
export interface TransferExchange {
  readonly command: string;
  /** 1yz, or the final reply where no preliminary one came (empty files, refusals). Rejects when the session ends. */
  readonly preliminary: Promise<Reply>;
  /** 2yz, 4yz or 5yz. Rejects when the session ends. */
  readonly final: Promise<Reply>;
}

/** A sink of promises. */
export function transferSink(): {
  sink: ReplySink;
  preliminary: Promise<Reply>;
  final: Promise<Reply>;
} {
  const preliminary = new Deferred<Reply>();
  const final = new Deferred<Reply>();
  const sink: ReplySink = {
    preliminary: (reply) => preliminary.resolve(reply),
    final: (reply) => {
      preliminary.resolve(reply);
      final.resolve(reply);
    },
    lost: (error) => {
      preliminary.reject(error);
      final.reject(error);
    },
  };
  return { sink, preliminary: preliminary.promise, final: final.promise };
}
