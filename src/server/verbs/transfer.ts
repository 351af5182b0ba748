import type { Span } from '../../protocol/markers.js';
import { Refusal, reply, type Say, type ServerReply } from '../reply.js';
import type { Session } from '../session.js';
import type { Range } from '../storage/types.js';
import { keeping, parseEret, piecesOf, takeHave } from './blocks.js';
import { carry } from './carry.js';
import { begins, takeRange } from './job.js';
import { listingOrder } from './listing.js';
import type { VerbRow } from './row.js';
import { refuseDupe, rows as uploads } from './upload.js';

function retr(session: Session, name: string, say: Say): Promise<ServerReply> {
  return keeping(session, () => {
    begins(session);
    return send(session, name, { range: takeRange(session), have: takeHave(session) }, say);
  });
}

/** `ERET P`: blocks count from the beginning of the part, as those of other servers do. */
function eret(session: Session, argument: string, say: Say): Promise<ServerReply> {
  return keeping(session, () => {
    begins(session);
    takeRange(session);
    takeHave(session);
    const { path, start, end } = parseEret(argument);
    if (session.params.type === 'A') throw new Refusal(504, 'ERET needs TYPE I.');
    return send(session, path, { range: { start, end } }, say);
  });
}

function send(
  session: Session,
  name: string,
  { range, have }: { range: Range; have?: readonly Span[] | undefined },
  say: Say,
): Promise<ServerReply> {
  const place = session.place(name, 'read');
  const file = { what: 'content', storage: place.storage, path: place.inner, range } as const;
  const pieces = have && { pieces: piecesOf(file, have) };
  const opening = 'Data connection open; the file follows.';
  return carry(
    session,
    { verb: 'RETR', place, file, ...pieces, direction: 'send', listing: false, opening },
    say,
  );
}

async function list(
  session: Session,
  verb: 'LIST' | 'NLST' | 'MLSD',
  argument: string,
  say: Say,
): Promise<ServerReply> {
  session.params.rest = 0;
  session.params.range = undefined;
  session.params.have = undefined;
  const { place, order } = await listingOrder(session, verb, argument);
  const opening = 'Data connection open; the listing follows.';
  return carry(session, { verb, place, file: order, direction: 'send', listing: true, opening }, say);
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
  ...uploads,
  {
    verb: 'LIST',
    source: 'RFC 959 4.1.3',
    syntax: '[<path>]',
    argument: 'optional',
    summary: 'Listing for people, as ls -l writes it. No patterns, no recursion.',
    when: 'login',
    run: (session, argument, say) => keeping(session, () => list(session, 'LIST', argument, say)),
  },
  {
    verb: 'NLST',
    source: 'RFC 959 4.1.3',
    syntax: '[<path>]',
    argument: 'optional',
    summary: 'Names only.',
    when: 'login',
    run: (session, argument, say) => keeping(session, () => list(session, 'NLST', argument, say)),
  },
  {
    verb: 'MLSD',
    source: 'RFC 3659 7',
    syntax: '[<path>]',
    argument: 'optional',
    summary: 'Listing for programs: facts and names of a directory.',
    when: 'login',
    run: (session, argument, say) => keeping(session, () => list(session, 'MLSD', argument, say)),
  },
];
