import { randomBytes } from 'node:crypto';
import type { DataTls, TransferOrder, TransferResult } from '../../net/plane/types.js';
import { dirName } from '../../protocol/paths.js';
import type { FileOrder } from '../data/types.js';
import { NO_CONNECTION, NOT_AUTHENTICATED } from '../failures.js';
import { judgeDataPeer } from '../judge.js';
import type { PeerOrder } from '../policy.js';
import { Refusal, reply, type ServerReply } from '../reply.js';
import type { PendingEndpoint, Session } from '../session.js';
import type { Range, WriteHow } from '../storage/types.js';
import type { Place } from '../tree.js';
import { failureReply, type Job, report, securityOf } from './job.js';
import { listingOrder } from './listing.js';
import type { VerbRow } from './row.js';

/** The data connection's TLS, from PROT, SSCN, CPSV and DCPA. */
function dataTls(session: Session, job: Job, pending: PendingEndpoint): DataTls | undefined {
  const { tls } = session.core.settings;
  if (!session.params.protected || !session.link.tls || !tls) return undefined;
  const client = !job.listing && (pending.client || session.params.sscn);
  const ordinary: DataTls = {
    role: client ? 'client' : 'server',
    resumption: tls.dataSessionReuse,
    sessionContext: session.link.tls.contextId,
    closeNotify: tls.closeNotify,
  };
  if (job.listing) return ordinary;
  const data = { kind: pending.endpoint.kind, client: pending.client, direction: job.direction };
  return session.dcpa.tls(session.link.tls.identity, data, ordinary) ?? ordinary;
}

/** What must hold before a data connection is used. @returns the endpoint, which is used up. */
function takeEndpoint(session: Session, job: Job): { pending: PendingEndpoint; peer: PeerOrder } {
  const { core, params } = session;
  // RFC 4217 10.2 and 11.4 name 521 and 522 for it; 521 says which level is missing.
  if (core.settings.tls?.required && !params.protected) {
    throw new Refusal(521, 'This server protects data connections: send PBSZ 0 and PROT P.');
  }
  if (session.dcpa.pinned && !job.listing && !params.protected) {
    throw new Refusal(521, 'A key is pinned: send PBSZ 0 and PROT P, or DCPA OFF.');
  }
  const { pending } = session;
  session.pending = undefined;
  if (!pending) throw new Refusal(425, 'Send PASV, EPSV, PORT or EPRT first.');
  const peer = session.peerOrder(job.listing ? 'listing' : job.direction);
  if (pending.endpoint.kind === 'active') {
    const { host, port } = pending.endpoint;
    const verdict = judgeDataPeer(peer, host, port);
    if (!verdict.allow) {
      pending.endpoint.close();
      const at = `${host} port ${port}`;
      core.emit({
        event: 'peer-refused',
        session: session.facts,
        door: 'transfer',
        peer: at,
        why: verdict.why,
      });
      throw new Refusal(425, peer.pinned ? NOT_AUTHENTICATED.text : NO_CONNECTION.text);
    }
  }
  return { pending, peer };
}

function orderOf(
  session: Session,
  job: Job,
  pending: PendingEndpoint,
  peer: PeerOrder,
): TransferOrder<FileOrder, PeerOrder> {
  const { params, core } = session;
  const { limits } = core.settings;
  const tls = dataTls(session, job, pending);
  // What cannot be levelled later must end by then: a port that stays silent looks like one that is closed.
  const most = pending.foreign && limits.levelDelay > 0 ? limits.levelDelay : Number.POSITIVE_INFINITY;
  return {
    direction: job.direction,
    file: job.file,
    peer,
    ...(tls ? { tls, early: true } : {}),
    // RFC 959 4.1.3: a list is sent in ASCII; its lines are made with CR LF.
    type: job.listing ? 'I' : params.type,
    ...(params.mode === 'Z' ? { deflate: params.deflate } : {}),
    rate: 0,
    timeouts: {
      connect: Math.min(limits.dataTimeout, most),
      handshake: Math.min(limits.handshakeTimeout, most),
      stall: limits.stallTimeout,
      ...(Number.isFinite(most) && { proof: most }),
    },
  };
}

