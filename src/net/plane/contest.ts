import { Course } from './course.js';
import { asFailure, Failure } from './failure.js';
import type { Arrival } from './gate.js';

/** Connections that prove themselves at the same time. */
const AT_ONCE = 4;
/** Connections that wait for their turn; what comes beyond is dropped. */
const WAITING = 64;

/** Lets one connection prove itself. @throws when it does not; it has let go of the connection then. */
export type Trial<T> = (arrival: Arrival, course: Course) => Promise<T>;

/**
 * Connections to one port of which the first that proves itself is the peer, or all that do. The others are dropped without a
 * word.
 */
export class Contest<T> {
  readonly #trial: Trial<T>;
  readonly #onLost: (arrival: Arrival, why: string) => void;
  readonly #running = new Map<Course, Arrival>();
  #waiting: Arrival[] = [];
  #over = false;
  readonly #all: boolean;
  /** Called once at most, or for each of them. */
  onProven: (won: T) => void = () => {};
  /** Why the last one that was tried failed. */
  failure: Failure | undefined;

  /** @param onLost hears of every connection that was dropped, and why. @param all every proven one is the peer [false]. */
  constructor(trial: Trial<T>, onLost: (arrival: Arrival, why: string) => void, all = false) {
    this.#trial = trial;
    this.#all = all;
    this.#onLost = onLost;
  }

  enter(arrival: Arrival): void {
    if (this.#over) arrival.socket.destroy();
    else if (this.#running.size < AT_ONCE) void this.#try(arrival);
    else if (this.#waiting.length < WAITING) this.#waiting.push(arrival);
    else this.#drop(arrival, 'too many connections wait to prove themselves');
  }

  async #try(arrival: Arrival): Promise<void> {
    const course = new Course();
    this.#running.set(course, arrival);
    try {
      const won = await this.#trial(arrival, course);
      this.#running.delete(course);
      if (this.#over) arrival.socket.destroy();
      else {
        this.#over = !this.#all;
        this.onProven(won);
        this.#next();
      }
    } catch (error) {
      this.#running.delete(course);
      if (this.#over) return;
      this.failure = asFailure('handshake', error);
      this.#drop(arrival, this.failure.message);
      this.#next();
    }
  }

  #next(): void {
    const next = this.#over ? undefined : this.#waiting.shift();
    if (next) void this.#try(next);
  }

  #drop(arrival: Arrival, why: string): void {
    arrival.socket.destroy();
    this.#onLost(arrival, why);
  }

  /** Whoever has not proven itself by now is dropped. */
  end(): void {
    this.#over = true;
    const lost = [...this.#running.values(), ...this.#waiting];
    for (const course of this.#running.keys()) course.fail(new Failure('aborted', 'OVER', 'it is too late'));
    this.#running.clear();
    this.#waiting = [];
    for (const arrival of lost) this.#drop(arrival, 'it has not proven its key in time');
  }
}
