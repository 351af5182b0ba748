import type { ServerEvent } from './events.js';
import type { Counters } from './limits.js';
import type { FxpPolicy } from './policy.js';
import type { UserStore } from './users/types.js';

/** Where the server listens. Port 0 = chosen by the system. */
export interface ListenAddress {
  host: string;
  port: number;
  /** TLS from the first octet (port 990). */
  implicitTls?: boolean | undefined;
}

/** Certificate and TLS rules (RFC 4217). */
export interface ServerTls {
  /** PEM, chain included. */
  cert: string;
  key: string;
  /** Control and data must be under TLS. */
  required: boolean;
  minVersion: 'TLSv1.2' | 'TLSv1.3';
  /** Must data connections of the client resume the control connection's session? */
  dataSessionReuse: 'required' | 'offered' | 'off';
  /** A missing close_notify fails an upload with 426. */
  closeNotify: 'required' | 'optional';
}

/** What sessions may cost. Times in milliseconds; 0 = no limit for counts. */
export interface ServerLimits {
  connections: number;
  connectionsPerAddress: number;
  /** Until PASS is right. */
  loginTimeout: number;
  handshakeTimeout: number;
  /** RFC 1123 4.1.3.2: at least five minutes. */
  idleTimeout: number;
  /** A passive endpoint without its transfer or its peer. */
  dataTimeout: number;
  stallTimeout: number;
  /** Wrong passwords in one session before 421. */
  loginAttempts: number;
  /** Failed logins of one address per minute before it must wait. */
  loginFailuresPerMinute: number;
  /** Octets and seconds of HASH and the X verbs. */
  digestBytes: number;
  digestsAtOnce: number;
  /**
   * A foreign data connection must be made within this time, and a failure is told not before it: all failures look alike
   * [5000].
   */
  levelDelay: number;
  /** Foreign data connections of one user that failed, per minute, before no more are tried [30]. */
  foreignFailuresPerMinute: number;
}

/** All that a server is made from. Every field but `users` has a default that is safe. */
export interface ServerOptions {
  /** [127.0.0.1, port 0] */
  listen?: ListenAddress | readonly ListenAddress[];
  users: UserStore;
  /** Absent: a clear-text server, which the daemon never is without being told. */
  tls?: Partial<ServerTls> & Pick<ServerTls, 'cert' | 'key'>;
  /** [verified] */
  fxp?: Partial<FxpPolicy>;
  passive?: {
    /** Inclusive; absent = any free port. */
    ports?: { from: number; to: number };
    /** IPv4 literal told in 227 instead of the local end of the control connection. */
    address?: string;
  };
  limits?: Partial<ServerLimits>;
  /** Text of the 220, one line; says nothing of the version by default. */
  banner?: string;
  /** Names that HOST may ask for (RFC 7151); absent = any. */
  hosts?: readonly string[];
  /** Uploads: see `WriteHow.temporary` [replacing]. */
  temporary?: 'never' | 'replacing' | 'always';
  /** MODE Z is offered [false]. */
  modeZ?: boolean;
  /**
   * Worker threads that own the data connections [one per core, at most 4]; 0 = data in this thread, which storages that
   * are objects (memory) use in any case.
   */
  threads?: number;
  /** Counts connections and sessions per user; to be shared with other processes [counted in this one]. */
  counters?: Counters;
  onEvent?: (event: ServerEvent) => void;
}

/** A running server. */
export interface FtpServer {
  /** Where it listens, ports as given by the system. */
  readonly addresses: readonly ListenAddress[];
  /**
   * New certificate for the handshakes to come; policy, limits and banner from the next command of every session on. Running
   * transfers go on as they began.
   */
  reload(options: Omit<ServerOptions, 'listen' | 'users' | 'threads' | 'counters'>): void;
  /** Sessions now. */
  readonly sessions: number;
  /**
   * Stop listening, let running transfers end for `grace` milliseconds [0], then close everything. Called again without
   * grace it ends them at once.
   */
  close(grace?: number): Promise<void>;
}
