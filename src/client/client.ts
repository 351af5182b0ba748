import { randomBytes } from 'node:crypto';
import { type FileHandle, open, rename as renameLocal, rm } from 'node:fs/promises';
import { Readable, Writable } from 'node:stream';
import type { Entry } from '../protocol/entry.js';
import { FtpError } from '../protocol/errors.js';
import { checkName } from '../protocol/names.js';
import { joinPath } from '../protocol/paths.js';
import type { Reply } from '../protocol/replies.js';
import type { SiteSettings } from '../protocol/site.js';
import type {
  CallOptions,
  ClientOptions,
  FileDigest,
  ServerInfo,
  TransferOptions,
  TransferResult,
} from './client-types.js';
import type { Connection } from './connection.js';
import type { SiteFacts } from './facts.js';
import { Leases } from './leases.js';
import { list, stat } from './list.js';
import { SitePool } from './pool.js';
import { Site } from './site.js';
import { retrieve, type StreamOptions, type StreamResult, store } from './transfer.js';
import { memoryTrust } from './trust.js';
import {
  changeMode,
  digest,
  makeDirectory,
  modified,
  removeDirectory,
  removeFile,
  rename,
  setModified,
  size,
} from './verbs.js';
import { DEEPEST, type Found, walk } from './walk.js';

/** Commands whose effect the client itself keeps track of, or that open a data connection. */
const RESERVED = new Set(
  (
    'USER PASS ACCT AUTH PBSZ PROT CCC REIN QUIT CWD XCWD CDUP XCUP TYPE MODE STRU REST RNFR RNTO ABOR HOST ' +
    'PASV EPSV CPSV LPSV PORT EPRT LPRT SSCN PRET RETR STOR STOU APPE LIST NLST MLSD ESTA ESTP'
  ).split(' '),
);

/**
 * The files of one server. Calls may overlap: each borrows a session of its own, at most `maxSessions` at once (default 4),
 * and waits for one to come back beyond that. Every method rejects with `FtpError`; after an error the client goes on.
 *
 * Paths begin at the directory after login (`server.home`) unless they start with `/`. Names come back exactly as the server
 * has them, also where they are no UTF-8 (see `decodeText`), and are not checked: call `checkName` before a name becomes a local path.
 */
export class Client {
  readonly server: ServerInfo;
  /** All that is known of the server, as `plan` takes it. */
  readonly facts: SiteFacts;
  readonly #leases: Leases;
  readonly #stallTimeout: number;

  private constructor(leases: Leases, { facts, session }: Connection, stallTimeout: number) {
    this.#leases = leases;
    this.#stallTimeout = stallTimeout;
    this.facts = facts;
    this.server = {
      name: facts.quirk.name,
      greeting: facts.greeting.split('\n')[0] ?? '',
      features: facts.features.names,
      tls: session.tls?.protocol ?? false,
      home: facts.home,
      ...(facts.certificate !== undefined && { certificate: facts.certificate }),
      ...(facts.pin !== undefined && { pin: facts.pin }),
    };
  }

  /**
   * Connect and log in.
   *
   * @param site settings, or a URL (see `Site.parse`).
   * @throws FtpError `unreachable`, `timeout`, `tls`, `login`, `usage`, `aborted`.
   */
  static async connect(site: SiteSettings | string, options: ClientOptions = {}): Promise<Client> {
    const pool = new SitePool(typeof site === 'string' ? Site.parse(site) : site, {
      ...options,
      trust: options.trust ?? memoryTrust(),
    });
    const leases = new Leases(pool, options.signal);
    try {
      return await leases.use({}, async (connection) => {
        return new Client(leases, connection, options.stallTimeout ?? 30_000);
      });
    } catch (error) {
      await leases.close();
      throw error;
    }
  }

