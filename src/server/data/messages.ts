import type { PlaneCommand, PlaneEvent } from '../../net/plane/messages.js';
import type { PeerOrder } from '../policy.js';
import type { FileErrorCode, FileFacts, StorageSpec } from '../storage/types.js';
import type { FileOrder, MetaStorage } from './types.js';

/** Operations that answer once. */
export type StorageOp = Exclude<keyof MetaStorage, 'list'>;

/** To a data thread. `call` numbers an operation on a storage. */
export type ThreadCommand =
  | { to: 'plane'; commands: PlaneCommand<FileOrder, PeerOrder>[] }
  | { to: 'storage'; call: number; spec: StorageSpec; op: StorageOp; args: unknown[] }
  | { to: 'list'; call: number; spec: StorageSpec; path: string }
  /** One more batch may be sent. */
  | { to: 'more'; call: number }
  /** The answer is not wanted any more. */
  | { to: 'stop'; call: number };

/** From a data thread. */
export type ThreadEvent =
  | { from: 'ready' }
  | { from: 'plane'; events: PlaneEvent[] }
  | { from: 'answer'; call: number; value: unknown }
  | { from: 'batch'; call: number; batch: readonly FileFacts[] | undefined }
  | { from: 'error'; call: number; code: FileErrorCode; message: string };
