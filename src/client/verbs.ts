import { type Algorithm, type DigestCommand, digestArgument, parseDigest } from '../protocol/digests.js';
import { FtpError } from '../protocol/errors.js';
import { dirName } from '../protocol/paths.js';
import type { Reply } from '../protocol/replies.js';
import { formatTime, parseMdtm, parseSize } from '../protocol/times.js';
import { type Connection, noteMissing } from './connection.js';
import { inTurn } from './turns.js';

const isMissing = (reply: Reply): boolean => reply.code === 500 || reply.code === 502 || reply.code === 504;

/** SIZE in TYPE I (RFC 3659 4): octets; undefined when there is no such file or the server cannot tell. */
export async function size(connection: Connection, path: string): Promise<number | undefined> {
  const { session, facts } = connection;
  if (facts.missing.has('SIZE')) return undefined;
  const reply = await session.request('SIZE', path);
  if (isMissing(reply)) facts.missing.add('SIZE');
  return parseSize(reply);
}

/** MDTM (RFC 3659 3): milliseconds since 1970 UTC; undefined when the server cannot tell. */
export async function modified(connection: Connection, path: string): Promise<number | undefined> {
  const { session, facts } = connection;
  if (facts.missing.has('MDTM')) return undefined;
  const reply = await session.request('MDTM', path);
  if (isMissing(reply)) facts.missing.add('MDTM');
  return parseMdtm(reply);
}

/** DELE. @throws FtpError `refused`. */
export async function removeFile({ session }: Connection, path: string): Promise<void> {
  await session.command('DELE', path);
}

/** RMD. @throws FtpError `refused`, also when it is not empty. */
export async function removeDirectory({ session }: Connection, path: string): Promise<void> {
  await session.command('RMD', path);
}

/**
 * RNFR and RNTO (RFC 959 4.1.3), queued together so that nothing comes between them: some servers forget RNFR at any
 * other command, and RNTO after a refused RNFR is a harmless 503. Whether an existing target is replaced is the server's choice.
 */
export async function rename({ session }: Connection, from: string, to: string): Promise<void> {
  const [ready, done] = await Promise.all([session.request('RNFR', from), session.request('RNTO', to)]);
  if (ready.code >= 400) throw session.refusal(`RNFR ${from}`, ready);
  if (done.code >= 400) throw session.refusal(`RNTO ${to}`, done);
}

/** True when the path can be changed into; the working directory is put back. */
export async function isDirectory({ session, facts }: Connection, path: string): Promise<boolean> {
  return inTurn(session, async () => {
    const [there, back] = await Promise.all([
      session.request('CWD', path),
      session.request('CWD', facts.home),
    ]);
    if (there.code >= 300) return false;
    if (back.code >= 400) throw session.refusal(`CWD ${facts.home}`, back);
    return true;
  });
}

/**
 * MKD; an existing directory is no error. With `parents` missing ancestors are made first.
 *
 * @returns true when it was made, false when it was there.
 * @throws FtpError `refused` when it is neither made nor there.
 */
export async function makeDirectory(connection: Connection, path: string, parents = false): Promise<boolean> {
  const { session } = connection;
  const reply = await session.request('MKD', path);
  if (reply.code < 400) return true;
  if (await isDirectory(connection, path)) return false;
  const above = dirName(path);
  if (parents && above !== '' && above !== '/' && above !== path) {
    await makeDirectory(connection, above, true);
    const again = await session.request('MKD', path);
    if (again.code < 400) return true;
    throw session.refusal(`MKD ${path}`, again);
  }
  throw session.refusal(`MKD ${path}`, reply);
}

/** A way to set a modification time; the first that the server has is taken. */
const TIME_SETTERS: readonly {
  verb: string;
  feature: string;
  argument: (stamp: string, path: string) => string;
}[] = [
  { verb: 'MFMT', feature: 'MFMT', argument: (stamp, path) => `${stamp} ${path}` },
  { verb: 'MFF', feature: 'MFF', argument: (stamp, path) => `modify=${stamp}; ${path}` },
  { verb: 'SITE', feature: 'SITE UTIME', argument: (stamp, path) => `UTIME ${stamp} ${path}` },
  {
    verb: 'SITE',
    feature: 'SITE UTIME5',
    argument: (stamp, path) => `UTIME ${path} ${stamp} ${stamp} ${stamp} UTC`,
  },
  { verb: 'MDTM', feature: 'MDTM set', argument: (stamp, path) => `${stamp} ${path}` },
];

/**
 * Set the modification time: MFMT, MFF (draft-somers-ftp-mfxx), SITE UTIME in both forms, MDTM with a time. What the
 * server does not have is asked once only.
 *
 * @param at milliseconds since 1970 UTC, cut to seconds.
 * @returns false when the server has no way to do it.
 */
export async function setModified(connection: Connection, path: string, at: number): Promise<boolean> {
  const { session, facts } = connection;
  for (const setter of TIME_SETTERS) {
    if (facts.missing.has(setter.feature) || !worthTrying(connection, setter.feature)) continue;
    const reply = await session.request(setter.verb, setter.argument(formatTime(at), path));
    // 213 to MDTM may also be the old time: then a file with the time in its name exists.
    if (
      reply.code < 300 &&
      (setter.verb !== 'MDTM' || (await modified(connection, path)) === at - (at % 1000))
    )
      return true;
    if (reply.code >= 500 || setter.verb === 'MDTM') facts.missing.add(setter.feature);
  }
  return false;
}

function worthTrying({ facts }: Connection, feature: string): boolean {
  if (feature === 'MFMT' || feature === 'MFF') return facts.features.has(feature);
  return !facts.features.has('MFMT') && !facts.features.has('MFF');
}

/** SITE CHMOD. @returns false when the server does not have it. */
export async function changeMode(
  { session, facts }: Connection,
  path: string,
  mode: number,
): Promise<boolean> {
  if (facts.missing.has('SITE CHMOD')) return false;
  const reply = await session.request(
    'SITE',
    `CHMOD ${(mode & 0o7777).toString(8).padStart(3, '0')} ${path}`,
  );
  if (isMissing(reply)) facts.missing.add('SITE CHMOD');
  return reply.code < 300;
}

const selectedHash = new WeakMap<object, Algorithm>();

/**
 * Digest of a file, or of its octets `start` to `end` (exclusive), in lower-case hex.
 *
 * @param expected size in octets of what is read: the deadline grows with it (16 MiB/s at least).
 * @throws FtpError `refused`; `malformed` when the reply holds no digest.
 */
export async function digest(
  connection: Connection,
  path: string,
  command: DigestCommand,
  options: { range?: { start: number; end: number }; expected?: number } = {},
): Promise<string> {
  const { session, facts } = connection;
  const timeout = session.commandTimeout + (options.expected ?? 0) / (16 * 1024);
  if (command.verb === 'HASH' && selectedHash.get(session) !== command.algorithm) {
    await session.command('OPTS', `HASH ${command.algorithm}`);
    selectedHash.set(session, command.algorithm);
  }
  try {
    const reply = await session.command(command.verb, digestArgument(command, path, options.range), {
      timeout,
    });
    const hex = parseDigest(reply, command.algorithm, path);
    if (hex !== undefined) return hex;
    throw session.refusal(`${command.verb} ${path}`, reply, 'The reply holds no digest.');
  } catch (error) {
    if (error instanceof FtpError && noteMissing(facts, command.verb, error)) {
      facts.digests = facts.digests.filter((other) => other.verb !== command.verb);
    }
    throw error;
  }
}
