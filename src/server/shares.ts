import type { DataTransfer, TransferResult } from '../net/plane/types.js';
import type { FileOrder, MetaStorage } from './data/types.js';
import { QuotaBook, type QuotaLease, type QuotaLimits } from './quota.js';
import { RateShares } from './rates.js';
import type { Session } from './session.js';
import { FileError, type StorageSpec } from './storage/types.js';
import type { Place } from './tree.js';
import type { Account } from './users/types.js';

/** What one transfer may use of its account's rate and quota. */
export interface Lease {
  /** Octets per second at the start; 0 = no limit. */
  readonly rate: number;
  /** Octets that may be received before `more`; absent = no quota. */
  readonly grant: number | undefined;
  attach(transfer: DataTransfer): void;
  /** The grant is used up. */
  more(): Promise<void>;
  end(result: TransferResult): void;
}

/** Who asks; of a session only its account. */
export type Asker = Pick<Session, 'account'>;

/** Rates and quotas of accounts, shared by their running transfers. */
export interface Shares {
  begin(session: Asker, direction: 'send' | 'receive', file: FileOrder): Lease;
  /** Could an upload begin? False when the quota of octets or files is used up. */
  admits(session: Asker, place: Pick<Place, 'storage' | 'inner'>): Promise<boolean>;
  /** Before a file goes. Call the result with `true` when it is gone, `false` when that failed. */
  removing(session: Asker, place: Pick<Place, 'storage' | 'inner'>): Promise<(gone: boolean) => void>;
  /** Before a rename. Call the result with `true` when it was done, `false` when that failed. */
  renaming(
    session: Asker,
    from: Pick<Place, 'storage' | 'inner'>,
    to: Pick<Place, 'storage' | 'inner'>,
  ): Promise<(done: boolean) => void>;
  /** Octets that the quota leaves; undefined without a quota. */
  left(session: Asker): Promise<number | undefined>;
}

/** Homes whose usage is remembered; beyond that, those are forgotten that nothing happens to. */
const MOST_BOOKS = 10_000;

/**
 * Rates are divided evenly among an account's transfers in each direction, quotas kept by home: both within this process.
 *
 * @param storageOf gives the files of a home, to count them.
 */
export function accountShares(storageOf: (spec: StorageSpec) => MetaStorage): Shares {
  const rates = new RateShares();
  const books = new Books(storageOf);
  return {
    begin: (session, direction, file) => {
      const { account } = session;
      const listing = file.what === 'listing';
      const limit = listing || !account ? 0 : account.rate[direction === 'receive' ? 'up' : 'down'];
      const rate = rates.join(`${direction} ${account?.name ?? ''}`, limit);
      const home = file.what === 'upload' ? books.of(account, file.storage) : undefined;
      const quota =
        home && file.what === 'upload' ? home.book.begin(file.path, file.how, home.limits) : undefined;
      return leaseOf(rate, quota);
    },
    admits: async ({ account }, { storage, inner }) => {
      const home = books.of(account, storage);
      return home ? home.book.admits(inner, home.limits) : true;
    },
    removing: async ({ account }, { storage, inner }) =>
      (await books.of(account, storage)?.book.removing(inner)) ?? (() => {}),
    renaming: async ({ account }, from, to) => {
      const home = books.of(account, from.storage);
      return home ? home.book.renaming(from.inner, to.inner, home.limits) : () => {};
    },
    left: async ({ account }) => {
      const storage = account?.mounts.find(({ path }) => path === '/')?.storage;
      const home = storage && books.of(account, storage);
      return home?.book.left(home.limits);
    },
  };
}

function leaseOf(rate: ReturnType<RateShares['join']>, quota: QuotaLease | undefined): Lease {
  let running: DataTransfer | undefined;
  return {
    rate: rate.rate,
    // The first octets wait for the count, which `more` brings.
    grant: quota ? 0 : undefined,
    attach: (transfer) => {
      running = transfer;
      rate.onChange((octets) => transfer.setRate(octets));
    },
    more: async () => {
      // Usage that cannot be counted is no leave to write.
      const octets = (await quota?.more().catch(() => 0)) ?? 0;
      running?.grant(octets);
    },
    end: ({ bytes, failure, remains }) => {
      rate.leave();
      // Without a sink nothing was touched.
      void quota?.end({ bytes, remains: failure ? (remains ?? 'old') : undefined });
    },
  };
}

/** The books of homes with a quota, by storage: accounts that share a home share its usage. */
class Books {
  readonly #books = new Map<string, QuotaBook>();

  constructor(private readonly storageOf: (spec: StorageSpec) => MetaStorage) {}

  /** The book that counts what lies in this storage; undefined when the account's quota does not. */
  of(
    account: Account | undefined,
    storage: StorageSpec,
  ): { book: QuotaBook; limits: QuotaLimits } | undefined {
    const limits = account?.quota;
    const home = account?.mounts.find(({ path }) => path === '/')?.storage;
    if (!limits || !home || keyOf(home) !== keyOf(storage)) return undefined;
    const key = keyOf(home);
    const book = this.#books.get(key) ?? this.#make(home);
    // The order of a map is that of entry: the first was not used for the longest time.
    this.#books.delete(key);
    this.#books.set(key, book);
    return { book, limits };
  }

  #make(home: StorageSpec): QuotaBook {
    if (this.#books.size >= MOST_BOOKS) {
      for (const [key, book] of this.#books) {
        if (!book.idle) continue;
        this.#books.delete(key);
        break;
      }
    }
    return new QuotaBook({
      usage: async () => (await this.storageOf(home).usage?.('/')) ?? { bytes: 0, files: 0 },
      size: (path) => sizeOf(this.storageOf(home), path),
    });
  }
}

function keyOf(storage: StorageSpec): string {
  return storage.kind === 'disk' ? `disk ${storage.root}` : `object ${storage.id}`;
}

async function sizeOf(storage: MetaStorage, path: string): Promise<number | undefined> {
  try {
    const facts = await storage.stat(path);
    return facts.type === 'file' ? facts.size : undefined;
  } catch (error) {
    if (error instanceof FileError && error.code === 'not-found') return undefined;
    throw error;
  }
}
