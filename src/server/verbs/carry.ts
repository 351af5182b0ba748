import { spoils } from '../../net/plane/failure.js';
import type {
  DataTls,
  DataTransfer,
  TransferListener,
  TransferOrder,
  TransferResult,
} from '../../net/plane/types.js';
import { formatMoved } from '../../protocol/moved.js';
import type { FileOrder } from '../data/types.js';
import { NO_CONNECTION, NOT_AUTHENTICATED } from '../failures.js';
import { judgeDataPeer } from '../judge.js';
import type { PeerOrder } from '../policy.js';
import { Refusal, reply, type Say, type ServerReply } from '../reply.js';
import type { PendingEndpoint, Session } from '../session.js';
import { checkBlocks, mark, markersEvery, storedMarker } from './blocks.js';
import { failureReply, type Job, report, securityOf } from './job.js';

/** A file that gets its name when it is whole, and only its end says so. */
const isWholeByEnd = ({ verb, file, expect }: Job): boolean =>
  verb === 'ESTO' && expect === undefined && file.what === 'upload' && file.how.temporary === 'always';

/** The data connection's TLS, from PROT, SSCN, CPSV and DCPA. */
function dataTls(session: Session, job: Job, pending: PendingEndpoint): DataTls | undefined {
  const { tls } = session.core.settings;
  if (!session.params.protected || !session.link.tls || !tls) return undefined;
  const client = !job.listing && (pending.client || session.params.sscn);
  const ordinary: DataTls = {
    role: client ? 'client' : 'server',
    resumption: tls.dataSessionReuse,
    sessionContext: session.link.tls.contextId,
    // An ESTO F of which nothing else says that it is whole.
    closeNotify: isWholeByEnd(job) ? 'required' : tls.closeNotify,
  };
  if (job.listing) return ordinary;
  const data = { kind: pending.endpoint.kind, client: pending.client, direction: job.direction };
  return session.dcpa.tls(session.link.tls.identity, data, ordinary) ?? ordinary;
}

/** What must hold before a data connection is used. @returns the endpoint, which is used up. */
function takeEndpoint(session: Session, job: Job): { pending: PendingEndpoint; peer: PeerOrder } {
  const { core, params, pending } = session;
  // RFC 4217 10.2 and 11.4 name 521 and 522 for it; 521 says which level is missing.
  if (core.settings.tls?.required && !params.protected) {
    throw new Refusal(521, 'This server protects data connections: send PBSZ 0 and PROT P.');
  }
  if (session.dcpa.pinned && !job.listing && !params.protected) {
    throw new Refusal(521, 'A key is pinned: send PBSZ 0 and PROT P, or DCPA OFF.');
  }
  checkBlocks(session, job);
  if (params.mode !== 'E') session.pending = undefined;
  if (!pending) throw new Refusal(425, 'Send PASV, EPSV, PORT or EPRT first.');
  return { pending, peer: session.peerOrder(job.listing ? 'listing' : job.direction) };
}

/** Why nothing is connected to the address that PORT or EPRT named: policy, or too many failures of this user. */
function refusedWhy(session: Session, { endpoint }: PendingEndpoint, peer: PeerOrder): string | undefined {
  if (endpoint.kind === 'passive') return undefined;
  const verdict = judgeDataPeer(peer, endpoint.host, endpoint.port);
  if (!verdict.allow) return verdict.why;
  return verdict.foreign && !session.core.foreign.admits(session)
    ? 'too many foreign transfers of this user have failed within a minute'
    : undefined;
}

/** Nothing is connected, and nobody can tell that from a port that is closed. */
async function refuse(
  session: Session,
  { pending, peer, why, begun }: { pending: PendingEndpoint; peer: PeerOrder; why: string; begun: number },
): Promise<ServerReply> {
  const { host, port } = pending.endpoint;
  discard(session, pending);
  session.core.emit({
    event: 'peer-refused',
    session: session.facts,
    door: 'transfer',
    peer: `${host} port ${port}`,
    why,
  });
  const failure = { stage: 'refused', code: 'REFUSED', message: why } as const;
  const answer = peer.pinned ? NOT_AUTHENTICATED : NO_CONNECTION;
  return alike(session, answer, { result: { bytes: 0, seconds: 0, failure }, foreign: true, begun });
}

/** It serves no transfer any more. */
function discard(session: Session, pending: PendingEndpoint): void {
  if (session.pending === pending) session.dropEndpoint();
  else pending.endpoint.close();
}

/** Waits until all failures look alike. ABOR ends the wait, and then they look alike too (RFC 2577 2). */
async function alike(
  session: Session,
  answer: ServerReply,
  { result, foreign, begun }: { result: TransferResult; foreign: boolean; begun: number },
): Promise<ServerReply> {
  const levelled = session.core.level(result, foreign, begun).then(() => answer);
  const aborted = new Promise<ServerReply>((resolve) => {
    session.interrupt = () => resolve(reply(426, 'Transfer aborted.'));
  });
  if (session.aborting) session.interrupt?.();
  try {
    return await Promise.race([levelled, aborted]);
  } finally {
    session.interrupt = undefined;
  }
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
    ...(params.mode === 'E' && {
      blocks: { streams: params.streams, pieces: job.pieces, have: job.have, keep: limits.dataTimeout },
    }),
    rate: 0,
    ...(!job.listing && params.digests[job.direction] && { digest: params.digests[job.direction] }),
    ...(job.expect && { expect: job.expect }),
    timeouts: {
      connect: Math.min(limits.dataTimeout, most),
      handshake: Math.min(limits.handshakeTimeout, most),
      stall: limits.stallTimeout,
      ...(Number.isFinite(most) && { proof: most }),
    },
  };
}

