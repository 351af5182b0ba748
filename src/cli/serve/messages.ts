import { type ErrorKind, FtpError, toFtpError } from '../../protocol/errors.js';
import type { ListenAddress } from '../../server/options.js';
import type { Snapshot } from './snapshot.js';

/** What the first process tells a serving one. `S`: what it is to serve, plain data. */
export type ToServing<S> =
  | { kind: 'start'; start: S }
  | { kind: 'reload'; id: number; start: S }
  /** Stop listening; transfers have `grace` milliseconds. Said again, it shortens them. */
  | { kind: 'stop'; grace: number }
  | { kind: 'snapshot'; id: number }
  | { kind: 'granted'; id: number; granted: boolean }
  | FailedLogin;

/** A wrong password: whoever guesses must not get as many tries of every process. */
export interface FailedLogin {
  kind: 'login-failed';
  address: string;
  name: string;
}

/** What a serving process tells the first one. */
export type FromServing =
  | { kind: 'hello' }
  /** It listens and has only the rights that it keeps. */
  | { kind: 'ready'; addresses: ListenAddress[] }
  /** It cannot serve and ends. */
  | { kind: 'failed'; error: PlainError }
  | { kind: 'reloaded'; id: number; error?: PlainError | undefined }
  | { kind: 'snapshot'; id: number; snapshot: Snapshot }
  | { kind: 'acquire'; id: number; key: string; limit: number }
  | { kind: 'release'; key: string }
  | FailedLogin;

/** An error that crosses processes. */
export interface PlainError {
  kind: ErrorKind;
  message: string;
  advice?: string | undefined;
}

/** The error as plain data. */
export function toPlain(error: unknown): PlainError {
  const { kind, message, facts } = toFtpError(error);
  return { kind, message, advice: facts.advice };
}

/** The error from plain data. */
export function fromPlain({ kind, message, advice }: PlainError): FtpError {
  return new FtpError(kind, message, advice === undefined ? {} : { advice });
}
