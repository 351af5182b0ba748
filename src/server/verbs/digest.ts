import { ALGORITHMS, isDigest } from '../../protocol/digests.js';
import { Refusal, reply, type ServerReply } from '../reply.js';
import type { Session } from '../session.js';
import type { DigestAlgorithm, Range } from '../storage/types.js';
import { octets } from './numbers.js';
import type { VerbRow } from './row.js';

/** OPTS HASH (draft-bryan-ftpext-hash 4): with a name selects it, without one tells which is selected. */
export function setHash(session: Session, name: string): ServerReply {
  const found = ALGORITHMS.find((algorithm) => algorithm === name.toUpperCase());
  if (name !== '' && !found) return reply(504, 'Unknown algorithm.');
  if (found) session.params.hash = found;
  return reply(200, session.params.hash);
}

/** Digests of this server that run now: reading whole files for a line must stay bounded (threats.md row 33). */
const running = new WeakMap<Session['core'], number>();

async function digest(
  session: Session,
  path: string,
  algorithm: DigestAlgorithm,
  range: Range,
): Promise<{ hex: string; end: number }> {
  const { core } = session;
  const { digestsAtOnce, digestBytes } = core.settings.limits;
  const place = session.place(path, 'read');
  const storage = session.storage(place);
  const facts = await storage.stat(place.inner);
  if (facts.type !== 'file') throw new Refusal(553, 'That is not a file.');
  const end = Math.min(range.end ?? facts.size, facts.size);
  if (range.start > end) throw new Refusal(554, 'The file ends before that offset.');
  if (digestBytes > 0 && end - range.start > digestBytes)
    throw new Refusal(556, 'The file is too large for a digest.');
  if (!storage.digest) throw new Refusal(504, 'This storage gives no digests.');
  const now = running.get(core) ?? 0;
  if (digestsAtOnce > 0 && now >= digestsAtOnce)
    throw new Refusal(450, 'Too many digests are computed; try again.');
  running.set(core, now + 1);
  const abort = new AbortController();
  session.interrupt = () => abort.abort();
  if (session.aborting) abort.abort();
  try {
    return {
      hex: await storage.digest(place.inner, algorithm, { start: range.start, end }, abort.signal),
      end,
    };
  } catch (error) {
    if (abort.signal.aborted) throw new Refusal(426, 'Digest aborted.');
    throw error;
  } finally {
    session.interrupt = undefined;
    running.set(core, (running.get(core) ?? 1) - 1);
  }
}

async function hash(session: Session, path: string): Promise<ServerReply> {
  const { hash: algorithm, range = { start: 0 } } = session.params;
  session.params.range = undefined;
  if (session.params.type === 'A') return reply(504, 'HASH needs TYPE I.');
  const { hex, end } = await digest(session, path, algorithm, range);
  // draft-bryan-ftpext-hash 3: the range is inclusive.
  return reply(
    213,
    `${algorithm} ${range.start}-${Math.max(range.start, end) - (end > range.start ? 1 : 0)} ${hex} ${path}`,
  );
}

/** `"path" [start [end]]` or a path as it is; end exclusive, as the servers that have these verbs take it. */
export function quotedRange(argument: string): { path: string; range: Range } {
  const match = /^"((?:[^"]|"")*)"(?: (\d+)(?: (\d+))?)?$/.exec(argument);
  if (!match) return { path: argument, range: { start: 0 } };
  const [, quoted = '', from, to] = match;
  const start = from === undefined ? 0 : octets(from);
  const end = to === undefined ? undefined : octets(to);
  if (start === undefined || (to !== undefined && (end === undefined || end < start))) {
    throw new Refusal(501, 'The range wants two numbers of octets.');
  }
  return { path: quoted.replaceAll('""', '"'), range: { start, ...(end === undefined ? {} : { end }) } };
}

async function classic(session: Session, argument: string, algorithm: DigestAlgorithm): Promise<ServerReply> {
  const { path, range } = quotedRange(argument);
  const { hex } = await digest(session, path, algorithm, range);
  return reply(250, hex.toUpperCase());
}

