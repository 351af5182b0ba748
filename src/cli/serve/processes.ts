import cluster, { type Worker } from 'node:cluster';
import { fileURLToPath } from 'node:url';
import { FtpError } from '../../protocol/errors.js';
import type { ListenAddress } from '../../server/options.js';
import type { Level } from './describe.js';
import { type FromServing, fromPlain, type ToServing } from './messages.js';
import { countsOf, type Snapshot } from './snapshot.js';
import { Tally } from './tally.js';

/** What the first process needs to run the others. */
export interface ProcessesOptions<S> {
  count: number;
  /** What they serve, plain data. */
  start: S;
  say: (level: Level, text: string, fields?: Record<string, unknown>) => void;
}

/** Milliseconds until a process that died is replaced: more each time, less again once one lived long. */
const FIRST_WAIT = 100;
const LONGEST_WAIT = 30_000;
const LONG_LIFE = 60_000;
/** Milliseconds for an answer about metrics. */
const PATIENCE = 5000;

interface Serving {
  worker: Worker;
  ready: boolean;
  since: number;
  snapshot: Snapshot | undefined;
}

type Waiting = { resolve: (value: Snapshot | undefined) => void; from: number };

/**
 * The serving processes: this one listens for all of them, hands out connections in turn, counts what they share and
 * replaces the one that dies. Shared: numbers of connections and logins (`Tally`). Not shared: rates, quotas and failed
 * logins, which each process keeps for itself.
 */
export class Processes<S> {
  readonly tally = new Tally();
  readonly #options: ProcessesOptions<S>;
  readonly #serving = new Map<number, Serving>();
  readonly #waiting = new Map<number, Waiting>();
  readonly #reloads = new Map<number, (error: FtpError | undefined) => void>();
  readonly #timers = new Set<NodeJS.Timeout>();
  #start: S;
  #addresses: ListenAddress[] = [];
  #wait = FIRST_WAIT;
  #ids = 0;
  #stopping: number | undefined;
  #onGone: (() => void) | undefined;
  /** Counts of processes that are gone. */
  #past: Promise<Snapshot> = Promise.resolve([]);

  constructor(options: ProcessesOptions<S>) {
    this.#options = options;
    this.#start = options.start;
    // The sources run as they are in development, the built files else.
    const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js';
    cluster.setupPrimary({
      exec: fileURLToPath(new URL(`./worker.${extension}`, import.meta.url)),
      args: [],
      serialization: 'advanced',
    });
    cluster.schedulingPolicy = cluster.SCHED_RR;
  }

  /** Where they listen; known once the first one is ready. */
  get addresses(): readonly ListenAddress[] {
    return this.#addresses;
  }

