import type { TrustStore } from '../client/trust.js';
import type { CheckReport } from '../engine/check.js';
import type { EngineEvent, Summary } from '../engine/events.js';
import type { CopyOptions, Place } from '../engine/options.js';
import type { Entry } from '../protocol/entry.js';
import type { SiteSettings } from '../protocol/site.js';
import type { Io } from './io.js';

export type { CheckReport };

/** How to open a session. */
export interface ConnectOptions {
  trust?: TrustStore;
  signal?: AbortSignal;
  /** Milliseconds. */
  commandTimeout?: number;
  onDialogue?: (event: Extract<EngineEvent, { event: 'dialogue' }>) => void;
}

/** A server as it showed itself at login. */
export interface About {
  server: string;
  features: string[];
  /** Protocol of the control connection, or false in the clear. */
  tls: string | false;
  /** How its certificate was proven; absent in the clear. */
  certificate?: 'pki' | 'pin' | 'remembered' | 'first-use' | 'insecure';
  /** SHA-256 of its public key, lower-case hex; absent in the clear. */
  pin?: string;
}

/** The files of one server, over one session. Every method throws `FtpError`. */
export interface RemoteFiles {
  /** What the server says it is, and what it can do. */
  readonly about: About;
  list(path: string): Promise<Entry[]>;
  stat(path: string): Promise<Entry>;
  /** Write a file to a stream, which is not ended. */
  download(path: string, sink: NodeJS.WritableStream, from: { offset: number }): Promise<void>;
  remove(path: string): Promise<void>;
  /** Remove a directory and everything below it. */
  removeTree(path: string): Promise<void>;
  mkdir(path: string, how: { parents: boolean }): Promise<void>;
  rename(from: string, to: string): Promise<void>;
  /** Digest by the server; `algorithm` as IANA names it, the server's best when absent. */
  hash(path: string, algorithm?: string): Promise<{ algorithm: string; hex: string }>;
  close(): Promise<void>;
}

/** What the commands need from the floors below; tests bring their own. */
export interface Backend {
  copy(source: Place, destination: Place, options: CopyOptions): Promise<Summary>;
  sync(source: Place, destination: Place, options: CopyOptions): Promise<Summary>;
  check(a: SiteSettings, b: SiteSettings, options: CopyOptions): Promise<CheckReport>;
  connect(site: SiteSettings, options: ConnectOptions): Promise<RemoteFiles>;
}

/** What a command gets. */
export interface Cli {
  io: Io;
  /** Loads engine and client, which `--help` never needs. */
  backend(): Promise<Backend>;
  /** Set the exit code; without a call it is 0. */
  finish(code: number): void;
}
