/**
 * What every technique between every two servers must come to. The servers that were measured by hand stand here as they
 * were written down; for the others the entry follows from a fact about the server, which stands beside it.
 */
import type { Mark, Mode } from './matrix.js';
import { type PeerId, peerOf } from './peers.js';

/** What a cell may come to. More than one mark where the outcome is a race between two servers. */
export interface Expectation {
  readonly marks: readonly Mark[];
  /** For `refused`: side and obstacle that the engine must name; any of them. */
  readonly findings?: readonly string[];
}

type Side = 'source' | 'destination';
type Server = Exclude<PeerId, `${string}-${'strict' | 'reuse'}`>;

/** Door facts of a server, true for clear and for protected data. */
interface Door {
  /** PORT to another host than the client. */
  readonly port: boolean;
  /** A passive port serves another host than the client. */
  readonly passive: boolean;
  readonly epsv: boolean;
  /** Its refusal of a foreign connection looks like any other failure. */
  readonly vague?: true;
}

const OPEN: Door = { port: true, passive: true, epsv: true };
const SHUT: Door = { port: false, passive: false, epsv: true };

const DOORS: Readonly<Record<PeerId, Door>> = {
  jackstay: OPEN,
  proftpd: OPEN,
  'proftpd-reuse': OPEN,
  // AllowForeignAddress off.
  'proftpd-strict': SHUT,
  pureftpd: OPEN,
  vsftpd: OPEN,
  'vsftpd-reuse': OPEN,
  // port_promiscuous and pasv_promiscuous are NO.
  'vsftpd-strict': SHUT,
  pyftpdlib: OPEN,
  // 500 Illegal PORT Command; the passive side is unchecked.
  inetutils: { port: false, passive: true, epsv: true },
  gridftp: OPEN,
  glftpd: OPEN,
  wzdftpd: OPEN,
  // Knows neither EPSV nor EPRT.
  drftpd: { ...OPEN, epsv: false },
  raiden: OPEN,
  // Knows neither EPSV nor EPRT.
  ioftpd: { ...OPEN, epsv: false },
  iis: OPEN,
  // matchClientAddressForPort and -ForPasv are true; 425 Cannot open data connection says nothing of the reason.
  'iis-strict': { ...SHUT, vague: true },
};

/**
 * Secure techniques, both sides PROT P, TLS 1.3, as measured. d = CPSV@dst, D = SSCN@dst, s = CPSV@src, S = SSCN@src, the
 * last two with every door. Bare: arrives whole. T: short file behind two 226. X: short file behind a 426. A question mark:
 * four times of five. What is not there has no command or no TLS client.
 */
const MEASURED: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  glftpd: {
    glftpd: 'd D s S',
    wzdftpd: 'd D sT ST',
    proftpd: 'D sX SX',
    pureftpd: 's S',
    vsftpd: 'sX SX',
    pyftpdlib: 'sT ST',
  },
  wzdftpd: {
    glftpd: 'd D s S',
    wzdftpd: 'd D s S',
    proftpd: 'D s S',
    pureftpd: 's S',
    vsftpd: 's S',
    pyftpdlib: 's S',
  },
  proftpd: {
    glftpd: 'd D S',
    wzdftpd: 'd D ST?',
    proftpd: 'D SX?',
    pureftpd: 'S',
    vsftpd: 'SX?',
    pyftpdlib: 'ST?',
  },
  pureftpd: { glftpd: 'd D', wzdftpd: 'd D', proftpd: 'D' },
  vsftpd: { glftpd: 'd D', wzdftpd: 'd D', proftpd: 'D' },
  pyftpdlib: { glftpd: 'd D', wzdftpd: 'd D', proftpd: 'D' },
};

/** Commands that make a server the TLS client, for servers outside the measured table. */
const TLS_CLIENT_BY: Readonly<Partial<Record<Server, string>>> = {
  // Both, where FXP is not off.
  jackstay: 'dD',
  proftpd: 'D',
  glftpd: 'dD',
  wzdftpd: 'dD',
  // From its source: both, once PROT P holds.
  drftpd: 'dD',
  // Its documents list SSCN and no CPSV.
  raiden: 'D',
  // FEAT of 7.7 lists both.
  ioftpd: 'dD',
};

