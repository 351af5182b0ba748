import type { DataTransfer, TransferResult } from '../../net/plane/types.js';
import { formatPort } from '../../protocol/addresses.js';
import {
  formatPerfMarker,
  formatRangeMarker,
  missingSpans,
  parseSpans,
  type Span,
} from '../../protocol/markers.js';
import type { FileOrder } from '../data/types.js';
import { NO_CONNECTION } from '../failures.js';
import { Refusal, reply, type Say, type ServerReply } from '../reply.js';
import type { Session } from '../session.js';
import type { Job } from './job.js';

/** Seconds between the markers of a receiver in MODE E, where OPTS has not said otherwise. */
const MARKERS = 5;

/** REST in MODE E (GFD.20 4.1): what the receiver has; a number alone is all before it. */
export function restBlocks(session: Session, argument: string): ServerReply {
  const have = parseSpans(argument);
  if (!have) return reply(501, 'REST wants ranges of octets in MODE E: 0-100,300-400.');
  session.params.rest = 0;
  session.params.range = undefined;
  session.params.have = have;
  return reply(350, 'The next transfer fills what is missing.');
}

/** What REST in MODE E said, which is for one transfer. */
export function takeHave({ params }: Session): readonly Span[] | undefined {
  const { have } = params;
  params.have = undefined;
  return have && have.length > 0 ? have : undefined;
}

/** The parts of a file that are sent, for a receiver that has some. */
export const piecesOf = (
  file: Extract<FileOrder, { what: 'content' }>,
  have: readonly Span[],
): NonNullable<Job['pieces']> =>
  missingSpans(have).map(({ start, end }) => ({ file: { ...file, range: { start, end } }, offset: start }));

/**
 * A refused transfer ends the kept connections: the other server may send that file all the same, and it must not be taken for the
 * next one.
 */
export async function keeping(session: Session, run: () => Promise<ServerReply>): Promise<ServerReply> {
  try {
    return await run();
  } catch (error) {
    if (session.params.mode === 'E') session.dropEndpoint();
    throw error;
  }
}

/** What must hold in MODE E. @throws Refusal */
export function checkBlocks({ params, pending }: Session, job: Job): void {
  if (params.mode !== 'E') return;
  if (params.type === 'A' && !job.listing) throw new Refusal(504, 'MODE E needs TYPE I.');
  const kind = job.direction === 'send' ? 'active' : 'passive';
  if (pending && pending.endpoint.kind !== kind) {
    const how = kind === 'active' ? 'PORT before what it sends' : 'PASV before what it receives';
    throw new Refusal(503, `In MODE E the sender connects: ${how}.`);
  }
}

/** Seconds between the markers of a transfer; 0 = none. */
export function markersEvery({ params }: Session, { direction, listing }: Job): number {
  const usual = params.mode === 'E' && direction === 'receive' ? MARKERS : 0;
  return listing ? 0 : (params.markers[direction] ?? usual);
}

/** Tells replies 112 and 111 every so many seconds until the transfer ends. */
export async function mark(
  job: Job,
  {
    transfer,
    finished,
    seconds,
  }: { transfer: DataTransfer; finished: Promise<TransferResult>; seconds: number },
  say: Say,
): Promise<void> {
  while (!(await within(finished, seconds * 1000))) {
    const { bytes, spans = [] } = await transfer.progress();
    say(reply(112, formatPerfMarker({ time: Date.now(), bytes })));
    if (spans.length > 0 && isRanged(job)) say(reply(111, formatRangeMarker(spans)));
  }
}

async function within(finished: Promise<unknown>, milliseconds: number): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<boolean>((resolve) => {
    timer = setTimeout(() => resolve(false), milliseconds);
  });
  try {
    return await Promise.race([finished.then(() => true), late]);
  } finally {
    clearTimeout(timer);
  }
}

/** Do ranges of what came say where REST can go on? Not behind the end of a file, at an offset, or under a name that goes. */
const isRanged = ({ file }: Job): boolean => {
  if (file.what !== 'upload' || file.how.temporary === 'always') return false;
  return file.how.mode === 'replace' || file.how.mode === 'resume' || file.how.mode === 'fill';
};

/** After a transfer that failed and left a part: what of it is stored, for REST. Octets that differ are not worth keeping. */
export const storedMarker = (
  job: Job,
  { failure, remains, spans }: TransferResult,
): ServerReply | undefined =>
  failure && isRanged(job) && failure.stage !== 'differs' && remains === 'part' && spans && spans.length > 0
    ? reply(111, formatRangeMarker(spans))
    : undefined;

/** SPAS: one stripe, so one address (GFD.20 3.1). */
export async function spas(
  session: Session,
  listen: (session: Session) => Promise<{ port: number } | undefined>,
): Promise<ServerReply> {
  const told = session.core.settings.passive.address ?? session.link.localAddress;
  if (told.includes(':')) return reply(522, 'This connection is IPv6: use EPSV (2).');
  const at = await listen(session);
  if (!at) return NO_CONNECTION;
  return reply(229, [
    'Entering Striped Passive Mode',
    ` ${formatPort({ host: told, port: at.port })}`,
    'End.',
  ]);
}

/** `P <offset> <octets> <path>` of ERET (GFD.20 3.2). */
export function parseEret(argument: string): { start: number; end: number; path: string } {
  const [, from, count, path = ''] = /^P (\d{1,16}) (\d{1,16}) (.+)$/is.exec(argument) ?? [];
  const start = Number(from ?? Number.NaN);
  const end = start + Number(count ?? Number.NaN);
  if (!Number.isSafeInteger(start) || !Number.isSafeInteger(end)) {
    throw new Refusal(501, 'ERET P wants an offset, a number of octets and a path.');
  }
  return { start, end, path };
}
