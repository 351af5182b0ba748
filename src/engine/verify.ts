import type { Connection } from '../client/connection.js';
import { stat } from '../client/list.js';
import { digest, size } from '../client/verbs.js';
import { type Algorithm, commonDigest, type DigestCommand } from '../protocol/digests.js';
import { FtpError, toFtpError } from '../protocol/errors.js';
import type { Proof } from './events.js';
import type { VerifyPolicy } from './options.js';

/** A file at a server, and the session to ask there. */
export interface Located {
  connection: Connection;
  path: string;
}

export interface Verified {
  proof: Proof;
  algorithm?: string;
}

/** How an arrived file differs. `short`: fewer octets than sent; `altered`: same size, other content. */
export class Mismatch extends FtpError {
  readonly how: 'short' | 'long' | 'altered' | 'source-changed';
  readonly have: number | undefined;

  constructor(how: Mismatch['how'], message: string, have?: number) {
    super('verify', message, { retry: 'later', phase: 'verify' });
    this.how = how;
    this.have = have;
  }
}

/** The digest to compare by, as the policy wants it. @throws FtpError when the policy insists and there is none. */
export function chooseDigest(
  source: readonly DigestCommand[],
  destination: readonly DigestCommand[],
  policy: VerifyPolicy,
  names: [string, string],
): ReturnType<typeof commonDigest> {
  if (policy === 'size' || policy === 'none') return undefined;
  const common = commonDigest(source, destination);
  if (!common && policy === 'digest') {
    throw new FtpError(
      'policy',
      `${names[0]} and ${names[1]} have no digest in common, and --verify digest was asked for`,
      {
        retry: 'never',
        advice: 'Use --verify auto (size always, digest where possible).',
      },
    );
  }
  return common;
}

/**
 * Compare what arrived with what was sent: sizes in TYPE I on both sides now (a source that changed meanwhile is found),
 * then digests where both have a common one. All questions leave at once. Sizes are not asked where the same digest tells
 * as much: the source announced as many octets as were listed, so that the same content has the same size.
 *
 * @param expected octets the source had when it was listed.
 * @param announced octets it said that it would send, where it did.
 * @throws Mismatch; FtpError when `digest` is asked for and a server refuses.
 */
export async function verifyPair(
  source: Located,
  destination: Located,
  expected: number | undefined,
  policy: VerifyPolicy,
  announced?: number,
): Promise<Verified> {
  if (policy === 'none') return { proof: 'none' };
  const names: [string, string] = [source.connection.session.name, destination.connection.session.name];
  const common = chooseDigest(
    source.connection.facts.digests,
    destination.connection.facts.digests,
    policy,
    names,
  );
  const known = expected !== undefined && announced === expected;
  const askSizes = () => Promise.all([sizeOf(source), sizeOf(destination)]);
  const sizes = common && known ? undefined : askSizes();
  const digests = common
    ? Promise.allSettled([ask(source, common.a, expected), ask(destination, common.b, expected)])
    : undefined;
  if (common && digests && sizes === undefined && agreed(await digests))
    return { proof: 'digest', algorithm: common.algorithm };
  // What differs, or was refused, is explained by the sizes first.
  const [sent, arrived] = await (sizes ?? askSizes());
  const compared = await digests;
  const tells = !destination.connection.facts.missing.has('SIZE');
  const from = { site: names[0], path: source.path };
  const to = { site: names[1], path: destination.path };
  compareSizes(from, to, { expected, sent, arrived, tells });
  if (common && compared) {
    const verdict = compareDigests(to, common.algorithm, compared, policy);
    if (verdict) return verdict;
  }
  return { proof: sent === undefined || arrived === undefined ? 'none' : 'size' };
}

/** Digests are compared under this policy, where there are any. */
export const wantsDigest = (policy: VerifyPolicy): policy is 'auto' | 'digest' =>
  policy === 'auto' || policy === 'digest';

const agreed = ([a, b]: readonly PromiseSettledResult<string>[]): boolean =>
  a?.status === 'fulfilled' && b?.status === 'fulfilled' && a.value === b.value;