/** As TLS client these close before they have read the session tickets. The others drain the connection first. */
const LOSES_AS_TLS_CLIENT: Readonly<Record<string, string>> = { glftpd: 'X', proftpd: 'X?' };

/** The settings of a server that decide the TLS roles: strict differs in the doors only, reuse in its own rule. */
const baseOf = (id: PeerId): Server => id.replace(/-(strict|reuse)$/, '') as Server;

const requiresReuse = (id: PeerId): boolean => id.endsWith('-reuse');

/** The entry for two servers: measured, or from who can be TLS client. */
function secureEntry(source: PeerId, destination: PeerId): string {
  const from = baseOf(source);
  const to = baseOf(destination);
  const known = MEASURED[from];
  if (known !== undefined && MEASURED[to] !== undefined) return known[to] ?? '';
  const asDestination = [...(TLS_CLIENT_BY[to] ?? '')];
  // Jackstay gives no session tickets to a foreign sender: nothing is left unread.
  const loss = to === 'jackstay' ? '' : (LOSES_AS_TLS_CLIENT[from] ?? '');
  const asSource = [...(TLS_CLIENT_BY[from] ?? '')].map((letter) => letter.toLowerCase());
  const sources = asSource.map((_, at) => (TLS_CLIENT_BY[from]![at] === 'd' ? `s${loss}` : `S${loss}`));
  return [...asDestination, ...sources].join(' ');
}

const OK: Expectation = { marks: ['ok'] };
const NONE: Expectation = { marks: ['unavailable'] };
const refusedBy = (...findings: string[]): Expectation => ({ marks: ['refused'], findings });

/** The parts of an attempt's name, for example `SSCN@dst PASV@src`. */
interface Parts {
  readonly by: 'CPSV' | 'SSCN' | 'none';
  readonly client: Side | undefined;
  readonly technique: string;
  readonly passive: Side;
}

function partsOf(attempt: string): Parts {
  const side = (text: string | undefined): Side => (text === 'src' ? 'source' : 'destination');
  const door = /(PASV|EPSV|CPSV)@(src|dst)$/.exec(attempt);
  const role = /^(CPSV|SSCN)@(src|dst)/.exec(attempt);
  return {
    by: (role?.[1] as 'CPSV' | 'SSCN' | undefined) ?? 'none',
    client: role === null ? undefined : side(role[2]),
    technique: door?.[1] ?? '',
    passive: side(door?.[2]),
  };
}

/** As TLS client these show the certificate of their control connection when they are asked for one: measured. */
const SHOWS_KEY: readonly Server[] = ['proftpd', 'glftpd', 'wzdftpd'];
/** Their data may come from other machines, with other keys. */
const DISTRIBUTED: readonly Server[] = ['drftpd'];

/** What a way under DCPA must come to: both demand a key, or ours the one of another server. */
function underPins(ids: Record<Side, PeerId>, attempt: string): Expectation {
  const both = ids.source === 'jackstay' && ids.destination === 'jackstay';
  const parts = partsOf(attempt.replace(/^DCPA(@...)? /, ''));
  if (attempt.startsWith('DCPA ')) return both ? (doors(ids, parts) ?? OK) : NONE;
  const pins: Side = attempt.startsWith('DCPA@src') ? 'source' : 'destination';
  const stock: Side = pins === 'source' ? 'destination' : 'source';
  const server = baseOf(ids[stock]);
  if (both || ids[pins] !== 'jackstay' || DISTRIBUTED.includes(server)) return NONE;
  const command = { CPSV: 'd', SSCN: 'D', none: '' }[parts.by];
  if (command !== '' && !(SHOWS_KEY.includes(server) && TLS_CLIENT_BY[server]?.includes(command)))
    return NONE;
  const client = parts.client ?? pins;
  const shut = doors(ids, { ...parts, client });
  // Who is refused without a word knows only that no key was proven.
  const silent = DOORS[ids[stock]].vague ? [`${stock} not-proven`] : [];
  if (shut) return { ...shut, findings: [...(shut.findings ?? []), `${pins} not-proven`, ...silent] };
  return reuse(ids, client) ?? OK;
}

