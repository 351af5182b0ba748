import type { Features } from '../../protocol/features.js';

/** What a server showed at login; quirks are recognised by several of these together, not by the banner alone. */
export interface Evidence {
  greeting: string;
  /** Text of the reply to SYST, '' when unknown. */
  system: string;
  features: Features;
  /** All texts of the login replies. */
  login: string;
}

/** Obstacles that a route can meet at one server; each has advice per server. */
export type Obstacle =
  | 'refuses-foreign-port'
  | 'refuses-foreign-peer'
  | 'requires-session-reuse'
  | 'never-tls-client'
  | 'verifies-peer'
  | 'requires-tls-data'
  | 'no-dcpa'
  | 'unchecked-certificate'
  | 'truncates';

/** Behaviour that changes what the engine sends. Everything is optional: absent means as the RFCs say. */
export interface Behaviour {
  /** As TLS source its RETR must go before the other side's STOR. */
  retrFirstUnderTls?: boolean;
  /** Its 150 comes at once: it is waited for before the other side starts, as data before STOR would be lost. */
  promptPreliminary?: boolean;
  /** PASV in one segment behind a transfer command is answered after it: measured, one round trip a file. */
  ahead?: boolean;
  /** CPSV makes it TLS client until `SSCN OFF`. */
  cpsvSticky?: boolean;
  /** As TLS client it shows the certificate of its control connection when it is asked for one: measured. */
  showsKeyAsClient?: boolean;
  /** As TLS client it holds back messages of its handshake, 0.2 s each: measured. */
  slowTlsClient?: boolean;
  /** PRET before PASV and CPSV is a must. */
  needsPret?: boolean;
  /** Discards, reorders or dies on commands sent together. */
  lockstep?: boolean;
  /** Listing over the control connection, for example `-l`. */
  controlListing?: string;
  /** STAT on the busy control connection tells the octets moved. */
  statProgress?: 'always' | 'store';
  /** REST is ignored by STOR, or keeps the old tail. */
  noRestStore?: boolean;
  /** Blanks at the end of a name are dropped or replaced, without a word. */
  changesTrailingBlanks?: boolean;
  /** ABOR leaves the stopped transfer queued: its file would move over the next data connection. */
  staleAfterAbort?: boolean;
  /** Transfers of several sessions at once mix up their connections: some hang. */
  oneAtATime?: boolean;
  /** Octets above 127 of a path are left out, without a word: another file is meant. */
  asciiNames?: boolean;
  /** Its files lie on Windows: `\`, `:`, device names and a dot at the end mean something else there. */
  windowsNames?: boolean;
  /** In MODE E a transfer that fails ends the kept connections, and those behind it are answered 425. */
  dropsKept?: boolean;
  /** A NOOP, PWD or SIZE sent behind a transfer command is lost or kills it. */
  noUrgent?: boolean;
}

/** One server program. */
export interface Quirk {
  /** Name of the program, for people. */
  name: string;
  recognise(evidence: Evidence): boolean;
  behaviour: Behaviour;
  /** What its operator can set so that the obstacle goes away. */
  advice: Partial<Record<Obstacle, string>>;
}

/** At least `needed` of the facts hold. */
export function agree(needed: number, ...facts: boolean[]): boolean {
  return facts.filter(Boolean).length >= needed;
}
