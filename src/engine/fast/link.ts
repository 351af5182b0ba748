import type { Connection } from '../../client/connection.js';
import type { HostPort } from '../../protocol/addresses.js';
import { concernsFile } from '../../protocol/codes.js';
import { FtpError } from '../../protocol/errors.js';
import { parsePerfMarker } from '../../protocol/markers.js';
import type { Reply } from '../../protocol/replies.js';
import type { Attempt, Side } from '../route.js';
import { SIDES } from '../shapes.js';

/** Octets under way on one link above which no further file is sent: memory and fairness. */
const OCTETS = 32 * 1024 * 1024;
/** Files under way: servers queue no more than 1,000 commands (globus-gridftp-server), and a file may need three at once. */
const FILES = 300;
/** A connection that was not used for so long may be gone at the servers, milliseconds. */
const FRESH = 10_000;
/** How long the servers have for the answers to what was sent behind a file that failed, milliseconds. */
const DRAIN = 10_000;
/** The same for servers that go on with other files. */
const DRAIN_OTHERS = 1_000;

/** What both servers said of a file, each in its final reply. */
export type Landed = Record<Side, Reply>;

/** A file that was behind another one that failed: it was not sent, or nobody knows which octets it got. */
export class Overtaken extends FtpError {
  constructor(message: string) {
    super('closed', message, { retry: 'later', phase: 'link' });
  }
}

/** One command of a file: verb and argument. */
export type Order = readonly [verb: string, argument: string];

interface Flight {
  octets: number;
  orders: Record<Side, Order>;
  ends: Partial<Record<Side, Reply | FtpError>>;
  /** Octets as marked last. */
  marked: number;
  onBytes: ((bytes: number) => void) | undefined;
  resolve(landed: Landed): void;
  reject(error: Error): void;
}

const succeeded = (end: Reply | FtpError | undefined): end is Reply =>
  end !== undefined && !(end instanceof Error) && end.code < 300;

export interface LinkOptions {
  source: Connection;
  destination: Connection;
  attempt: Attempt;
  endpoint: HostPort;
  signal: AbortSignal;
  /** Milliseconds without a word of either server. */
  stallTimeout: number;
  /** Asked when nothing moves: does a server still answer? */
  alive?: ((side: Side) => Promise<'yes' | 'silent' | 'unavailable'>) | undefined;
}

/**
 * The kept data connection of a pair of sessions (MODE E, GFD.20 3.4), and the files under way on it, in order. The commands of
 * many files leave at once; the replies come in the order of the commands (RFC 959 4.2), so the n-th of both sides speak of
 * the same file. After the first that fails nothing is believed: all behind it are `Overtaken`.
 */
export class FastLink {
  readonly #options: LinkOptions;
  readonly #flights: Flight[] = [];
  #head = 0;
  #octets = 0;
  /** Files that are not finished: their commands leave at once. */
  #busy = 0;
  #used = Date.now();
  #moved = 0;
  #broken: { flight: Flight | undefined; drains: boolean; error?: FtpError } | undefined;
  /** A file in order did not land: none behind it is believed. */
  #failed = false;
  #blamed = false;
  #gaveUp = false;
  #watch: NodeJS.Timeout | undefined;
  #drain: NodeJS.Timeout | undefined;
  #asked = false;
  readonly #silent = new Set<Side>();
  readonly #onAbort = (): void => this.#end(new FtpError('aborted', 'stopped by the caller'));

  constructor(options: LinkOptions) {
    this.#options = options;
  }

  /** Where the destination listens. */
  get endpoint(): HostPort {
    return this.#options.endpoint;
  }

  /** Its sessions were ended because a file failed: what else they had to do is no fault of whoever waits for it. */
  get gaveUp(): boolean {
    return this.#gaveUp;
  }