/** Under which terms connections were made; under others they are of no use (MODE E). */
const terms = (session: Session, { tls }: Order): string =>
  // The certificate names the identity; its key needs no second place.
  tls
    ? JSON.stringify([session.account?.name, { ...tls, identity: tls.identity?.cert }])
    : `clear ${session.account?.name}`;

/** Connections that are kept must be those that would be made now. @throws Refusal */
function checkKept(session: Session, pending: PendingEndpoint, made: string | undefined): void {
  if (pending.kept === undefined || pending.kept === made) return;
  discard(session, pending);
  throw new Refusal(425, 'The data connections were made under other terms: send PASV or PORT.');
}

/** The transfer itself, on its way. */
function start(
  session: Session,
  job: Job,
  { pending, order, onOpen }: { pending: PendingEndpoint; order: Order; onOpen: TransferListener['onOpen'] },
): {
  lease: ReturnType<Session['core']['shares']['begin']>;
  transfer: DataTransfer;
  finished: Promise<TransferResult>;
} {
  const lease = session.core.shares.begin(session, job.direction, job.file);
  const transfer = pending.endpoint.transfer(
    { ...order, rate: lease.rate, ...(lease.grant === undefined ? {} : { grant: lease.grant }) },
    { onOpen, onMore: () => void lease.more() },
  );
  lease.attach(transfer);
  session.running = { verb: job.verb, path: job.place.path, direction: job.direction, transfer };
  if (session.aborting) transfer.abort();
  return { lease, transfer, finished: transfer.finished };
}

type Order = TransferOrder<FileOrder, PeerOrder>;

/** 150 once the connection is proven, then the final reply (RFC 959 5.4). */
export async function carry(session: Session, job: Job, say: Say): Promise<ServerReply> {
  const { core } = session;
  const begun = performance.now();
  const { pending, peer } = takeEndpoint(session, job);
  const why = refusedWhy(session, pending, peer);
  if (why !== undefined) return refuse(session, { pending, peer, why, begun });
  const order = orderOf(session, job, pending, peer);
  const made = order.blocks && terms(session, order);
  checkKept(session, pending, made);
  const seconds = markersEvery(session, job);
  let opened = (): void => {};
  const open = seconds > 0 && new Promise<void>((resolve) => (opened = resolve));
  const onOpen = (): void => {
    say(reply(pending.kept === undefined ? 150 : 125, job.opening));
    opened();
  };
  const { lease, transfer, finished } = start(session, job, { pending, order, onOpen });
  try {
    const isOpen = open && (await Promise.race([open.then(() => true), finished.then(() => false)]));
    if (isOpen) await mark(job, { transfer, finished, seconds }, say);
    const result = await finished;
    if (order.blocks) {
      if (spoils(result.failure)) discard(session, pending);
      else pending.kept = made;
    }
    if (!job.listing) session.small = core.data.near.isSmall(result.bytes);
    lease.end(result);
    const stored = storedMarker(job, result);
    if (stored) say(stored);
    return await ended(session, job, { pending, order, result, begun });
  } finally {
    session.running = undefined;
    session.lastUsed = Date.now();
  }
}

/** What OPTS Digest asked for. */
function moved({ digest: algorithm }: Order, { bytes, digest: hex }: TransferResult): string {
  if (!algorithm) return '';
  return ` ${formatMoved({ bytes, ...(hex !== undefined && { digest: { algorithm, hex } }) })}`;
}

/** Tells the log, and gives the final reply. */
async function ended(
  session: Session,
  job: Job,
  {
    pending,
    order,
    result,
    begun,
  }: { pending: PendingEndpoint; order: Order; result: TransferResult; begun: number },
): Promise<ServerReply> {
  const { failure, peer } = result;
  const foreign = pending.foreign || (peer !== undefined && peer.address !== session.link.peerAddress);
  const pinned = order.tls?.pins !== undefined;
  const { kind } = pending.endpoint;
  report(session, job, { pending, result, foreign, security: securityOf(session, order.tls, result) });
  if (!job.listing) session.dcpa.last = { ok: failure === undefined, bytes: result.bytes };
  if (!failure)
    return reply(226, `${job.direction === 'receive' ? 'Stored.' : 'Sent.'}${moved(order, result)}`);
  if (pending.foreign) session.core.foreign.failed(session, result);
  const answer = failureReply(job, failure, { foreign, pinned, endpoint: kind });
  // Who waits for a connection has learned nothing of other hosts, and the client needs to know that a stranger came.
  return alike(session, answer, { result, foreign: foreign && !(pinned && kind === 'passive'), begun });
}
