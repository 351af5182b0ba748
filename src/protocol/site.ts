/** How the control connection is protected. `explicit` = AUTH TLS (RFC 4217), `implicit` = TLS from the first byte (port 990). */
export type TlsMode = 'none' | 'explicit' | 'implicit';

/** Ordered floor of a data connection between two servers; see docs/security.md. */
export type Security = 'clear' | 'encrypted' | 'one-sided' | 'verified';

/** What a user says about a server. Everything but `host` has a default. */
export interface SiteSettings {
  /** Name shown in messages and used in `site:path`. Default: `host` or `host:port`. */
  name?: string;
  host: string;
  /** Default 21, or 990 with implicit TLS. */
  port?: number;
  tls?: TlsMode;
  user?: string;
  password?: string;
  account?: string;
  /** RFC 7151 virtual host, sent as HOST before USER. */
  virtualHost?: string;
  /** Directory to change to after login; relative paths begin there. */
  directory?: string;
  /** SHA-256 of the control certificate's SubjectPublicKeyInfo, lower-case hex; connection refused if it differs. */
  pin?: string;
  /** Accept any control certificate. The result is never called verified. */
  insecure?: boolean;
  /** Most control connections at once. Default 4 for a client, 16 for a copy, which opens no more than it has files to move at once. */
  maxSessions?: number;
  /** Character set of names where the server is not UTF-8. */
  charset?: 'utf8' | 'latin1';
  /** MODE Z for this client's own listings and transfers, where the server has it. Default false. */
  compress?: boolean;
  /** `active` when passive mode cannot reach the server from here. Default passive. */
  dataMode?: 'passive' | 'active';
  /** Let a passive reply name another public address than the control peer (distributed servers). */
  allowForeignPasv?: boolean;
  /** Local address to connect from. */
  localAddress?: string;
}
