import { FtpError } from '../protocol/errors.js';

/** Wait for one event with a deadline and a way to be called off; every wait in `net` goes through here. */
export interface Wait {
  /** Milliseconds until the wait fails with `timeout`. */
  timeout: number;
  signal?: AbortSignal | undefined;
  /** What is waited for, for the message: `the TLS handshake with h:21`. */
  what: string;
}

/**
 * Run `start` with `resolve` and `reject`; `cleanup` runs once, however it ends.
 *
 * @throws FtpError `timeout` after the deadline, `aborted` when the signal fires.
 */
export function withDeadline<T>(
  wait: Wait,
  start: (resolve: (value: T) => void, reject: (error: Error) => void) => (() => void) | undefined,
): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    let cleanup: (() => void) | undefined;
    let over = false;
    const end = (act: () => void): void => {
      if (over) return;
      over = true;
      clearTimeout(timer);
      wait.signal?.removeEventListener('abort', onAbort);
      act();
      cleanup?.();
    };
    const onAbort = (): void => end(() => reject(abortError(wait.signal)));
    const late = `${wait.what} took longer than ${wait.timeout / 1000} s`;
    const timer = setTimeout(
      () => end(() => reject(new FtpError('timeout', late, { retry: 'later' }))),
      wait.timeout,
    );
    if (wait.signal?.aborted) {
      onAbort();
      return;
    }
    wait.signal?.addEventListener('abort', onAbort, { once: true });
    cleanup = start(
      (value) => end(() => resolve(value)),
      (error) => end(() => reject(error)),
    );
    if (over) cleanup?.();
  });
}

/** The error of a caller's abort; an FtpError given as reason is passed on. */
export function abortError(signal: AbortSignal | undefined): FtpError {
  const reason: unknown = signal?.reason;
  return reason instanceof FtpError
    ? reason
    : new FtpError('aborted', 'stopped by the caller', { cause: reason });
}

/** A pause that an abort ends early. */
export function pause(milliseconds: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) {
      reject(abortError(signal));
      return;
    }
    const onAbort = (): void => {
      clearTimeout(timer);
      reject(abortError(signal));
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener('abort', onAbort);
      resolve();
    }, milliseconds);
    signal?.addEventListener('abort', onAbort, { once: true });
  });
}
