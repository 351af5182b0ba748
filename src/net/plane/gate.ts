import { randomInt } from 'node:crypto';
import net from 'node:net';
import { plainAddress } from '../../protocol/addresses.js';
import type { Course } from './course.js';
import { codeOf, Failure } from './failure.js';
import type { PeerVerdict } from './types.js';

/** Dynamic ports (RFC 6335 6), for when no range is set. */
const DYNAMIC = { from: 49_152, to: 65_535 };
/** Ports tried at random before the whole range is walked through. */
const TRIES = 12;
/** Connections of possible peers that may wait for the transfer command. */
const HELD = 4;
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
  onStranger: (address: string) => void;
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
   * From now on it belongs to one endpoint; without a transfer it is closed after `lifetime` milliseconds.
   *
   * @param since `Date.now()` when the port was handed out: what came before cannot be the peer.
   */
  claim(claim: Claim, lifetime: number, since: number): void {
    this.#claim = claim;
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
    else if (this.#held.length < HELD) this.#held.push(arrival);
    else socket.destroy();
  }

  /**
   * The peer's connection. The judge is asked again about those that came before; at the first accepted one the listener
   * closes and all others are dropped.
   */
  async take(course: Course, judge: GateJudge, timeout: number): Promise<Arrival> {
    clearTimeout(this.#lifetime);
    if (!this.#claim || this.#closed) {
      throw new Failure('connect', 'EXPIRED', `port ${this.port} was closed before the transfer began`);
    }
    const claim = { ...this.#claim, judge };
    this.#claim = claim;
    try {
      return this.#waiting(claim) ?? (await this.#coming(course, timeout));
    } finally {
      this.close();
    }
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
    const late = (): Failure =>
      new Failure('connect', 'ETIMEDOUT', `nobody connected to port ${this.port} within ${timeout / 1000} s`);
    return course.wait<Arrival>(
      (resolve) => {
        this.#awaited = (arrival) => {
          // Now, not in the next turn: whoever else stands in the queue of the listener is dropped.
          this.close();
          resolve(arrival);
        };
        return undefined;
      },
      { after: timeout, cause: late },
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