  get running(): number {
    return [...this.#serving.values()].filter(({ ready }) => ready).length;
  }

  /**
   * The first process, which binds the ports. @throws FtpError when it cannot serve.
   */
  first(): Promise<void> {
    return this.#fork();
  }

  /** All the others. @throws FtpError of the first that cannot serve. */
  async others(): Promise<void> {
    const rest = this.#options.count - this.#serving.size;
    await Promise.all(Array.from({ length: rest }, () => this.#fork()));
  }

  /** Everything new to all of them. @returns what went wrong, one for each process that kept the old. */
  async reload(start: S): Promise<FtpError[]> {
    this.#start = start;
    const answers = [...this.#serving.values()].map(({ worker }) => {
      const id = ++this.#ids;
      return new Promise<FtpError | undefined>((resolve) => {
        const done = (error: FtpError | undefined): void => {
          this.#reloads.delete(id);
          worker.off('exit', gone);
          resolve(error);
        };
        const gone = (): void => done(undefined);
        this.#reloads.set(id, done);
        worker.once('exit', gone);
        this.#tell(worker, { kind: 'reload', id, start });
      });
    });
    return (await Promise.all(answers)).filter((error) => error !== undefined);
  }

  /** Let them end; `grace` in milliseconds. Called again, it shortens the first call's. */
  stop(grace: number): Promise<void> {
    this.#stopping = grace;
    for (const timer of this.#timers) clearTimeout(timer);
    for (const { worker } of this.#serving.values()) this.#tell(worker, { kind: 'stop', grace });
    return new Promise((resolve) => {
      const before = this.#onGone;
      this.#onGone = () => {
        before?.();
        resolve();
      };
      if (this.#serving.size === 0) this.#onGone();
    });
  }

  /** End them at once, whatever they do. */
  kill(): void {
    this.#stopping = 0;
    for (const { worker } of this.#serving.values()) worker.process.kill('SIGKILL');
  }

  /** Metrics of all that answer in time, and the counts of those that are gone. */
  async snapshots(): Promise<Snapshot[]> {
    const asked = [...this.#serving.values()].filter(({ ready }) => ready);
    const found = await Promise.all(asked.map((one) => this.#snapshot(one)));
    return [await this.#past, ...found.filter((one) => one !== undefined)];
  }

  #snapshot(one: Serving): Promise<Snapshot | undefined> {
    const id = ++this.#ids;
    return new Promise((resolve) => {
      // One that does not answer is told as it was.
      const timer = setTimeout(() => done(one.snapshot), PATIENCE);
      const done = (snapshot: Snapshot | undefined): void => {
        clearTimeout(timer);
        this.#waiting.delete(id);
        one.snapshot = snapshot;
        resolve(snapshot);
      };
      this.#waiting.set(id, { resolve: done, from: one.worker.id });
      this.#tell(one.worker, { kind: 'snapshot', id });
    });
  }

  #fork(): Promise<void> {
    const worker = cluster.fork();
    const one: Serving = { worker, ready: false, since: Date.now(), snapshot: undefined };
    this.#serving.set(worker.id, one);
    return new Promise((resolve, reject) => {
      let why: FtpError | undefined;
      worker.on('message', (message: FromServing) => {
        if (message.kind === 'failed') why = fromPlain(message.error);
        if (message.kind === 'ready') {
          this.#onReady(one, message.addresses);
          resolve();
        } else this.#take(one, message);
      });
      worker.on('error', () => {});
      worker.once('exit', (code, signal) => {
        const started = one.ready;
        this.#onExit(one);
        const end = signal ?? `exit code ${code}`;
        if (started) this.#replace(`process ${worker.process.pid} died (${end})`);
        else reject(why ?? new FtpError('local', `a serving process ended while it started (${end})`));
      });
    });
  }

  #onReady(one: Serving, addresses: ListenAddress[]): void {
    one.ready = true;
    one.since = Date.now();
    this.#addresses = addresses;
    const { pid } = one.worker.process;
    this.#options.say('info', `process ${pid} serves`, { event: 'process-ready', process: pid });
  }

  #take({ worker }: Serving, message: FromServing): void {
    if (message.kind === 'hello') {
      this.#tell(worker, { kind: 'start', start: this.#start });
      if (this.#stopping !== undefined) this.#tell(worker, { kind: 'stop', grace: 0 });
    } else if (message.kind === 'acquire') {
      const granted = this.tally.acquire(worker.id, message.key, message.limit);
      this.#tell(worker, { kind: 'granted', id: message.id, granted });
    } else if (message.kind === 'release') this.tally.release(worker.id, message.key);
    else if (message.kind === 'login-failed') {
      for (const one of this.#serving.values()) if (one.worker !== worker) this.#tell(one.worker, message);
    } else if (message.kind === 'snapshot') this.#waiting.get(message.id)?.resolve(message.snapshot);
    else if (message.kind === 'reloaded')
      this.#reloads.get(message.id)?.(message.error && fromPlain(message.error));
  }

  #onExit({ worker, snapshot }: Serving): void {
    this.#serving.delete(worker.id);
    this.tally.drop(worker.id);
    if (snapshot) this.#past = this.#past.then((past) => countsOf([past, snapshot]));
    for (const one of this.#waiting.values()) if (one.from === worker.id) one.resolve(undefined);
    if (this.#serving.size === 0) this.#onGone?.();
  }

  #replace(why: string): void {
    if (this.#stopping !== undefined) return;
    this.#options.say('error', `${why}; another one takes its place`, { event: 'process-died' });
    const wait = this.#wait;
    this.#wait = Math.min(this.#wait * 2, LONGEST_WAIT);
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      const born = Date.now();
      this.#fork().then(
        () => this.#calm(born),
        (error: FtpError) => this.#replace(`a new process cannot serve (${error.message})`),
      );
    }, wait);
    this.#timers.add(timer);
  }

  /** A process that lives makes the next wait short again. */
  #calm(born: number): void {
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      if (Date.now() - born >= LONG_LIFE) this.#wait = FIRST_WAIT;
    }, LONG_LIFE);
    timer.unref();
    this.#timers.add(timer);
  }

  #tell(worker: Worker, message: ToServing<S>): void {
    // A process that is about to end takes no messages; its exit is seen to elsewhere.
    if (worker.isConnected()) worker.send(message, () => {});
  }
}
