/** What the tests of this folder share: places, runs with all their events, trees on the disk. */
import { createCipheriv, createHash } from 'node:crypto';
import {
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { onTestFinished } from 'vitest';
import type { EngineEvent, Summary } from '../../src/engine/events.js';
import { copy } from '../../src/engine/index.js';
import type { CopyOptions, Place } from '../../src/engine/options.js';
import { type FtpError, toFtpError } from '../../src/protocol/errors.js';
import type { SiteSettings } from '../../src/protocol/site.js';

/** What both kinds of peers have in common. */
export interface AnyPeer {
  readonly name: string;
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly password: string;
  readonly home: string;
  readonly path: string;
  own?(): void;
  stop(): Promise<void>;
}

/** Stops the peer when the test is over. */
export async function during<P extends AnyPeer>(starting: Promise<P>): Promise<P> {
  const peer = await starting;
  onTestFinished(() => peer.stop());
  return peer;
}

/** A folder that goes with the test. */
export function folder(): string {
  const made = mkdtempSync(join(tmpdir(), 'jackstay-failures-'));
  onTestFinished(() => rmSync(made, { recursive: true, force: true }));
  return made;
}

/** Settings of a peer under a name of its own; clear unless `settings` says otherwise. */
export function siteOf(peer: AnyPeer, name: string, settings: Partial<SiteSettings> = {}): SiteSettings {
  const { host, port, user, password } = peer;
  return { name, host, port, user, password, tls: 'none', ...settings };
}

/** A place below the peer's home. */
export function at(
  peer: AnyPeer,
  name: string,
  path: string,
  settings: Partial<SiteSettings> = {},
): Extract<Place, { kind: 'site' }> {
  return {
    kind: 'site',
    site: siteOf(peer, name, settings),
    path: join(peer.path, path) + (path.endsWith('/') && path !== '/' ? '/' : ''),
  };
}

export interface Ran {
  summary: Summary | undefined;
  error: FtpError | undefined;
  events: EngineEvent[];
  /** Commands that went to a site, in order over all its sessions. */
  sent(site: string, pattern?: RegExp): string[];
  /** Reply lines that came from a site. */
  heard(site: string, pattern?: RegExp): string[];
  /** Events of one kind. */
  of<K extends EngineEvent['event']>(kind: K): Extract<EngineEvent, { event: K }>[];
}

/** Limits with which a server that hangs costs seconds, not minutes. */
export const SHORT: CopyOptions = { commandTimeout: 3_000, stallTimeout: 3_000 };

/** Runs a copy and keeps everything it says; the events of a run that throws are kept as well. */
export async function run(source: Place, destination: Place, options: CopyOptions = {}): Promise<Ran> {
  const events: EngineEvent[] = [];
  const said = (direction: '>' | '<') => (site: string, pattern?: RegExp) =>
    events
      .filter((e) => e.event === 'dialogue')
      .filter((e) => e.site === site && e.direction === direction && (pattern?.test(e.text) ?? true))
      .map((e) => e.text);
  const ran: Ran = {
    summary: undefined,
    error: undefined,
    events,
    sent: said('>'),
    heard: said('<'),
    of: (kind) => events.filter((e) => e.event === kind) as never,
  };
  const onEvent = (event: EngineEvent): void => {
    events.push(event);
    options.onEvent?.(event);
  };
  try {
    ran.summary = await copy(source, destination, { ...options, onEvent });
  } catch (error) {
    ran.error = toFtpError(error);
  }
  return ran;
}

/** The summary of a run that must not have thrown. */
export function summaryOf(ran: Ran): Summary {
  if (ran.error) throw ran.error;
  if (!ran.summary) throw new Error('the run gave no summary');
  return ran.summary;
}

/** As `summaryOf`, of a run in which no file may have failed. */
export function wholeOf(ran: Ran): Summary {
  const failures = ran.of('file-failed').map(({ path, message }) => `${path}: ${message}`);
  if (failures.length > 0) throw new Error(`${failures.length} failed\n${failures.slice(0, 5).join('\n')}`);
  return summaryOf(ran);
}

/** Octets that look random and are the same for the same seed. */
export function noise(length: number, seed = 1): Buffer {
  const key = createHash('md5').update(String(seed)).digest();
  return createCipheriv('aes-128-ctr', key, Buffer.alloc(16)).update(Buffer.alloc(length));
}

/** A moment of the past with full seconds, as every server can store it. */
export const PAST = new Date('2021-03-04T05:06:07Z');

/** Writes files below a peer's home; a path that ends in `/` is a directory. Times are `PAST`. */
export function plant(peer: AnyPeer, files: Readonly<Record<string, string | Uint8Array>>): void {
  for (const [path, content] of Object.entries(files)) {
    const real = join(peer.home, path);
    mkdirSync(path.endsWith('/') ? real : dirname(real), { recursive: true });
    if (path.endsWith('/')) continue;
    writeFileSync(real, content);
    utimesSync(real, PAST, PAST);
  }
  peer.own?.();
}

/** Everything below a folder: `dir`, `-> target`, or size and SHA-256; with times where asked. */
export function look(root: string, times = false): Record<string, string> {
  const found: Record<string, string> = {};
  const walk = (path: string): void => {
    for (const name of readdirSync(join(root, path)).sort()) {
      const below = path === '' ? name : `${path}/${name}`;
      const stat = lstatSync(join(root, below));
      if (stat.isSymbolicLink()) found[below] = `-> ${readlinkSync(join(root, below))}`;
      else if (stat.isDirectory()) {
        found[below] = 'dir';
        walk(below);
      } else {
        const hash = createHash('sha256')
          .update(readFileSync(join(root, below)))
          .digest('hex');
        const when = times ? ` ${Math.floor(stat.mtimeMs / 1000)}` : '';
        found[below] = `${stat.size} ${hash}${when}`;
      }
    }
  };
  walk('');
  return found;
}
