import { isStatusReply, plausible } from '../protocol/codes.js';
import type { Reply } from '../protocol/replies.js';
import type { Exchange } from './exchange.js';

/** Commands that may be sent while a transfer runs. */
const URGENT: ReadonlySet<string> = new Set(['STAT', 'NOOP']);
/** Settled places at the front that are kept: moving the rest at every reply would cost more. */
const SLACK = 256;

/** A transfer whose owner watches it: no deadline for the final reply. */
const isUnderWay = ({ transfer, begun }: Exchange): boolean => transfer && begun;

/** The commands of one control connection in order: which may be sent now, and whose a reply is. Sends nothing itself. */
export class CommandQueue {
  #exchanges: Exchange[] = [];
  /** Where the oldest command stands. */
  #head = 0;

  get length(): number {
    return this.#exchanges.length - this.#head;
  }

  /** The verb whose reply is due next. */
  get verb(): string | undefined {
    return this.#exchanges[this.#head]?.verb;
  }

  add(exchange: Exchange): void {
    this.#exchanges.push(exchange);
  }

  #live(): Exchange[] {
    if (this.#head > 0) this.#exchanges = this.#exchanges.slice(this.#head);
    this.#head = 0;
    return this.#exchanges;
  }

  /** The commands that may leave now; each must be sent before the next one is asked for. */
  *ready(lockstep: boolean): Generator<Exchange> {
    const exchanges = this.#live();
    let blocked = false;
    let transfer = false;
    for (const exchange of exchanges) {
      // Nothing goes behind a transfer: old servers take input for an abort, others answer late or never. What is asked
      // ahead goes only to servers that are known to queue it.
      const held = blocked || (transfer && !exchange.ahead);
      if (!exchange.sent && (!held || this.#mayOvertake(exchange))) yield exchange;
      blocked ||= lockstep || !exchange.sent;
      transfer ||= exchange.transfer;
    }
  }

  /** The commands not sent yet, for a server that queues whatever comes behind a transfer (MODE E). */
  unsent(): Exchange[] {
    let first = this.#exchanges.length;
    while (first > this.#head && !this.#exchanges[first - 1]!.sent) first -= 1;
    return this.#exchanges.slice(first);
  }

  /** One STAT or NOOP at a time may be sent while the transfer at the head of the queue runs. */
  #mayOvertake(exchange: Exchange): boolean {
    const head = this.#exchanges[this.#head]!;
    if (!URGENT.has(exchange.verb) || !head.transfer || !head.sent) return false;
    return !this.#exchanges.some((other, at) => at > this.#head && other.sent);
  }

  /** The command a reply belongs to: the oldest one, or what was sent while its transfer runs. */
  match(reply: Reply): Exchange | undefined {
    const head = this.#exchanges[this.#head];
    if (!head?.sent) return undefined;
    if (head.transfer && (isStatusReply(reply) || reply.code === 200)) {
      return this.#live().find((exchange) => exchange.sent && URGENT.has(exchange.verb));
    }
    if (head.transfer && (reply.code === 227 || reply.code === 229)) {
      return this.#live().find((exchange) => exchange.sent && exchange.ahead);
    }
    return plausible(head.verb, reply) ? head : undefined;
  }

  /** A passive endpoint was asked for ahead and its answer is due. */
  get awaitsAhead(): boolean {
    return this.#live().some((exchange) => exchange.sent && exchange.ahead);
  }

  /** The oldest command sent. */
  get oldestSent(): Exchange | undefined {
    return this.#live().find((exchange) => exchange.sent);
  }

  /** Commands sent whose next reply has a deadline here. */
  get awaited(): Exchange[] {
    return this.#live().filter((exchange) => exchange.sent && !isUnderWay(exchange));
  }

  /** The final reply of a command. */
  settle(exchange: Exchange, reply: Reply): void {
    clearTimeout(exchange.timer);
    if (this.#exchanges[this.#head] === exchange) {
      this.#head += 1;
      if (this.#head > SLACK || this.length === 0) this.#live();
    } else {
      const exchanges = this.#live();
      exchanges.splice(exchanges.indexOf(exchange), 1);
    }
    exchange.sink.final(reply);
  }

  /** No deadline holds any more: an abort has its own. */
  disarm(): void {
    for (const exchange of this.#live()) clearTimeout(exchange.timer);
  }

  /** Commands that were sent get no reply of their own any more. */
  failSent(errorOf: (exchange: Exchange) => Error): void {
    this.#fail((exchange) => exchange.sent, errorOf);
  }

  /** The connection is over. */
  failAll(errorOf: (exchange: Exchange) => Error): void {
    this.#fail(() => true, errorOf);
  }

  #fail(which: (exchange: Exchange) => boolean, errorOf: (exchange: Exchange) => Error): void {
    const all = this.#live();
    this.#exchanges = all.filter((exchange) => !which(exchange));
    for (const exchange of all.filter(which)) {
      clearTimeout(exchange.timer);
      exchange.sink.lost(errorOf(exchange));
    }
  }
}
