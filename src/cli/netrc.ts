import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { FtpError } from '../protocol/errors.js';
import type { Io } from './io.js';
import { isCode } from './system-error.js';

/** One login of a netrc file. `machine` is absent in the `default` entry. */
export interface NetrcEntry {
  machine?: string;
  login?: string;
  password?: string;
  account?: string;
}

/**
 * Parse a netrc file: `machine`, `default`, `login`, `password`, `account`, `macdef` (skipped to its blank line), values
 * plain or in double quotes with backslash escapes, `#` comments where a word would begin. Unknown words are skipped; a value
 * with control characters makes its entry unusable and is left out.
 */
export function parseNetrc(text: string): NetrcEntry[] {
  const entries: NetrcEntry[] = [];
  let current: NetrcEntry | undefined;
  const words = tokens(text);
  for (let i = 0; i < words.length; i++) {
    const word = words[i]!;
    if (word === 'default') {
      current = {};
      entries.push(current);
    } else if (word === 'machine') {
      current = {};
      const machine = words[++i];
      if (machine === undefined) break;
      current.machine = machine.toLowerCase();
      entries.push(current);
    } else if (word === 'login' || word === 'password' || word === 'account') {
      const value = words[++i];
      if (value !== undefined && current && !/[\u0000-\u001f\u007f]/.test(value)) current[word] = value;
    }
  }
  return entries;
}

/** The entry for a host, or `default`; with a user only an entry of that user or one without login. */
export function findNetrc(entries: NetrcEntry[], host: string, user?: string): NetrcEntry | undefined {
  const name = host.toLowerCase();
  const fits = (e: NetrcEntry): boolean => user === undefined || e.login === undefined || e.login === user;
  return (
    entries.find((e) => e.machine === name && fits(e)) ??
    entries.find((e) => e.machine === undefined && fits(e))
  );
}

/**
 * Entries of the file that `NETRC` names, else `~/.netrc` (`_netrc` on Windows); none where there is no file. Throws FtpError
 * `local` where it holds a password and others may read it, as ftp(1) does.
 */
export async function readNetrc(io: Pick<Io, 'env' | 'home' | 'platform'>): Promise<NetrcEntry[]> {
  const file = io.env.NETRC ?? join(io.home, io.platform === 'win32' ? '_netrc' : '.netrc');
  let entries: NetrcEntry[];
  let mode: number;
  try {
    mode = (await stat(file)).mode & 0o777;
    entries = parseNetrc(await readFile(file, 'utf8'));
  } catch (error) {
    if (isCode(error, 'ENOENT') || isCode(error, 'EACCES')) return [];
    throw new FtpError('local', `cannot read ${file}`, { cause: error });
  }
  const open = io.platform !== 'win32' && (mode & 0o077) !== 0;
  if (open && entries.some((e) => e.password !== undefined && e.login !== 'anonymous')) {
    throw new FtpError(
      'local',
      `${file} holds passwords and may be read by others (mode ${mode.toString(8)})`,
      {
        advice: `Run: chmod 600 ${file}`,
      },
    );
  }
  return entries;
}

function tokens(text: string): string[] {
  const words: string[] = [];
  const pattern = /#[^\n]*|"((?:[^"\\\n]|\\[^\n])*)"|([^\s"#][^\s]*)/y;
  let at = 0;
  while (at < text.length) {
    pattern.lastIndex = at;
    const found = pattern.exec(text);
    if (!found) {
      at++;
      continue;
    }
    at = pattern.lastIndex;
    const word = found[2] ?? found[1]?.replace(/\\(.)/g, '$1');
    if (word === undefined) continue;
    if (found[2] === 'macdef') {
      const end = /\n[ \t]*\r?\n/.exec(text.slice(at));
      at = end ? at + end.index + end[0].length : text.length;
    } else words.push(word);
  }
  return words;
}
