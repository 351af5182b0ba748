/** A data plane without sockets: real storages and the real judge; connections come about or fail by dice. */
import { setImmediate } from 'node:timers/promises';
import {
  type ActiveOrder,
  type DataEndpoint,
  type DataPlane,
  type DataTransfer,
  FileError,
  type Opener,
  type PassiveOrder,
  type PeerJudge,
  type Sink,
  type TransferFailure,
  type TransferListener,
  type TransferOrder,
  type TransferResult,
} from '../../../src/net/plane/types.js';
import type { FileOrder } from '../../../src/server/data/types.js';
import type { PeerOrder } from '../../../src/server/policy.js';
import type { Dice } from './dice.js';

type Order = TransferOrder<FileOrder, PeerOrder>;
type Endpoint = DataEndpoint<FileOrder, PeerOrder>;

class Broken extends Error {
  readonly failure: TransferFailure;
  constructor(stage: TransferFailure['stage'], code: string) {
    super(`${stage} ${code}`);
    this.failure = { stage, code, message: 'as the dice have it' };
  }
}

const CHUNK = Buffer.from('0123456789abcdef\n'.repeat(4));
const CONNECT = ['connect', 'handshake', 'refused'] as const;
const MIDWAY = ['transfer', 'stall', 'truncated'] as const;

/** What of the order fails on a file is told as the plane does. */
async function onFile<T>(work: () => T | Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof FileError) throw new Broken('file', error.code);
    throw error;
  }
}

/** One transfer: a few chunks, with turns of the event loop between them. */
class DiceTransfer implements DataTransfer {
  readonly finished: Promise<TransferResult>;
  #bytes = 0;
  #cause: Broken | undefined;
  #wake: (() => void) | undefined;
  #granted: ((octets: number) => void) | undefined;

  constructor(
    private readonly order: Order,
    private readonly listener: TransferListener,
    private readonly parts: { opener: Opener<FileOrder>; dice: Dice; connect: () => string },
  ) {
    this.finished = this.#run();
  }

  progress(): Promise<{ bytes: number }> {
    return Promise.resolve({ bytes: this.#bytes });
  }

  abort(): void {
    this.fail('aborted', 'ABOR');
  }

  fail(stage: TransferFailure['stage'], code: string): void {
    this.#cause ??= new Broken(stage, code);
    this.#wake?.();
    this.#granted?.(0);
  }

  setRate(): void {}

  grant(octets: number): void {
    this.#granted?.(octets);
  }

  #check(): void {
    if (this.#cause) throw this.#cause;
  }

  async #run(): Promise<TransferResult> {
    const { opener } = this.parts;
    const result: TransferResult = { bytes: 0, seconds: 0 };
    try {
      if (this.order.direction === 'send') await this.#send(result);
      else {
        await onFile(() => opener.admit(this.order.file));
        await this.#connect(result);
        const sink = await onFile(() => opener.sink(this.order.file));
        await this.#receive(sink, result);
      }
    } catch (error) {
      if (!(error instanceof Broken)) throw error;
      result.failure = error.failure;
    }
    result.bytes = this.#bytes;
    return result;
  }

  async #connect(result: TransferResult): Promise<void> {
    const { dice, connect } = this.parts;
    const fate = dice.roll(16);
    for (let turns = dice.roll(3); turns > 0; turns--) await setImmediate();
    this.#check();
    // A peer that never comes: the end of the connection or the plane's clock ends it.
    if (fate === 0) await new Promise<void>((resolve) => (this.#wake = resolve));
    this.#check();
    const address = connect();
    if (fate < 4) throw new Broken(CONNECT[fate - 1]!, fate === 3 ? 'NOT_RESUMED' : 'ECONNREFUSED');
    result.peer = { address, port: 40000 };
  }

  async #send(result: TransferResult): Promise<void> {
    const source = await onFile(() => this.parts.opener.source(this.order.file));
    try {
      await this.#connect(result);
      this.listener.onOpen(result.peer!);
      const into = Buffer.alloc(8192);
      for (;;) {
        const read = await onFile(() => source.read(into));
        if (read === 0) return;
        this.#bytes += read;
        await this.#turn();
      }
    } finally {
      await source.close();
    }
  }

  async #receive(sink: Sink, result: TransferResult): Promise<void> {
    this.listener.onOpen(result.peer!);
    try {
      let left = this.order.grant ?? Number.POSITIVE_INFINITY;
      for (let chunks = this.parts.dice.roll(4); chunks > 0; chunks--) {
        while (left < CHUNK.length) {
          const more = await this.#more();
          if (more === 0) throw new Broken('quota', 'quota');
          left += more;
        }
        await onFile(() => sink.write(CHUNK));
        left -= CHUNK.length;
        this.#bytes += CHUNK.length;
        await this.#turn();
      }
      await onFile(() => sink.commit());
    } catch (error) {
      result.remains = await sink.abandon();
      throw error;
    }
  }

