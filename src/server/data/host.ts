import { Worker } from 'node:worker_threads';
import { InlinePlane } from '../../net/plane/inline.js';
import { PlanePool } from '../../net/plane/pool.js';
import { ThreadPlane } from '../../net/plane/remote.js';
import type { Opener } from '../../net/plane/types.js';
import { judgeDataPeer } from '../judge.js';
import type { PeerOrder } from '../policy.js';
import { openStorage } from '../storage/open.js';
import type { Storage, StorageSpec } from '../storage/types.js';
import type { ThreadCommand, ThreadEvent } from './messages.js';
import { Near } from './near.js';
import { makeOpener } from './opener.js';
import { remoteStorage, StorageCalls } from './remote-storage.js';
import { keepStorages } from './serve-storage.js';
import type { DataHost, FileOrder, MetaStorage } from './types.js';

/** What a data host is made from. */
export interface DataHostOptions {
  /** Worker threads; 0 = everything in this thread. */
  threads: number;
  /** Storages that are objects of this thread, by the number in their spec. May grow later. */
  objects?: ReadonlyMap<number, Storage> | undefined;
  /** A fault of ours: a thread died. Its transfers have failed; it is replaced. */
  onError?: ((message: string, error: unknown) => void) | undefined;
}

/** Deaths of threads after which none is started any more; what is left of them and this thread do the work. */
const DEATHS = 100;

/** Starts a thread from a module, also where the sources themselves run (tests, development). */
function startWorker(): Worker {
  const own = new URL(import.meta.url);
  const name = own.pathname.endsWith('.ts') ? './thread.ts' : './thread.js';
  const entry = new URL(name, own);
  if (name === './thread.js') return new Worker(entry);
  // Workers do not inherit the loader that reads TypeScript, and this text has no place to look for it from.
  const loader = import.meta.resolve('tsx/esm/api');
  const script = `import(${JSON.stringify(loader)}).then(({ register }) => { register(); return import(${JSON.stringify(entry.href)}); })`;
  return new Worker(script, { eval: true });
}

/** One thread with what it does for the control side. */
class DataThread {
  readonly plane: ThreadPlane<FileOrder, PeerOrder>;
  readonly storages: StorageCalls;
  readonly ready: Promise<void>;
  readonly #worker = startWorker();

  /** @param onGone called once, unless it was ended by `end`. */
  constructor(onGone: (thread: DataThread, cause: Error) => void) {
    const post = (command: ThreadCommand): void => this.#worker.postMessage(command);
    this.plane = new ThreadPlane((commands) => post({ to: 'plane', commands }));
    this.storages = new StorageCalls(post);
    this.ready = new Promise((resolve, reject) => {
      this.#worker.on('message', (event: ThreadEvent) => {
        if (event.from === 'ready') resolve();
        else if (event.from === 'plane') this.plane.take(event.events);
        else this.storages.take(event);
      });
      const gone = (cause: Error): void => {
        this.#worker.removeAllListeners('exit');
        reject(cause);
        this.#lose(cause);
        onGone(this, cause);
      };
      this.#worker.once('error', (error) => gone(error as Error));
      this.#worker.once('exit', (code) => gone(new Error(`it ended with status ${code}`)));
    });
    this.ready.catch(() => {});
  }

  #lose(cause: Error): void {
    this.plane.lose(cause);
    this.storages.lose(cause);
  }

  async end(): Promise<void> {
    this.#worker.removeAllListeners('exit');
    this.#lose(new Error('the server is closing'));
    await this.#worker.terminate();
  }
}

/** Between the death of the last thread and the next one. */
function none(): StorageCalls {
  const calls = new StorageCalls(() => {});
  calls.lose(new Error('there is no other'));
  return calls;
}

/** Threads, and this one for what only it can do. */
class ThreadedHost implements DataHost {
  readonly near = new Near();
  readonly plane: PlanePool<FileOrder, PeerOrder>;
  readonly #open: (spec: StorageSpec) => Storage;
  readonly #threads: DataThread[] = [];
  readonly #onError: (message: string, error: unknown) => void;
  #deaths = 0;
  #turn = 0;
  #closing = false;

  constructor({ objects, onError }: DataHostOptions) {
    this.#onError = onError ?? (() => {});
    this.#open = keepStorages((spec) => openStorage(spec, objects));
    const { near } = this;
    const files = makeOpener((spec) => this.#open(spec));
    const opener: Opener<FileOrder> = {
      source: (file) => near.timed(() => files.source(file)),
      admit: (file) => near.timed(() => files.admit(file)),
      sink: (file) => near.timed(() => files.sink(file)),
    };
    this.plane = new PlanePool(new InlinePlane({ opener, judge: judgeDataPeer, gentle: true }));
  }

  async start(threads: number): Promise<void> {
    const started = Array.from({ length: threads }, () => this.#startThread());
    await Promise.all(started.map(({ ready }) => ready));
  }

  #startThread(): DataThread {
    const thread = new DataThread((gone, cause) => this.#replace(gone, cause));
    this.#threads.push(thread);
    this.plane.add(thread.plane);
    return thread;
  }

  #replace(gone: DataThread, cause: Error): void {
    this.plane.remove(gone.plane);
    this.#threads.splice(this.#threads.indexOf(gone), 1);
    if (this.#closing) return;
    this.#deaths += 1;
    const again = this.#deaths < DEATHS;
    this.#onError(
      again ? 'a data thread died and was replaced' : 'a data thread died and is not replaced',
      cause,
    );
    if (again) this.#startThread();
  }

  storage(spec: StorageSpec): MetaStorage {
    const local = this.#open(spec);
    if (spec.kind === 'object' || this.#threads.length === 0) return local;
    return remoteStorage(spec, local, () => this.#idlest());
  }

  #idlest(): StorageCalls {
    this.#turn += 1;
    const turned = this.#threads[this.#turn % this.#threads.length];
    let best = turned?.storages;
    for (const { storages } of this.#threads) if (best && storages.load < best.load) best = storages;
    return best ?? none();
  }

  async close(): Promise<void> {
    this.#closing = true;
    await this.plane.close();
    await Promise.all(this.#threads.map((thread) => thread.end()));
  }
}

/**
 * Starts what touches files and data connections.
 *
 * @returns once every thread runs. @throws Error when a thread cannot be started.
 */
export async function startDataHost(options: DataHostOptions): Promise<DataHost> {
  const host = new ThreadedHost(options);
  try {
    await host.start(options.threads);
    return host;
  } catch (error) {
    await host.close();
    throw error;
  }
}