/** Both must have MODE E. */
export const BLOCKS: readonly PeerId[] = ['jackstay', 'gridftp'];

/** What one attempt between two servers must come to. */
export function expected(source: PeerId, destination: PeerId, mode: Mode, attempt: string): Expectation {
  if (isFast(attempt)) {
    const able = BLOCKS.includes(source) && BLOCKS.includes(destination);
    return able ? expected(source, destination, mode, attempt.slice('fast '.length)) : NONE;
  }
  if (attempt.startsWith('DCPA')) return mode === 'tls' ? underPins({ source, destination }, attempt) : NONE;
  const parts = partsOf(attempt);
  if (mode === 'plain' && parts.by !== 'none') return NONE;
  const ids: Record<Side, PeerId> = { source, destination };
  if (parts.client === undefined) return doors(ids, parts) ?? OK;
  const letter = { CPSV: 'd', SSCN: 'D', none: '' }[parts.by];
  const key = parts.client === 'destination' ? letter : letter === 'd' ? 's' : 'S';
  const entry = secureEntry(source, destination)
    .split(' ')
    .find((word) => word.startsWith(key));
  if (entry === undefined) return NONE;
  return doors(ids, parts) ?? reuse(ids, parts.client) ?? { marks: marksOf(entry.slice(1)) };
}

/** Where a sink notices the reset as a rule, it may also come to it as the end of the stream: X can be T, never T be X. */
function marksOf(loss: string): Mark[] {
  if (loss === '') return ['ok'];
  const marks: Mark[] = loss.includes('X') ? ['X', 'T'] : ['T'];
  return loss.endsWith('?') ? [...marks, 'ok'] : marks;
}

/** Who may connect where: RFC 959 PORT to a third host, and a third host at the passive port. */
function doors(ids: Record<Side, PeerId>, { technique, passive, client }: Parts): Expectation | undefined {
  const active: Side = passive === 'source' ? 'destination' : 'source';
  const listener = DOORS[ids[passive]];
  const dialler = DOORS[ids[active]];
  if (technique === 'EPSV' && !listener.epsv) return refusedBy(`${passive} technique`);
  if (!dialler.port) return refusedBy(`${active} refuses-foreign-port`);
  if (listener.passive) return undefined;
  if (!listener.vague) return refusedBy(`${passive} refuses-foreign-peer`);
  if (client === undefined) return refusedBy(`${passive} unknown`);
  return refusedBy(`${passive} tls-role`, `${active} tls-role`, `${active} requires-session-reuse`);
}

/** Session reuse is demanded by the TLS server, of a session that the other server cannot have. */
function reuse(ids: Record<Side, PeerId>, client: Side): Expectation | undefined {
  const server: Side = client === 'source' ? 'destination' : 'source';
  return requiresReuse(ids[server]) ? refusedBy(`${server} requires-session-reuse`) : undefined;
}

/** Ways under DCPA where one side has it. */
const oneSided = (own: 'src' | 'dst', stock: 'src' | 'dst'): string[] => {
  const at = [`PASV@${own}`, `PASV@${stock}`, `EPSV@${own}`, `EPSV@${stock}`];
  const ways = [...at, `CPSV@${stock}`, ...at.map((door) => `SSCN@${stock} ${door}`)];
  return ways.map((way) => `DCPA@${own} ${way}`);
};

/** True for a way of the fast lane. */
export const isFast = (attempt: string): boolean => attempt.startsWith('fast ');

/** True for a way that needs DCPA. */
export const isUnderDcpa = (attempt: string): boolean => /^(fast )?DCPA/.test(attempt);

