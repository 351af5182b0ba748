import { randomBytes } from 'node:crypto';
import { chmod, chown, mkdir, open, readFile, realpath, rename, rm, stat } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { FtpError, toFtpError } from '../../protocol/errors.js';
import { keyText, type Statement } from '../toml/outline.js';
import { parseToml, readSettings } from '../toml/read.js';
import { nameFault, usersFaults, usersSchema } from './schema.js';

/** How a users file is written. */
export interface UserEditOptions {
  /** Runs `work` while no other process holds this lock file [other edits of this process wait, no others]. */
  lock?: <T>(file: string, work: () => Promise<T>) => Promise<T>;
}

/** A new user: its keys as they stand in the file (docs/server.md, "Users"), values as TOML holds them. */
export interface UserDraft {
  /** Argon2id in PHC form. */
  password: string;
  [key: string]: TomlValue;
}

/** What can be written as TOML. */
export type TomlValue =
  | string
  | number
  | boolean
  | readonly TomlValue[]
  | { readonly [key: string]: TomlValue };

/** The first lines of a file that did not exist. */
const HEAD = `# Users of the FTP server: docs/server.md, "Users". Written by: jackstay user add NAME --home DIR
# A change is seen at the next login. Comments and keys of other tables are kept by jackstay.
`;

/**
 * Add a user at the end of the file, which is made when it does not exist.
 *
 * @throws FtpError `usage` when there is such a user already or what is given is not valid; nothing is written then.
 */
export function addUser(
  file: string,
  name: string,
  draft: UserDraft,
  options: UserEditOptions = {},
): Promise<void> {
  return edit(file, options, async (text, old) => {
    const fault = nameFault(name);
    if (fault !== undefined) throw new FtpError('usage', `the user's name ${fault}`);
    if (Object.hasOwn(usersOf(old), name)) {
      throw new FtpError('usage', `there is a user "${name}" already in ${file}`, {
        advice: `Change the file, or remove the user first: jackstay user remove ${name}`,
      });
    }
    const lines = Object.entries(draft).map(([key, value]) => `${keyText(key)} = ${tomlText(value)}`);
    const block = [`[users.${keyText(name)}]`, ...lines, ''].join('\n');
    return `${text === '' ? HEAD : text.endsWith('\n') ? text : `${text}\n`}\n${block}`;
  });
}

/**
 * Put another hash in the place of a user's; nothing else of the file changes.
 *
 * @throws FtpError `usage` when there is no such user, or it is written in a form that cannot be edited.
 */
export function setPassword(
  file: string,
  name: string,
  hash: string,
  options: UserEditOptions = {},
): Promise<void> {
  return edit(file, options, async (text, old, statements) => {
    mustExist(file, name, old);
    const place = statements.find((one) => isAt(one, ['users', name, 'password']));
    if (!place) throw byHand(file, name);
    return text.slice(0, place.value) + tomlText(hash) + text.slice(place.end);
  });
}

/**
 * Remove a user's tables; comments around them stay.
 *
 * @throws FtpError `usage` when there is no such user, or it is written in a form that cannot be edited.
 */
export function removeUser(file: string, name: string, options: UserEditOptions = {}): Promise<void> {
  return edit(file, options, async (text, old, statements) => {
    mustExist(file, name, old);
    const spans = spansOf(text, statements, ['users', name]);
    if (spans.length === 0) throw byHand(file, name);
    let rest = text;
    for (const [start, end] of spans.reverse()) {
      rest = joined(rest.slice(0, start), rest.slice(end));
    }
    const left = usersOf(await parseToml(file, rest));
    const { [name]: _removed, ...wanted } = usersOf(old);
    // A key of another table can never be part of a span; this proves it for every file.
    if (!isDeepStrictEqual({ ...left }, wanted)) throw byHand(file, name);
    return rest;
  });
}

type Change = (
  text: string,
  old: Record<string, unknown>,
  statements: readonly Statement[],
) => Promise<string>;

