import {
  FileError,
  type Range,
  type Sink,
  type Storage,
  type WriteHow,
} from '../../src/server/storage/types.js';

/** STOR as a server does it when nothing is configured. */
export const STOR: WriteHow = { mode: 'replace', offset: 0, temporary: 'replacing' };

/** Writes a whole file. */
export async function put(
  storage: Storage,
  path: string,
  text: string,
  how: Partial<WriteHow> = {},
): Promise<void> {
  const sink = await storage.write(path, { ...STOR, ...how });
  await feed(sink, text);
  await sink.commit();
}

/** Gives octets to a sink in pieces that are reused, as a data plane does. */
export async function feed(sink: Sink, text: string): Promise<void> {
  const octets = Buffer.from(text, 'latin1');
  const piece = Buffer.alloc(5);
  for (let at = 0; at < octets.length; at += piece.length) {
    const count = octets.copy(piece, 0, at);
    await sink.write(piece.subarray(0, count));
    piece.fill('!');
  }
}

/** Reads a whole file, `length` octets at a time. */
export async function get(
  storage: Storage,
  path: string,
  range: Range = { start: 0 },
  length = 7,
): Promise<string> {
  const source = await storage.read(path, range);
  const buffer = Buffer.alloc(length);
  let text = '';
  try {
    for (let count = await source.read(buffer); count > 0; count = await source.read(buffer))
      text += buffer.toString('latin1', 0, count);
  } finally {
    await source.close();
  }
  return text;
}

/** Names in a directory, sorted. */
export async function names(storage: Storage, path: string): Promise<string[]> {
  const found: string[] = [];
  for await (const batch of storage.list(path)) found.push(...batch.map(({ name }) => name));
  return found.sort();
}

/** The code of the `FileError` that `work` ends with, `done` when it does not fail. Any other error is thrown on. */
export async function codeOf(work: Promise<unknown> | (() => unknown)): Promise<string> {
  try {
    await (typeof work === 'function' ? work() : work);
    return 'done';
  } catch (error) {
    if (error instanceof FileError) return error.code;
    throw error;
  }
}
