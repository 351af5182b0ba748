/**
 * The data plane: owns listeners, data connections and the octets between them and files.
 *
 * A plane runs in the thread that made it or in a worker thread; either way only the plain values of this file cross.
 * `F` names what is read or written, `P` says who may be at the other end; both are plain data that the plane hands to
 * the opener and the judge it was made with.
 */

import type { Algorithm } from '../../protocol/digests.js';
import type { Span } from '../../protocol/markers.js';

/** Octets to be sent. */
export interface Source {
  /** Octets from here to the end, where known. */
  readonly size?: number | undefined;
  /** Fill `into` from its start; 0 = the end. Synchronous while the medium answers at once. */
  read(into: Buffer): number | Promise<number>;
  close(): void | Promise<void>;
}

/** Where received octets go. */
export interface Sink {
  /** Takes the whole chunk; the buffer may be used again afterwards. */
  write(chunk: Buffer): void | Promise<void>;
  /**
   * The same at that place of the file: chunks come in any order, several may be under way, and no octet comes twice
   * (MODE E). Absent: in order only. Not to be mixed with `write`.
   */
  writeAt?(chunk: Buffer, offset: number): void | Promise<void>;
  /** The transfer is complete: the file takes its place. */
  commit(): void | Promise<void>;
  /** The transfer failed. @returns what is left under the target's name: the old file, a part for REST, or nothing. */
  abandon(): Remains | Promise<Remains>;
}

/** What an upload that failed left behind. */
export type Remains = 'old' | 'part' | 'nothing';

/** Opens what an order names. Errors are `FtpError` or `FileError` with a code. */
export interface Opener<F> {
  source(file: F): Source | Promise<Source>;
  /** Before the connection is made: could `sink` work? Nothing is created. */
  admit(file: F): void | Promise<void>;
  /** After the connection is proven. */
  sink(file: F): Sink | Promise<Sink>;
}

/** Why a file could not be used; crosses threads as `{ code, message }`. The message names no path outside the root. */
export type FileErrorCode =
  | 'not-found'
  | 'exists'
  | 'denied'
  | 'not-directory'
  | 'is-directory'
  | 'not-empty'
  | 'no-space'
  | 'quota'
  | 'bad-name'
  | 'bad-offset'
  | 'busy'
  | 'unsupported'
  | 'io';

/** A file operation that failed. */
export class FileError extends Error {
  readonly code: FileErrorCode;

  constructor(code: FileErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'FileError';
    this.code = code;
  }
}

/** Certificate and session keys of the data connections; the same in every thread of a process. */
export interface TlsMaterial {
  /** PEM, chain included. */
  cert: string;
  key: string;
  /** 48 octets: tickets of the control connection must be readable here (RFC 5077). */
  ticketKeys: Uint8Array;
  minVersion: 'TLSv1.2' | 'TLSv1.3';
}

/** Certificate and key of one end, PEM. */
export interface DataIdentity {
  cert: string;
  key: string;
}

/** How a data connection is protected (RFC 4217 7). */
export interface DataTls {
  /** `server` in the ordinary case; `client` after CPSV or SSCN ON. */
  role: 'server' | 'client';
  /** Session resumption asked of the peer when it is the TLS client. Foreign peers cannot resume: the judge decides. */
  resumption: 'required' | 'offered' | 'off';
  /** Session id context of the control connection: only its own sessions are resumed (RFC 5246 F.1.4). */
  sessionContext: string;
  /** A missing close_notify fails the upload (RFC 8446 6.1). */
  closeNotify: 'required' | 'optional';
  /** Shown instead of the server's own certificate (DCPA). */
  identity?: DataIdentity | undefined;
  /**
   * SHA-256 of the keys one of which the peer must prove, lower-case hex (DCPA). It is all that is asked of the peer: nothing is
   * resumed, certificates are not judged, and no octet of the file moves before.
   */
  pins?: readonly string[] | undefined;
  /** Under pins: no session tickets, so TLS 1.2 (see `Credentials.silent`). */
  ticketless?: boolean | undefined;
}

