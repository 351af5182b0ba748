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
import { Refusal, reply, type ServerReply } from '../reply.js';
import type { Session } from '../session.js';
import type { Job } from './job.js';

/** Connections of one transfer. */
const MOST_STREAMS = 16;
/** Seconds between the markers of a receiver in MODE E, where OPTS has not said otherwise. */
const MARKERS = 5;
/** Longest time between two markers that may be asked for, seconds. */
const MOST_SECONDS = 3600;

/** REST in MODE E (GFD.20 4.1): what the receiver has; a number alone is all before it. */
export function restBlocks(session: Session, argument: string): ServerReply {
  const have = parseSpans(argument);
  if (!have) return reply(501, 'REST wants ranges of octets in MODE E: 0-100,300-400.');
  session.params.rest = 0;
  session.params.range = undefined;
  session.params.have = have;
  return reply(350, 'The next transfer fills what is missing.');
}

/** `OPTS RETR Parallelism=4,4,4;Markers=5;` (GFD.20 3.5); the layout of stripes says nothing where there is one. */
export function optsBlocks(session: Session, verb: 'RETR' | 'STOR', options: string): ServerReply {
  const { params } = session;
  let streams = params.streams;
  const markers = { ...params.markers };
  for (const option of options.split(';').filter((each) => each.trim() !== '')) {
    const [, name = '', value = ''] = /^\s*([A-Za-z]+)=(.*)$/.exec(option) ?? [];
    const wanted = name.toLowerCase();
    if (wanted === 'parallelism' && verb === 'RETR') {
      const [start, least] = /^(\d{1,5}),(\d{1,5}),\d{1,5}$/.exec(value)?.slice(1).map(Number) ?? [];
      if (!start || least === undefined) return reply(501, 'Parallelism wants three numbers: 4,4,4.');
      if (least > MOST_STREAMS) return reply(504, `At most ${MOST_STREAMS} connections.`);
      streams = Math.min(start, MOST_STREAMS);
    } else if (wanted === 'markers') {
      const seconds = /^\d{1,5}$/.test(value) ? Number(value) : Number.NaN;
      if (!(seconds <= MOST_SECONDS))
        return reply(501, `Markers wants seconds up to ${MOST_SECONDS}; 0 for none.`);
      markers[verb === 'RETR' ? 'send' : 'receive'] = seconds;
    } else if (verb !== 'RETR' || !/^(stripelayout|blocksize)$/.test(wanted)) {
      return reply(501, 'Unknown option.');
    }
  }
  params.streams = streams;
  params.markers = markers;
  return reply(200, 'Options noted; connections that are there stay as they are.');
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
export async function* keeping(
  session: Session,
  run: () => AsyncGenerator<ServerReply, void, void>,
): AsyncGenerator<ServerReply, void, void> {
  try {
    yield* run();
  } catch (error) {
    if (session.params.mode === 'E') session.dropEndpoint();
    throw error;
  }
}

/** What must hold in MODE E. @throws Refusal */
export function checkBlocks({ params, pending }: Session, job: Job): void {
  if (params.mode !== 'E') return;
  if (params.type === 'A' && !job.listing) throw new Refusal(504, 'MODE E needs TYPE I.');
  if (job.verb === 'APPE') throw new Refusal(504, 'APPE needs MODE S; in MODE E send REST and STOR.');
  const kind = job.direction === 'send' ? 'active' : 'passive';
  if (pending && pending.endpoint.kind !== kind) {
    const how = kind === 'active' ? 'PORT before what it sends' : 'PASV before what it receives';
    throw new Refusal(503, `In MODE E the sender connects: ${how}.`);
  }
}

/** Replies 112 and 111 while a transfer runs. */
export async function* marked(
  { params }: Session,
  job: Job,
  { transfer, finished }: { transfer: DataTransfer; finished: Promise<TransferResult> },
): AsyncGenerator<ServerReply, void, void> {
  const usual = params.mode === 'E' && job.direction === 'receive' ? MARKERS : 0;
  const seconds = params.markers[job.direction] ?? usual;
  if (seconds === 0 || job.listing) return;
  while (!(await within(finished, seconds * 1000))) {
    const { bytes, spans = [] } = await transfer.progress();
    yield reply(112, formatPerfMarker({ time: Date.now(), bytes }));
    if (spans.length > 0) yield reply(111, formatRangeMarker(spans));
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

/** After a transfer that failed and left a part: what of it is stored, for REST. */
export const storedMarker = ({ failure, remains, spans }: TransferResult): ServerReply | undefined =>
  failure && remains === 'part' && spans && spans.length > 0
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
