import { octetsOf } from './addresses.js';

/**
 * DCPA, Data Channel Peer Authentication (docs/dcpa.md): the command, its replies and its line in FEAT.
 *
 * A key is named by the SHA-256 of the SubjectPublicKeyInfo of its certificate (RFC 6698: TLSA 3 1 1), 64 lower-case hex
 * digits.
 */

/** Whose key a server shows on data connections: one of this login only, or that of its control connection. */
export type DcpaIdentity = 'session' | 'host';
/** TLS role on data connections of files; `auto`: client where it listens, server where it connects. */
export type DcpaRole = 'auto' | 'client' | 'server';

/** Keys one `Peer` may name: a server with several certificates, or one that is changing its certificate. */
export const DCPA_PEERS = 4;

/** What DCPA was asked to do; `bad` carries the reply code that says why not. */
export type DcpaCommand =
  | { kind: 'query' }
  | { kind: 'off' }
  | {
      kind: 'set';
      self?: DcpaIdentity;
      /** Keys, one of which the peer must prove. */
      peers?: string[];
      role?: DcpaRole;
      /** Literal address; on a passive port only this peer. */
      from?: string;
    }
  | { kind: 'bad'; code: 501 | 504; text: string };

/** What a server says of its state (200). */
export type DcpaReply = { last?: 'ok' | 'failed'; bytes?: number } & (
  | { on: false }
  | { on: true; self: string; scope: DcpaIdentity; peers: number; role: DcpaRole }
);

type Facts = Extract<DcpaCommand, { kind: 'set' }>;

class Bad extends Error {
  readonly code: 501 | 504;
  constructor(code: 501 | 504, text: string) {
    super(text);
    this.code = code;
  }
}

const one = <T extends string>(fact: string, value: string, known: readonly T[]): T => {
  const found = known.find((each) => each === value.toLowerCase());
  if (!found) throw new Bad(501, `${fact} is ${known.join(' or ')}.`);
  return found;
};

/** Fail closed: a key that is not understood must never lead to a connection that proves less than was asked. */
function keys(value: string): string[] {
  const named = value.split(',').map((each) => {
    const [, hash = '', hex = ''] = /^([A-Za-z0-9-]{1,32}):([0-9A-Fa-f]+)$/.exec(each) ?? [];
    if (hash === '') throw new Bad(501, 'Peer is sha-256: and 64 hex digits, up to four with commas.');
    if (hash.toLowerCase() !== 'sha-256') throw new Bad(504, 'Keys are named by sha-256 here.');
    if (hex.length !== 64) throw new Bad(501, 'A sha-256 has 64 hex digits.');
    return hex.toLowerCase();
  });
  if (named.length > DCPA_PEERS) throw new Bad(501, `At most ${DCPA_PEERS} keys.`);
  return [...new Set(named)];
}

function literal(value: string): string {
  if (!octetsOf(value)) throw new Bad(501, 'From is a literal address.');
  return value;
}

function parseFacts(argument: string): Facts {
  const facts: Facts = { kind: 'set' };
  const seen = new Set<string>();
  const text = argument.endsWith(';') ? argument.slice(0, -1) : argument;
  for (const fact of text.split(';')) {
    const at = fact.indexOf('=');
    const name = fact.slice(0, Math.max(0, at)).toLowerCase();
    const value = fact.slice(at + 1);
    if (seen.has(name)) throw new Bad(501, 'A fact was given twice.');
    seen.add(name);
    if (name === 'self') facts.self = one('Self', value, ['session', 'host']);
    else if (name === 'peer') facts.peers = keys(value);
    else if (name === 'role') facts.role = one('Role', value, ['auto', 'client', 'server']);
    else if (name === 'from') facts.from = literal(value);
    else throw new Bad(501, 'DCPA knows Self, Peer, Role and From.');
  }
  return facts;
}

/** Argument of DCPA -> what it asks. Nothing is done in part: one fact that is not understood makes all of it `bad`. */
export function parseDcpa(argument: string): DcpaCommand {
  if (argument === '') return { kind: 'query' };
  if (argument.toUpperCase() === 'OFF') return { kind: 'off' };
  try {
    return parseFacts(argument);
  } catch (error) {
    if (error instanceof Bad) return { kind: 'bad', code: error.code, text: error.message };
    throw error;
  }
}

