/** Parsers of single values: addresses, ranges, times, numbers, paths, options. The first octet says which. */

import {
  familyOf,
  formatEprt,
  formatPort,
  type HostPort,
  octetsOf,
  parseEprt,
  parsePort,
  plainAddress,
  scopeOf,
} from '../../../src/protocol/addresses.js';
import { FtpError } from '../../../src/protocol/errors.js';
import { inRange, octetsInRange, parseRange, rangeOf } from '../../../src/protocol/ranges.js';
import { decodeText, encodeText } from '../../../src/protocol/text.js';
import { formatTime, parseTime } from '../../../src/protocol/times.js';
import { judgeDataPeer } from '../../../src/server/judge.js';
import { Refusal } from '../../../src/server/reply.js';
import { FXP } from '../../../src/server/settings.js';
import { readRate, readSize, readTime } from '../../../src/server/toml/units.js';
import { normalPath } from '../../../src/server/tree.js';
import { quotedRange } from '../../../src/server/verbs/digest.js';
import { splitListOptions } from '../../../src/server/verbs/listing.js';

const hold = (condition: boolean, what: string): void => {
  if (!condition) throw new Error(what);
};

/** The value, or undefined where the input was refused as it should be. */
function refusable<T>(work: () => T): T | undefined {
  try {
    return work();
  } catch (error) {
    if (error instanceof FtpError || error instanceof Refusal) return undefined;
    throw error;
  }
}

/** An address that was taken is judged, and what the judge allows in its strictest mode is the client itself. */
function judged({ host, port }: HostPort): void {
  hold(familyOf(host) !== 0 && octetsOf(host) !== undefined, `${host} is no address`);
  hold(Number.isInteger(port) && port >= 0 && port <= 65_535, `${port} is no port`);
  const control = '198.51.100.4';
  for (const mode of ['off', 'verified', 'listed', 'open'] as const) {
    const policy = { ...FXP, mode, requireTls: false, peers: [parseRange('192.0.2.0/24')] };
    const verdict = judgeDataPeer({ control, policy, protected: true, pinned: false }, host, port);
    if (!verdict.allow) continue;
    hold(port >= 1024, `port ${port} was allowed`);
    const isClient = plainAddress(host) === control;
    const isListed = inRange(host, parseRange('192.0.2.0/24'));
    if (mode === 'off' || mode === 'verified') hold(isClient, `${mode} allowed ${host}`);
    if (mode === 'listed') hold(isClient || isListed, `listed allowed ${host}`);
    if (mode === 'open')
      hold(isClient || isListed || ['public', 'private'].includes(scopeOf(host)), `open allowed ${host}`);
  }
}

const PARSERS: readonly ((text: string, octets: Buffer) => void)[] = [
  (text) => {
    const named = refusable(() => parsePort(text));
    if (!named) return;
    judged(named);
    hold(formatPort(parsePort(formatPort(named))) === formatPort(named), 'PORT does not come back');
  },
  (text) => {
    const named = refusable(() => parseEprt(text));
    if (!named) return;
    judged(named);
    hold(parseEprt(formatEprt(named)).port === named.port, 'EPRT does not come back');
  },
  (text) => {
    const range = refusable(() => parseRange(text));
    if (!range) return;
    hold(octetsInRange(range.octets, range), `${text} is not in itself`);
    const again = parseRange(rangeOf(range.octets, range.bits).text);
    hold(
      again.bits === range.bits && again.octets.join() === range.octets.join(),
      `${text} is not ${again.text}`,
    );
  },
  (text) => {
    const at = parseTime(text);
    if (at === undefined) return;
    hold(Number.isFinite(at), `${text} is ${at}`);
    hold(
      parseTime(formatTime(at)) === Math.floor(at / 1000) * 1000 || parseTime(formatTime(at)) === at,
      'a time',
    );
  },
  (text) => {
    const path = normalPath('/home', text);
    hold(path.startsWith('/'), `${path} is not absolute`);
    hold(path === '/' || !path.endsWith('/'), `${path} ends with a slash`);
    hold(!path.split('/').some((part) => part === '..' || part === '.'), `${path} climbs`);
    hold(normalPath('/elsewhere', path) === path, `${path} is not normal`);
  },
  (text) => {
    const found = refusable(() => quotedRange(text));
    if (!found) return;
    const { start, end } = found.range;
    hold(Number.isSafeInteger(start) && start >= 0, `starts at ${start}`);
    hold(end === undefined || (Number.isSafeInteger(end) && end >= start), `ends at ${end}`);
  },
  (text) => {
    const options = refusable(() => splitListOptions(text));
    if (options) hold(text.endsWith(options.path), 'the path of LIST');
  },
  (text) => {
    for (const value of [readSize(text), readRate(text), readTime(text)]) {
      hold(value === undefined || (Number.isSafeInteger(value) && value >= 0), `${text} is ${value}`);
    }
  },
  (_text, octets) => {
    for (const charset of ['utf8', 'latin1'] as const) {
      hold(encodeText(decodeText(octets, charset), charset).equals(octets), `${charset} does not come back`);
    }
  },
];

export async function fuzz(octets: Buffer): Promise<void> {
  const rest = octets.subarray(1);
  PARSERS[(octets[0] ?? 0) % PARSERS.length]!(decodeText(rest), rest);
}
