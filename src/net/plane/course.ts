import { asFailure, type Failure } from './failure.js';

/** When a wait is given up, and as what. */
export interface Late {
  /** Milliseconds. */
  after: number;
  /** Made only when it happens: an error with its stack costs more than a small file. */
  cause: () => Failure;
}

/**
 * The course of one transfer: a row of waits, one at a time. The first cause that ends it wins and wakes whoever waits; what
 * was waited for and comes later is disposed of.
 */
export class Course {
  #cause: Failure | undefined;
  #wake: ((cause: Failure) => void) | undefined;

  /** Why it ended; undefined while it goes on. */
  get cause(): Failure | undefined {
    return this.#cause;
  }

  fail(cause: Failure): void {
    if (this.#cause) return;
    this.#cause = cause;
    this.#wake?.(cause);
  }

  /** @throws Failure when it has ended. */
  check(): void {
    if (this.#cause) throw this.#cause;
  }

  /** Wait for one event. `start` gives its clean-up, which runs once however the wait ends. */
  wait<T>(
    start: (resolve: (value: T) => void, reject: (error: unknown) => void) => (() => void) | undefined,
    late?: Late,
  ): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      if (this.#cause) {
        reject(this.#cause);
        return;
      }
      let cleanup: (() => void) | undefined;
      let over = false;
      let timer: NodeJS.Timeout | undefined;
      const end = (): boolean => {
        if (over) return false;
        over = true;
        clearTimeout(timer);
        this.#wake = undefined;
        cleanup?.();
        return true;
      };
      const fail = (error: unknown): void => {
        if (end()) reject(error);
      };
      this.#wake = fail;
      cleanup = start((value) => {
        if (end()) resolve(value);
      }, fail);
      if (over) cleanup?.();
      else if (late) timer = setTimeout(() => fail(late.cause()), late.after);
    });
  }

  /** Wait for what cannot be called off; a value that comes after the end goes to `dispose`. */
  async value<T>(given: T | Promise<T>, dispose: (value: T) => void): Promise<T> {
    if (!(given instanceof Promise)) {
      if (this.#cause) dispose(given);
      this.check();
      return given;
    }
    // Begun after the end, it is not waited for either.
    let missed = this.#cause !== undefined;
    given.then(
      (value) => {
        if (missed) dispose(value);
      },
      () => {},
    );
    return this.wait<T>((resolve, reject) => {
      given.then(resolve, reject);
      return () => {
        missed = this.#cause !== undefined;
      };
    });
  }
}

/** Runs `act` and turns whatever it throws into a failure of the file. */
export async function onFile<T>(act: () => T | Promise<T>): Promise<T> {
  try {
    return await act();
  } catch (error) {
    throw asFailure('file', error);
  }
}