/** 150 once the connection is proven, then the final reply (RFC 959 5.4). */
async function* carry(session: Session, job: Job): AsyncGenerator<ServerReply, void, void> {
  const { core } = session;
  const { pending, peer } = takeEndpoint(session, job);
  const begun = performance.now();
  let announce: (opened: boolean) => void = () => {};
  const opened = new Promise<boolean>((resolve) => {
    announce = resolve;
  });
  const order = orderOf(session, job, pending, peer);
  const lease = core.shares.begin(session, job.direction, job.file);
  const transfer = pending.endpoint.transfer(
    { ...order, rate: lease.rate, ...(lease.grant === undefined ? {} : { grant: lease.grant }) },
    { onOpen: () => announce(true), onMore: () => void lease.more() },
  );
  lease.attach(transfer);
  session.running = { verb: job.verb, path: job.place.path, direction: job.direction, transfer };
  if (session.aborting) transfer.abort();
  let result: TransferResult;
  try {
    void transfer.finished.then(() => announce(false));
    if (await opened) yield reply(150, job.opening);
    result = await transfer.finished;
  } finally {
    session.running = undefined;
    session.lastUsed = Date.now();
  }
  if (!job.listing) session.small = core.data.near.isSmall(result.bytes);
  lease.end(result);
  const foreign =
    pending.foreign || (result.peer !== undefined && result.peer.address !== session.link.peerAddress);
  const pinned = order.tls?.pins !== undefined;
  report(session, job, { pending, result, foreign, security: securityOf(session, order.tls, result) });
  if (!job.listing) session.dcpa.last = { ok: result.failure === undefined, bytes: result.bytes };
  if (!result.failure) {
    yield reply(226, job.direction === 'receive' ? 'Stored.' : 'Sent.');
    return;
  }
  await core.level(result, foreign, begun);
  yield failureReply(job, result.failure, { foreign, pinned, endpoint: pending.endpoint.kind });
}

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
  begins(session);
  const range = takeRange(session);
  const place = session.place(name, 'read');
  return carry(session, {
    verb: 'RETR',
    place,
    file: { what: 'content', storage: place.storage, path: place.inner, range },
    direction: 'send',
    listing: false,
    opening: 'Data connection open; the file follows.',
  });
}

type UploadVerb = 'STOR' | 'APPE' | 'STOU';

function howOf(session: Session, verb: UploadVerb, offset: number): WriteHow {
  const { temporary } = session.core.settings;
  if (verb === 'STOU') return { mode: 'unique', offset: 0, temporary };
  // RFC 3659 5.3: after REST, APPE is STOR from that octet on.
  if (offset > 0) return { mode: 'resume', offset, temporary };
  return { mode: verb === 'APPE' ? 'append' : 'replace', offset: 0, temporary };
}

async function* upload(
  session: Session,
  verb: UploadVerb,
  name: string,
  opening: string,
): AsyncGenerator<ServerReply, void, void> {
  begins(session);
  const { start } = takeRange(session);
  const place = session.place(name, 'write', 553);
  if (place.mountPoint) throw new Refusal(553, 'That is a directory.');
  const how = howOf(session, verb, start);
  if (how.mode === 'replace') await refuseDupe(session, place);
  if (!(await session.core.shares.admits(session, place))) throw new Refusal(552, 'The quota is used up.');
  yield* carry(session, {
    verb,
    place,
    file: { what: 'upload', storage: place.storage, path: place.inner, how },
    direction: 'receive',
    listing: false,
    opening,
  });
}

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
    run: (session, argument) => list(session, 'LIST', argument),
  },
  {
    verb: 'NLST',
    source: 'RFC 959 4.1.3',
    syntax: '[<path>]',
    argument: 'optional',
    summary: 'Names only.',
    when: 'login',
    run: (session, argument) => list(session, 'NLST', argument),
  },
  {
    verb: 'MLSD',
    source: 'RFC 3659 7',
    syntax: '[<path>]',
    argument: 'optional',
    summary: 'Listing for programs: facts and names of a directory.',
    when: 'login',
    run: (session, argument) => list(session, 'MLSD', argument),
  },
];
