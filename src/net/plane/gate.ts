import { randomInt } from 'node:crypto';
import net from 'node:net';
import { plainAddress } from '../../protocol/addresses.js';
import { Contest, type Trial } from './contest.js';
import type { Course } from './course.js';
import { codeOf, Failure } from './failure.js';
import type { OnStranger, PassiveOrder, PeerVerdict } from './types.js';

/** Dynamic ports (RFC 6335 6), for when no range is set. */
const DYNAMIC = { from: 49_152, to: 65_535 };
/** Ports tried at random before the whole range is walked through. */
const TRIES = 12;
/** Connections of possible peers that may wait for the transfer command. */
const HELD = 4;
/** The same where each of them will have to prove a key: strangers may have come first. */
const HELD_CONTESTED = 64;
/** Milliseconds that a connection waits for the word that its listener was handed out. */
const UNCLAIMED = 2_000;
const BACKLOG = 64;

/** Is this the peer? Undefined port: it connects to us, its port says nothing. */
export type GateJudge = (address: string) => PeerVerdict;

/** A proven connection and what the judge said of its peer. */
export interface Arrival {
  socket: net.Socket;
  address: string;
  foreign: boolean;
}

/** Who uses a gate. */
interface Claim {
  judge: GateJudge;
  onStranger: OnStranger;
}

/** A listener for one data connection. Strangers are dropped without a word and the wait goes on (RFC 2577 8). */
export class Gate {
  readonly host: string;
  readonly port: number;
  readonly #server: net.Server;
  #held: Arrival[] = [];
  #unclaimed: { socket: net.Socket; address: string; at: number }[] = [];
  #claim: Claim | undefined;
  #awaited: ((arrival: Arrival) => void) | undefined;
  #closed = false;
  #lifetime: NodeJS.Timeout | undefined;
  #room = HELD;

