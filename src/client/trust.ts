/** What a trust store answers for one control endpoint. */
export interface TrustedKey {
  /** SHA-256 of the certificate's SubjectPublicKeyInfo, lower-case hex (as TLSA 3 1 1, RFC 6698). */
  pin: string;
  /** When it was first seen, milliseconds since 1970 UTC. */
  since: number;
}

/** Memory of control certificates accepted on first use. */
export interface TrustStore {
  get(host: string, port: number): Promise<TrustedKey | undefined>;
  set(host: string, port: number, key: TrustedKey): Promise<void>;
  forget(host: string, port: number): Promise<void>;
}
