import type { Connection } from '../client/connection.js';
import type { Side } from './findings.js';
import type { Look, Monitor } from './monitor.js';

export interface WatchOptions {
  monitors: Record<Side, Monitor>;
  destination: Connection;
  /** Where the file grows. */
  path: string;
  /** Octets that were there before. */
  offset: number;
  /** Octets expected in the end; undefined when unknown. */
  size: number | undefined;
  /** Milliseconds without an octet more. */
  stallTimeout: number;
  names: Record<Side, string>;
  onBytes: (bytes: number) => void;
  stalled: (reason: string, side?: Side) => void;
}

/** Short transfers are not looked at: a look costs a login. */
const FIRST_LOOK = 1_500;
const BETWEEN_LOOKS = 1_000;
/** Octets per second below which a transfer that cannot be watched is given up. */
const BLIND_RATE = 64 * 1024;

/**
 * Watch a server-to-server transfer that this client does not see: STAT on the busy connection where that is proven,
 * else SIZE on a spare session; report progress, and say so when nothing moves for `stallTimeout`.
 *
 * @returns ends the watch.
 */
export function watchTransfer(options: WatchOptions): () => void {
  const watch = new Watch(options);
  return () => watch.stop();
}

class Watch {
  readonly #options: WatchOptions;
  readonly #started = Date.now();
  #moved = Date.now();
  #bytes: number;
  #stopped = false;
  #blind = false;
  #timer: NodeJS.Timeout;
  readonly #alarm: NodeJS.Timeout;
  #answers: Record<Side, 'yes' | 'silent' | 'unavailable'> = {
    source: 'unavailable',
    destination: 'unavailable',
  };
  #asked = false;

  constructor(options: WatchOptions) {
    this.#options = options;
    this.#bytes = options.offset;
    const { stallTimeout } = options;
    this.#timer = setTimeout(() => void this.#look(), Math.min(FIRST_LOOK, stallTimeout / 4));
    this.#alarm = setInterval(() => this.#judge(), Math.min(500, stallTimeout / 10));
  }

  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#timer);
    clearInterval(this.#alarm);
  }

  async #look(): Promise<void> {
    const found = await this.#bytesNow();
    if (this.#stopped) return;
    this.#blind = found === 'unavailable';
    if (found === 'silent') this.#answers.destination = 'silent';
    else if (found !== 'unavailable') this.#answers.destination = 'yes';
    if (typeof found === 'object' && found.bytes > this.#bytes) {
      this.#bytes = found.bytes;
      this.#moved = Date.now();
      this.#options.onBytes(found.bytes);
    }
    this.#timer = setTimeout(
      () => void this.#look(),
      Math.min(BETWEEN_LOOKS, this.#options.stallTimeout / 4),
    );
  }

  async #bytesNow(): Promise<Look> {
    const { destination, monitors, path, offset } = this.#options;
    if (destination.facts.behaviour.statProgress !== undefined && !this.#blind) {
      const told = await statBytes(destination);
      if (told !== undefined) return { bytes: offset + told };
    }
    return monitors.destination.look(path);
  }

  /** Half-way to the limit both servers are asked whether they live, so that the reason is known at the limit. */
  #judge(): void {
    const { stallTimeout, monitors } = this.#options;
    const idle = Date.now() - this.#moved;
    if (idle > stallTimeout / 2 && !this.#asked) {
      this.#asked = true;
      for (const side of ['source', 'destination'] as const) {
        this.#answers[side] = 'silent';
        void monitors[side].alive().then((answer) => {
          this.#answers[side] = answer;
        });
      }
    }
    if (idle < stallTimeout / 2) this.#asked = false;
    if (idle > this.#limit()) this.#stalled();
  }

  #limit(): number {
    const { stallTimeout, size, offset } = this.#options;
    if (!this.#blind) return stallTimeout;
    return 2 * stallTimeout + (((size ?? 0) - offset) / BLIND_RATE) * 1000;
  }

  #stalled(): void {
    this.stop();
    const { names, path } = this.#options;
    const seconds = Math.round((Date.now() - Math.max(this.#moved, this.#started)) / 1000);
    const side = (['destination', 'source'] as const).find(
      (candidate) => this.#answers[candidate] === 'silent',
    );
    const what = `no octet of ${path} arrived at ${names.destination} for ${seconds} s`;
    if (side)
      this.#options.stalled(
        `${what}: ${names[side]} does not answer any more, on this or another connection`,
        side,
      );
    else
      this.#options.stalled(
        `${what}, although both servers answer: the data connection from ${names.source} to ${names.destination} is stuck`,
      );
  }
}

/** Octets in the answer to STAT during a transfer: glFTPd, pyftpdlib and ProFTPD each say it their way. */
async function statBytes({ session }: Connection): Promise<number | undefined> {
  try {
    const reply = await session.request('STAT');
    if (reply.code < 211 || reply.code > 213) return undefined;
    const text = reply.lines.join('\n');
    const match =
      /Status: (\d+) (?:of|bytes)/.exec(text) ??
      /Total bytes received: (\d+)/.exec(text) ??
      /\((\d+) bytes\)/.exec(text) ??
      /STOR .*\((\d+)\)/.exec(text);
    return match ? Number(match[1]) : undefined;
  } catch {
    return undefined;
  }
}