  private constructor(server: net.Server, host: string, port: number) {
    this.#server = server;
    this.host = host;
    this.port = port;
    server.on('error', () => {});
    server.on('connection', (socket) => this.#arrive(socket));
  }

  /** @param ports inclusive range. @throws Error with code `EADDRINUSE` when none is free, or what the system says. */
  static async open(host: string, ports?: { from: number; to: number }): Promise<Gate> {
    for (const port of candidates(ports ?? DYNAMIC)) {
      const server = await listen(host, port).catch((error: unknown) => {
        if (codeOf(error) !== 'EADDRINUSE') throw error;
      });
      if (server) return new Gate(server, host, port);
    }
    if (!ports) {
      const server = await listen(host, 0);
      return new Gate(server, host, (server.address() as net.AddressInfo).port);
    }
    const range = `${ports.from}-${ports.to}`;
    throw Object.assign(
      new Error(`no port of ${range} is free on ${host}: make the range of passive ports larger`),
      { code: 'EADDRINUSE' },
    );
  }

  /**
   * From now on it belongs to one endpoint; without a transfer it is closed at the end of its lifetime.
   *
   * @param since `Date.now()` when the port was handed out: what came before cannot be the peer.
   */
  claim(
    claim: Claim,
    { lifetime, contested }: Pick<PassiveOrder<unknown>, 'lifetime' | 'contested'>,
    since: number,
  ): void {
    this.#claim = claim;
    if (contested) this.#room = HELD_CONTESTED;
    this.#lifetime = setTimeout(() => this.close(), lifetime);
    const early = this.#unclaimed;
    this.#unclaimed = [];
    for (const { socket, address, at } of early) {
      if (at < since) socket.destroy();
      else this.#consider(socket, address, claim);
    }
  }

  #arrive(socket: net.Socket): void {
    socket.on('error', () => {});
    const address = plainAddress(socket.remoteAddress ?? '');
    if (this.#closed || address === '') socket.destroy();
    else if (this.#claim) this.#consider(socket, address, this.#claim);
    else this.#early(socket, address);
  }

  /** The port may have been handed out already and the word of it be on its way from the control side. */
  #early(socket: net.Socket, address: string): void {
    if (this.#unclaimed.length >= HELD) {
      socket.destroy();
      return;
    }
    this.#unclaimed.push({ socket, address, at: Date.now() });
    const late = (): void => {
      if (!this.#unclaimed.some((one) => one.socket === socket)) return;
      this.#unclaimed = this.#unclaimed.filter((one) => one.socket !== socket);
      socket.destroy();
    };
    setTimeout(late, UNCLAIMED).unref();
  }

  #consider(socket: net.Socket, address: string, claim: Claim): void {
    const arrival = judged(socket, address, claim);
    if (!arrival) return;
    if (this.#awaited) this.#awaited(arrival);
    else if (this.#held.length < this.#room) this.#held.push(arrival);
    else socket.destroy();
  }

  /**
   * The peer's connection. The judge is asked again about those that came before; at the first accepted one the listener
   * closes and all others are dropped.
   */
  async take(course: Course, judge: GateJudge, timeout: number): Promise<Arrival> {
    const claim = this.#begin(judge);
    try {
      return this.#waiting(claim) ?? (await this.#coming(course, timeout));
    } finally {
      this.close();
    }
  }

  /**
   * The connection whose peer proves itself (`trial`), for as long as `timeout`: several are tried at once, since strangers may
   * come first and stay silent. At the first proven one the listener closes and all others are dropped.
   *
   * @throws Failure of the last trial that failed; `connect` when nobody came.
   */
  async contest<T>(course: Course, judge: GateJudge, timeout: number, trial: Trial<T>): Promise<T> {
    const claim = this.#begin(judge);
    const { onStranger } = claim;
    const contest = new Contest<T>(trial, ({ address }, why) => onStranger(address, why));
    try {
      return await course.wait<T>(
        (resolve) => {
          contest.onProven = (won) => {
            this.close();
            resolve(won);
          };
          this.#awaited = (arrival) => contest.enter(arrival);
          for (let one = this.#waiting(claim); one; one = this.#waiting(claim)) contest.enter(one);
          return () => contest.end();
        },
        { after: timeout, cause: () => contest.failure ?? this.#nobody(timeout) },
      );
    } finally {
      this.close();
    }
  }

  /**
   * Everyone the judge lets in goes to `take`, those that came before too, and the listener stays open (MODE E). Call the result
   * when the transfer is over: who comes then waits for the next one.
   */
  admit(judge: GateJudge, take: (arrival: Arrival) => void): () => void {
    const claim = this.#begin(judge);
    this.#awaited = take;
    for (let one = this.#waiting(claim); one; one = this.#waiting(claim)) take(one);
    return () => {
      this.#awaited = undefined;
    };
  }

  /** Drops a connection as `take` was given it. */
  drop(arrival: Pick<Arrival, 'socket' | 'address'>, why: string): void {
    arrival.socket.destroy();
    this.#claim?.onStranger(arrival.address, why);
  }

  /** The transfer has begun: it knows better who may come. */
  #begin(judge: GateJudge): Claim {
    clearTimeout(this.#lifetime);
    if (!this.#claim || this.#closed) {
      throw new Failure('connect', 'EXPIRED', `port ${this.port} was closed before the transfer began`);
    }
    this.#claim = { ...this.#claim, judge };
    return this.#claim;
  }

  #nobody(timeout: number): Failure {
    const message = `nobody connected to port ${this.port} within ${timeout / 1000} s`;
    return new Failure('connect', 'ETIMEDOUT', message);
  }

  /** The first of those that came before the transfer command and may stay. */
  #waiting(claim: Claim): Arrival | undefined {
    while (this.#held.length > 0) {
      const { socket, address } = this.#held.shift()!;
      const arrival = judged(socket, address, claim);
      if (arrival) return arrival;
    }
    return undefined;
  }

  #coming(course: Course, timeout: number): Promise<Arrival> {
    return course.wait<Arrival>(
      (resolve) => {
        this.#awaited = (arrival) => {
          // Now, not in the next turn: whoever else stands in the queue of the listener is dropped.
          this.close();
          resolve(arrival);
        };
        return undefined;
      },
      { after: timeout, cause: () => this.#nobody(timeout) },
    );
  }

  close(): void {
    this.#awaited = undefined;
    if (!this.#closed) {
      this.#closed = true;
      clearTimeout(this.#lifetime);
      this.#server.close();
    }
    for (const { socket } of [...this.#held, ...this.#unclaimed]) socket.destroy();
    this.#held = [];
    this.#unclaimed = [];
  }
}

/** Asks the judge; a stranger is dropped. */
function judged(socket: net.Socket, address: string, { judge, onStranger }: Claim): Arrival | undefined {
  const verdict = judge(address);
  if (verdict.allow) return { socket, address, foreign: verdict.foreign };
  socket.destroy();
  onStranger(address);
  return undefined;
}

/** Ports in the order to be tried: some at random, then all from a random one on, so that a nearly full range works too. */
function* candidates({ from, to }: { from: number; to: number }): Generator<number> {
  const count = to - from + 1;
  for (let i = 0; i < TRIES; i++) yield from + randomInt(count);
  if (count > 4096) return;
  const first = randomInt(count);
  for (let i = 0; i < count; i++) yield from + ((first + i) % count);
}

function listen(host: string, port: number): Promise<net.Server> {
  return new Promise((resolve, reject) => {
    const server = net.createServer({ allowHalfOpen: true, noDelay: true, pauseOnConnect: true });
    server.once('error', reject);
    server.listen({ host, port, backlog: BACKLOG, exclusive: true }, () => {
      server.removeListener('error', reject);
      resolve(server);
    });
  });
}
