import type { EngineEvent } from '../../engine/events.js';
import type { FtpError } from '../../protocol/errors.js';

/** Shows a run while it goes; one of three renderers. */
export interface Reporter {
  event(event: EngineEvent): void;
  /** The run ended by this error, without a summary of its own. */
  failure(error: FtpError): void;
  /** Nothing comes after this; gives the terminal back. */
  close(): void;
}

/** Milliseconds from any fixed point, never backwards; tests pass their own. */
export type Clock = () => number;
