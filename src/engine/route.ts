import type { Security } from '../protocol/site.js';

/** The two ends of a copy. */
export type Side = 'source' | 'destination';

/** One way to join two servers: who listens, how, who is the TLS client, who is commanded first. */
export interface Attempt {
  /**
   * Stable name, for example `DCPA PASV@dst`, `DCPA@src CPSV@dst`, `CPSV@dst`, `SSCN@dst EPSV@src`, `PASV@src`,
   * `clear PASV@dst`; before the name of the fast one `fast `.
   */
  id: string;
  /** Over kept connections (MODE E); the destination listens. */
  fast?: true;
  passive: Side;
  technique: 'PASV' | 'EPSV' | 'CPSV';
  tls?: { client: Side; by: 'CPSV' | 'SSCN' | 'DCPA' };
  /** Who demands the key of the other by DCPA, and refuses every other peer. */
  pins?: 'both' | Side;
  /** PROT C although both could protect: only below the floor `encrypted`. */
  downgrade: boolean;
  family: 4 | 6;
  /** Whose transfer command goes first. */
  first: Side;
  security: Security;
}