  /** Both servers stop at a file that fails, and answer what was sent behind it. */
  get drains(): boolean {
    return SIDES.every((side) => this.#options[side].facts.behaviour.dropsKept === true);
  }

  /** True for the attempt whose connection this is. */
  carries({ id }: Attempt): boolean {
    return this.#options.attempt.id === id;
  }

  /** True while the connection is there, between these sessions. */
  open(source: Connection | undefined, destination: Connection | undefined): boolean {
    if (this.#broken || SIDES.some((side) => this.#dead(side))) return false;
    if (this.#options.source !== source || this.#options.destination !== destination) return false;
    return this.#busy > 0 || Date.now() - this.#used < FRESH;
  }

  #dead(side: Side): boolean {
    const { session, state } = this.#options[side];
    return session.closed !== undefined || state.mode !== 'E';
  }

  /** No more than this may be under way. */
  full(octets: number): boolean {
    return this.#busy > 0 && (this.#busy >= FILES || this.#octets + octets > OCTETS);
  }

  /** A file that went over the connection beside the burst. */
  used(): void {
    this.#used = Date.now();
  }

  /**
   * Send the commands of one file, behind those of the others.
   *
   * @returns the final replies of both sides. Rejects with the error of the file that failed, `Overtaken` for those behind it.
   */
  send(
    source: Order,
    destination: Order,
    octets: number,
    onBytes?: (bytes: number) => void,
  ): Promise<Landed> {
    return new Promise<Landed>((resolve, reject) => {
      const orders = { source, destination };
      const flight: Flight = { octets, orders, ends: {}, marked: 0, onBytes, resolve, reject };
      this.#enter();
      this.#octets += octets;
      this.#flights.push(flight);
      // The destination first: it is there before an octet is.
      for (const side of SIDES) this.#order(side, flight);
    });
  }

  #enter(): void {
    this.#busy += 1;
    if (this.#busy > 1) return;
    this.#moved = Date.now();
    for (const side of SIDES) this.#options[side].session.pipelined = true;
    const { stallTimeout, signal } = this.#options;
    this.#watch = setInterval(() => this.#look(), Math.min(1_000, stallTimeout / 4));
    signal.addEventListener('abort', this.#onAbort, { once: true });
  }

  /** A file of `send` is verified and has its name, or is given up. */
  leave(): void {
    this.#busy -= 1;
    this.#used = Date.now();
    if (this.#busy > 0) return;
    for (const side of SIDES) this.#options[side].session.pipelined = false;
    clearInterval(this.#watch);
    this.#options.signal.removeEventListener('abort', this.#onAbort);
  }

  #order(side: Side, flight: Flight): void {
    const [verb, argument] = flight.orders[side];
    const said = (end: Reply | FtpError): void => this.#said(flight, side, end);
    try {
      this.#options[side].session.pipe(verb, argument, {
        final: said,
        lost: (error) => said(error as FtpError),
        preliminary: (reply) => this.#mark(flight, reply),
      });
    } catch (error) {
      said(error as FtpError);
    }
  }

  #mark(flight: Flight, reply: Reply): void {
    const marker = reply.code === 112 ? parsePerfMarker(reply) : undefined;
    if (!marker || marker.bytes <= flight.marked) return;
    flight.marked = marker.bytes;
    this.#moved = Date.now();
    flight.onBytes?.(marker.bytes);
  }

  #said(flight: Flight, side: Side, end: Reply | FtpError): void {
    flight.ends[side] = end;
    this.#moved = Date.now();
    if (!succeeded(end) && !this.#contained(side, end)) this.#break(flight);
    this.#advance();
    const { drains, flight: cause } = this.#broken ?? {};
    if (drains === false && cause?.ends.source && cause.ends.destination) this.#end(this.#behind());
  }

  /** A file that differs has come to its end: ours goes on with the next one behind a 551. */
  #contained(side: Side, end: Reply | FtpError): boolean {
    const { facts } = this.#options[side];
    return (
      side === 'destination' &&
      !(end instanceof Error) &&
      end.code === 551 &&
      facts.behaviour.dropsKept === true
    );
  }

