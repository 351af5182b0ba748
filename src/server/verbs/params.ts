import { ALGORITHMS } from '../../protocol/digests.js';
import { FACTS, type FactName } from '../data/types.js';
import { reply, type ServerReply } from '../reply.js';
import type { Session } from '../session.js';
import { restBlocks } from './blocks.js';
import { setHash } from './digest.js';
import { octets } from './numbers.js';
import { optsTransfer } from './options.js';
import type { VerbRow } from './row.js';

function type(session: Session, argument: string): ServerReply {
  const wanted = argument.toUpperCase();
  if (/^(I|L 8|L8)$/.test(wanted)) session.params.type = 'I';
  // RFC 1123 4.1.2.2: where N and T make no difference, T is taken as N.
  else if (/^A( [NT])?$/.test(wanted)) session.params.type = 'A';
  // RFC 959 3.1.1: ASA controls, EBCDIC and other byte sizes have no users left.
  else if (/^(A C|E( [NTC])?|L ?\d{1,3})$/.test(wanted))
    return reply(504, 'TYPE A, TYPE I and TYPE L 8 are known.');
  else return reply(501, 'TYPE A, TYPE I or TYPE L 8.');
  return reply(200, session.params.type === 'I' ? 'Type is image.' : 'Type is ASCII.');
}

function stru(argument: string): ServerReply {
  const wanted = argument.toUpperCase();
  if (wanted === 'F') return reply(200, 'Structure is file.');
  return wanted === 'R' || wanted === 'P' ? reply(504, 'Only STRU F is known.') : reply(501, 'STRU F.');
}

function mode(session: Session, argument: string): ServerReply {
  const wanted = argument.toUpperCase();
  if (wanted === 'S' || wanted === 'E' || (wanted === 'Z' && session.core.settings.modeZ)) {
    if (wanted !== session.params.mode) session.dropKept();
    session.params.mode = wanted;
    return reply(
      200,
      `Mode is ${wanted === 'S' ? 'stream' : wanted === 'E' ? 'extended block' : 'deflate'}.`,
    );
  }
  return /^[BCZ]$/.test(wanted) ? reply(504, 'That mode is not offered.') : reply(501, 'MODE S.');
}

function rest(session: Session, argument: string): ServerReply {
  if (session.params.mode === 'E') return restBlocks(session, argument);
  const offset = octets(argument);
  if (offset === undefined) return reply(501, 'REST wants a number of octets.');
  // RFC 3659 5.3: whether the transfer can start there, also in TYPE A, is told at the transfer.
  session.params.rest = offset;
  session.params.range = undefined;
  return reply(350, 'The next transfer starts there.');
}

function rang(session: Session, argument: string): ServerReply {
  const [, from = '', to = ''] = /^(\d+) (\d+)$/.exec(argument) ?? [];
  const [start, end] = [octets(from), octets(to)];
  if (start === undefined || end === undefined) return reply(501, 'RANG wants two numbers of octets.');
  if (session.params.type === 'A') return reply(504, 'RANG needs TYPE I.');
  session.params.rest = 0;
  // draft-bryan-ftp-range 3: 1 0 takes the range back; the end is inclusive.
  session.params.range = start === 1 && end === 0 ? undefined : { start, end: end + 1 };
  if (start > end && session.params.range) {
    session.params.range = undefined;
    return reply(501, 'The range ends before it starts.');
  }
  return reply(350, session.params.range ? 'The next transfer or digest is of that range.' : 'No range.');
}

async function allo(session: Session, argument: string): Promise<ServerReply> {
  const [, text = ''] = /^(\d+)(?: R \d+)?$/i.exec(argument) ?? [];
  const wanted = octets(text);
  if (wanted === undefined) return reply(501, 'ALLO wants a number of octets.');
  const place = session.place('');
  const free = await session.storage(place).available?.(place.inner);
  const left = await session.core.shares.left(session);
  if (left !== undefined && wanted > left) return reply(552, 'That is more than the quota leaves.');
  if (free !== undefined && wanted > free) return reply(452, 'That is more than the server has room for.');
  session.small = session.core.data.near.isSmall(wanted);
  return reply(200, 'There is room for it.');
}

function optsMlst(session: Session, list: string): ServerReply {
  const wanted = new Set(list.toLowerCase().split(';'));
  const facts: FactName[] = FACTS.filter((name) => wanted.has(name));
  session.params.facts = facts;
  return reply(200, `MLST OPTS ${facts.map((name) => `${factLabel(name)};`).join('')}`.trimEnd());
}