/**
 * Which plane of several: `here` = that of the control side's own thread, for files that only it can open; `anywhere` [the
 * default] = the one with least to do. Told when the endpoint is made, before the file is known.
 */
export type PlaneChoice = 'here' | 'anywhere';

/** A passive endpoint to be opened (PASV, EPSV, CPSV). */
export interface PassiveOrder<P> {
  where?: PlaneChoice | undefined;
  /**
   * The transfer will probably be small, since the session's last one was: not worth the way to another thread and back. A
   * guess that is wrong costs speed, nothing else.
   */
  small?: boolean | undefined;
  /** Local address to listen on. */
  host: string;
  /** Inclusive range; absent = any port the system has free. Chosen at random, used once. */
  ports?: { from: number; to: number } | undefined;
  peer: P;
  /**
   * The peer will have to prove a key: connections of strangers may come before its own, so many of them may wait for the
   * transfer [few].
   */
  contested?: boolean | undefined;
  /** Milliseconds until an endpoint without a transfer is closed. */
  lifetime: number;
}

/** An active endpoint (PORT, EPRT): nothing is connected before the transfer. */
export interface ActiveOrder<P> {
  where?: PlaneChoice | undefined;
  /** As for `PassiveOrder`. */
  small?: boolean | undefined;
  host: string;
  port: number;
  /** Local end: that of the control connection. */
  localAddress?: string | undefined;
  peer: P;
}

/** Extended block mode (GFD.20 3.4): the connections are kept for the endpoint's next transfer. */
export interface BlockOrder<F> {
  /** Connections that a sender makes, if there are none yet. */
  streams: number;
  /** What is sent and where each piece begins in the file; absent = `file`, from 0 on. */
  pieces?: readonly { file: F; offset: number }[] | undefined;
  /** Octets that the receiver has already: together with those that come they are the whole file. */
  have?: readonly Span[] | undefined;
  /** Milliseconds for which connections without a transfer are kept. */
  keep: number;
}

/** What a sender said of its octets: those of this transfer, from its restart point on. */
export interface ExpectedOctets {
  /** How many. */
  size?: number | undefined;
  /** Lower-case hex. */
  digest?: { algorithm: Algorithm; hex: string } | undefined;
}

/** One transfer over one endpoint. */
export interface TransferOrder<F, P> {
  direction: 'send' | 'receive';
  file: F;
  /** As judged at the transfer command: the direction is known now. */
  peer: P;
  tls?: DataTls | undefined;
  /**
   * `onOpen` comes before the handshake when the peer is not foreign: clients may wait for the 150 before they begin it (RFC
   * 4217 7; Python's ftplib does). A foreign peer has to prove itself first: a 150 for any open port would make a port
   * scanner of this server (RFC 2577 2).
   */
  early?: boolean | undefined;
  /** A: lines end CR LF on the wire, LF in files (RFC 959 3.1.1.1). */
  type: 'A' | 'I';
  /** MODE Z: deflate level. */
  deflate?: number | undefined;
  /** MODE E: senders are active, receivers passive; octets are those of TYPE I. */
  blocks?: BlockOrder<F> | undefined;
  /** Octets per second; 0 = no limit. */
  rate: number;
  /**
   * The result tells the digest of the octets moved, computed while they pass. Not in TYPE A, nor where octets come out of
   * order (MODE E over several connections).
   */
  digest?: Algorithm | undefined;
  /** Receiver: what must have come, or the transfer fails with `differs` before the file takes its place. */
  expect?: ExpectedOctets | undefined;
  /** Octets of the file that may be received before `more` is asked for; absent = no quota. */
  grant?: number | undefined;
  timeouts: {
    /** Milliseconds to wait for the peer or to reach it. */
    connect: number;
    handshake: number;
    /** Milliseconds without an octet. */
    stall: number;
    /** Milliseconds for `connect` and `handshake` together, where all failures must look alike. */
    proof?: number | undefined;
  };
}

