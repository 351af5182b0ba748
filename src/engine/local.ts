import { createHash } from 'node:crypto';
import { createReadStream, promises as fs } from 'node:fs';
import zlib from 'node:zlib';
import type { Connection } from '../client/connection.js';
import { retrieve, store } from '../client/transfer.js';
import { digest, size } from '../client/verbs.js';
import { ALGORITHMS, type Algorithm } from '../protocol/digests.js';
import { FtpError, toFtpError } from '../protocol/errors.js';
import { arrivalPath, commit, discard, exactTime, resumePoint } from './commit.js';
import type { Proof } from './events.js';
import type { FileJob, FileResult, Sent } from './job.js';
import type { Lane } from './lane.js';
import { streamOptions } from './progress.js';
import { checkFloor, legSecurity } from './relay.js';
import type { Run } from './run.js';
import { LOCAL_TARGET, localError, localPath } from './tree.js';
import { Mismatch } from './verify.js';

const NODE_NAMES: Partial<Record<Algorithm, string>> = {
  'SHA-256': 'sha256',
  'SHA-512': 'sha512',
  'SHA-1': 'sha1',
  MD5: 'md5',
};

/** Digest of a local file, lower-case hex. */
export async function localDigest(path: string, algorithm: Algorithm): Promise<string> {
  const stream = createReadStream(localPath(path), { highWaterMark: 1024 * 1024 });
  const name = NODE_NAMES[algorithm];
  if (name !== undefined) {
    const hash = createHash(name);
    for await (const chunk of stream) hash.update(chunk as Buffer);
    return hash.digest('hex');
  }
  let crc = 0;
  for await (const chunk of stream) crc = zlib.crc32(chunk as Buffer, crc);
  return crc.toString(16).padStart(8, '0');
}

/** Compare a local file with one at a server: size, then the strongest digest that the server offers. */
async function verifyLocal(
  run: Run,
  local: string,
  connection: Connection,
  remote: string,
): Promise<{ proof: Proof; algorithm?: string }> {
  const policy = run.settings.verify;
  if (policy === 'none') return { proof: 'none' };
  const here = (await fs.stat(localPath(local))).size;
  const there = await size(connection, remote);
  const name = connection.session.name;
  if (there !== undefined && there !== here) {
    throw new Mismatch(
      there > here ? 'long' : 'short',
      `${remote} has ${there} octets at ${name}, ${local} has ${here}`,
      there,
    );
  }
  const command = ALGORITHMS.map((algorithm) =>
    connection.facts.digests.find((each) => each.algorithm === algorithm),
  ).find(Boolean);
  if (policy === 'size' || !command) {
    if (policy === 'digest')
      throw new FtpError('policy', `${name} offers no digest, and --verify digest was asked for`, {
        advice: 'Use --verify auto.',
      });
    return { proof: there === undefined ? 'none' : 'size' };
  }
  try {
    const [mine, theirs] = await Promise.all([
      localDigest(local, command.algorithm),
      digest(connection, remote, command, { expected: here }),
    ]);
    if (mine === theirs) return { proof: 'digest', algorithm: command.algorithm };
    throw new Mismatch(
      'altered',
      `${remote} at ${name} differs from ${local}: ${command.algorithm} ${theirs}, here ${mine}`,
    );
  } catch (error) {
    const failure = toFtpError(error);
    if (policy === 'digest' || failure.kind !== 'refused') throw failure;
    return { proof: there === undefined ? 'none' : 'size' };
  }
}

const LOCAL_ROUTE = { kind: 'local' } as const;

/** This machine -> server. */
export async function sendUpload(run: Run, lane: Lane, job: FileJob): Promise<Sent> {
  await lane.connect();
  const destination = lane.connection('destination');
  const security = legSecurity(destination);
  checkFloor(security, run.settings.security, `the upload to ${run.names.destination}`);
  const offset = await resumePoint(run, destination, job, destination.facts.digests);
  const path = arrivalPath(run, job);
  job.partial = 'unknown';
  if (offset === 0 || offset !== job.size) {
    const file = await fs.open(localPath(job.source)).catch((error: unknown) => {
      throw localError(error, job.source);
    });
    const source = file.createReadStream({ start: offset, highWaterMark: 1024 * 1024 });
    await store(destination, path, source, streamOptions(run, lane, job, offset))
      .catch((error: unknown) => forgo(error, job, () => discard(destination, path)))
      .finally(() => source.destroy());
  }
  return {
    async finish(): Promise<FileResult> {
      const verified = await verifyLocal(run, job.source, destination, path).catch(async (error: unknown) => {
        if (error instanceof Mismatch) await discard(destination, path);
        throw error;
      });
      await commit(run, destination, job, job.modified);
      return { bytes: (job.size ?? 0) - offset, route: LOCAL_ROUTE, security, ...verified };
    },
  };
}

/** Server -> this machine: into a temporary file, synced, then renamed over the target. */
export async function sendDownload(run: Run, lane: Lane, job: FileJob): Promise<Sent> {
  await lane.connect();
  const source = lane.connection('source');
  const security = legSecurity(source);
  checkFloor(security, run.settings.security, `the download from ${run.names.source}`);
  const path = arrivalPath(run, job);
  const offset = await localOffset(path, job);
  job.partial = 'unknown';
  if (offset === 0 || offset !== job.size) {
    await receive(run, lane, job, path, offset).catch((error: unknown) =>
      forgo(error, job, () => fs.rm(localPath(path), { force: true })),
    );
  }
  return { finish: () => finishDownload(run, source, job, path, offset, security) };
}

/** What failed for good leaves nothing behind; what may go on keeps what it has. */
async function forgo(error: unknown, job: FileJob, remove: () => Promise<unknown>): Promise<never> {
  const { kind, retry } = toFtpError(error);
  if (retry === 'never' && kind !== 'aborted') {
    await remove();
    job.partial = 0;
  }
  throw error;
}

async function receive(run: Run, lane: Lane, job: FileJob, path: string, offset: number): Promise<void> {
  const source = lane.connection('source');
  const file = await fs.open(localPath(path), LOCAL_TARGET, 0o666).catch((error: unknown) => {
    throw localError(error, path);
  });
  try {
    await file.truncate(offset);
    const sink = file.createWriteStream({
      start: offset,
      highWaterMark: 1024 * 1024,
      flush: true,
    });
    await retrieve(source, job.source, sink, streamOptions(run, lane, job, offset));
  } finally {
    await file.close().catch(() => {});
  }
}

async function localOffset(path: string, job: FileJob): Promise<number> {
  const stats = await fs.lstat(localPath(path)).catch(() => undefined);
  return stats?.isFile() && job.size !== undefined && stats.size <= job.size ? stats.size : 0;
}

async function finishDownload(
  run: Run,
  source: Connection,
  job: FileJob,
  path: string,
  offset: number,
  security: FileResult['security'],
): Promise<FileResult> {
  const verified = await verifyLocal(run, path, source, job.source).catch(async (error: unknown) => {
    if (error instanceof Mismatch) await fs.rm(localPath(path), { force: true });
    throw error;
  });
  const time = await exactTime(run, source, job);
  if (run.settings.times && time !== undefined) await fs.utimes(localPath(path), new Date(), new Date(time));
  if (run.settings.modes && job.mode !== undefined) await fs.chmod(localPath(path), job.mode & 0o777);
  await fs.rename(localPath(path), localPath(job.target)).catch((error: unknown) => {
    throw localError(error, job.target);
  });
  return { bytes: (job.size ?? 0) - offset, route: LOCAL_ROUTE, security, ...verified };
}
