import { randomBytes } from 'node:crypto';
import { link, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';
import { FtpError } from '../protocol/errors.js';
import { isCode } from './system-error.js';

/** Who holds a lock. */
interface Holder {
  pid: number;
  /** Identity of the process beyond its number, which is used again; empty where the system does not tell. */
  started: string;
  host: string;
  token: string;
}

/** A lock of another machine cannot be probed; it is held for milliseconds, so after this age it is a leftover. */
const FOREIGN_AGE = 60_000;

/** How to wait for a lock, milliseconds. */
export interface LockOptions {
  /** Give up after [10000]. */
  timeout?: number;
  /** Longest pause between two tries [50]. */
  pause?: number;
}

/**
 * Run `work` while holding the lock file. A lock whose process is gone is broken, so a crash never blocks the next run.
 *
 * Breaking is itself done under a lock named after the dead holder's token; tokens are never used twice, so two breakers
 * cannot remove a third one's fresh lock.
 *
 * @throws FtpError `local` when the lock stays held.
 */
export async function withLock<T>(
  file: string,
  work: () => Promise<T>,
  options: LockOptions = {},
): Promise<T> {
  const token = randomBytes(9).toString('hex');
  await acquire(file, token, options);
  try {
    return await work();
  } finally {
    await rm(file, { force: true });
  }
}

async function acquire(file: string, token: string, options: LockOptions): Promise<void> {
  const deadline = Date.now() + (options.timeout ?? 10_000);
  const mine: Holder = { pid: process.pid, started: await startOf(process.pid), host: hostname(), token };
  while (!(await tryLink(file, mine))) {
    const holder = await readHolder(file);
    if (holder === undefined) continue;
    if (await isGone(file, holder)) {
      await breakLock(file, holder, options);
      continue;
    }
    if (Date.now() > deadline) throw held(file, holder);
    await delay(5 + Math.random() * (options.pause ?? 50));
  }
}

// A hard link appears with its content, so no reader ever sees a lock without a holder.
async function tryLink(file: string, mine: Holder): Promise<boolean> {
  const own = `${file}.${mine.token}.own`;
  await writeFile(own, JSON.stringify(mine), { flag: 'wx', mode: 0o600 });
  try {
    await link(own, file);
    return true;
  } catch (error) {
    if (isCode(error, 'EEXIST')) return false;
    throw error;
  } finally {
    await rm(own, { force: true });
  }
}

async function breakLock(file: string, dead: Holder, options: LockOptions): Promise<void> {
  const work = async (): Promise<void> => {
    const now = await readHolder(file);
    if (now?.token === dead.token) await rm(file, { force: true });
  };
  await withLock(`${file}.${dead.token}`, work, options);
}

async function readHolder(file: string): Promise<Holder | undefined> {
  try {
    const value = JSON.parse(await readFile(file, 'utf8')) as Partial<Holder>;
    return {
      pid: Number(value.pid),
      started: String(value.started ?? ''),
      host: String(value.host ?? ''),
      token: String(value.token ?? 'none').replace(/[^0-9a-f]/g, ''),
    };
  } catch (error) {
    if (isCode(error, 'ENOENT')) return undefined;
    throw new FtpError('local', `${file} is not a lock of ours`, { advice: `Remove ${file}.`, cause: error });
  }
}

async function isGone(file: string, holder: Holder): Promise<boolean> {
  if (holder.host !== hostname()) return (await ageOf(file)) > FOREIGN_AGE;
  try {
    process.kill(holder.pid, 0);
  } catch (error) {
    return isCode(error, 'ESRCH');
  }
  return (await startOf(holder.pid)) !== holder.started;
}

async function ageOf(file: string): Promise<number> {
  try {
    return Date.now() - (await stat(file)).mtimeMs;
  } catch {
    return 0;
  }
}

// Linux proc(5): field 22 of stat is the start in ticks since this boot; the process name before it may hold blanks.
async function startOf(pid: number): Promise<string> {
  try {
    const text = await readFile(`/proc/${pid}/stat`, 'utf8');
    const ticks = text.slice(text.lastIndexOf(')') + 2).split(' ')[19] ?? '';
    const boot = await readFile('/proc/sys/kernel/random/boot_id', 'utf8');
    return `${boot.trim()}:${ticks}`;
  } catch {
    return '';
  }
}

function held(file: string, holder: Holder): FtpError {
  return new FtpError('local', `${file} is held by process ${holder.pid} on ${holder.host}`, {
    retry: 'later',
    advice: 'Wait for it to finish, then run the command again.',
  });
}