  async #turn(): Promise<void> {
    const { dice } = this.parts;
    const fate = dice.roll(24);
    if (fate < 8) await setImmediate();
    this.#check();
    if (fate >= 21) throw new Broken(MIDWAY[fate - 21]!, 'ECONNRESET');
  }

  #more(): Promise<number> {
    this.#check();
    const asked = new Promise<number>((resolve) => (this.#granted = resolve));
    this.listener.onMore();
    return asked.then((octets) => {
      this.#granted = undefined;
      this.#check();
      return octets;
    });
  }
}

/** The plane of one input. */
export class DicePlane implements DataPlane<FileOrder, PeerOrder> {
  /** Endpoints that were not given up yet: a server that forgets one has a leak. */
  readonly open = new Set<Endpoint>();
  readonly running = new Set<DiceTransfer>();

  constructor(
    private readonly opener: Opener<FileOrder>,
    private readonly judge: PeerJudge<PeerOrder>,
    private readonly dice: Dice,
  ) {}

  async passive(order: PassiveOrder<PeerOrder>, onStranger: (address: string) => void): Promise<Endpoint> {
    const fate = this.dice.roll(16);
    if (fate < 4) await setImmediate();
    if (fate === 0) throw Object.assign(new Error('no port is free'), { code: 'EADDRINUSE' });
    if (fate === 1) onStranger('203.0.113.9');
    const port = 1024 + this.dice.roll(64_000);
    return this.#endpoint('passive', { host: order.host, port }, () =>
      // Foreign peers come to passive ports, too; the judge says which of them are served.
      fate === 2 ? '192.0.2.7' : order.peer.control,
    );
  }

  active(order: ActiveOrder<PeerOrder>): Endpoint {
    return this.#endpoint('active', order, () => order.host);
  }

  setTls(): void {}

  async close(): Promise<void> {
    this.expire();
    for (const endpoint of [...this.open]) endpoint.close();
    await Promise.all([...this.running].map(({ finished }) => finished));
  }

  /** The time-outs of everything that waits pass. */
  expire(): void {
    for (const transfer of this.running) transfer.fail('connect', 'ETIMEDOUT');
  }

  #endpoint(
    kind: 'passive' | 'active',
    { host, port }: { host: string; port: number },
    peer: () => string,
  ): Endpoint {
    let used: DiceTransfer | undefined;
    const endpoint: Endpoint = {
      kind,
      host,
      port,
      transfer: (order, listener) => {
        if (used) throw new Error('an endpoint serves one transfer');
        const connect = (): string => {
          const address = peer();
          const verdict = this.judge(order.peer, address, kind === 'active' ? port : undefined);
          if (!verdict.allow) throw new Broken('connect', 'REFUSED');
          return address;
        };
        used = new DiceTransfer(order, listener, { opener: this.opener, dice: this.dice, connect });
        this.open.delete(endpoint);
        this.running.add(used);
        const over = used;
        void used.finished.then(() => this.running.delete(over));
        return used;
      },
      close: () => {
        this.open.delete(endpoint);
        used?.abort();
      },
    };
    this.open.add(endpoint);
    return endpoint;
  }
}