/** The argument that asks for this. */
export function formatDcpa(command: Exclude<DcpaCommand, { kind: 'bad' }>): string {
  if (command.kind === 'query') return '';
  if (command.kind === 'off') return 'OFF';
  const { self, peers, role, from } = command;
  return [
    ...(self ? [`Self=${self}`] : []),
    ...(peers ? [`Peer=${peers.map((hex) => `sha-256:${hex}`).join(',')}`] : []),
    ...(role ? [`Role=${role}`] : []),
    ...(from ? [`From=${from}`] : []),
  ].join(';');
}

/** Text of the 200. */
export function formatDcpaReply(state: DcpaReply): string {
  const { last, bytes } = state;
  const facts = state.on
    ? [`Self=sha-256:${state.self}`, `Scope=${state.scope}`, `Peer=${state.peers}`, `Role=${state.role}`]
    : ['OFF'];
  if (last) facts.push(`Last=${last}`);
  if (bytes !== undefined) facts.push(`Bytes=${bytes}`);
  return `DCPA ${facts.join(';')}`;
}

/** Text of a 200 -> the state; undefined where it is none. Facts that are not known are passed over. */
export function parseDcpaReply(text: string): DcpaReply | undefined {
  const [, list = ''] = /^DCPA ([\x21-\x7e]+)$/.exec(text.trim()) ?? [];
  const [first = '', ...others] = list.replace(/;$/, '').split(';');
  const off = first.toUpperCase() === 'OFF';
  const facts = new Map<string, string>();
  for (const fact of off ? others : [first, ...others]) {
    const [, name = '', value = ''] = /^([A-Za-z]+)=(.*)$/.exec(fact) ?? [];
    if (name === '' || facts.has(name.toLowerCase())) return undefined;
    facts.set(name.toLowerCase(), value);
  }
  const outcome = outcomeOf(facts);
  if (!outcome) return undefined;
  if (off) return { on: false, ...outcome };
  const self = /^sha-256:([0-9a-f]{64})$/i.exec(facts.get('self') ?? '')?.[1]?.toLowerCase();
  const scope = facts.get('scope')?.toLowerCase();
  const peers = /^\d$/.test(facts.get('peer') ?? '') ? Number(facts.get('peer')) : Number.NaN;
  const role = facts.get('role')?.toLowerCase();
  if (!self || !(peers <= DCPA_PEERS)) return undefined;
  if (scope !== 'session' && scope !== 'host') return undefined;
  if (role !== 'auto' && role !== 'client' && role !== 'server') return undefined;
  return { on: true, self, scope, peers, role, ...outcome };
}

function outcomeOf(facts: ReadonlyMap<string, string>): Pick<DcpaReply, 'last' | 'bytes'> | undefined {
  const last = facts.get('last')?.toLowerCase();
  const bytes = facts.get('bytes');
  if (last !== undefined && last !== 'ok' && last !== 'failed') return undefined;
  if (bytes !== undefined && !/^\d{1,15}$/.test(bytes)) return undefined;
  return { ...(last ? { last } : {}), ...(bytes === undefined ? {} : { bytes: Number(bytes) }) };
}

/** What a server can do, as its line in FEAT says. */
export interface DcpaFeature {
  identities: readonly DcpaIdentity[];
}

/** The line in FEAT of a server that has these identities. */
export const formatDcpaFeature = ({ identities }: DcpaFeature): string =>
  `DCPA ${['sha-256', ...identities].join(';')}`;

/** What follows `DCPA` in FEAT; undefined where no hash or no identity is one of ours. */
export function parseDcpaFeature(parameters: string): DcpaFeature | undefined {
  const words = parameters
    .toLowerCase()
    .split(';')
    .map((word) => word.trim());
  const identities = (['session', 'host'] as const).filter((each) => words.includes(each));
  return words.includes('sha-256') && identities.length > 0 ? { identities } : undefined;
}
