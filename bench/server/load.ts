/** Runs the load generator: one process per session. */
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { type Peer, SYSTEM_PYTHON } from '../../test/peers/peer.js';
import { cpuSeconds, memoryKibibytes } from './process-tree.js';

const SCRIPT = fileURLToPath(new URL('load.py', import.meta.url));
const LIMIT_MS = 300_000;
const MEMORY_PAUSE_MS = 250;

/** What one process is to do; the acts and their fields are those of load.py. */
export interface Order {
  readonly act: 'transfer' | 'small' | 'churn' | 'latency' | 'copy' | 'crowd' | 'listing';
  readonly tls: boolean;
  readonly [field: string]: unknown;
}

export interface Outcome {
  /** Seconds of the monotonic clock, the same for all processes. */
  readonly begun: number;
  readonly ended: number;
  readonly octets?: number;
  readonly files?: number;
  readonly lines?: number;
  readonly sessions?: number;
  readonly times?: readonly number[];
}

const siteOf = ({ host, port, user, password }: Peer) => ({ host, port, user, password });

/** One process of load, logged in and waiting. */
class Load {
  readonly #child: ChildProcessWithoutNullStreams;
  readonly #lines: AsyncIterator<string>;
  #complaint = '';

  constructor(peer: Peer, order: Order) {
    this.#child = spawn(SYSTEM_PYTHON, ['-E', '-s', SCRIPT], { timeout: LIMIT_MS, killSignal: 'SIGKILL' });
    this.#child.stdin.on('error', () => {});
    this.#child.stderr.on('data', (chunk: Buffer) => {
      this.#complaint += chunk.toString('utf8');
    });
    this.#lines = createInterface({ input: this.#child.stdout })[Symbol.asyncIterator]();
    const sink = order.sink === undefined ? {} : { sink: siteOf(order.sink as Peer) };
    this.#child.stdin.write(`${JSON.stringify({ ...order, ...sink, site: siteOf(peer) })}\n`);
  }

  async #next(): Promise<unknown> {
    const { value, done } = await this.#lines.next();
    if (done === true) throw new Error(`the load ended: ${this.#complaint.slice(-1000)}`);
    return JSON.parse(value) as unknown;
  }

  ready(): Promise<unknown> {
    return this.#next();
  }

  go(): Promise<Outcome> {
    this.#child.stdin.write('go\n');
    return this.#next() as Promise<Outcome>;
  }

  async end(): Promise<void> {
    const closed = this.#child.exitCode !== null || this.#child.signalCode !== null;
    this.#child.stdin.end('end\n');
    if (!closed) await once(this.#child, 'close');
  }

  kill(): void {
    this.#child.kill('SIGKILL');
  }
}

/** What a load took: of the clients the time, of the servers the CPU time and the most memory seen. */
export interface Taken {
  readonly outcomes: readonly Outcome[];
  /** From the first that began to the last that ended. */
  readonly seconds: number;
  readonly cpu: number;
  /** KiB, before, and the most of several looks while it ran or, where it was too short, after it. */
  readonly memoryBefore: number;
  readonly memory: number;
}

export interface LoadOptions {
  /** Further servers whose CPU time counts. */
  readonly others?: readonly Peer[];
  /** Look at memory while it runs (it costs some time of its own). */
  readonly watchMemory?: boolean;
}

/** Runs the orders at the same time against one server. Rejects, with every process gone, when one of them fails. */
export async function runLoad(
  peer: Peer,
  orders: readonly Order[],
  options: LoadOptions = {},
): Promise<Taken> {
  const loads = orders.map((order) => new Load(peer, order));
  const pids = [peer, ...(options.others ?? [])].map(({ pid }) => pid);
  const sum = (read: (pid: number) => number): number => pids.reduce((total, pid) => total + read(pid), 0);
  let timer: NodeJS.Timeout | undefined;
  try {
    await Promise.all(loads.map((load) => load.ready()));
    const memoryBefore = sum(memoryKibibytes);
    let memory = 0;
    const look = (): void => {
      memory = Math.max(memory, sum(memoryKibibytes));
    };
    if (options.watchMemory === true) timer = setInterval(look, MEMORY_PAUSE_MS);
    const before = sum(cpuSeconds);
    const outcomes = await Promise.all(loads.map((load) => load.go()));
    const cpu = sum(cpuSeconds) - before;
    clearInterval(timer);
    look();
    await Promise.all(loads.map((load) => load.end()));
    const begun = Math.min(...outcomes.map((one) => one.begun));
    const ended = Math.max(...outcomes.map((one) => one.ended));
    return { outcomes, seconds: ended - begun, cpu, memoryBefore, memory };
  } catch (error) {
    for (const load of loads) load.kill();
    throw error;
  } finally {
    clearInterval(timer);
  }
}
