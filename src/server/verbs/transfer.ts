import { randomBytes } from 'node:crypto';
import type { Span } from '../../protocol/markers.js';
import { dirName } from '../../protocol/paths.js';
import { Refusal, reply, type ServerReply } from '../reply.js';
import type { Session } from '../session.js';
import type { Range, WriteHow } from '../storage/types.js';
import type { Place } from '../tree.js';
import { keeping, parseEret, piecesOf, takeHave } from './blocks.js';
import { carry } from './carry.js';
import { listingOrder } from './listing.js';
import type { VerbRow } from './row.js';

/**
 * Where the transfer starts and ends. A restart is for the command that follows, whatever becomes of that (RFC 3659 5.3).
 *
 * @throws Refusal 554 in TYPE A, where a position in the stream is none in the file.
 */
function takeRange({ params }: Session): Range {
  const range = params.range ?? { start: params.rest };
  params.rest = 0;
  params.range = undefined;
  if (params.type === 'A' && (range.start > 0 || range.end !== undefined)) {
    throw new Refusal(554, 'REST and RANG need TYPE I.');
  }
  return range;
}

/** For DCPA: until it is complete it has failed, for whatever reason. */
const begins = (session: Session): void => {
  session.dcpa.last = { ok: false, bytes: 0 };
};

function retr(session: Session, name: string): AsyncGenerator<ServerReply, void, void> {
  return keeping(session, () => {
    begins(session);
    return send(session, name, { range: takeRange(session), have: takeHave(session) });
  });
}

/** `ERET P`: blocks count from the beginning of the part, as those of other servers do. */
function eret(session: Session, argument: string): AsyncGenerator<ServerReply, void, void> {
  return keeping(session, () => {
    begins(session);
    takeRange(session);
    takeHave(session);
    const { path, start, end } = parseEret(argument);
    if (session.params.type === 'A') throw new Refusal(504, 'ERET needs TYPE I.');
    return send(session, path, { range: { start, end } });
  });
}

function send(
  session: Session,
  name: string,
  { range, have }: { range: Range; have?: readonly Span[] | undefined },
): AsyncGenerator<ServerReply, void, void> {
  const place = session.place(name, 'read');
  const file = { what: 'content', storage: place.storage, path: place.inner, range } as const;
  return carry(session, {
    verb: 'RETR',
    place,
    file,
    ...(have && { pieces: piecesOf(file, have) }),
    direction: 'send',
    listing: false,
    opening: 'Data connection open; the file follows.',
  });
}

type UploadVerb = 'STOR' | 'APPE' | 'STOU';

function howOf(
  session: Session,
  verb: UploadVerb,
  { offset, have }: { offset: number; have: readonly Span[] | undefined },
): WriteHow {
  const { temporary } = session.core.settings;
  const last = have?.at(-1);
  if (last) {
    const prefix = have?.length === 1 && last.start === 0;
    return { mode: prefix ? 'resume' : 'fill', offset: last.end, temporary };
  }
  if (verb === 'STOU') return { mode: 'unique', offset: 0, temporary };
  // RFC 3659 5.3: after REST, APPE is STOR from that octet on.
  if (offset > 0) return { mode: 'resume', offset, temporary };
  return { mode: verb === 'APPE' ? 'append' : 'replace', offset: 0, temporary };
}

async function* receive(
  session: Session,
  verb: UploadVerb,
  name: string,
  opening: string,
): AsyncGenerator<ServerReply, void, void> {
  begins(session);
  const { start } = takeRange(session);
  const have = takeHave(session);
  const place = session.place(name, 'write', 553);
  if (place.mountPoint) throw new Refusal(553, 'That is a directory.');
  const how = howOf(session, verb, { offset: start, have });
  if (how.mode === 'replace') await refuseDupe(session, place);
  if (!(await session.core.shares.admits(session, place))) throw new Refusal(552, 'The quota is used up.');
  yield* carry(session, {
    verb,
    place,
    file: { what: 'upload', storage: place.storage, path: place.inner, how },
    ...(have && { have }),
    direction: 'receive',
    listing: false,
    opening,
  });
}

const upload = (...args: Parameters<typeof receive>): AsyncGenerator<ServerReply, void, void> =>
  keeping(args[0], () => receive(...args));

/** Overwriting takes a file away: without that right an existing name is a dupe, and XDUPE names it. */
async function refuseDupe(session: Session, place: Place): Promise<void> {
  if (session.tree.may('delete', place.path)) return;
  const there = await session
    .storage(place)
    .stat(place.inner)
    .catch(() => undefined);
  if (!there) return;
  const names = session.params.xdupe > 0 ? await dupes(session, place) : [];
  const lines = [...names.map((name) => ` X-DUPE: ${name}`), 'That file is there already.'];
  throw new Refusal(553, lines, { numbered: true });
}