/** Facts as they are written: `Type`, `UNIX.mode`. */
export const factLabel = (name: FactName): string =>
  name === 'unix.mode' ? 'UNIX.mode' : name[0]!.toUpperCase() + name.slice(1);

function opts(session: Session, argument: string): ServerReply {
  const at = argument.indexOf(' ');
  const name = (at < 0 ? argument : argument.slice(0, at)).toUpperCase();
  const value = at < 0 ? '' : argument.slice(at + 1);
  if (name === 'MLST') return optsMlst(session, value);
  if (name === 'RETR' || name === 'STOR') return optsTransfer(session, name, value);
  if (name === 'HASH') return setHash(session, value);
  if (name === 'UTF8') {
    // RFC 2640 2.2: names are UTF-8 in any case; ON is what Windows clients ask for.
    return /^(on)?$/i.test(value) ? reply(200, 'UTF-8 is always on.') : reply(504, 'UTF-8 is always on.');
  }
  const level = /^Z LEVEL ([1-9])$/i.exec(value)?.[1];
  if (name === 'MODE' && level !== undefined && session.core.settings.modeZ) {
    session.params.deflate = Number(level);
    return reply(200, `MODE Z LEVEL set to ${level}`);
  }
  return reply(501, 'Unknown option.');
}

function lang(argument: string): ServerReply {
  // RFC 2640 4.1: without an argument the default language.
  if (argument === '' || /^en(-[A-Za-z]{2,8})*$/i.test(argument))
    return reply(200, 'Replies are in English.');
  return /^[A-Za-z]{1,8}(-[A-Za-z0-9]{1,8})*$/.test(argument)
    ? reply(504, 'Replies are in English only.')
    : reply(501, 'That is not a language tag.');
}

export const rows: VerbRow[] = [
  {
    verb: 'TYPE',
    source: 'RFC 959 4.1.2',
    syntax: 'A [N | T] | I | L 8',
    argument: 'required',
    summary: 'ASCII or image.',
    when: 'login',
    run: type,
  },
  {
    verb: 'STRU',
    source: 'RFC 959 4.1.2',
    syntax: 'F',
    argument: 'required',
    summary: 'File structure; there is no other.',
    when: 'login',
    run: (_session, argument) => stru(argument),
  },
  {
    verb: 'MODE',
    source: 'RFC 959 4.1.2, GFD.20 3.4, draft-preston-ftpext-deflate',
    syntax: 'S | E | Z',
    argument: 'required',
    summary: 'Stream; extended block; deflate where the server offers it.',
    when: 'login',
    features: ({ core }) => (core.settings.modeZ ? ['MODE Z'] : []),
    run: mode,
  },
  {
    verb: 'REST',
    source: 'RFC 3659 5, GFD.20 4.1',
    syntax: '<octets> | <start>-<end>[,...]',
    argument: 'required',
    summary: 'Offset of the next RETR, STOR or APPE; in MODE E the ranges that the receiver has.',
    when: 'login',
    features: () => ['REST STREAM'],
    run: rest,
  },
  {
    verb: 'RANG',
    source: 'draft-bryan-ftp-range',
    syntax: '<first> <last>',
    argument: 'required',
    summary: 'Range of the next RETR or HASH, both ends included; 1 0 takes it back.',
    when: 'login',
    features: () => ['RANG STREAM'],
    run: rang,
  },
  {
    verb: 'ALLO',
    source: 'RFC 959 4.1.3',
    syntax: '<octets>',
    argument: 'required',
    summary: 'Is there room for so much?',
    when: 'login',
    run: allo,
  },
  {
    verb: 'OPTS',
    source: 'RFC 2389 4',
    syntax: '<command> [<options>]',
    argument: 'required',
    summary:
      'Options of MLST, HASH, MODE Z, UTF8, RETR (Parallelism, Markers, Digest) and STOR (Markers, Digest).',
    when: 'always',
    features: () => ['UTF8', 'PARALLEL', 'MARKERS', `DIGEST ${ALGORITHMS.join(';')}`],
    run: opts,
  },
  {
    verb: 'LANG',
    source: 'RFC 2640 4.1',
    syntax: '[<tag>]',
    argument: 'optional',
    summary: 'Language of replies: English.',
    when: 'always',
    features: () => ['LANG EN*'],
    run: (_session, argument) => lang(argument),
  },
];
