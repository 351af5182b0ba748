import { formatTime, parseTime } from './times.js';

/** What `ESTO F` says of the file that it stores; at least one of them. */
export interface StoreFacts {
  /** Modification time, milliseconds since 1970 UTC. */
  modify?: number | undefined;
  /** Octets of the whole file. */
  size?: number | undefined;
  /** SHA-256 of the whole file, lower-case hex. */
  sha256?: string | undefined;
}

/** Facts and what follows them, or what is wrong with them. */
export type StoreFactsVerdict = { ok: true; facts: StoreFacts; path: string } | { ok: false; why: string };

const bad = (why: string): StoreFactsVerdict => ({ ok: false, why });

/**
 * Reads the argument of `ESTO F` behind the letter: `Modify=YYYYMMDDHHMMSS[.sss];Size=n;SHA-256=hex; path`. The names of facts in
 * any case (RFC 3659 7.5), each at most once, each ended by `;`, no blank between them, one blank before the path.
 *
 * @returns what is wrong in words that hold nothing of the argument.
 */
export function parseStoreFacts(argument: string): StoreFactsVerdict {
  const blank = argument.indexOf(' ');
  const list = blank < 0 ? argument : argument.slice(0, blank);
  const path = blank < 0 ? '' : argument.slice(blank + 1);
  if (path === '') return bad('facts, one blank and a path are wanted');
  if (!list.endsWith(';')) return bad('each fact ends with ";"');
  const facts: StoreFacts = {};
  for (const fact of list.slice(0, -1).split(';')) {
    const why = take(facts, fact);
    if (why !== undefined) return bad(why);
  }
  return { ok: true, facts, path };
}

/** Adds one fact. @returns what is wrong with it. */
function take(facts: StoreFacts, fact: string): string | undefined {
  const at = fact.indexOf('=');
  const value = fact.slice(at + 1);
  switch (at < 0 ? '' : fact.slice(0, at).toLowerCase()) {
    case 'modify': {
      if (facts.modify !== undefined) return 'Modify stands there twice';
      facts.modify = /^\d{14}(\.\d{1,3})?$/.test(value) ? parseTime(value) : undefined;
      return facts.modify === undefined ? 'Modify wants YYYYMMDDHHMMSS[.sss]' : undefined;
    }
    case 'size': {
      if (facts.size !== undefined) return 'Size stands there twice';
      const size = /^\d{1,16}$/.test(value) ? Number(value) : Number.NaN;
      if (!Number.isSafeInteger(size)) return 'Size wants a number of octets';
      facts.size = size;
      return undefined;
    }
    case 'sha-256':
      if (facts.sha256 !== undefined) return 'SHA-256 stands there twice';
      if (!/^[0-9a-f]{64}$/i.test(value)) return 'SHA-256 wants 64 hexadecimal digits';
      facts.sha256 = value.toLowerCase();
      return undefined;
    default:
      return 'the facts are Modify, Size and SHA-256';
  }
}

/** The argument of `ESTO`: `F`, the facts that are there, and the path. @throws RangeError when there is none of them. */
export function formatStoreFacts({ modify, size, sha256 }: StoreFacts, path: string): string {
  if (modify === undefined && size === undefined && sha256 === undefined)
    throw new RangeError('ESTO F wants at least one fact');
  const time = modify === undefined ? '' : `Modify=${precise(modify)};`;
  const octets = size === undefined ? '' : `Size=${size};`;
  const digest = sha256 === undefined ? '' : `SHA-256=${sha256};`;
  return `F ${time}${octets}${digest} ${path}`;
}

/** With milliseconds where there are some (RFC 3659 2.3). */
function precise(at: number): string {
  const fraction = Math.floor(at) - Math.floor(at / 1000) * 1000;
  return fraction === 0 ? formatTime(at) : `${formatTime(at)}.${String(fraction).padStart(3, '0')}`;
}
