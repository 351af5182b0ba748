import { abortError } from '../net/deadline.js';
import type { Entry } from '../protocol/entry.js';
import { FtpError } from '../protocol/errors.js';
import { ListingDecoder, parseListing, parseMlstFacts } from '../protocol/listing/index.js';
import { baseName, dirName, guardDash } from '../protocol/paths.js';
import type { Connection, TrafficMeter } from './connection.js';
import { openData } from './data.js';
import { lastWords } from './transfer.js';
import { inTurn } from './turns.js';
import { isDirectory, modified, size } from './verbs.js';

export interface ListContext {
  meter?: TrafficMeter | undefined;
  signal?: AbortSignal | undefined;
}

/** The ways to list, best first; each gives undefined when the server does not have it. */
type Lister = (connection: Connection, path: string, context: ListContext) => Promise<Entry[] | undefined>;

/**
 * Entries of a directory, `.` and `..` left out: MLSD, STAT over the control connection where the server is known for
 * it, `LIST -a`, LIST. Names are as the server told them, not yet checked for safety.
 *
 * @throws FtpError `refused` when there is no such directory or no right to read it.
 */
export async function list(
  connection: Connection,
  path: string,
  context: ListContext = {},
): Promise<Entry[]> {
  for (const lister of [listMlsc, listMlsd, listControl, listAll, listPlain] satisfies Lister[]) {
    const entries = await lister(connection, path, context);
    if (entries) return entries;
  }
  throw new FtpError('refused', `${connection.session.name} has no way to list a directory`, {
    site: connection.session.name,
  });
}

/** `MLSC path` (GridFTP): MLSD facts over the control connection, no data connection at all. */
const listMlsc: Lister = async ({ session, facts }, path) => {
  if (!facts.features.has('MLSC') || facts.missing.has('MLSC')) return undefined;
  const reply = await session.request('MLSC', path);
  // The space that leads a line of this reply is not the one that ends the facts (RFC 3659 7.2).
  const lines = reply.lines.slice(1, -1).map((line) => line.replace(/^ /, ''));
  if (reply.code < 300) return parseListing(lines, { dir: path, format: 'mlsd' });
  if (reply.code === 550 || reply.code === 450) throw session.refusal(`MLSC ${path}`, reply);
  facts.missing.add('MLSC');
  return undefined;
};

/** True where a listing is one command and one reply: several may be asked for at once. */
export const listsAtOnce = ({ facts, session }: Connection): boolean =>
  !session.lockstep && facts.features.has('MLSC') && !facts.missing.has('MLSC');

const listMlsd: Lister = async (connection, path, context) => {
  const { facts, session } = connection;
  if (!facts.features.has('MLST') && !facts.features.has('MLSD')) return undefined;
  return inTurn(session, () => overData(connection, 'MLSD', path, path, context));
};

/** `STAT -l path`: no data connection at all, the fastest way on glFTPd, drftpd and ioFTPD. */
const listControl: Lister = async ({ session, facts }, path) => {
  const option = facts.behaviour.controlListing;
  if (option === undefined || facts.missing.has('STAT -l')) return undefined;
  // The path behind an option is split at blanks, and globs are expanded.
  if (needsChange(path)) return undefined;
  const reply = await session.request('STAT', `${option} ${path}`);
  if (reply.code < 300) return parseListing(reply.lines.slice(1, -1), { dir: path });
  if (reply.code === 500 || reply.code === 501 || reply.code === 502) facts.missing.add('STAT -l');
  return undefined;
};

const needsChange = (path: string): boolean => /[\s*?[\]{}~]/.test(path) || path.startsWith('-');

const listAll: Lister = (connection, path, context) => overLs(connection, '-a', path, context);
const listPlain: Lister = (connection, path, context) => overLs(connection, '', path, context);

/** LIST hands its argument to `ls` on many hosts: blanks, globs and a leading `-` need a CWD first. */
async function overLs(
  connection: Connection,
  option: string,
  path: string,
  context: ListContext,
): Promise<Entry[] | undefined> {
  const { session, facts } = connection;
  const options = option === '' ? undefined : option;
  if (!needsChange(path)) {
    const argument = [option, guardDash(path)].filter(Boolean).join(' ');
    return inTurn(session, () => overData(connection, 'LIST', argument, path, context));
  }
  return inTurn(session, async () => {
    await session.command('CWD', path);
    try {
      return await overData(connection, 'LIST', options, path, context);
    } finally {
      if (!session.closed) await session.request('CWD', facts.home);
    }
  });
}

