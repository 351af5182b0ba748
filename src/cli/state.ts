import { randomBytes } from 'node:crypto';
import { mkdir, open, readdir, readFile, rename, rm } from 'node:fs/promises';
import { homedir } from 'node:os';
import { basename, dirname, isAbsolute, join } from 'node:path';
import type { ZodType } from 'zod';
import { FtpError } from '../protocol/errors.js';
import { withLock } from './lock.js';
import { isCode, messageOf } from './system-error.js';

/** Where Jackstay keeps what it remembers. */
export interface StateDirs {
  /** What the user wrote: sites.json, secrets.json. */
  config: string;
  /** What was learned: trust.json, routes.json. */
  state: string;
}

/**
 * Directories after the XDG Base Directory Specification 0.8; relative values of its variables are ignored, as it demands.
 * `JACKSTAY_HOME` puts everything into one folder. On Windows `%APPDATA%` and `%LOCALAPPDATA%` stand in.
 */
export function stateDirs(env: NodeJS.ProcessEnv, home = homedir(), platform = process.platform): StateDirs {
  if (env.JACKSTAY_HOME) return { config: env.JACKSTAY_HOME, state: env.JACKSTAY_HOME };
  const pick = (name: string, fallback: string): string => {
    const value = env[name];
    return join(value && isAbsolute(value) ? value : fallback, 'jackstay');
  };
  if (platform === 'win32') {
    return {
      config: pick('APPDATA', join(home, 'AppData', 'Roaming')),
      state: pick('LOCALAPPDATA', join(home, 'AppData', 'Local')),
    };
  }
  return {
    config: pick('XDG_CONFIG_HOME', join(home, '.config')),
    state: pick('XDG_STATE_HOME', join(home, '.local', 'state')),
  };
}

/** What a file may hold; as a function where it is made only when there is a file to be checked. */
export type FileSchema<T> = ZodType<T> | (() => Promise<ZodType<T>>);

/** What a JSON file holds, checked; `undefined` where there is no file. Throws FtpError `local` that lists every fault. */
export async function readJson<T>(file: string, schema: FileSchema<T>): Promise<T | undefined> {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    if (isCode(error, 'ENOENT')) return undefined;
    throw new FtpError('local', `cannot read ${file}: ${messageOf(error)}`, { cause: error });
  }
  return parseJson(file, text, typeof schema === 'function' ? await schema() : schema);
}

function parseJson<T>(file: string, text: string, schema: ZodType<T>): T {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    // The parser's own message quotes the text, which may be a password.
    throw new FtpError('local', `${file} is not JSON`, { advice: 'Correct it by hand or move it away.' });
  }
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const faults = result.error.issues.map((i) => `  ${i.path.join('.') || '(whole file)'}: ${i.message}`);
  throw new FtpError('local', `${file} is not valid:\n${faults.join('\n')}`, {
    advice: 'Correct the places named above; nothing was changed.',
  });
}

/**
 * Write a JSON file so that a crash leaves the old or the new one, never a part: a temporary file beside it (mode 0600),
 * fsync, rename, fsync of the directory. Missing directories are made with mode 0700.
 */
export async function writeJson(file: string, value: unknown): Promise<void> {
  const directory = dirname(file);
  const temporary = `${file}.${process.pid}.${randomBytes(6).toString('hex')}.tmp`;
  try {
    await mkdir(directory, { recursive: true, mode: 0o700 });
    const handle = await open(temporary, 'wx', 0o600);
    try {
      await handle.writeFile(`${JSON.stringify(value, null, 2)}\n`);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(temporary, file);
    await syncDirectory(directory);
  } catch (error) {
    await rm(temporary, { force: true });
    throw new FtpError('local', `cannot write ${file}: ${messageOf(error)}`, { cause: error });
  }
}

/** Read, change and write a JSON file while no other process does; `change` returns the new content. */
export async function updateJson<T>(
  file: string,
  schema: FileSchema<T>,
  change: (old: T | undefined) => T | Promise<T>,
): Promise<T> {
  await mkdir(dirname(file), { recursive: true, mode: 0o700 });
  return withLock(`${file}.lock`, async () => {
    await removeLeftovers(file);
    const next = await change(await readJson(file, schema));
    await writeJson(file, next);
    return next;
  });
}

// Under the lock nobody else writes, so every temporary file is what a crash left.
async function removeLeftovers(file: string): Promise<void> {
  const directory = dirname(file);
  const prefix = `${basename(file)}.`;
  for (const name of await readdir(directory)) {
    if (name.startsWith(prefix) && name.endsWith('.tmp')) await rm(join(directory, name), { force: true });
  }
}

async function syncDirectory(directory: string): Promise<void> {
  // A directory cannot be opened for sync on Windows; there the rename is durable by itself.
  if (process.platform === 'win32') return;
  const handle = await open(directory, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
