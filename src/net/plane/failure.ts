import { FileError, type TransferFailure } from './types.js';

/** Ends a transfer: where, by what, in words that may be shown to the client. */
export class Failure extends Error {
  readonly stage: TransferFailure['stage'];
  readonly code: string;

  constructor(stage: TransferFailure['stage'], code: string, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'Failure';
    this.stage = stage;
    this.code = code;
  }

  /** As it crosses threads. */
  facts(): TransferFailure {
    return { stage: this.stage, code: this.code, message: this.message };
  }
}

/** Whether kept connections (MODE E) may hold octets of the file that failed. One that differs came to its end on all of them. */
export const spoils = (failure: TransferFailure | undefined): boolean =>
  failure !== undefined && failure.stage !== 'differs';

/** The `code` of a system, TLS or file error; '' when there is none. */
export function codeOf(error: unknown): string {
  if (error instanceof AggregateError) return codeOf(error.errors[0]);
  return error instanceof Error && 'code' in error ? String(error.code) : '';
}

/** What went wrong, at the given stage; a `Failure` keeps its own, a file error is always one of the file. */
export function asFailure(stage: TransferFailure['stage'], error: unknown): Failure {
  if (error instanceof Failure) return error;
  const code = codeOf(error);
  const message = error instanceof Error ? error.message : String(error);
  if (error instanceof FileError) return new Failure('file', code, message, { cause: error });
  return new Failure(stage, code || (stage === 'file' ? 'io' : 'ERROR'), message, { cause: error });
}