  /** Entries of a directory, `.` and `..` left out: MLSD (RFC 3659 7), STAT or LIST. @throws FtpError `refused`. */
  list(path = '', options: CallOptions = {}): Promise<Entry[]> {
    return this.#leases.use(options, (connection, signal) => {
      return list(connection, this.#at(path), { signal });
    });
  }

  /** One entry, or undefined where there is nothing by that name: MLST, else CWD, SIZE, MDTM, else the listing above it. */
  stat(path: string, options: CallOptions = {}): Promise<Entry | undefined> {
    return this.#leases.use(options, (connection, signal) => {
      return stat(connection, this.#at(path), { signal });
    });
  }

  /** Everything below a directory, each directory before what it holds; links are not followed. */
  walk(path = '', options: CallOptions = {}): AsyncGenerator<Found> {
    return walk({ list: (below) => this.list(below, options) }, path);
  }

  /** SIZE in TYPE I (RFC 3659 4): octets; undefined where there is no such file or the server cannot tell. */
  size(path: string, options: CallOptions = {}): Promise<number | undefined> {
    return this.#leases.use(options, (connection) => size(connection, path));
  }

  /** MDTM (RFC 3659 3): milliseconds since 1970 UTC; undefined where the server cannot tell. */
  modified(path: string, options: CallOptions = {}): Promise<number | undefined> {
    return this.#leases.use(options, (connection) => modified(connection, path));
  }

  /** Set the modification time, milliseconds since 1970 UTC, cut to seconds: MFMT, MFF, SITE UTIME or MDTM. False where the server cannot. */
  setModified(path: string, at: number, options: CallOptions = {}): Promise<boolean> {
    return this.#leases.use(options, (connection) => setModified(connection, path, at));
  }

  /** SITE CHMOD with permission bits, 0 to 0o7777. False where the server cannot. */
  changeMode(path: string, mode: number, options: CallOptions = {}): Promise<boolean> {
    return this.#leases.use(options, (connection) => changeMode(connection, path, mode));
  }

  /** RETR (RFC 959) into a stream, which is ended. @throws FtpError `refused`, `timeout`, `closed`. */
  retrieve(path: string, sink: Writable, options: TransferOptions = {}): Promise<TransferResult> {
    return this.#leases.use(options, async (connection, signal) => {
      return resultOf(await retrieve(connection, path, sink, this.#streaming(options, signal)));
    });
  }

  /**
   * A whole file in memory.
   * @param options.limit most octets [64 MiB]. @throws FtpError `policy` where the file is longer, else as `retrieve`.
   */
  async read(path: string, options: TransferOptions & { limit?: number } = {}): Promise<Buffer> {
    const { limit = 64 * 1024 * 1024, ...rest } = options;
    const chunks: Buffer[] = [];
    let octets = 0;
    const sink = new Writable({
      write: (chunk: Buffer, _encoding, done) => {
        octets += chunk.length;
        chunks.push(chunk);
        done(octets > limit ? new FtpError('policy', `${path} is longer than ${limit} octets`) : null);
      },
    });
    await this.retrieve(path, sink, rest);
    return Buffer.concat(chunks);
  }

  /**
   * Download into a local file, which is there whole or not at all: the octets go to a temporary name beside it first.
   * @throws FtpError `local` where it cannot be written, else as `retrieve`.
   */
  async download(
    path: string,
    file: string,
    options: Omit<TransferOptions, 'offset'> = {},
  ): Promise<TransferResult> {
    const temporary = `${file}.${randomBytes(4).toString('hex')}.jackstay`;
    const handle = await local(open(temporary, 'wx'), file);
    try {
      const result = await this.retrieve(path, handle.createWriteStream({ flush: true }), options);
      await local(renameLocal(temporary, file), file);
      return result;
    } catch (error) {
      await rm(temporary, { force: true });
      throw error;
    } finally {
      await handle.close().catch(() => {});
    }
  }

  /**
   * STOR (RFC 959) from a stream, octets or text (as UTF-8). An existing file is replaced; what was sent before a failure stays.
   * @throws FtpError `refused` (452: no space), `timeout`, `closed`.
   */
  store(
    path: string,
    source: Readable | Uint8Array | string,
    options: TransferOptions = {},
  ): Promise<TransferResult> {
    const stream = source instanceof Readable ? source : Readable.from([Buffer.from(source)]);
    return this.#leases.use(options, async (connection, signal) => {
      return resultOf(await store(connection, path, stream, this.#streaming(options, signal)));
    });
  }

  /** Upload a local file. With `offset` the beginning, which must be there already, is left out. @throws FtpError `local`, else as `store`. */
  async upload(file: string, path: string, options: TransferOptions = {}): Promise<TransferResult> {
    const handle: FileHandle = await local(open(file), file);
    try {
      return await this.store(path, handle.createReadStream({ start: options.offset ?? 0 }), options);
    } finally {
      await handle.close().catch(() => {});
    }
  }

  /** DELE. @throws FtpError `refused`. */
  remove(path: string, options: CallOptions = {}): Promise<void> {
    return this.#leases.use(options, (connection) => removeFile(connection, path));
  }

  /** RMD. @throws FtpError `refused`, also where it is not empty. */
  removeDirectory(path: string, options: CallOptions = {}): Promise<void> {
    return this.#leases.use(options, (connection) => removeDirectory(connection, path));
  }

  /** Remove a directory and all that is below it; links are removed, never followed. @throws FtpError `refused`, `policy`. */
  async removeTree(path: string, options: CallOptions = {}, depth = 0): Promise<void> {
    if (depth > DEEPEST) throw new FtpError('policy', `${path} is deeper than ${DEEPEST} directories`);
    for (const entry of await this.list(path, options)) {
      const verdict = checkName(entry.name);
      if (!verdict.ok)
        throw new FtpError('policy', `in ${path} there is a name that ${verdict.why}: not removed`, {
          site: this.facts.site,
        });
      const below = joinPath(path, entry.name);
      await (entry.type === 'dir' ? this.removeTree(below, options, depth + 1) : this.remove(below, options));
    }
    await this.removeDirectory(path, options);
  }

  /** RNFR and RNTO (RFC 959). Whether an existing target is replaced is the server's choice. @throws FtpError `refused`. */
  rename(from: string, to: string, options: CallOptions = {}): Promise<void> {
    return this.#leases.use(options, (connection) => rename(connection, from, to));
  }

  /** MKD; with `parents` what is missing above it too. True when it was made, false when it was there. @throws FtpError `refused`. */
  makeDirectory(path: string, options: CallOptions & { parents?: boolean } = {}): Promise<boolean> {
    return this.#leases.use(options, (connection) => makeDirectory(connection, path, options.parents));
  }

  /**
   * Digest computed by the server: HASH (draft-bryan-ftpext-hash), XSHA256, XMD5, XCRC and their kin.
   * @param options.algorithm as `ALGORITHMS` names it, case and dashes ignored; default the strongest offered.
   * @throws FtpError `refused` where the server does not compute it, `malformed` where its reply holds no digest.
   */
  digest(path: string, options: CallOptions & { algorithm?: string } = {}): Promise<FileDigest> {
    return this.#leases.use(options, async (connection) => {
      const command = pickDigest(connection, options.algorithm);
      const expected = await size(connection, path);
      const hex = await digest(connection, path, command, expected === undefined ? {} : { expected });
      return { algorithm: command.algorithm, hex };
    });
  }

  /**
   * Send any other command and give its final reply, whatever its code: `client.command('SITE', 'WHO')`.
   * @throws FtpError `usage` for commands that open data connections or change the state of the session (CWD, TYPE, RETR, ...)
   *   and for arguments with control characters; `timeout`, `closed`.
   */
  async command(verb: string, argument?: string, options: CallOptions = {}): Promise<Reply> {
    if (RESERVED.has(verb.toUpperCase()))
      throw new FtpError('usage', `${verb} is not sent by hand: it would change what other calls rely on`, {
        advice: 'Use the method for it.',
      });
    return this.#leases.use(options, ({ session }) => session.request(verb, argument));
  }

  /** End all sessions with QUIT (RFC 959 4.1.1). Never fails; calls under way are waited for by their callers. */
  close(): Promise<void> {
    return this.#leases.close();
  }

  // An empty argument is not the same everywhere; the directory after login has a name.
  #at(path: string): string {
    return path === '' ? this.facts.home : path;
  }

  #streaming({ offset, onProgress }: TransferOptions, signal: AbortSignal | undefined): StreamOptions {
    let moved = 0;
    const onBytes = (bytes: number): void => {
      moved += bytes;
      onProgress?.(moved);
    };
    return { offset, signal, stallTimeout: this.#stallTimeout, onBytes };
  }
}

/** `Client.connect`. */
export const connect = Client.connect;

const resultOf = ({ bytes, verified, protected: secure }: StreamResult): TransferResult => ({
  bytes,
  security: verified ? 'verified' : secure ? 'encrypted' : 'clear',
});

async function local<T>(work: Promise<T>, file: string): Promise<T> {
  try {
    return await work;
  } catch (error) {
    throw new FtpError('local', `${file}: ${error instanceof Error ? error.message : String(error)}`, {
      cause: error,
    });
  }
}

function pickDigest({ facts, session }: Connection, wanted: string | undefined) {
  const plain = (name: string): string => name.toUpperCase().replaceAll('-', '');
  const found = facts.digests.find((d) => wanted === undefined || plain(d.algorithm) === plain(wanted));
  if (found) return found;
  const offered = [...new Set(facts.digests.map((d) => d.algorithm))].join(', ') || 'none';
  const text = `${session.name}: the server does not compute ${wanted ?? 'digests'} (it offers: ${offered})`;
  throw new FtpError('refused', text, {
    site: session.name,
    retry: 'never',
    advice: 'Ask for one that it offers, or compare sizes.',
  });
}
