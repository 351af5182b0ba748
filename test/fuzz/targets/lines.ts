/** The command line reader, cut at every place, and what a reply makes of the same octets. */
import { CommandDecoder, type CommandLine } from '../../../src/protocol/command-lines.js';
import { ReplyDecoder } from '../../../src/protocol/replies.js';
import { formatReply, quotePath } from '../../../src/protocol/reply-lines.js';
import { decodeText, encodeText } from '../../../src/protocol/text.js';
import { checkReply, isRefusal } from '../harness/control.js';

interface Read {
  lines: CommandLine[];
  overlong: boolean;
  pending: number;
  /** Telnet options refused, in hexadecimal. */
  refused: string;
}

function read(chunks: Iterable<Uint8Array>, limit: number): Read {
  const decoder = new CommandDecoder(limit);
  const lines: CommandLine[] = [];
  let refused = '';
  for (const chunk of chunks) {
    lines.push(...decoder.push(chunk));
    const refusals = decoder.takeRefusals();
    if (refusals && !isRefusal(refusals))
      throw new Error(`no refusal: ${Buffer.from(refusals).toString('hex')}`);
    refused += Buffer.from(refusals ?? []).toString('hex');
    if (decoder.pending > limit + 1) throw new Error(`${decoder.pending} octets held, the limit is ${limit}`);
  }
  // Behind a line that is too long nothing matters any more.
  const { overlong, pending } = decoder;
  return { lines, overlong, pending, refused: overlong ? '' : refused };
}

/** All cuts of short inputs, some of long ones. */
function* cuts(octets: Buffer): Generator<Buffer[]> {
  yield Array.from(octets, (_, at) => octets.subarray(at, at + 1));
  const step = Math.max(1, Math.floor(octets.length / 48));
  for (let at = 1; at < octets.length; at += step) yield [octets.subarray(0, at), octets.subarray(at)];
}

const VERB = /^[A-Z][A-Z0-9]{0,15}$/;

function checkLine({ verb, argument, fault }: CommandLine, limit: number): void {
  const shown = JSON.stringify({ verb, argument, fault });
  if (verb === '' ? fault === undefined : !VERB.test(verb)) throw new Error(`no verb: ${shown}`);
  if (argument === undefined) return;
  if (/[\x00-\x1f\x7f]/.test(argument)) throw new Error(`a control character came through: ${shown}`);
  if (encodeText(argument).length > limit) throw new Error(`an argument over the limit: ${shown}`);
}

/** Whatever a reply is made of, it is one reply, and its text can be read again. */
function checkReplies(octets: Buffer, lines: readonly CommandLine[]): void {
  const texts = [
    decodeText(octets),
    ...lines.flatMap(({ argument }) => (argument ? [quotePath(argument)] : [])),
  ];
  for (const charset of ['utf8', 'latin1'] as const) {
    for (const text of [texts[0]!, texts]) {
      const formatted = formatReply(257, text, { charset, indent: charset === 'latin1' });
      checkReply(formatted);
      const [reply, ...more] = new ReplyDecoder({ limits: { line: 1 << 20 } }).push(formatted);
      const count = typeof text === 'string' ? 1 : text.length;
      if (reply?.code !== 257 || more.length > 0 || reply.lines.length !== count) {
        throw new Error(`${count} lines became ${JSON.stringify(reply)}`);
      }
    }
  }
}

export async function fuzz(octets: Buffer): Promise<void> {
  for (const limit of [4096, 20]) {
    const whole = read([octets], limit);
    for (const line of whole.lines) checkLine(line, limit);
    const expected = JSON.stringify(whole);
    for (const chunks of cuts(octets)) {
      const got = JSON.stringify(read(chunks, limit));
      if (got !== expected) throw new Error(`cut after ${chunks[0]?.length}: ${got}, whole: ${expected}`);
    }
    if (limit === 4096) checkReplies(octets, whole.lines);
  }
}
