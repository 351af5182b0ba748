import type { Connection } from '../client/connection.js';
import type { HostPort } from '../protocol/addresses.js';
import type { FtpError } from '../protocol/errors.js';
import type { Reply } from '../protocol/replies.js';
import type { Finding } from './findings.js';
import type { Attempt, Side } from './route.js';

/** Who is told how a question asked ahead was answered. */
export interface Asking {
  answered(): void;
  /** It was refused, or not answered in time. */
  failed(reason: string): void;
  /** The session ended for another reason. */
  abandon?(): void;
  /** Nobody knows yet whether this server stands it: short waits. */
  trial?: true;
}

/** Everything one server-to-server transfer needs. */
export interface Rig {
  source: Connection;
  destination: Connection;
  attempt: Attempt;
  sourcePath: string;
  destinationPath: string;
  /** REST on both sides, octets. */
  offset: number;
  /** Of the file, where known. */
  size?: number | undefined;
  /** The route is proven and both servers queue commands: PORT and the transfer command leave together. */
  eager: boolean;
  /** Another file follows on these sessions: ask for its passive endpoint behind this one's transfer command. */
  ahead?: Asking | undefined;
  /** Both servers shall tell the digest of what they move. */
  digests?: boolean | undefined;
  /** MODE E: the connection to this endpoint of the destination is there already. */
  kept?: HostPort | undefined;
  signal?: AbortSignal | undefined;
  /** Called when both transfer commands are out; gives a function that ends the watch. */
  watch?: ((stalled: (reason: string, side?: Side) => void) => () => void) | undefined;
}

/**
 * How an attempt ended. `done` proves nothing about the file: it must be verified. `forgeable`: the destination could not check
 * who sent to it, and the source did not come to prove that it was the one: nothing that lies there may be built upon.
 */
export type Outcome =
  | {
      kind: 'done';
      endpoint: HostPort;
      said: Record<Side, Reply>;
      /** Octets that the source announced when it began. */
      announced?: number | undefined;
    }
  /** The pair cannot be joined this way. */
  | { kind: 'cannot'; finding: Finding; forgeable?: true }
  /** The file or a server failed; `side` tells whose words they are. */
  | { kind: 'failed'; error: FtpError; side?: Side; forgeable?: true }
  /** The order of the commands may have confused a server: to be done again in a slower one. */
  | { kind: 'stumbled' };