/** Who is at the other end. */
export interface DataPeer {
  address: string;
  port: number;
  tls?: { protocol: string; cipher: string; resumed: boolean; pin?: string | undefined } | undefined;
}

/** Where a transfer ended that did not complete. */
export interface TransferFailure {
  stage:
    | 'file'
    | 'connect'
    | 'handshake'
    | 'refused'
    | 'transfer'
    | 'truncated'
    | 'stall'
    | 'quota'
    | 'differs'
    | 'aborted';
  /** Of the file error, the system (`ECONNREFUSED`) or OpenSSL. */
  code: string;
  message: string;
}

/** How a transfer ended. */
export interface TransferResult {
  /** Octets of the file moved (after MODE Z and TYPE A were undone). */
  bytes: number;
  seconds: number;
  /** Of the octets moved, as ordered; lower-case hex. In MODE E the octets in their order in the file. */
  digest?: string | undefined;
  peer?: DataPeer | undefined;
  failure?: TransferFailure | undefined;
  /** After a failed upload. */
  remains?: Remains | undefined;
  /** MODE E, receiver: octets of the file that are stored, those of before included. */
  spans?: readonly Span[] | undefined;
}

/** How far a transfer is. */
export interface TransferState {
  /** Octets so far. */
  bytes: number;
  /** As in `TransferResult`. */
  spans?: readonly Span[] | undefined;
}

/** What the control side hears while a transfer runs. */
export interface TransferListener {
  /** The connection is up and proven, or merely up where `early` says so: time for the 150. */
  onOpen(peer: DataPeer): void;
  /** The grant is used up; answer with `grant`. */
  onMore(): void;
}

/** A transfer as the control side holds it. */
export interface DataTransfer {
  /** Never rejects. */
  readonly finished: Promise<TransferResult>;
  progress(): Promise<TransferState>;
  abort(): void;
  setRate(bytesPerSecond: number): void;
  /** More octets that may be received; 0 ends the transfer with stage `quota`. */
  grant(bytes: number): void;
}

/**
 * One end of a data connection to come, used for one transfer; in MODE E for one after the other, until one fails: what the
 * connections then hold belongs to nobody knows which file.
 */
export interface DataEndpoint<F, P> {
  readonly kind: 'passive' | 'active';
  readonly host: string;
  readonly port: number;
  /** Called once; in MODE E again when the transfer before is complete. */
  transfer(order: TransferOrder<F, P>, listener: TransferListener): DataTransfer;
  /** Gives the endpoint up; safe at any time. */
  close(): void;
}

/** Hears of every connection to a passive port that was dropped. @param why for logs; absent = the judge did not let it in. */
export type OnStranger = (address: string, why?: string) => void;

/** The control side of a plane. */
export interface DataPlane<F, P> {
  /** @throws Error with code `EADDRINUSE` when no port of the range is free. */
  passive(order: PassiveOrder<P>, onStranger: OnStranger): Promise<DataEndpoint<F, P>>;
  active(order: ActiveOrder<P>): DataEndpoint<F, P>;
  setTls(material: TlsMaterial): void;
  /** Running transfers are aborted. */
  close(): Promise<void>;
}

/**
 * Asked by the plane for every connection that reaches a passive port and before every active connect.
 * Pure and synchronous: the same function that the control side asks at PORT and EPRT.
 */
export type PeerJudge<P> = (peer: P, address: string, port: number | undefined) => PeerVerdict;

/** Whether a data connection may be used. */
export type PeerVerdict =
  | {
      allow: true;
      /** The peer is not the client: a server (FXP). */
      foreign: boolean;
    }
  | { allow: false; why: string };
