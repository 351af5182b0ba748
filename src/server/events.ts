import type { DataPeer, TransferFailure } from '../net/plane/types.js';

/** Who an event is about. */
export interface SessionFacts {
  /** Unique in this process. */
  session: number;
  /** Client address and port. */
  address: string;
  port: number;
  user?: string | undefined;
  /** Control connection under TLS. */
  tls: boolean;
}

/** A finished transfer, complete or not: a line of the audit log. */
export interface TransferFacts {
  verb: string;
  /** Virtual path; control characters are escaped by whoever prints it. */
  path: string;
  direction: 'send' | 'receive';
  /** Octets of the file. */
  bytes: number;
  seconds: number;
  /** `client`: the peer is the client itself. `fxp`: another server. */
  route: 'client' | 'fxp';
  endpoint: 'passive' | 'active';
  peer?: DataPeer | undefined;
  /**
   * `verified`: the peer proved a key pinned by DCPA, this end one of this login only. `one-sided`: the same with the
   * server's own key. `encrypted`: TLS without a pin. Absent when no connection came about.
   */
  security?: 'verified' | 'one-sided' | 'encrypted' | 'clear' | undefined;
  outcome: 'complete' | 'failed';
  failure?: TransferFailure | undefined;
}

/** What the server tells its host; logs, audit and metrics are made of these. No event holds a password. */
export type ServerEvent =
  | { event: 'listening'; host: string; port: number; implicitTls: boolean }
  | { event: 'connect'; session: SessionFacts }
  /** A connection turned away before a session began: limits, TLS failure. */
  | { event: 'refused'; address: string; why: string }
  /** Octets in clear came behind AUTH TLS and were thrown away: an attack or a broken client (CVE-2011-1575). */
  | { event: 'dropped'; session: SessionFacts }
  | { event: 'login'; session: SessionFacts; ok: boolean; why?: string }
  | { event: 'command'; session: SessionFacts; verb: string; code: number }
  | { event: 'transfer'; session: SessionFacts; transfer: TransferFacts }
  /** A foreign data peer that was refused: at PORT, at the transfer, or a stranger on a passive port. */
  | {
      event: 'peer-refused';
      session: SessionFacts;
      door: 'port' | 'transfer' | 'accept';
      peer: string;
      why: string;
    }
  /** A file operation that changed something: DELE, RMD, MKD, RNTO, SITE CHMOD, MFMT. */
  | { event: 'change'; session: SessionFacts; verb: string; path: string; to?: string }
  | { event: 'close'; session: SessionFacts; why: string; seconds: number }
  /** A fault of ours: never the client's. */
  | { event: 'error'; message: string; error: unknown };
