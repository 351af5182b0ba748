import type { Remains } from '../net/plane/types.js';

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
  mode: 'replace' | 'resume' | 'append' | 'unique';
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

/** One path that something happens to right now. */
interface Entry {
  /** Octets that are counted for it; undefined: no file. */
  size: number | undefined;
  readonly ready: Promise<void>;
  users: number;
  /** The upload that may write over the octets of the old file. */
  heir: Upload | undefined;
}

interface Upload {
  granted: number;
  /** Octets of the old file that go when this one takes its place. */
  credit: number;
  /** Counted as a file to come. */
  isNew: boolean;
}

/** Of book keeping. */
export interface QuotaOptions {
  /** Largest grant, octets [16 MiB]. */
  slice?: number;
  /** Milliseconds after which a home with no upload is counted again, for what others changed [10 minutes]. */
  recount?: number;
  now?: () => number;
}

const MIB = 1024 ** 2;
const SMALLEST = 256 * 1024;

/** The upload that was to replace a file has no claim to its octets any more. */
function dropCredit(entry: Entry): void {
  if (entry.heir) entry.heir.credit = 0;
  entry.heir = undefined;
}

/** What a grant takes from the quota: the octets of the old file are in it already. */
const taken = (upload: Upload): number => Math.max(0, upload.granted - upload.credit);

/**
 * Usage of one home: counted at the first need, then kept up to date by what happens through this server. What uploads may
 * still write is reserved before they write it, so that no interleaving exceeds the quota (threats.md row 34). A file that
 * is replaced counts until the new one has its place; its octets may be written again by one upload.
 */
export class QuotaBook {
  readonly #entries = new Map<string, Entry>();
  readonly #uploads = new Set<Upload>();
  readonly #ending = new Set<Promise<void>>();
  #used: Usage = { bytes: 0, files: 0 };
  #counted: Promise<void> | undefined;
  #countedAt = 0;
  /** Works that count on the count: none may begin while it is made anew. */
  #works = 0;

  constructor(
    private readonly files: QuotaFiles,
    private readonly options: QuotaOptions = {},
  ) {}

  /** Nothing happens now. */
  get idle(): boolean {
    return this.#works === 0;
  }

  /** Octets that can still be stored; undefined without a limit of octets. */
  async left(limits: QuotaLimits): Promise<number | undefined> {
    if (limits.bytes === undefined) return undefined;
    return this.#within(async () => Math.max(0, this.#free(limits)));
  }

