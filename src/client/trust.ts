/** What a trust store answers for one control endpoint. */
export interface TrustedKey {
  /** SHA-256 of the certificate's SubjectPublicKeyInfo, lower-case hex (as TLSA 3 1 1, RFC 6698). */
  pin: string;
  /** When it was first seen, milliseconds since 1970 UTC. */
  since: number;
  /** It offered DCPA (docs/dcpa.md): a server that has it no longer is an alarm. */
  dcpa?: true;
}

/** Memory of control certificates accepted on first use. */
export interface TrustStore {
  /** The key that was accepted before, or undefined. */
  get(host: string, port: number): Promise<TrustedKey | undefined>;
  /** Remember a key, in place of an earlier one. */
  set(host: string, port: number, key: TrustedKey): Promise<void>;
  /** Forget an endpoint; no error where it is not known. */
  forget(host: string, port: number): Promise<void>;
}

/** A trust store that lasts as long as the process. Hosts are compared without regard to case. */
export function memoryTrust(): TrustStore {
  const keys = new Map<string, TrustedKey>();
  return {
    get: async (host, port) => keys.get(trustKey(host, port)),
    set: async (host, port, key) => {
      keys.set(trustKey(host, port), { ...key });
    },
    forget: async (host, port) => {
      keys.delete(trustKey(host, port));
    },
  };
}

/** The name under which stores keep an endpoint: `host:port`, IPv6 addresses in brackets. */
export function trustKey(host: string, port: number): string {
  const name = host.toLowerCase();
  return name.includes(':') ? `[${name}]:${port}` : `${name}:${port}`;
}
