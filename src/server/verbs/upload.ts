import { randomBytes } from 'node:crypto';
import type { ExpectedOctets } from '../../net/plane/types.js';
import type { Span } from '../../protocol/markers.js';
import { dirName } from '../../protocol/paths.js';
import { parseStoreFacts, type StoreFacts } from '../../protocol/store-facts.js';
import { Refusal, type Say, type ServerReply } from '../reply.js';
import type { Session } from '../session.js';
import type { WriteHow } from '../storage/types.js';
import type { Place } from '../tree.js';
import { keeping, takeHave } from './blocks.js';
import { carry } from './carry.js';
import { begins, type Job, takeRange } from './job.js';
import { octets } from './numbers.js';
import type { VerbRow } from './row.js';

/** A file that is to come. */
interface Upload {
  verb: 'STOR' | 'APPE' | 'STOU' | 'ESTO';
  name: string;
  opening: string;
  /** `ESTO F`: under its name only when it is whole. */
  facts?: StoreFacts | undefined;
  /** `ESTO A`: where the first octet goes. */
  at?: number | undefined;
}

/** What REST, RANG and SCKS said: for this one, whatever becomes of it. */
interface Before {
  start: number;
  end?: number | undefined;
  have: readonly Span[] | undefined;
  expected: ExpectedOctets['digest'];
}

function takeBefore(session: Session): Before {
  begins(session);
  const have = takeHave(session);
  const { expected } = session.params;
  session.params.expected = undefined;
  const { start, end } = takeRange(session);
  return { start, end, have, expected };
}

function howOf(session: Session, { verb }: Upload, { start: offset, have }: Before): WriteHow {
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

/** How ESTO writes. @throws Refusal */
async function extended(session: Session, place: Place, { facts, at = 0 }: Upload): Promise<WriteHow> {
  if (facts) {
    if (facts.modify !== undefined && !session.storage(place).setTimes)
      throw new Refusal(504, 'This storage keeps no times: leave Modify out.');
    // Who may not overwrite must not do it either when a file of that name comes meanwhile.
    const mode = session.tree.may('delete', place.path) ? 'replace' : 'unique';
    return { mode, offset: 0, temporary: 'always', modify: facts.modify };
  }
  // A hole is octets that no quota has seen.
  const holes = (await session.core.shares.left(session)) === undefined;
  return { mode: 'adjust', offset: at, temporary: 'never', holes };
}

async function receive(
  session: Session,
  upload: Upload,
  { before, say }: { before: Before; say: Say },
): Promise<ServerReply> {
  const { verb, name, opening, facts } = upload;
  const { have } = before;
  const expect = expectedOf(session, before, facts);
  const place = session.place(name, 'write', 553);
  if (place.mountPoint) throw new Refusal(553, 'That is a directory.');
  const how = verb === 'ESTO' ? await extended(session, place, upload) : howOf(session, upload, before);
  if (how.mode === 'replace' || verb === 'ESTO') await refuseDupe(session, place);
  if (!(await session.core.shares.admits(session, place))) throw new Refusal(552, 'The quota is used up.');
  const job: Job = {
    verb,
    place,
    file: { what: 'upload', storage: place.storage, path: place.inner, how },
    ...(have && { have }),
    ...(expect && { expect }),
    direction: 'receive',
    listing: false,
    opening,
  };
  return carry(session, job, say);
}

/** What must have come, from SCKS and ESTO F. @throws Refusal */
function expectedOf(
  { params }: Session,
  { expected }: Before,
  { size, sha256 }: StoreFacts = {},
): ExpectedOctets | undefined {
  if (expected && sha256 !== undefined) throw new Refusal(503, 'SCKS or the fact SHA-256, not both.');
  if (expected && params.type === 'A') throw new Refusal(504, 'SCKS needs TYPE I.');
  const digest = sha256 === undefined ? expected : ({ algorithm: 'SHA-256', hex: sha256 } as const);
  if (size === undefined && digest === undefined) return undefined;
  return { ...(size !== undefined && { size }), ...(digest && { digest }) };
}

const receiving = (session: Session, upload: Upload, say: Say): Promise<ServerReply> =>
  keeping(session, () => receive(session, upload, { before: takeBefore(session), say }));

/** Overwriting takes a file away: without that right an existing name is a dupe, and XDUPE names it. */
export async function refuseDupe(session: Session, place: Place): Promise<void> {
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

function stou(session: Session, _argument: string, say: Say): Promise<ServerReply> {
  // RFC 1123 4.1.2.9: the name is told in the 150. It holds no octet of the client.
  const name = `upload-${randomBytes(8).toString('hex')}`;
  return receiving(session, { verb: 'STOU', name, opening: `FILE: ${name}` }, say);
}

/** What `ESTO` is to store, and how. @throws Refusal 501, 504 for a letter that is not served. */
function parseEsto(argument: string): Upload {
  const common = { verb: 'ESTO', opening: 'Data connection open; send the file.' } as const;
  const blank = argument.indexOf(' ');
  const rest = blank < 0 ? '' : argument.slice(blank + 1);
  switch (argument.slice(0, blank < 0 ? undefined : blank).toUpperCase()) {
    case 'F': {
      const verdict = parseStoreFacts(rest);
      if (!verdict.ok) throw new Refusal(501, `ESTO F: ${verdict.why}.`);
      return { ...common, name: verdict.path, facts: verdict.facts };
    }
    case 'A': {
      const [, offset = '', name = ''] = /^(\d+) (.+)$/s.exec(rest) ?? [];
      const at = octets(offset);
      if (at === undefined || name === '') throw new Refusal(501, 'ESTO A wants an offset and a path.');
      return { ...common, name, at };
    }
    default:
      throw new Refusal(504, 'ESTO A and ESTO F are known.');
  }
}

function esto(session: Session, argument: string, say: Say): Promise<ServerReply> {
  return keeping(session, () => {
    const before = takeBefore(session);
    const { start, end, have } = before;
    const upload = parseEsto(argument);
    if (session.params.type === 'A') throw new Refusal(504, 'ESTO needs TYPE I.');
    if (start > 0 || end !== undefined || have) throw new Refusal(503, 'ESTO goes without REST and RANG.');
    return receive(session, upload, { before, say });
  });
}

/** Verbs that receive files. */
export const rows: VerbRow[] = [
  {
    verb: 'STOR',
    source: 'RFC 959 4.1.3',
    syntax: '<path>',
    argument: 'required',
    summary: 'Receive a file; an existing one is replaced when the upload is complete.',
    when: 'login',
    run: (session, name, say) =>
      receiving(session, { verb: 'STOR', name, opening: 'Data connection open; send the file.' }, say),
  },
  {
    verb: 'APPE',
    source: 'RFC 959 4.1.3, RFC 3659 5.3',
    syntax: '<path>',
    argument: 'required',
    summary: 'Receive octets and add them to a file.',
    when: 'login',
    run: (session, name, say) =>
      receiving(session, { verb: 'APPE', name, opening: 'Data connection open; send the rest.' }, say),
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
    verb: 'ESTO',
    source: 'GFD.20 3.2, docs/server.md',
    syntax: 'F <fact=value;...> <path> | A <offset> <path>',
    argument: 'required',
    summary:
      'F: receive a file that gets its time and its name when it is whole; A: receive octets into a file at an offset.',
    when: 'login',
    features: () => ['ESTO A;F'],
    run: esto,
  },
];