const ask = (
  { connection, path }: Located,
  command: DigestCommand,
  expected: number | undefined,
): Promise<string> => digest(connection, path, command, { expected: expected ?? 0 });

/** SIZE, or the listing where a server has no SIZE. */
async function sizeOf({ connection, path }: Located): Promise<number | undefined> {
  const octets = await size(connection, path);
  if (octets !== undefined || !connection.facts.missing.has('SIZE')) return octets;
  const entry = await stat(connection, path);
  return entry?.sizeExact === false ? undefined : entry?.size;
}

/** A file by the names that a message tells. */
export interface Named {
  site: string;
  path: string;
}

/** Octets as listed before (`expected`) and as told after the transfer by source and destination; undefined = not told. */
export interface Sizes {
  expected: number | undefined;
  sent: number | undefined;
  arrived: number | undefined;
  /** The destination can tell sizes: where it tells none, there is no such file. */
  tells: boolean;
}

/** @throws Mismatch `source-changed`, `short` or `long`. */
export function compareSizes(source: Named, destination: Named, sizes: Sizes): void {
  const { expected, sent, arrived, tells } = sizes;
  const to = destination.site;
  const from = source.site;
  if (expected !== undefined && sent !== undefined && sent !== expected) {
    throw new Mismatch(
      'source-changed',
      `${source.path} changed at ${from} while it was copied (${expected} octets before, ${sent} now)`,
    );
  }
  const want = sent ?? expected;
  if (arrived === undefined && tells) {
    throw new Mismatch('short', `${to} reported success, but there is no ${destination.path}`, 0);
  }
  if (want === undefined || arrived === undefined || want === arrived) return;
  const how = arrived < want ? 'short' : 'long';
  throw new Mismatch(
    how,
    `${destination.path} arrived at ${to} with ${arrived} octets of ${want} although both servers reported success`,
    arrived,
  );
}

/**
 * Digests of source and destination, or why there are none.
 *
 * @returns undefined where a refusal leaves only the size as proof.
 * @throws Mismatch `altered`; the refusal where the policy is `digest`; anything that is no refusal.
 */
export function compareDigests(
  destination: Named,
  algorithm: Algorithm,
  [a, b]: readonly [PromiseSettledResult<string>, PromiseSettledResult<string>],
  policy: VerifyPolicy,
): Verified | undefined {
  if (a.status === 'fulfilled' && b.status === 'fulfilled') {
    if (a.value === b.value) return { proof: 'digest', algorithm };
    throw new Mismatch(
      'altered',
      `${destination.path} arrived altered at ${destination.site}: ${algorithm} ${b.value}, source ${a.value}`,
    );
  }
  const failure = toFtpError(
    a.status === 'rejected' ? a.reason : b.status === 'rejected' ? b.reason : undefined,
  );
  // A refusal (busy, too large, no right) leaves the size as proof; a dead session does not.
  if (policy === 'digest' || failure.kind !== 'refused') throw failure;
  return undefined;
}

/**
 * True when the first `length` octets of both files have the same digest, false when they differ, undefined when ranges
 * cannot be hashed on both sides. A server that ignores ranges would give the digest of the whole: `length` must be
 * less than the source's size for the comparison to mean anything.
 */
export async function samePrefix(
  source: Located,
  destination: Located,
  length: number,
): Promise<boolean | undefined> {
  const ranged = (commands: readonly DigestCommand[]): DigestCommand[] =>
    commands.filter((command) => command.quoted);
  const common = commonDigest(
    ranged(source.connection.facts.digests),
    ranged(destination.connection.facts.digests),
  );
  if (!common) return undefined;
  const range = { start: 0, end: length };
  try {
    const [a, b] = await Promise.all([
      digest(source.connection, source.path, common.a, { range, expected: length }),
      digest(destination.connection, destination.path, common.b, { expected: length }),
    ]);
    return a === b;
  } catch (error) {
    if (toFtpError(error).kind === 'refused') return undefined;
    throw error;
  }
}
