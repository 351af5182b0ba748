/** A small tree that the whole engine copies from one server to another, compared on the disks. */
import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { copy } from '../../src/engine/copy.js';
import { type FtpError, toFtpError } from '../../src/protocol/errors.js';
import { joinPath } from '../../src/protocol/paths.js';
import type { SiteSettings } from '../../src/protocol/site.js';
import { handOver, type PeerId, type RunningPeer } from './peers.js';

/** Path in the tree and octets: empty, smallest, within and beyond a socket buffer, names with blanks and beyond ASCII. */
const FILES: readonly (readonly [string, number])[] = [
  ['empty', 0],
  ['one', 1],
  ['hold/100 kilobytes.bin', 100_000],
  ['hold/below/two mebibytes', 2 * 1024 * 1024],
  ['hold/\u00e9chelle \u2014 \u68af\u5b50.txt', 40_000],
];

const TREE = 'tree';

/** Writes the tree into a server's home. */
export function plantTree(id: PeerId, { home }: RunningPeer): void {
  for (const [path, size] of FILES) {
    const file = join(home, TREE, path);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, randomBytes(size));
  }
  handOver(id, join(home, TREE));
}

/** How the copy ended and what lies on the disk of the destination then. */
export interface TreeResult {
  readonly summary?: { readonly files: number; readonly failed: number; readonly clientBytes: number };
  readonly error?: FtpError;
  /** Files that are there under their own name with the right bytes, and with other ones. */
  readonly identical: number;
  readonly altered: readonly string[];
  /** What is there that the source does not have. */
  readonly strange: readonly string[];
  /** The attempt that carried the files. */
  readonly route?: string;
  /** What the engine told of failures, retries and routes given up. */
  readonly notes: readonly string[];
}

export const TREE_SIZE = FILES.length;
/** How many of the files have a name beyond ASCII. */
export const BEYOND_ASCII = 1;

type End = Pick<RunningPeer, 'home' | 'path'> & { readonly site: SiteSettings };

let copies = 0;

/** Copies the tree with the defaults of the engine. Limits are short: nothing here may hang. */
export async function copyTree(source: End, destination: End): Promise<TreeResult> {
  copies += 1;
  const name = `copy-${copies}`;
  const routes: string[] = [];
  const notes: string[] = [];
  const remember = { get: async () => undefined, forget: async () => {} };
  const run = copy(
    { kind: 'site', site: source.site, path: joinPath(source.path, TREE) },
    { kind: 'site', site: destination.site, path: joinPath(destination.path, name) },
    {
      stallTimeout: 5_000,
      commandTimeout: 10_000,
      onEvent: (event) => {
        if (event.event === 'retry' || event.event === 'route-failed')
          notes.push(`${event.event}: ${event.reason}`);
        if (event.event === 'file-failed') notes.push(`${event.path}: ${event.message}`);
      },
      routes: { ...remember, set: async (_key, route) => void routes.push(route.attempt) },
    },
  );
  const ended = await run.then(
    (summary) => ({ summary }),
    (error: unknown) => ({ error: toFtpError(error) }),
  );
  const target = join(destination.home, name);
  const found = compare(join(source.home, TREE), target);
  rmSync(target, { recursive: true, force: true });
  return { ...ended, ...found, notes, ...(routes[0] === undefined ? {} : { route: routes[0] }) };
}

function compare(source: string, target: string): Pick<TreeResult, 'identical' | 'altered' | 'strange'> {
  const there = existsSync(target)
    ? readdirSync(target, { recursive: true, withFileTypes: true })
        .filter((entry) => entry.isFile())
        .map((entry) => join(entry.parentPath, entry.name).slice(target.length + 1))
    : [];
  const known = new Set(FILES.map(([path]) => path));
  const same = (path: string): boolean =>
    readFileSync(join(source, path)).equals(readFileSync(join(target, path)));
  const expected = there.filter((path) => known.has(path));
  const altered = expected.filter((path) => !same(path));
  return {
    identical: expected.length - altered.length,
    altered,
    strange: there.filter((path) => !known.has(path)),
  };
}