  /** Could an upload to `path` begin? */
  admits(path: string, limits: QuotaLimits): Promise<boolean> {
    return this.#within(async () => {
      const entry = await this.#open(path);
      const fits = this.#mayHold(entry, limits) && (this.#free(limits) > 0 || (entry.size ?? 0) > 0);
      this.#close(path, entry);
      return fits;
    });
  }

  /** An upload begins; the file's size before it is taken now. */
  begin(path: string, kind: UploadKind, limits: QuotaLimits): QuotaLease {
    const upload: Upload = { granted: 0, credit: 0, isNew: false };
    const opened = this.#within(() => this.#enter(path, kind, upload, limits), true);
    // Told by `more` and `end`, which wait for it.
    opened.catch(() => {});
    let ended: Promise<void> | undefined;
    const end = async (how: UploadEnd): Promise<void> => {
      // What was granted and not written is free at once: the next upload may need it.
      upload.granted = Math.min(upload.granted, how.bytes);
      const facts = await opened.catch(() => undefined);
      if (!facts) return;
      await this.#settle(path, facts.entry, upload, { ...how, kind, before: facts.before });
      this.#works -= 1;
    };
    return {
      more: async () => ((await opened).fits ? this.#grantOrWait(upload, limits) : 0),
      end: (how) => {
        ended ??= end(how);
        this.#ending.add(ended);
        void ended.then(() => this.#ending.delete(ended!));
        return ended;
      },
    };
  }

  /** A file is to be removed. Call the result once: with `true` when it is gone, `false` when it could not be removed. */
  async removing(path: string): Promise<(gone: boolean) => void> {
    const entry = await this.#within(() => this.#open(path), true);
    return this.#last((gone) => {
      if (gone) {
        dropCredit(entry);
        this.#count(entry, undefined);
      }
      this.#close(path, entry);
    });
  }

  /** A file or directory gets another name, where a file may be replaced. Call the result as that of `removing`. */
  async renaming(from: string, to: string): Promise<(done: boolean) => void> {
    const [old, fresh] = await this.#within(
      () => Promise.all([this.#open(from), from === to ? undefined : this.#open(to)]),
      true,
    );
    return this.#last((done) => {
      if (done && fresh) {
        dropCredit(fresh);
        this.#count(fresh, undefined);
        fresh.size = old.size;
        // What is counted for these paths stays counted: it lies elsewhere now, and nobody may write over it here.
        for (const [path, entry] of this.#entries) {
          if (path !== from && !path.startsWith(`${from}/`)) continue;
          dropCredit(entry);
          entry.size = undefined;
        }
      }
      if (fresh) this.#close(to, fresh);
      this.#close(from, old);
    });
  }

  #last(work: (done: boolean) => void): (done: boolean) => void {
    let over = false;
    return (done) => {
      if (over) return;
      over = true;
      work(done);
      this.#works -= 1;
    };
  }

  async #enter(path: string, kind: UploadKind, upload: Upload, limits: QuotaLimits) {
    const entry = await this.#open(path);
    const before = entry.size ?? 0;
    const fits = this.#mayHold(entry, limits);
    upload.isNew = entry.size === undefined;
    if (!entry.heir && (kind.mode === 'replace' || kind.mode === 'resume')) {
      entry.heir = upload;
      upload.credit = Math.max(0, before - (kind.mode === 'resume' ? kind.offset : 0));
    }
    this.#uploads.add(upload);
    return { entry, before, fits };
  }

  #mayHold(entry: Entry, { files }: QuotaLimits): boolean {
    if (files === undefined || entry.size !== undefined) return true;
    const coming = [...this.#uploads].filter((upload) => upload.isNew).length;
    return this.#used.files + coming < files;
  }

  #free({ bytes = Number.MAX_SAFE_INTEGER }: QuotaLimits): number {
    let free = bytes - this.#used.bytes;
    for (const upload of this.#uploads) free -= taken(upload);
    return free;
  }

  /** Uploads that are about to end may give something back. */
  async #grantOrWait(upload: Upload, limits: QuotaLimits): Promise<number> {
    const grant = this.#grant(upload, limits);
    if (grant > 0 || this.#ending.size === 0) return grant;
    await Promise.all(this.#ending);
    return this.#grant(upload, limits);
  }

  #grant(upload: Upload, limits: QuotaLimits): number {
    const { slice = 16 * MIB } = this.options;
    const free = this.#free(limits) + Math.max(0, upload.credit - upload.granted);
    // When little is left, several uploads shall get some of it.
    const share = Math.max(SMALLEST, Math.floor(free / 4));
    const grant = Math.max(0, Math.min(free, slice, share));
    upload.granted += grant;
    return grant;
  }

  async #settle(
    path: string,
    entry: Entry,
    upload: Upload,
    end: UploadEnd & { kind: UploadKind; before: number },
  ): Promise<void> {
    if (end.remains === 'nothing') this.#count(entry, undefined);
    else if (end.remains !== 'old') this.#count(entry, await this.#sizeAfter(path, end));
    // In one step with the count: what was reserved is used now.
    if (entry.heir === upload) entry.heir = undefined;
    this.#uploads.delete(upload);
    this.#close(path, entry);
  }

  /** At least what was written: a file that was renamed in the meantime is still there. */
  async #sizeAfter(
    path: string,
    { bytes, kind, before }: UploadEnd & { kind: UploadKind; before: number },
  ): Promise<number> {
    const start = kind.mode === 'resume' ? kind.offset : kind.mode === 'append' ? before : 0;
    const now = await this.files.size(path).catch(() => undefined);
    return Math.max(now ?? 0, start + bytes);
  }

  #count(entry: Entry, size: number | undefined): void {
    this.#used.bytes += (size ?? 0) - (entry.size ?? 0);
    this.#used.files += Number(size !== undefined) - Number(entry.size !== undefined);
    entry.size = size;
  }

  async #open(path: string): Promise<Entry> {
    let entry = this.#entries.get(path);
    if (!entry) {
      const made: Entry = {
        size: undefined,
        ready: this.files.size(path).then((size) => {
          made.size = size;
        }),
        users: 0,
        heir: undefined,
      };
      entry = made;
      this.#entries.set(path, made);
    }
    entry.users += 1;
    try {
      await entry.ready;
      return entry;
    } catch (error) {
      this.#close(path, entry);
      throw error;
    }
  }

  #close(path: string, entry: Entry): void {
    entry.users -= 1;
    if (entry.users === 0 && this.#entries.get(path) === entry) this.#entries.delete(path);
  }

  /** Run `work` on a count that holds. `lasting`: the caller lowers `#works` when the operation is over. */
  async #within<T>(work: () => Promise<T>, lasting = false): Promise<T> {
    const { recount = 600_000, now = () => performance.now() } = this.options;
    if (this.#counted === undefined || (this.#works === 0 && now() - this.#countedAt >= recount)) {
      this.#countedAt = now();
      this.#counted = this.#countAll();
    }
    this.#works += 1;
    let held = false;
    try {
      await this.#counted;
      const result = await work();
      held = lasting;
      return result;
    } finally {
      if (!held) this.#works -= 1;
    }
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
