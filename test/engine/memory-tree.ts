import type { EngineEvent } from '../../src/engine/events.js';
import { makeFilter } from '../../src/engine/filter.js';
import type { Side } from '../../src/engine/findings.js';
import { Lane } from '../../src/engine/lane.js';
import type { Run, Settings } from '../../src/engine/run.js';
import type { Tree } from '../../src/engine/tree.js';
import type { Entry } from '../../src/protocol/entry.js';
import { FtpError } from '../../src/protocol/errors.js';
import { baseName, dirName, joinPath } from '../../src/protocol/paths.js';

/** A tree in memory: directories by path, each with its entries in order. */
export class MemoryTree implements Tree {
  readonly kind = 'remote';
  readonly atOnce: boolean = false;
  readonly directories = new Map<string, Entry[]>([['/', []]]);
  /** Every operation, in order. */
  readonly log: string[] = [];
  /** Exact times, asked for by `modified`. */
  readonly times = new Map<string, number>();

  /** A directory with what it holds; its ancestors are not made. */
  add(path: string, ...entries: Entry[]): this {
    this.directories.set(path, entries);
    return this;
  }

  async list(path: string): Promise<Entry[]> {
    this.log.push(`list ${path}`);
    const entries = this.directories.get(path);
    if (!entries) throw new FtpError('refused', `550 ${path}`, { retry: 'never' });
    return entries.map((entry) => ({ ...entry }));
  }

  async stat(path: string): Promise<Entry | undefined> {
    return this.directories.get(dirName(path))?.find(({ name }) => name === baseName(path));
  }

  async modified(path: string): Promise<number | undefined> {
    this.log.push(`modified ${path}`);
    return this.times.get(path);
  }

  async makeDirectory(path: string): Promise<boolean> {
    this.log.push(`make ${path}`);
    if (this.directories.has(path)) return false;
    this.directories.set(path, []);
    this.directories.get(dirName(path))?.push({ name: baseName(path), type: 'dir' });
    return true;
  }

  async removeFile(path: string): Promise<void> {
    this.log.push(`remove ${path}`);
  }

  async removeDirectory(path: string): Promise<void> {
    this.log.push(`rmdir ${path}`);
  }
}

/** A lane whose two ends are trees in memory. */
export class MemoryLane extends Lane {
  readonly #trees: Record<Side, Tree>;
  released = false;
  /** Errors that the next calls of `connect` throw. */
  readonly #refusals: FtpError[];

  constructor(slot: number, trees: Record<Side, Tree>, refusals: FtpError[] = []) {
    super(slot, { kind: 'local' }, { kind: 'local' });
    this.#trees = trees;
    this.#refusals = refusals;
  }

  override async connect(): Promise<void> {
    const refusal = this.#refusals.shift();
    if (refusal) throw refusal;
  }

  override async tryConnect(): Promise<boolean> {
    const refusal = this.#refusals.shift();
    return refusal === undefined;
  }

  override tree(side: Side): Tree {
    return this.#trees[side];
  }

  override release(): void {
    this.released = true;
  }
}

export const file = (name: string, size = 10, modified = 1_700_000_000_000): Entry => ({
  name,
  type: 'file',
  size,
  modified,
  modifiedPrecision: 'second',
});

export const directory = (name: string): Entry => ({ name, type: 'dir' });

export interface RunOptions {
  settings?: Partial<Settings>;
  send?: Run['send'];
  signal?: AbortSignal;
}

/** What a run shares, and the events it emitted. */
export function memoryRun({ settings, send, signal }: RunOptions = {}): { run: Run; events: EngineEvent[] } {
  const events: EngineEvent[] = [];
  const run: Run = {
    settings: {
      security: 'clear',
      relay: 'never',
      verify: 'auto',
      onExists: 'resume',
      parallel: 3,
      filter: makeFilter(),
      dryRun: false,
      times: true,
      modes: false,
      delete: false,
      maxAttempts: 3,
      stallTimeout: 1_000,
      ...settings,
    },
    emit: (event) => void events.push(event),
    signal: signal ?? new AbortController().signal,
    meter: { files: 0, listings: 0 },
    names: { source: 'a', destination: 'b' },
    rate: undefined,
    monitors: {},
    router: undefined,
    direct: { value: false },
    more: () => false,
    send: send ?? (() => Promise.reject(new FtpError('usage', 'nothing is sent here'))),
  };
  return { run, events };
}

/** `count` files spread over a tree of `depth` levels under `root`. @returns their paths relative to the root. */
export function fill(tree: MemoryTree, root: string, width: number, depth: number): string[] {
  const paths: string[] = [];
  const grow = (path: string, relative: string, levels: number): void => {
    const files = Array.from({ length: width }, (_, i) => file(`f${i}`));
    const below = levels > 0 ? Array.from({ length: width }, (_, i) => directory(`d${i}`)) : [];
    tree.add(path, ...files, ...below);
    for (const { name } of files) paths.push(joinPath(relative, name));
    for (const { name } of below) grow(joinPath(path, name), joinPath(relative, name), levels - 1);
  };
  grow(root, '', depth);
  return paths;
}
