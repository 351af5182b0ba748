import type { DataPlane } from '../../net/plane/types.js';
import type { PeerOrder } from '../policy.js';
import type { FileFacts, Range, Storage, StorageSpec, WriteHow } from '../storage/types.js';
import type { RightsRule } from '../users/types.js';
import type { Near } from './near.js';

/** MLSx facts that can be asked for by OPTS MLST (RFC 3659 7.9). */
export const FACTS = ['type', 'size', 'modify', 'create', 'unique', 'perm', 'unix.mode'] as const;
/** One of `FACTS`. */
export type FactName = (typeof FACTS)[number];

/** What a data connection carries: plain data, resolved and authorised by the control side. */
export type FileOrder =
  | { what: 'content'; storage: StorageSpec; path: string; range: Range }
  | { what: 'upload'; storage: StorageSpec; path: string; how: WriteHow }
  | ListingOrder;

/** A listing that the data side makes and sends as it reads the directory. */
export interface ListingOrder {
  what: 'listing';
  storage: StorageSpec;
  /** In the storage. */
  path: string;
  /** The same directory or file in the account's tree: rights are looked up there. */
  shown: string;
  format: 'mlsd' | 'list' | 'nlst';
  facts: readonly FactName[];
  rules: readonly RightsRule[];
  /** Mount points that lie in this directory; they hide entries of the same name. */
  extra: readonly FileFacts[];
  /** Names that begin with a dot are shown (LIST -a; always in MLSD). */
  hidden: boolean;
  /** Before each line: NLST of a path with a directory part repeats it; MLSC has a blank (RFC 959 4.2). */
  prefix: string;
  /** Octets of a name as sent: UTF-8 or, for old clients, one octet per character. */
  charset: 'utf8' | 'latin1';
}

/** The part of a storage that the control side uses itself. */
export type MetaStorage = Pick<
  Storage,
  | 'stat'
  | 'mkdir'
  | 'rmdir'
  | 'remove'
  | 'rename'
  | 'setTimes'
  | 'chmod'
  | 'available'
  | 'usage'
  | 'digest'
  | 'list'
>;

/** Everything that touches files and data connections, wherever it runs: worker threads or this one. */
export interface DataHost {
  /** Whether this thread may carry small transfers itself (`small`). */
  readonly near: Near;
  plane: DataPlane<FileOrder, PeerOrder>;
  /** Executed where the storage lives; optional abilities are absent where the storage has none. */
  storage(spec: StorageSpec): MetaStorage;
  close(): Promise<void>;
}