/** An algorithm as HASH or as GridFTP writes it: `SHA-256`, `SHA256`. */
const algorithmOf = (name: string): DigestAlgorithm | undefined =>
  ALGORITHMS.find((one) => one === name.toUpperCase() || one.replace('-', '') === name.toUpperCase());

/** `<algorithm> <offset> <octets> <path>`; -1 octets are all that follow. */
async function cksm(session: Session, argument: string): Promise<ServerReply> {
  const [, name = '', from = '', count = '', path = ''] = /^(\S+) (\d+) (-1|\d+) (.+)$/s.exec(argument) ?? [];
  const algorithm = algorithmOf(name);
  const start = octets(from);
  const end = count === '-1' ? undefined : (start ?? 0) + (octets(count) ?? Number.NaN);
  if (start === undefined || (end !== undefined && !Number.isSafeInteger(end)))
    return reply(501, 'CKSM wants an algorithm, an offset, a number of octets or -1, and a path.');
  if (!algorithm) return reply(504, `CKSM wants one of ${ALGORITHMS.join(', ')}.`);
  const { hex } = await digest(session, path, algorithm, { start, end });
  return reply(213, hex);
}

/** `<algorithm> <hex>`: the digest of what the next upload moves. */
function scks(session: Session, argument: string): ServerReply {
  session.params.expected = undefined;
  const [, name = '', hex = ''] = /^(\S+) (\S+)$/.exec(argument) ?? [];
  const algorithm = algorithmOf(name);
  if (!algorithm && hex !== '') return reply(504, `SCKS wants one of ${ALGORITHMS.join(', ')}.`);
  if (!algorithm || !isDigest(algorithm, hex))
    return reply(501, 'SCKS wants an algorithm and a digest in hex.');
  session.params.expected = { algorithm, hex: hex.toLowerCase() };
  return reply(200, 'The next upload is compared with it.');
}

const CLASSIC: readonly (readonly [string, DigestAlgorithm])[] = [
  ['XCRC', 'CRC32'],
  ['XMD5', 'MD5'],
  ['XSHA', 'SHA-1'],
  ['XSHA1', 'SHA-1'],
  ['XSHA256', 'SHA-256'],
  ['XSHA512', 'SHA-512'],
];

export const rows: VerbRow[] = [
  {
    verb: 'HASH',
    source: 'draft-bryan-ftpext-hash 3',
    syntax: '<path>',
    argument: 'required',
    summary: 'Digest of a file or of the range given by RANG; the algorithm by OPTS HASH.',
    when: 'login',
    features: ({ params }) => [
      `HASH ${ALGORITHMS.map((name) => (name === params.hash ? `${name}*` : name)).join(';')}`,
    ],
    run: hash,
  },
  {
    verb: 'CKSM',
    source: 'GridFTP (globus-gridftp-server)',
    syntax: '<algorithm> <offset> <octets> <path>',
    argument: 'required',
    summary: 'Digest of a part of a file; -1 octets are all that follow.',
    when: 'login',
    // The number is an order of preference: the lowest is the fastest.
    features: () => ['CKSM SHA256:1;SHA512:2;SHA1:3;MD5:4;CRC32:5;'],
    run: cksm,
  },
  {
    verb: 'SCKS',
    source: 'GridFTP (globus-gridftp-server)',
    syntax: '<algorithm> <digest>',
    argument: 'required',
    summary:
      'Digest of what the next STOR, APPE or ESTO moves: compared while it comes, and told in its final reply.',
    when: 'login',
    features: () => ['SCKS'],
    run: scks,
  },
  ...CLASSIC.map(
    ([verb, algorithm]): VerbRow => ({
      verb,
      source: 'de facto',
      syntax: '"<path>" [<start> <end>]',
      argument: 'required',
      summary: `${algorithm} of a file or of a range of it, the end not included.`,
      when: 'login',
      features: () => [verb],
      run: (session, argument) => classic(session, argument, algorithm),
    }),
  ),
];