/** The same over kept connections (MODE E), where the destination listens by PASV or EPSV, and then the ways themselves. */
const withFast = (ways: readonly string[]): string[] => [
  ...ways.filter((way) => /[PE].SV@dst$/.test(way) && !way.includes('CPSV')).map((way) => `fast ${way}`),
  ...ways,
];

/** Attempts in the order in which the engine tries them. */
export const ATTEMPTS: Readonly<Record<Mode, readonly string[]>> = {
  plain: withFast(['PASV@dst', 'PASV@src', 'EPSV@dst', 'EPSV@src']),
  tls: [
    ['PASV@dst', 'PASV@src', 'EPSV@dst', 'EPSV@src'].map((door) => `DCPA ${door}`),
    oneSided('dst', 'src'),
    oneSided('src', 'dst'),
    [
      'CPSV@dst',
      ...['PASV@dst', 'PASV@src', 'EPSV@dst', 'EPSV@src'].map((door) => `SSCN@dst ${door}`),
      'CPSV@src',
      ...['PASV@src', 'PASV@dst', 'EPSV@src', 'EPSV@dst'].map((door) => `SSCN@src ${door}`),
    ],
    ['PASV@dst', 'PASV@src', 'EPSV@dst', 'EPSV@src'].map((door) => `clear ${door}`),
  ].flatMap(withFast),
};

/** Its command reader drops octets above 127: files with such names are not sent to it or from it. */
export const knowsAsciiOnly = (id: PeerId): boolean => id === 'gridftp';

/** Words of the setting that would open each server, or of the fact that none does. */
const ADVICE: Readonly<Partial<Record<PeerId, RegExp>>> = {
  'proftpd-reuse': /NoSessionReuseRequired/,
  'proftpd-strict': /AllowForeignAddress on/,
  pureftpd: /neither CPSV nor SSCN/,
  vsftpd: /neither CPSV nor SSCN/,
  'vsftpd-reuse': /require_ssl_reuse=NO|neither CPSV nor SSCN/,
  'vsftpd-strict': /(?:port|pasv)_promiscuous=YES|neither CPSV nor SSCN/,
  pyftpdlib: /neither CPSV nor SSCN/,
  inetutils: /always refuses PORT/,
  iis: /neither CPSV nor SSCN/,
  'iis-strict': /matchClientAddressFor|neither CPSV nor SSCN/,
};

/** True when the advice names one of the two servers and what to set there. */
export function isAdvised(advice: string, pair: readonly PeerId[]): boolean {
  return pair.some((id) => {
    const words = ADVICE[id];
    return words !== undefined && advice.includes(`${id}: `) && words.test(advice);
  });
}

/** What a whole copy between two servers must come to, at the floor `clear` for plain and `encrypted` for TLS. */
export interface PairExpectation {
  /** `all`: every file arrives · `lossy`: only ways that cut files, nothing altered may pass · `none`: no way. */
  readonly end: 'all' | 'lossy' | 'none';
  /** The attempt that carries the files. */
  readonly route?: string;
}

export function expectedPair(source: PeerId, destination: PeerId, mode: Mode): PairExpectation {
  const attempts = ATTEMPTS[mode].filter((attempt) => !/^(fast )?clear/.test(attempt));
  const results = attempts.map((attempt) => ({ attempt, ...expected(source, destination, mode, attempt) }));
  const sure = results.find(({ marks }) => marks.every((mark) => mark === 'ok'));
  const lossy = results.some(({ marks }) => marks.some((mark) => mark === 'T' || mark === 'X'));
  if (sure) return { end: 'all', route: sure.attempt };
  return { end: lossy ? 'lossy' : 'none' };
}

/** Every pair of a mode, in rounds: no server stands twice in one round. */
export function pairsOf(ids: readonly PeerId[], mode: Mode): [PeerId, PeerId][] {
  const able = ids.filter((id) => mode === 'plain' || peerOf(id).tls);
  return able.flatMap((_, round) =>
    able.map((source, at): [PeerId, PeerId] => [source, able[(at + round) % able.length]!]),
  );
}
