import type { AddressRange } from '../protocol/ranges.js';

/** FXP policy of one account, merged from server, groups and user (docs/server.md, "FXP"). Plain data. */
export interface FxpPolicy {
  /**
   * `off`: no foreign peers. `verified`: only with a DCPA pin in force. `listed`: also the peers listed. `open`: everyone
   * not denied.
   */
  mode: 'off' | 'verified' | 'listed' | 'open';
  /** Peers of `listed`; in every mode they lift the deny list. Host names are resolved before. */
  peers: AddressRange[];
  /** `send`: this server may be the source (RETR). `receive`: the destination (STOR). */
  direction: 'send' | 'receive' | 'both';
  requireTls: boolean;
  /** Lowest foreign port that is connected to. */
  minPort: number;
  /** Denied unless listed in `peers`; loopback, link-local, multicast and this machine's own networks always are. */
  deny: AddressRange[];
}

/** What the judge knows of a data connection: plain data, made per transfer, the same at PORT and at accept. */
export interface PeerOrder {
  /** Address of the control connection's other end: the client itself. */
  control: string;
  policy: FxpPolicy;
  /** False for LIST, NLST, MLSD and anonymous: no foreign peer at all. Undefined: the command is not known yet (PORT, PASV). */
  transfer?: 'send' | 'receive' | 'listing' | undefined;
  /** PROT P is in force. */
  protected: boolean;
  /** A DCPA pin is in force. */
  pinned: boolean;
  /**
   * An active endpoint would be TLS client: a TLS server proves its key to everybody, so a pin alone says nothing there
   * (docs/dcpa.md 15.3).
   */
  activeClient?: boolean | undefined;
  /** On a passive port only this address, and the client while the command is not known yet (DCPA `From`). */
  from?: string | undefined;
  /** Foreign peers are refused whatever the policy says (anonymous). */
  never?: boolean | undefined;
}
