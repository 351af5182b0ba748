import type { Security } from '../protocol/site.js';
import type { CommandOrder } from './route-memory.js';

/** How a file went: server to server, fast lane (MODE E), through this client, or between this machine and one server. */
export type RouteKind = 'fxp' | 'fast' | 'relay' | 'local';

/** The way one file was joined, for people (`summary`) and scripts. */
export interface RouteInfo {
  kind: RouteKind;
  /** Which server listened: `source`, `destination`; absent for relay and local. */
  passive?: 'source' | 'destination';
  /** PASV, EPSV or CPSV. */
  technique?: 'PASV' | 'EPSV' | 'CPSV';
  /** Which server was the TLS client of the data connection; absent in clear. */
  tlsClient?: 'source' | 'destination';
  /** How that server was made TLS client. */
  by?: 'CPSV' | 'SSCN' | 'DCPA';
  /** Which server demanded by DCPA that the other proves its key; absent where none did. */
  pins?: 'both' | 'source' | 'destination';
  family?: 4 | 6;
}

/** How the arrival was proven: same digest, same size, or nothing could be compared. */
export type Proof = 'digest' | 'size' | 'none';

/** Why a file was not sent. */
export type SkipReason = 'exists' | 'same' | 'filtered' | 'older' | 'special' | 'link';

/** What a copy or sync reports while it runs. Times are milliseconds since 1970 UTC, sizes octets, rates octets per second. */
export type EngineEvent =
  | { event: 'start'; source: string; destination: string; dryRun: boolean }
  | { event: 'login'; site: string; tls: string | false; certificate?: string }
  | { event: 'scan'; directories: number; files: number; bytes: number; done: boolean }
  | { event: 'route'; route: RouteInfo; security: Security; remembered: boolean; summary: string }
  | {
      event: 'route-failed';
      route: RouteInfo;
      summary: string;
      reason: string;
      side?: 'source' | 'destination';
    }
  /** A server whose key was demanded by DCPA was not the one at the other end, or could not be reached there. */
  | { event: 'alarm'; route: RouteInfo; message: string; advice: string }
  /** The order of commands that a site stands: at the start (no `before`) and when it changes, and why. */
  | { event: 'order'; site: string; order: CommandOrder; before?: CommandOrder; reason: string }
  /** The number of transfers at once was changed, and why. */
  | { event: 'parallel'; sessions: number; before: number; reason: string }
  | { event: 'mkdir'; path: string }
  | { event: 'file-start'; path: string; size: number; offset: number; slot: number }
  | { event: 'progress'; path: string; bytes: number; size: number; slot: number; live: boolean }
  | {
      event: 'file-done';
      path: string;
      size: number;
      bytes: number;
      seconds: number;
      route: RouteInfo;
      security: Security;
      proof: Proof;
      algorithm?: string;
      attempts: number;
      slot: number;
    }
  | { event: 'file-skipped'; path: string; reason: SkipReason }
  | {
      event: 'file-failed';
      path: string;
      message: string;
      advice?: string;
      attempts: number;
      leftover?: string;
    }
  | { event: 'retry'; path: string; attempt: number; reason: string }
  | { event: 'deleted'; path: string; kind: 'file' | 'dir' }
  | { event: 'warning'; message: string; advice?: string }
  | { event: 'dialogue'; site: string; session: number; direction: '>' | '<' | '*'; text: string }
  | Summary;

/** The last event of every run. */
export interface Summary {
  event: 'summary';
  files: number;
  failed: number;
  skipped: number;
  bytes: number;
  seconds: number;
  /** The last route used; `null` when nothing moved. */
  route: RouteInfo | null;
  /** The weakest security any file reached; `null` when nothing moved. */
  security: Security | null;
  verified: { digest: number; size: number; none: number };
  /** Octets that crossed this client's own data connections, listings included. */
  clientBytes: number;
  directories: number;
  deleted: number;
}

/** Where events go; called in order, must not throw. */
export type EventSink = (event: EngineEvent) => void;
