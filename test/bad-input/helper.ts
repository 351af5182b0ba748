/** Runs of the engine that are expected to go wrong, and what must hold of every one of them. */
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished } from 'vitest';
import { copy } from '../../src/engine/copy.js';
import type { EngineEvent, Summary } from '../../src/engine/events.js';
import type { CopyOptions, Place } from '../../src/engine/options.js';
import { type FtpError, toFtpError } from '../../src/protocol/errors.js';
import type { SiteSettings } from '../../src/protocol/site.js';

/** What every peer, real or scripted, has. */
export interface AnyPeer {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly password: string;
  readonly home: string;
  readonly path: string;
  stop(): Promise<void>;
}

/** The peer as a site of that name, in clear unless `change` says otherwise. */
export const siteOf = (
  { host, port, user, password }: AnyPeer,
  name: string,
  change: Partial<SiteSettings> = {},
): SiteSettings => ({ name, host, port, user, password, ...change });

export const at = (site: SiteSettings, path: string): Place => ({ kind: 'site', site, path });
export const local = (path: string): Place => ({ kind: 'local', path });

/** Stops the peer when the test at hand is over. */
export async function up<P extends { stop(): Promise<void> }>(starting: Promise<P>): Promise<P> {
  const peer = await starting;
  onTestFinished(() => peer.stop());
  return peer;
}

/** A folder that goes with the test at hand. */
export async function folder(): Promise<string> {
  const made = await mkdtemp(join(tmpdir(), 'jackstay-bad-'));
  onTestFinished(() => rm(made, { recursive: true, force: true }));
  return made;
}

export type FileFailure = Extract<EngineEvent, { event: 'file-failed' }>;

/** One run, however it ended. */
export interface Run {
  summary: Summary | undefined;
  error: FtpError | undefined;
  failures: FileFailure[];
  events: EngineEvent[];
}

/** Limits under which a server that hangs is noticed at once. */
export const SHORT: CopyOptions = { commandTimeout: 1_500, stallTimeout: 2_000, maxAttempts: 1 };

export async function attempt(source: Place, destination: Place, options: CopyOptions = {}): Promise<Run> {
  const events: EngineEvent[] = [];
  const run: Run = { summary: undefined, error: undefined, failures: [], events };
  try {
    run.summary = await copy(source, destination, {
      ...SHORT,
      ...options,
      onEvent: (event) => {
        events.push(event);
        if (event.event === 'file-failed') run.failures.push(event);
      },
    });
  } catch (error) {
    run.error = toFtpError(error);
  }
  expectAllCounted(run);
  return run;
}

/** No file is lost without a word: what was found was sent, skipped or told as failed. */
function expectAllCounted({ summary, events }: Run): void {
  const found = events.findLast((event) => event.event === 'scan')?.files ?? 0;
  if (summary) expect(summary.files + summary.failed).toBeGreaterThanOrEqual(found);
}

/** Characters that steer a terminal, or reorder text on it. */
const UNSAFE = /[\0-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]/;

/** The complaint of a run: the error that ended it, or that of its first file. Fails when all went well. */
export function complaintOf(run: Run): { message: string; advice: string; error?: FtpError } {
  if (run.error) {
    const { message, facts } = run.error;
    return { message, advice: facts.advice ?? '', error: run.error };
  }
  const [failure] = run.failures;
  expect(failure, `no complaint, but ${JSON.stringify(run.summary)}`).toBeDefined();
  return { message: failure!.message, advice: failure!.advice ?? '' };
}

/**
 * What holds of every complaint: it names the site, says what to try, holds no secret and nothing that steers a
 * terminal, and holds all of `says`.
 */
export function expectClear(run: Run, site: string | RegExp, ...says: (string | RegExp)[]): void {
  const { message, advice, error } = complaintOf(run);
  expect(message).toMatch(site);
  expect(advice, `no advice for: ${message}`).toMatch(/^[A-Z].*[.?!]$|: .*[.!]$/s);
  for (const text of [message, advice]) {
    expect(text).not.toMatch(UNSAFE);
    expect(text).not.toContain('sheet-bend-3');
  }
  if (error?.facts.site !== undefined) expect(message).toContain(error.facts.site);
  for (const word of says) expect(message).toMatch(word);
}

/** SHA-256 of a content, hex: comparing large buffers one by one is slow. */
export const sum = (content: string | Uint8Array): string =>
  createHash('sha256').update(content).digest('hex');

/** Every file below a folder with the `sum` of its content, by relative path. */
export function tree(home: string): Map<string, string> {
  const found = new Map<string, string>();
  for (const entry of readdirSync(home, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const path = join(entry.parentPath, entry.name);
    found.set(path.slice(home.length + 1), sum(readFileSync(path)));
  }
  return found;
}

/**
 * Nothing at the destination pretends to be the file: it is absent or whole; what else is there was said (`left behind`)
 * and bears the mark of a partial file.
 */
export function expectNothingHalf(run: Run, home: string, name: string, content: Uint8Array): void {
  const said = run.failures.map(({ leftover }) => leftover?.split('/').at(-1));
  for (const [path, found] of tree(home)) {
    if (path === name) expect(found, `${name} is half-written`).toBe(sum(content));
    else {
      expect(path).toMatch(/\.[0-9a-f]{8}\.jackstay$/);
      expect(said, `${path} is left behind and not said`).toContain(path);
    }
  }
}
