import { FileError, type Storage, type StorageSpec } from '../storage/types.js';
import type { StorageOp, ThreadCommand, ThreadEvent } from './messages.js';

/** Storages kept open; they hold no descriptors. */
const KEPT = 1024;

/** Storages of this thread by their spec, made when first asked for. */
export function keepStorages(open: (spec: StorageSpec) => Storage): (spec: StorageSpec) => Storage {
  const kept = new Map<string, Storage>();
  // Within a thread an account's spec is the same object for every file.
  let last: { spec: StorageSpec; storage: Storage } | undefined;
  return (spec) => {
    if (last?.spec === spec) return last.storage;
    const key = spec.kind === 'disk' ? `${spec.links} ${spec.root}` : `object ${spec.id}`;
    let storage = kept.get(key);
    if (!storage) {
      if (kept.size >= KEPT) kept.clear();
      storage = open(spec);
      kept.set(key, storage);
    }
    last = { spec, storage };
    return storage;
  };
}

interface Call {
  abort: AbortController;
  /** Wakes a listing that waits until its last batch was taken. */
  more?: () => void;
}

/** Carries out the control side's operations on storages of this thread. */
export class StorageHost {
  readonly #open: (spec: StorageSpec) => Storage;
  readonly #post: (event: ThreadEvent) => void;
  readonly #calls = new Map<number, Call>();

  constructor(open: (spec: StorageSpec) => Storage, post: (event: ThreadEvent) => void) {
    this.#open = open;
    this.#post = post;
  }

  take(command: Exclude<ThreadCommand, { to: 'plane' }>): void {
    const { call } = command;
    if (command.to === 'more') this.#calls.get(call)?.more?.();
    else if (command.to === 'stop') this.#stop(call);
    else void this.#run(command);
  }

  #stop(number: number): void {
    const call = this.#calls.get(number);
    call?.abort.abort();
    call?.more?.();
  }

  async #run(command: Extract<ThreadCommand, { to: 'storage' | 'list' }>): Promise<void> {
    const { call } = command;
    const running: Call = { abort: new AbortController() };
    this.#calls.set(call, running);
    try {
      const storage = this.#open(command.spec);
      if (command.to === 'list') await this.#list(storage, command.path, call, running);
      else {
        const value = await operate(storage, command.op, command.args, running.abort.signal);
        this.#post({ from: 'answer', call, value });
      }
    } catch (error) {
      const code = error instanceof FileError ? error.code : 'io';
      const message = error instanceof Error ? error.message : String(error);
      this.#post({ from: 'error', call, code, message });
    } finally {
      this.#calls.delete(call);
    }
  }

  /** One batch is sent ahead, so that the next is read while the last is looked at. */
  async #list(storage: Storage, path: string, call: number, running: Call): Promise<void> {
    let ahead = 2;
    for await (const batch of storage.list(path)) {
      if (running.abort.signal.aborted) return;
      this.#post({ from: 'batch', call, batch });
      ahead -= 1;
      if (ahead > 0) {
        running.more = () => {
          ahead += 1;
        };
        continue;
      }
      await new Promise<void>((resolve) => {
        running.more = () => {
          ahead += 1;
          resolve();
        };
      });
    }
    this.#post({ from: 'batch', call, batch: undefined });
  }
}

/** Calls an operation by name; the message came from our own control side, so its arguments fit. */
function operate(storage: Storage, op: StorageOp, args: unknown[], signal: AbortSignal): unknown {
  const method = storage[op] as ((...args: unknown[]) => unknown) | undefined;
  if (!method) throw new FileError('unsupported', `this storage has no ${op}`);
  return method.apply(storage, op === 'digest' ? [...args, signal] : args);
}