async function overData(
  connection: Connection,
  verb: 'MLSD' | 'LIST',
  argument: string | undefined,
  dir: string,
  { meter, signal }: ListContext,
): Promise<Entry[] | undefined> {
  const { session, facts } = connection;
  const feature = verb === 'MLSD' ? 'MLSD' : `LIST ${argument?.startsWith('-a') ? '-a' : ''}`;
  if (facts.missing.has(feature)) return undefined;
  try {
    const data = await openData(connection, { verb, argument, signal });
    const decoder = new ListingDecoder({ dir, ...(verb === 'MLSD' ? { format: 'mlsd' } : {}) });
    const entries: Entry[] = [];
    try {
      await readAll(data.input, session.commandTimeout, signal, (chunk) => {
        if (meter) meter.listings += chunk.length;
        for (const entry of decoder.push(chunk)) entries.push(entry);
      });
    } catch (error) {
      // A caller that stops wants no more of this session: no waiting for an answer to ABOR.
      if (signal?.aborted) session.destroy(abortError(signal));
      const words = await lastWords(data);
      const failure = session.fault(error, `${verb} ${dir}`);
      throw (failure.kind === 'closed' && words) || failure;
    }
    for (const entry of decoder.end()) entries.push(entry);
    await data.finish();
    return entries;
  } catch (error) {
    return emptyOrMissing(connection, feature, error);
  }
}

async function readAll(
  socket: NodeJS.ReadableStream & { destroy(error?: Error): unknown },
  timeout: number,
  signal: AbortSignal | undefined,
  take: (chunk: Buffer) => void,
): Promise<void> {
  const stop = (): unknown => socket.destroy(abortError(signal));
  signal?.addEventListener('abort', stop, { once: true });
  if (signal?.aborted) stop();
  const late = (): unknown =>
    socket.destroy(
      new FtpError('timeout', `the listing stalled for ${timeout / 1000} s`, { retry: 'later' }),
    );
  let timer = setTimeout(late, timeout);
  try {
    for await (const chunk of socket) {
      take(chunk as Buffer);
      clearTimeout(timer);
      timer = setTimeout(late, timeout);
    }
  } catch (error) {
    if (error instanceof FtpError) throw error;
    throw new FtpError(
      'closed',
      `the data connection of the listing broke: ${error instanceof Error ? error.message : String(error)}`,
      { retry: 'later' },
    );
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener('abort', stop);
  }
}

/** `450 No files found` is an empty directory; 500, 501, 502, 504 say that this way of listing is missing. */
function emptyOrMissing({ facts }: Connection, feature: string, error: unknown): Entry[] | undefined {
  if (!(error instanceof FtpError) || error.kind !== 'refused') throw error;
  const reply = error.facts.reply;
  if (
    (reply?.code === 450 || reply?.code === 550) &&
    /no (?:such )?files? (?:were )?found|no matches|empty/i.test(reply.text)
  )
    return [];
  // pyftpdlib says `501 No such directory.` to MLSD.
  const speaksOfPath = reply?.code === 501 && /\bno such\b|not a directory|not exist/i.test(reply.text);
  if (reply && !speaksOfPath && [500, 501, 502, 504].includes(reply.code)) {
    facts.missing.add(feature);
    return undefined;
  }
  throw error;
}

/**
 * One entry by its path: MLST, else CWD, SIZE and MDTM, else the listing of the directory above.
 *
 * @returns undefined when there is nothing by that name.
 */
export async function stat(
  connection: Connection,
  path: string,
  context: ListContext = {},
): Promise<Entry | undefined> {
  const { session, facts } = connection;
  if (facts.features.has('MLST') && !facts.missing.has('MLST')) {
    const reply = await session.request('MLST', path);
    if (reply.code === 500 || reply.code === 502) facts.missing.add('MLST');
    else if (reply.code === 550 || reply.code === 450) return undefined;
    const entry = reply.code === 250 ? parseMlstFacts(reply.lines[1] ?? '') : undefined;
    if (entry)
      return { ...entry, name: baseName(path) || '/', type: entry.type === 'unknown' ? 'file' : entry.type };
  }
  // Before SIZE: wzdftpd answers `213 4096` for a directory.
  if (await isDirectory(connection, path)) return { name: baseName(path) || '/', type: 'dir' };
  const octets = await size(connection, path);
  if (octets !== undefined) {
    const at = await modified(connection, path);
    return {
      name: baseName(path),
      type: 'file',
      size: octets,
      ...(at === undefined ? {} : { modified: at }),
    };
  }
  return fromParent(connection, path, context);
}

async function fromParent(
  connection: Connection,
  path: string,
  context: ListContext,
): Promise<Entry | undefined> {
  const name = baseName(path);
  if (name === '') return undefined;
  try {
    const entries = await list(connection, dirName(path) || connection.facts.home, context);
    return entries.find((entry) => entry.name === name);
  } catch (error) {
    if (error instanceof FtpError && error.kind === 'refused') return undefined;
    throw error;
  }
}
