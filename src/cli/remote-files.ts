import { Writable } from 'node:stream';
import type { Connection } from '../client/connection.js';
import { list, stat } from '../client/list.js';
import { SitePool } from '../client/pool.js';
import { retrieve } from '../client/transfer.js';
import { digest, makeDirectory, removeDirectory, removeFile, rename } from '../client/verbs.js';
import type { DigestCommand } from '../protocol/digests.js';
import type { Entry } from '../protocol/entry.js';
import { FtpError, toFtpError } from '../protocol/errors.js';
import { checkName } from '../protocol/names.js';
import { joinPath } from '../protocol/paths.js';
import type { SiteSettings } from '../protocol/site.js';
import type { About, ConnectOptions, RemoteFiles } from './backend.js';

/** Log in to a server and give its files. The session is ended when the signal aborts. */
export async function connectFiles(site: SiteSettings, options: ConnectOptions): Promise<RemoteFiles> {
  const { trust, signal, commandTimeout, onDialogue } = options;
  const pool = new SitePool(
    { ...site, maxSessions: 1 },
    {
      trust,
      signal,
      commandTimeout,
      onDialogue: (name, session, direction, text) =>
        onDialogue?.({ event: 'dialogue', site: name, session, direction, text }),
    },
  );
  const connection = await pool.lease();
  const abort = (): void => connection.session.destroy(toFtpError(signal?.reason));
  signal?.addEventListener('abort', abort);
  const close = async (): Promise<void> => {
    signal?.removeEventListener('abort', abort);
    pool.release(connection);
    await pool.close();
  };
  return { ...filesOf(connection, signal), close };
}

function filesOf(connection: Connection, signal: AbortSignal | undefined): Omit<RemoteFiles, 'close'> {
  const { facts } = connection;
  // An empty argument is not the same everywhere; the login directory has a name.
  const at = (path: string): string => (path === '' ? facts.home : path);
  return {
    about: about(connection),
    list: (path) => list(connection, at(path), { signal }),
    stat: (path) => need(connection, at(path)),
    download: async (path, sink, { offset }) => {
      await retrieve(connection, path, keepOpen(sink), { offset, signal });
    },
    remove: (path) => removeFile(connection, path),
    removeTree: (path) => removeTree(connection, path),
    mkdir: async (path, { parents }) => {
      if ((await makeDirectory(connection, path, parents)) || parents) return;
      throw refused(connection, `${path} is there already`);
    },
    rename: (from, to) => rename(connection, from, to),
    hash: (path, algorithm) => hash(connection, path, algorithm),
  };
}

function about({ facts, session }: Connection): About {
  return {
    server: `${facts.quirk.name}: ${facts.greeting.split('\n')[0] ?? ''}`,
    features: facts.features.names,
    tls: session.tls?.protocol ?? false,
    ...(facts.certificate !== undefined && { certificate: facts.certificate }),
    ...(facts.pin !== undefined && { pin: facts.pin }),
  };
}

async function need(connection: Connection, path: string): Promise<Entry> {
  const entry = await stat(connection, path);
  if (entry) return entry;
  throw refused(connection, `there is no ${path}`);
}

async function removeTree(connection: Connection, path: string): Promise<void> {
  for (const entry of await list(connection, path)) {
    const verdict = checkName(entry.name);
    if (!verdict.ok) throw refused(connection, `in ${path} there is a name that ${verdict.why}: not removed`);
    const below = joinPath(path, entry.name);
    // A link is removed, never followed.
    await (entry.type === 'dir' ? removeTree(connection, below) : removeFile(connection, below));
  }
  await removeDirectory(connection, path);
}

async function hash(
  connection: Connection,
  path: string,
  wanted: string | undefined,
): Promise<{ algorithm: string; hex: string }> {
  const command = pickDigest(connection, wanted);
  const size = (await stat(connection, path))?.size;
  const hex = await digest(connection, path, command, size === undefined ? {} : { expected: size });
  return { algorithm: command.algorithm, hex };
}

function pickDigest(connection: Connection, wanted: string | undefined): DigestCommand {
  const { digests } = connection.facts;
  const plain = (name: string): string => name.toUpperCase().replaceAll('-', '');
  const found = digests.find((d) => wanted === undefined || plain(d.algorithm) === plain(wanted));
  if (found) return found;
  const offered = [...new Set(digests.map((d) => d.algorithm))].join(', ') || 'none';
  throw refused(connection, `the server does not compute ${wanted ?? 'digests'} (it offers: ${offered})`);
}

function refused({ session }: Connection, text: string): FtpError {
  return new FtpError('refused', `${session.name}: ${text}`, { site: session.name, retry: 'never' });
}

/** A stream that passes everything on and leaves the other one open at its end. */
function keepOpen(sink: NodeJS.WritableStream): Writable {
  return new Writable({
    write: (chunk: Uint8Array, _encoding, done) => {
      sink.write(chunk, (error) => done(error ?? null));
    },
  });
}
