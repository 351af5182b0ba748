import { FileError, type FileFacts, type Storage, type StorageSpec } from '../storage/types.js';
import type { StorageOp, ThreadCommand, ThreadEvent } from './messages.js';
import type { MetaStorage } from './types.js';

interface Waiting {
  resolve(value: unknown): void;
  reject(error: Error): void;
}

/** Operations on storages of one thread, from the control side. */
export class StorageCalls {
  readonly #post: (command: ThreadCommand) => void;
  readonly #calls = new Map<number, (event: ThreadEvent | Error) => void>();
  #numbers = 0;
  #gone: Error | undefined;

  constructor(post: (command: ThreadCommand) => void) {
    this.#post = post;
  }

  /** Operations under way. */
  get load(): number {
    return this.#calls.size;
  }

  take(event: Extract<ThreadEvent, { call: number }>): void {
    this.#calls.get(event.call)?.(event);
  }

  /** The thread is gone. */
  lose(cause: Error): void {
    this.#gone = new FileError('io', `the data thread is gone: ${cause.message}`);
    for (const hear of [...this.#calls.values()]) hear(this.#gone);
    this.#calls.clear();
  }

  call(spec: StorageSpec, op: StorageOp, args: unknown[], signal?: AbortSignal): Promise<unknown> {
    if (this.#gone) return Promise.reject(this.#gone);
    const call = ++this.#numbers;
    const stop = (): void => this.#post({ to: 'stop', call });
    return new Promise<unknown>((resolve, reject) => {
      this.#calls.set(call, (event) => settle(event, { resolve, reject }));
      this.#post({ to: 'storage', call, spec, op, args });
      if (signal?.aborted) stop();
      else signal?.addEventListener('abort', stop, { once: true });
    }).finally(() => {
      this.#calls.delete(call);
      signal?.removeEventListener('abort', stop);
    });
  }

  async *list(spec: StorageSpec, path: string): AsyncGenerator<readonly FileFacts[]> {
    if (this.#gone) throw this.#gone;
    const call = ++this.#numbers;
    const heard: (ThreadEvent | Error)[] = [];
    let wake = (): void => {};
    this.#calls.set(call, (event) => {
      heard.push(event);
      wake();
    });
    this.#post({ to: 'list', call, spec, path });
    let ended = false;
    try {
      while (true) {
        if (heard.length === 0) {
          await new Promise<void>((resolve) => {
            wake = resolve;
          });
        }
        const event = heard.shift()!;
        ended = event instanceof Error || event.from === 'error';
        const batch = batchOf(event);
        ended ||= batch === undefined;
        if (!batch) return;
        yield batch;
        this.#post({ to: 'more', call });
      }
    } finally {
      this.#calls.delete(call);
      if (!ended) this.#post({ to: 'stop', call });
    }
  }
}

function settle(event: ThreadEvent | Error, { resolve, reject }: Waiting): void {
  if (event instanceof Error) reject(event);
  else if (event.from === 'answer') resolve(event.value);
  else if (event.from === 'error') reject(new FileError(event.code, event.message));
}

/** @throws FileError of the thread. */
function batchOf(event: ThreadEvent | Error): readonly FileFacts[] | undefined {
  if (event instanceof Error) throw event;
  if (event.from === 'error') throw new FileError(event.code, event.message);
  return event.from === 'batch' ? event.batch : undefined;
}

/**
 * A storage of a thread.
 *
 * @param like the same storage, made here: what it cannot do is absent here too.
 * @param calls the thread for the next operation.
 */
export function remoteStorage(spec: StorageSpec, like: Storage, calls: () => StorageCalls): MetaStorage {
  const ask = async <T>(op: StorageOp, ...args: unknown[]): Promise<T> =>
    (await calls().call(spec, op, args)) as T;
  return {
    stat: (path) => ask('stat', path),
    list: (path) => calls().list(spec, path),
    mkdir: (path) => ask('mkdir', path),
    rmdir: (path) => ask('rmdir', path),
    remove: (path) => ask('remove', path),
    rename: (from, to) => ask('rename', from, to),
    ...(like.setTimes ? { setTimes: (path, times) => ask('setTimes', path, times) } : {}),
    ...(like.chmod ? { chmod: (path, mode) => ask('chmod', path, mode) } : {}),
    ...(like.available ? { available: (path) => ask('available', path) } : {}),
    ...(like.usage ? { usage: (path) => ask('usage', path) } : {}),
    ...(like.digest
      ? {
          digest: async (path, algorithm, range, signal) =>
            (await calls().call(spec, 'digest', [path, algorithm, range], signal)) as string,
        }
      : {}),
  };
}
