import type { Algorithm } from '../protocol/digests.js';
import type { Security } from '../protocol/site.js';
import type { CertificateProof } from './certificate.js';
import type { PoolOptions } from './pool.js';

/** How a client behaves; all of it has a default. Times are milliseconds. */
export interface ClientOptions extends Pick<PoolOptions, 'trust' | 'signal' | 'onDialogue'> {
  /** Wait for one reply [30000]. */
  commandTimeout?: number;
  /** Wait for the TCP connection [15000]. */
  connectTimeout?: number;
  /** Give up a transfer without progress [30000]. */
  stallTimeout?: number;
}

/** What every call takes. */
export interface CallOptions {
  /** Ends the call with an `FtpError` of kind `aborted`, at once; the session it used is ended too, and the next call opens another. */
  signal?: AbortSignal;
}

/** What a transfer takes. */
export interface TransferOptions extends CallOptions {
  /** Octets to leave out at the beginning: REST (RFC 3659 5) before RETR or STOR. Default 0. */
  offset?: number;
  /** Called with the octets of this call so far, many times a second. */
  onProgress?: (bytes: number) => void;
}

/** What a transfer did. */
export interface TransferResult {
  /** Octets moved, without those left out by `offset`. */
  bytes: number;
  /** `verified`: TLS with the proven key of the control connection · `encrypted`: TLS, nobody vouches for the key · `clear`. */
  security: Exclude<Security, 'one-sided'>;
}

/** A digest that a server computed. */
export interface FileDigest {
  algorithm: Algorithm;
  /** Lower-case hex. */
  hex: string;
}

/** A server as it showed itself at login. */
export interface ServerInfo {
  /** Program as recognised, `FTP server` where it is not known. */
  name: string;
  /** First line of its greeting. */
  greeting: string;
  /** Names of its features (RFC 2389), upper case. */
  features: string[];
  /** TLS version of the control connection, or false in the clear. */
  tls: string | false;
  /** How its certificate was checked; absent in the clear. */
  certificate?: CertificateProof;
  /** SHA-256 of its public key (SubjectPublicKeyInfo), lower-case hex; absent in the clear. */
  pin?: string;
  /** Directory in which paths without a leading slash begin. */
  home: string;
}