/** Read, change, check, write: what is written is a users file without a fault. */
async function edit(path: string, options: UserEditOptions, change: Change): Promise<void> {
  const file = await realpath(path).catch(() => resolve(path));
  await mkdir(dirname(file), { recursive: true, mode: 0o700 });
  const lock = options.lock ?? lockInProcess;
  await lock(`${file}.lock`, async () => {
    const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return '';
      throw new FtpError('local', `cannot read ${file}: ${error.message}`, { cause: error });
    });
    const { z } = await import('zod');
    const { statements } = await readSettings(file, text, usersSchema(z), usersFaults);
    const next = await change(text, await parseToml(file, text), statements());
    await readSettings(`${file}, as it would be,`, next, usersSchema(z), usersFaults);
    await replaceFile(file, next);
  });
}

/** The old file or the new one, never a part of it; mode and owner stay, a new file has mode 0600. */
async function replaceFile(file: string, text: string): Promise<void> {
  const temporary = `${file}.${randomBytes(6).toString('hex')}.tmp`;
  const old = await stat(file).catch(() => undefined);
  try {
    const handle = await open(temporary, 'wx', 0o600);
    try {
      await handle.writeFile(text);
      await handle.sync();
    } finally {
      await handle.close();
    }
    if (old) {
      // Only root may give a file away; for others owner and group are their own already, or become so.
      await chown(temporary, old.uid, old.gid).catch(() => undefined);
      await chmod(temporary, old.mode & 0o740);
    }
    await rename(temporary, file);
    await syncFolder(dirname(file));
  } catch (error) {
    await rm(temporary, { force: true });
    throw new FtpError('local', `cannot write ${file}: ${toFtpError(error).message}`, { cause: error });
  }
}

async function syncFolder(folder: string): Promise<void> {
  // Where a directory cannot be opened (Windows) the rename is durable by itself.
  const handle = await open(folder, 'r').catch(() => undefined);
  await handle?.sync().finally(() => handle.close());
}

const running = new Map<string, Promise<unknown>>();

async function lockInProcess<T>(file: string, work: () => Promise<T>): Promise<T> {
  const mine = (running.get(file) ?? Promise.resolve()).then(work, work);
  running.set(file, mine);
  try {
    return await mine;
  } finally {
    if (running.get(file) === mine) running.delete(file);
  }
}

function usersOf(file: Record<string, unknown>): Record<string, unknown> {
  return (file.users ?? {}) as Record<string, unknown>;
}

function mustExist(file: string, name: string, old: Record<string, unknown>): void {
  if (Object.hasOwn(usersOf(old), name)) return;
  throw new FtpError('usage', `there is no user "${name}" in ${file}`, { advice: 'See: jackstay user list' });
}

function byHand(file: string, name: string): FtpError {
  return new FtpError('usage', `${file} holds "${name}" in a form that cannot be edited here`, {
    advice: `Change it by hand, or write it as a table of its own: [users.${keyText(name)}]`,
  });
}

function isAt(statement: Statement, path: readonly string[]): boolean {
  return statement.kind === 'pair' && isDeepStrictEqual(statement.path, path);
}

/** Whole lines from a table's header, or from a key, to the last key that belongs to it. */
function spansOf(
  text: string,
  statements: readonly Statement[],
  top: readonly string[],
): [start: number, end: number][] {
  const spans: [number, number][] = [];
  let open = false;
  for (const statement of statements) {
    const own = top.every((part, i) => statement.path[i] === part);
    const end = text.indexOf('\n', statement.end) + 1 || text.length;
    const last = spans.at(-1);
    if (own && open && last) last[1] = end;
    else if (own) spans.push([text.lastIndexOf('\n', statement.start) + 1, end]);
    open = own;
  }
  return spans;
}

/** Two parts of a text with one empty line between them where both had one. */
function joined(before: string, after: string): string {
  const blank = /(?:^|\n)\r?\n$/.test(before) || before === '';
  return before + (blank ? after.replace(/^\r?\n/, '') : after);
}

function tomlText(value: TomlValue): string {
  if (typeof value === 'string') return JSON.stringify(value).replaceAll('\u007f', '\\u007f');
  if (typeof value !== 'object') return String(value);
  if (isList(value)) return `[${value.map(tomlText).join(', ')}]`;
  const parts = Object.entries(value).map(([key, one]) => `${keyText(key)} = ${tomlText(one)}`);
  return parts.length === 0 ? '{}' : `{ ${parts.join(', ')} }`;
}

function isList(value: TomlValue): value is readonly TomlValue[] {
  return Array.isArray(value);
}
