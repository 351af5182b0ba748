import { ALGORITHMS } from '../../protocol/digests.js';
import { Refusal, reply, type ServerReply } from '../reply.js';
import type { Session } from '../session.js';

/** Connections of one transfer. */
const MOST_STREAMS = 16;
/** Longest time between two markers that may be asked for, seconds. */
const MOST_SECONDS = 3600;

type Options = Pick<Session['params'], 'streams' | 'markers' | 'digests'>;

/** `Parallelism=4,4,4`: connections to begin with, the fewest and the most. */
function parallelism(value: string): Partial<Options> {
  const [start, least] = /^(\d{1,5}),(\d{1,5}),\d{1,5}$/.exec(value)?.slice(1).map(Number) ?? [];
  if (!start || least === undefined) throw new Refusal(501, 'Parallelism wants three numbers: 4,4,4.');
  if (least > MOST_STREAMS) throw new Refusal(504, `At most ${MOST_STREAMS} connections.`);
  return { streams: Math.min(start, MOST_STREAMS) };
}

function markers(value: string): number {
  const seconds = /^\d{1,5}$/.test(value) ? Number(value) : Number.NaN;
  if (!(seconds <= MOST_SECONDS))
    throw new Refusal(501, `Markers wants seconds up to ${MOST_SECONDS}; 0 for none.`);
  return seconds;
}

/** One option. @throws Refusal */
function change(options: Options, verb: 'RETR' | 'STOR', option: string): Partial<Options> {
  const [, name = '', value = ''] = /^\s*([A-Za-z]+)=(.*)$/.exec(option) ?? [];
  const direction = verb === 'RETR' ? 'send' : 'receive';
  const wanted = name.toLowerCase();
  if (wanted === 'parallelism' && verb === 'RETR') return parallelism(value);
  if (wanted === 'markers') return { markers: { ...options.markers, [direction]: markers(value) } };
  if (wanted === 'digest') {
    const algorithm = ALGORITHMS.find((one) => one === value.toUpperCase());
    if (!algorithm && value !== '') throw new Refusal(504, `Digest wants one of ${ALGORITHMS.join(', ')}.`);
    return { digests: { ...options.digests, [direction]: algorithm } };
  }
  if (verb === 'RETR' && /^(stripelayout|blocksize)$/.test(wanted)) return {};
  throw new Refusal(501, 'Unknown option.');
}

/**
 * `OPTS RETR Parallelism=4,4,4;Markers=5;Digest=SHA-256;` (GFD.20 3.5); the layout of stripes says nothing where there is one. With
 * a fault in one of them nothing changes.
 *
 * @throws Refusal
 */
export function optsTransfer({ params }: Session, verb: 'RETR' | 'STOR', options: string): ServerReply {
  let changed: Options = params;
  for (const option of options.split(';')) {
    if (option.trim() !== '') changed = { ...changed, ...change(changed, verb, option) };
  }
  const { streams, markers, digests } = changed;
  Object.assign(params, { streams, markers, digests });
  return reply(200, 'Options noted; connections that are there stay as they are.');
}
