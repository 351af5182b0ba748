/** `usage` caller's mistake · `malformed` peer broke the protocol · `refused` negative reply · `timeout` deadline ·
 * `closed` connection ended · `unreachable` no TCP connection · `tls` handshake or certificate · `login` USER/PASS refused ·
 * `no-route` no way to join two sites · `policy` our own rule forbids it · `verify` arrived data differ · `local` local file system ·
 * `aborted` by the caller. */
export type ErrorKind =
  | 'usage'
  | 'malformed'
  | 'refused'
  | 'timeout'
  | 'closed'
  | 'unreachable'
  | 'tls'
  | 'login'
  | 'no-route'
  | 'policy'
  | 'verify'
  | 'local'
  | 'aborted';

/** Facts about a failure; every field is optional because not every failure has it. */
export interface ErrorFacts {
  /** Name of the site, as the user calls it. Never holds credentials. */
  site?: string;
  /** The command sent, secrets masked. */
  command?: string;
  /** The reply received, without line ends. */
  reply?: { code: number; text: string };
  /** `later`: the same request may succeed on its own; `never`: it will not without a change. */
  retry?: 'later' | 'never';
  /** What the user can do about it, one sentence. */
  advice?: string;
  /** The phase in which it happened: greeting, tls, login, pasv, transfer... */
  phase?: string;
  cause?: unknown;
}
