/** What a test may set on a scripted server, and what it gets back. */
import type { Duplex } from 'node:stream';
import type { SecureVersion } from 'node:tls';
import type { Dialect } from './dialect.js';
import type { Session } from './session.js';
import type { Transfer } from './transfer.js';

/** Doors into a running server, for the peers that hang, lie or break. All are called at the very moment. */
export interface Hooks {
  /**
   * A named moment is reached: `accept`, `greeting`, `tls`, `150`, `226`, or a verb in lower case before it runs.
   * True: the hook has taken over, the server does nothing more there.
   */
  trap?(point: string, session: Session): boolean;
  /**
   * The same on the data connection: `data-tls` before its handshake, `listing` before a listing's first byte,
   * `data` at half of a file sent, or at the first bytes received.
   */
  trapData?(point: 'data-tls' | 'listing' | 'data', transfer: Transfer, socket: Duplex): boolean;
  /** An upload is complete on the disk and not yet answered: its FTP path, and its path on the disk. */
  stored?(path: string, real: string): Promise<void>;
  /** What SIZE and the listings tell instead of `size`. `path` is virtual. */
  size?(path: string, size: number): number;
  /** Awaited before each chunk that moves: lets a test hold a transfer at a byte it chooses. */
  gate?(transfer: Transfer): Promise<void> | undefined;
}

export interface ScriptedOptions {
  /** Name for messages. Default: the dialect's. */
  name?: string;
  /** Default `rigger`. */
  user?: string;
  /** Default `sheet-bend-3`. */
  password?: string;
  /** Files to begin with: path relative to the home, and content. Folders are made as needed. */
  files?: Readonly<Record<string, string | Uint8Array>>;
  /** `explicit` (default) offers AUTH TLS, `none` answers 502 to it, `implicit` speaks TLS from the first byte. */
  tls?: 'explicit' | 'implicit' | 'none';
  /** Refuse USER before AUTH TLS. */
  requireTls?: boolean;
  minVersion?: SecureVersion;
  maxVersion?: SecureVersion;
  /** Whether addresses other than the client's may be joined: by PORT, and on the passive port. Default: both. */
  fxp?: boolean | { port: boolean; passive: boolean };
  /** Address to tell in 227 instead of the true one, as servers behind NAT do. */
  passiveAddress?: string;
  /** Logins of one user at once. Default: no limit. */
  maxLogins?: number;
  /** Refuse a data connection, as its TLS server, that does not resume an earlier session: the reply to give. */
  requireReuse?: string;
  /** As TLS 1.3 client of a RETR, close without reading the session tickets, so that the other side loses the tail. */
  truncates?: boolean;
  /** Changes to the dialect for one test. */
  dialect?: Partial<Dialect>;
  hooks?: Hooks;
}

/** A running scripted server. */
export interface ScriptedPeer {
  readonly name: string;
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly password: string;
  /** Its files on the local disk; `path` in its FTP name space. */
  readonly home: string;
  readonly path: '/';
  /** Certificate shown on control and data connections, PEM, signed by the test authority. */
  readonly certificate: string;
  /** SHA-256 of that certificate's SubjectPublicKeyInfo, lower-case hex. */
  readonly pin: string;
  /** All commands received, in order, one to a line. */
  log(): string;
  /** The same as a list. */
  commands(): readonly string[];
  /** Commands (`1> `) and replies (`1< `) with the number of their control connection. */
  transcript(): string;
  /** Control connections open now. */
  connections(): number;
  /** Control connections ever accepted. */
  accepted(): number;
  /** Ends every connection and listener and removes the home. May be called twice. */
  stop(): Promise<void>;
}