  /** Settle, in order, what both sides have spoken of. */
  #advance(): void {
    for (;;) {
      const flight = this.#flights[this.#head];
      const { source, destination } = flight?.ends ?? {};
      if (!flight || source === undefined || destination === undefined) break;
      this.#head += 1;
      this.#octets -= flight.octets;
      if (!this.#failed && succeeded(source) && succeeded(destination))
        flight.resolve({ source, destination });
      else if (!this.#failed && succeeded(source) && this.#contained('destination', destination))
        flight.reject(this.#faultOf(flight));
      else flight.reject(this.#judge(flight));
    }
    if (this.#head === this.#flights.length || this.#head > FILES) {
      this.#flights.splice(0, this.#head);
      this.#head = 0;
    }
    if (this.#flights.length === 0) clearTimeout(this.#drain);
  }

  /** The first file in order that did not land is the one to blame; where it went down with another's failure, that other one. */
  #judge(flight: Flight): FtpError {
    const cause = this.#broken?.flight;
    const mine = !this.#blamed && (cause === undefined || cause === flight || this.#ownFault(flight));
    this.#failed = true;
    if (!mine) return new Overtaken(`${flight.orders.source.join(' ')}: another file before it failed`);
    this.#blamed = true;
    return this.#broken?.error ?? this.#faultOf(flight);
  }

  #ownFault({ ends }: Flight): boolean {
    return SIDES.some((side) => {
      const end = ends[side];
      return end !== undefined && !(end instanceof Error) && end.code >= 300 && concernsFile(end);
    });
  }

  /** The words of the side that speaks of the file, else of the one that failed. */
  #faultOf({ ends, orders }: Flight): FtpError {
    const weight = (side: Side): number => {
      const end = ends[side];
      if (end === undefined || succeeded(end)) return 0;
      if (end instanceof Error) return 2;
      return concernsFile(end) ? 3 : 1;
    };
    const side = weight('source') > weight('destination') ? 'source' : 'destination';
    const end = ends[side]!;
    if (end instanceof Error) return end;
    const error = this.#options[side].session.refusal(orders[side].join(' '), end);
    return concernsFile(end)
      ? error
      : new FtpError('closed', error.message, { ...error.facts, retry: 'later' });
  }

  /** Nothing more is sent; what was sent is answered, or the sessions that would go on with other files are ended. */
  #break(flight: Flight | undefined, error?: FtpError): void {
    if (this.#broken) return;
    const { drains } = this;
    this.#broken = { flight, drains, ...(error ? { error } : {}) };
    this.#drain = setTimeout(() => this.#end(this.#behind()), drains ? DRAIN : DRAIN_OTHERS);
  }

  #behind(): FtpError {
    const text = 'a file before it failed, and what follows on its connection is not known';
    return new FtpError('closed', text, { retry: 'later' });
  }

  /** End both sessions. */
  #end(error: FtpError): void {
    if (error.kind === 'aborted' || error.kind === 'timeout') this.#break(undefined, error);
    this.#gaveUp = error.kind === 'closed';
    for (const side of SIDES) this.#options[side].session.destroy(error);
  }

  /** Half-way to the limit both servers are asked whether they live, so that the reason is known at the limit. */
  #look(): void {
    const { stallTimeout, source, destination, alive } = this.#options;
    const idle = Date.now() - Math.max(this.#moved, source.session.answered, destination.session.answered);
    if (idle < stallTimeout / 2) {
      this.#asked = false;
      this.#silent.clear();
    } else if (!this.#asked) {
      this.#asked = true;
      for (const side of SIDES) {
        this.#silent.add(side);
        void (alive?.(side) ?? Promise.resolve('unavailable' as const)).then((answer) => {
          if (answer !== 'silent') this.#silent.delete(side);
        });
      }
    }
    if (idle >= stallTimeout) this.#stalled(Math.round(idle / 1000));
  }

  #stalled(seconds: number): void {
    const name = (side: Side): string => this.#options[side].session.name;
    const side = SIDES.find((each) => this.#silent.has(each));
    const what = `nothing arrived at ${name('destination')} for ${seconds} s`;
    const why = side
      ? `${name(side)} does not answer any more, on this or another connection`
      : `although both servers answer: the data connection from ${name('source')} to ${name('destination')} is stuck`;
    this.#end(
      new FtpError('timeout', `${what}: ${why}`, {
        retry: 'later',
        phase: 'stall',
        ...(side ? { site: name(side) } : {}),
      }),
    );
  }
}
