import { FileError, type Remains } from '../net/plane/types.js';

/** What an account may hold; absent = no limit. */
export interface QuotaLimits {
  bytes?: number | undefined;
  files?: number | undefined;
}

/** What a home holds. */
export interface Usage {
  bytes: number;
  files: number;
}

/** The files that a book counts. */
export interface QuotaFiles {
  /** Everything, counted by walking. */
  usage(): Promise<Usage>;
  /** Octets of one file; undefined when there is none. */
  size(path: string): Promise<number | undefined>;
}

/** How an upload writes (`WriteHow`). */
export interface UploadKind {
  mode: 'replace' | 'resume' | 'append' | 'unique' | 'fill' | 'adjust';
  offset: number;
}

/** What became of an upload. */
export interface UploadEnd {
  /** Octets received. */
  bytes: number;
  /** After a failure: what is under the name. Undefined after success. */
  remains?: Remains | undefined;
}

/** What an upload may still write. */
export interface QuotaLease {
  /** Octets that may be written in addition to those before; 0 = the quota is used up. */
  more(): Promise<number>;
  /** The file is as it will stay. */
  end(end: UploadEnd): Promise<void>;
}

/** An operation that runs: an upload, a removal or a rename. */
interface Work {
  /** Where files come and go; a directory stands for all below it. */
  readonly paths: readonly string[];
  /** Another work on the same paths ran at the same time: sizes from before say nothing any more. */
  mixed: boolean;
  /** Octets that an upload may write. */
  granted: number;
  /** Octets of the old file, which go when this upload takes its place: they may be written without asking for room. */
  credit: number;
  /** An upload that makes a file, as far as is known. */
  isNew: boolean;
}

/** An upload of which the count knows. */
interface Opened {
  /** Octets of the file before. */
  before: number | undefined;
  /** There is room for one more file, or it is none more. */
  fits: boolean;
}

/** Of book keeping. */
export interface QuotaOptions {
  /** Largest grant, octets [16 MiB]. */
  slice?: number;
  /** Milliseconds after which a home with nothing going on is counted again, for what others changed [10 minutes]. */
  recount?: number;
  now?: () => number;
}

const MIB = 1024 ** 2;
const SMALLEST = 256 * 1024;

const isRelated = (a: string, b: string): boolean =>
  a === b || a.startsWith(`${b}/`) || b.startsWith(`${a}/`);

/**
 * Usage of one home: counted at the first need, then kept up to date by what happens through this server. What uploads may
 * still write is reserved before they write it, so that no interleaving exceeds the quota (threats.md row 34).
 *
 * The count is never too low. A work that has its paths for itself changes it by exactly what it did. Works that meet on a
 * path only add to it, whatever went, and the home is counted again as soon as nothing is going on.
 */
export class QuotaBook {
  readonly #works = new Set<Work>();
  readonly #ending = new Set<Promise<void>>();
  #used: Usage = { bytes: 0, files: 0 };
  #counted: Promise<void> | undefined;
  #countedAt = 0;
  #doubtful = false;
  /** Works, and questions that are being answered: none of them may see a count that is made anew. */
  #holders = 0;

  constructor(
    private readonly files: QuotaFiles,
    private readonly options: QuotaOptions = {},
  ) {}

  /** Nothing happens now. */
  get idle(): boolean {
    return this.#holders === 0;
  }

  /** Octets that can still be stored; undefined without a limit of octets. */
  async left(limits: QuotaLimits): Promise<number | undefined> {
    if (limits.bytes === undefined) return undefined;
    const done = await this.#hold();
    const free = Math.max(0, this.#free(limits));
    done();
    return free;
  }

  /** Could an upload to `path` begin? */
  async admits(path: string, limits: QuotaLimits): Promise<boolean> {
    const done = await this.#hold();
    try {
      const size = await this.files.size(path);
      return this.#mayHold(size, limits) && (this.#free(limits) > 0 || (size ?? 0) > 0);
    } finally {
      done();
    }
  }

  /** An upload begins; the file's size before it is taken now. */
  begin(path: string, kind: UploadKind, limits: QuotaLimits): QuotaLease {
    const work = this.#enter([path]);
    const opened = this.#open(work, kind, limits);
    // Told by `more` and `end`, which wait for it.
    opened.catch(() => {});
    let ended: Promise<void> | undefined;
    return {
      more: async () => ((await opened).fits ? this.#grantOrWait(work, limits) : 0),
      end: (how) => {
        ended ??= this.#end(work, opened, how);
        return ended;
      },
    };
  }

  /** A file is to be removed. Call the result once: with `true` when it is gone, `false` when it could not be removed. */
  async removing(path: string): Promise<(gone: boolean) => void> {
    const work = this.#enter([path]);
    const size = await this.#sizeFor(work, path);
    return this.#leaving(work, (gone) => {
      if (gone && !work.mixed) this.#change(size, undefined);
    });
  }