/** Names in the directory of the dupe, bounded (XDUPE mode 3: whole names, one a line). */
async function dupes(session: Session, place: Place): Promise<string[]> {
  const names: string[] = [];
  for await (const batch of session.storage(place).list(dirName(place.inner) || '/')) {
    for (const entry of batch) if (entry.type === 'file') names.push(entry.name);
    if (names.length >= 1000) break;
  }
  return names.slice(0, 1000);
}

function stou(session: Session): AsyncGenerator<ServerReply, void, void> {
  // RFC 1123 4.1.2.9: the name is told in the 150. It holds no octet of the client.
  const name = `upload-${randomBytes(8).toString('hex')}`;
  return upload(session, 'STOU', name, `FILE: ${name}`);
}

async function* list(
  session: Session,
  verb: 'LIST' | 'NLST' | 'MLSD',
  argument: string,
): AsyncGenerator<ServerReply, void, void> {
  session.params.rest = 0;
  session.params.range = undefined;
  session.params.have = undefined;
  const { place, order } = await listingOrder(session, verb, argument);
  yield* carry(session, {
    verb,
    place,
    file: order,
    direction: 'send',
    listing: true,
    opening: 'Data connection open; the listing follows.',
  });
}

/** What is to follow, before the endpoint is asked for: an early 550 or 553 costs no data connection. */
async function pret(session: Session, argument: string): Promise<ServerReply> {
  const [, verb = '', path = ''] = /^([A-Za-z]{4})(?: (.*))?$/s.exec(argument) ?? [];
  switch (verb.toUpperCase()) {
    case 'RETR': {
      const place = session.place(path, 'read');
      const { type } = await session.storage(place).stat(place.inner);
      return type === 'file' ? reply(200, 'Ready for RETR.') : reply(550, 'That is not a file.');
    }
    case 'STOR': {
      const place = session.place(path, 'write', 553);
      if (session.params.rest === 0) await refuseDupe(session, place);
      return reply(200, 'Ready for it.');
    }
    case 'APPE':
      session.place(path, 'write', 553);
      return reply(200, 'Ready for it.');
    case 'STOU':
    case 'LIST':
    case 'NLST':
    case 'MLSD':
      return reply(200, 'Ready for it.');
    default:
      return reply(501, 'PRET wants the transfer command that is to follow.');
  }
}

export const rows: VerbRow[] = [
  {
    verb: 'PRET',
    source: 'de facto (drftpd)',
    syntax: '<command> [<path>]',
    argument: 'required',
    summary: 'The transfer that is to follow PASV, CPSV or PORT: refused early.',
    when: 'login',
    features: () => ['PRET'],
    run: pret,
  },
  {
    verb: 'RETR',
    source: 'RFC 959 4.1.3',
    syntax: '<path>',
    argument: 'required',
    summary: 'Send a file.',
    when: 'login',
    run: retr,
  },
  {
    verb: 'ERET',
    source: 'GFD.20 3.2',
    syntax: 'P <offset> <octets> <path>',
    argument: 'required',
    summary: 'Send a part of a file.',
    when: 'login',
    features: () => ['ERET'],
    run: eret,
  },
  {
    verb: 'STOR',
    source: 'RFC 959 4.1.3',
    syntax: '<path>',
    argument: 'required',
    summary: 'Receive a file; an existing one is replaced when the upload is complete.',
    when: 'login',
    run: (session, name) => upload(session, 'STOR', name, 'Data connection open; send the file.'),
  },
  {
    verb: 'APPE',
    source: 'RFC 959 4.1.3, RFC 3659 5.3',
    syntax: '<path>',
    argument: 'required',
    summary: 'Receive octets and add them to a file.',
    when: 'login',
    run: (session, name) => upload(session, 'APPE', name, 'Data connection open; send the rest.'),
  },
  {
    verb: 'STOU',
    source: 'RFC 959 4.1.3, RFC 1123 4.1.2.9',
    syntax: '',
    argument: 'optional',
    summary: 'Receive a file under a new name, told in the 150.',
    when: 'login',
    run: stou,
  },
  {
    verb: 'LIST',
    source: 'RFC 959 4.1.3',
    syntax: '[<path>]',
    argument: 'optional',
    summary: 'Listing for people, as ls -l writes it. No patterns, no recursion.',
    when: 'login',
    run: (session, argument) => keeping(session, () => list(session, 'LIST', argument)),
  },
  {
    verb: 'NLST',
    source: 'RFC 959 4.1.3',
    syntax: '[<path>]',
    argument: 'optional',
    summary: 'Names only.',
    when: 'login',
    run: (session, argument) => keeping(session, () => list(session, 'NLST', argument)),
  },
  {
    verb: 'MLSD',
    source: 'RFC 3659 7',
    syntax: '[<path>]',
    argument: 'optional',
    summary: 'Listing for programs: facts and names of a directory.',
    when: 'login',
    run: (session, argument) => keeping(session, () => list(session, 'MLSD', argument)),
  },
];
