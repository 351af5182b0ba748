import type { DataTransfer, TransferResult } from '../net/plane/types.js';
import type { FileOrder } from './data/types.js';
import type { Session } from './session.js';
import type { Place } from './tree.js';

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

/** Rates and quotas of accounts, shared by their running transfers. */
export interface Shares {
  begin(session: Session, direction: 'send' | 'receive', file: FileOrder): Lease;
  /** Before a file goes: what it held is given back. */
  removing(session: Session, place: Place): Promise<void>;
  /** Octets that the quota leaves; undefined without a quota. */
  left(session: Session): Promise<number | undefined>;
}

/** Rates are divided among an account's transfers of this process. */
export function accountShares(): Shares {
  return {
    begin: () => ({
      rate: 0,
      grant: undefined,
      attach: () => {},
      more: async () => {},
      end: () => {},
    }),
    removing: async () => {},
    left: async () => undefined,
  };
}