  /**
   * A file or directory gets another name, where a file may be replaced. Call the result as that of `removing`.
   *
   * @throws FileError `busy` when uploads that are to replace the old file have written so much that both cannot stay.
   */
  async renaming(from: string, to: string, limits: QuotaLimits): Promise<(done: boolean) => void> {
    if (from === to) return () => {};
    // Asked before the credit goes, which a meeting costs.
    const heirs = [...this.#works].filter(({ paths }) => paths.some((path) => isRelated(path, from)));
    const spent = heirs.reduce((sum, { granted, credit }) => sum + Math.min(granted, credit), 0);
    if (spent > this.#free(limits)) throw new FileError('busy', 'it is being replaced');
    const work = this.#enter([from, to]);
    const size = await this.#sizeFor(work, to);
    return this.#leaving(work, (done) => {
      if (done && !work.mixed) this.#change(size, undefined);
    });
  }

  #enter(paths: readonly string[]): Work {
    const work: Work = { paths, mixed: false, granted: 0, credit: 0, isNew: false };
    for (const other of this.#works) {
      if (!paths.some((path) => other.paths.some((one) => isRelated(path, one)))) continue;
      for (const one of [work, other]) {
        one.mixed = true;
        one.credit = 0;
      }
      this.#doubtful = true;
    }
    this.#works.add(work);
    return work;
  }

  async #open(work: Work, kind: UploadKind, limits: QuotaLimits): Promise<Opened> {
    const before = await this.#sizeFor(work, work.paths[0]!);
    const fits = this.#mayHold(before, limits);
    work.isNew = before === undefined;
    if (!work.mixed && (kind.mode === 'replace' || kind.mode === 'resume')) {
      work.credit = Math.max(0, (before ?? 0) - (kind.mode === 'resume' ? kind.offset : 0));
    }
    return { before, fits };
  }

  /** The size at a path where `work` begins, and a hold on the count until it ends. */
  async #sizeFor(work: Work, path: string): Promise<number | undefined> {
    try {
      const done = await this.#hold();
      try {
        return await this.files.size(path);
      } catch (error) {
        done();
        throw error;
      }
    } catch (error) {
      this.#works.delete(work);
      throw error;
    }
  }

  #leave(work: Work): void {
    this.#works.delete(work);
    this.#holders -= 1;
  }

  #leaving(work: Work, settle: (done: boolean) => void): (done: boolean) => void {
    let over = false;
    return (done) => {
      if (over) return;
      over = true;
      settle(done);
      this.#leave(work);
    };
  }

  #mayHold(size: number | undefined, { files }: QuotaLimits): boolean {
    if (files === undefined || size !== undefined) return true;
    const coming = [...this.#works].filter(({ isNew }) => isNew).length;
    return this.#used.files + coming < files;
  }

  #free({ bytes = Number.MAX_SAFE_INTEGER }: QuotaLimits): number {
    let free = bytes - this.#used.bytes;
    for (const { granted, credit } of this.#works) free -= Math.max(0, granted - credit);
    return free;
  }

  /** Uploads that are about to end may give something back. */
  async #grantOrWait(work: Work, limits: QuotaLimits): Promise<number> {
    const grant = this.#grant(work, limits);
    if (grant > 0 || this.#ending.size === 0) return grant;
    await Promise.all(this.#ending);
    return this.#grant(work, limits);
  }

  #grant(work: Work, limits: QuotaLimits): number {
    const { slice = 16 * MIB } = this.options;
    const free = this.#free(limits) + Math.max(0, work.credit - work.granted);
    // When little is left, several uploads shall get some of it.
    const share = Math.max(SMALLEST, Math.floor(free / 4));
    const grant = Math.max(0, Math.min(free, slice, share));
    work.granted += grant;
    return grant;
  }

  #end(work: Work, opened: Promise<Opened>, how: UploadEnd): Promise<void> {
    // What was granted and not written is free at once: the next upload may need it.
    work.granted = Math.min(work.granted, how.bytes);
    const ended = opened.then(
      async ({ before }) => {
        await this.#settle(work, before, how);
        this.#leave(work);
      },
      () => {},
    );
    this.#ending.add(ended);
    void ended.then(() => this.#ending.delete(ended));
    return ended;
  }

  async #settle(work: Work, before: number | undefined, { bytes, remains }: UploadEnd): Promise<void> {
    if (remains === 'old') return;
    const nothing = remains === 'nothing';
    const after = nothing ? undefined : await this.files.size(work.paths[0]!).catch(() => 'unknown' as const);
    if (after !== 'unknown' && !work.mixed) {
      this.#change(before, after);
      return;
    }
    this.#doubtful = true;
    if (!nothing) this.#change(undefined, bytes);
  }

  #change(before: number | undefined, after: number | undefined): void {
    this.#used.bytes += (after ?? 0) - (before ?? 0);
    this.#used.files += Number(after !== undefined) - Number(before !== undefined);
  }

  /** A count that holds until the result is called. */
  async #hold(): Promise<() => void> {
    const { recount = 600_000, now = () => performance.now() } = this.options;
    const isOld = this.#doubtful || now() - this.#countedAt >= recount;
    if (this.#counted === undefined || (this.#holders === 0 && isOld)) {
      this.#countedAt = now();
      this.#doubtful = false;
      this.#counted = this.#countAll();
    }
    this.#holders += 1;
    try {
      await this.#counted;
    } catch (error) {
      this.#holders -= 1;
      throw error;
    }
    return () => {
      this.#holders -= 1;
    };
  }

  async #countAll(): Promise<void> {
    try {
      this.#used = { ...(await this.files.usage()) };
    } catch (error) {
      // The next one tries again.
      this.#counted = undefined;
      throw error;
    }
  }
}
