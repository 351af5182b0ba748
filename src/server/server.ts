import { randomBytes, randomInt } from 'node:crypto';
import { availableParallelism } from 'node:os';
import { type ControlListener, listenControl } from '../net/accept.js';
import type { TransferResult } from '../net/plane/types.js';
import type { ServedControl } from '../net/server-control.js';
import { serverContext } from '../net/tls-server.js';
import { Connection } from './connection.js';
import type { Core, Settings } from './core.js';
import { startDataHost } from './data/host.js';
import { ForeignFailures } from './foreign.js';
import { type Admission, countingGate } from './gate.js';
import type { FtpServer, ListenAddress, ServerOptions } from './options.js';
import { settingsOf } from './settings.js';
import { accountShares } from './shares.js';
import { storageObjects } from './storage/objects.js';
import { ROWS } from './verbs/table.js';

/** How often sessions are looked at for timeouts, milliseconds: one timer for all of them. */
const SWEEP = 1_000;

function makeSecure(settings: Settings, ticketKeys: Uint8Array): Core['secure'] {
  if (!settings.tls) return undefined;
  const { cert, key, minVersion } = settings.tls;
  const material = { cert, key, minVersion, ticketKeys };
  return { material, context: serverContext(material) };
}

/** Waits so that every foreign failure ends at the same distance from its command. */
async function levelled(core: Core, result: TransferResult, foreign: boolean, begun: number): Promise<void> {
  const stage = result.failure?.stage;
  const told = stage === 'connect' || stage === 'handshake' || stage === 'refused';
  const { levelDelay } = core.settings.limits;
  if (!foreign || !told || levelDelay === 0) return;
  const wait = begun + levelDelay + randomInt(Math.ceil(levelDelay / 10)) - performance.now();
  if (wait > 0) await new Promise((resolve) => setTimeout(resolve, wait));
}

/** A server that runs: its listeners, its connections and the timer that looks at them. */
class Running implements FtpServer {
  readonly addresses: ListenAddress[] = [];
  readonly #core: Core;
  readonly #listeners: ControlListener[] = [];
  readonly #connections = new Set<Connection>();
  readonly #ticketKeys: Uint8Array;
  readonly #sweep: NodeJS.Timeout;
  #closing = false;
  #closed: Promise<void> | undefined;

  constructor(core: Core, ticketKeys: Uint8Array) {
    this.#core = core;
    this.#ticketKeys = ticketKeys;
    this.#sweep = setInterval(() => this.#look(), SWEEP);
    this.#sweep.unref();
  }

  get sessions(): number {
    return this.#connections.size;
  }

  async listen(address: ListenAddress): Promise<void> {
    const implicitTls = address.implicitTls ?? false;
    const listener = await listenControl({ host: address.host, port: address.port }, (control) =>
      this.#accept(control, implicitTls),
    );
    this.#listeners.push(listener);
    this.addresses.push({ host: listener.host, port: listener.port, implicitTls });
    this.#core.emit({ event: 'listening', host: listener.host, port: listener.port, implicitTls });
  }

  reload(options: Parameters<FtpServer['reload']>[0]): void {
    const settings = settingsOf(options);
    const secure = makeSecure(settings, this.#ticketKeys);
    this.#core.settings = settings;
    this.#core.secure = secure;
    if (secure) this.#core.data.plane.setTls(secure.material);
  }

  close(grace = 0): Promise<void> {
    // Asked again, with less patience: what still runs is ended.
    if (this.#closed && grace <= 0)
      for (const connection of this.#connections) connection.destroy('the server was stopped');
    this.#closed ??= this.#close(grace);
    return this.#closed;
  }

  async #close(grace: number): Promise<void> {
    this.#closing = true;
    for (const listener of this.#listeners) listener.close();
    for (const connection of this.#connections) {
      if (!connection.session.running || grace <= 0) connection.close(421, 'The server is shutting down.');
    }
    await this.#emptied(grace);
    for (const connection of this.#connections) connection.destroy('the server was stopped');
    clearInterval(this.#sweep);
    await this.#core.data.close();
  }

  /** Resolves when the last connection is gone, or after `grace` milliseconds. */
  #emptied(grace: number): Promise<void> {
    if (this.#connections.size === 0) return Promise.resolve();
    return new Promise((resolve) => {
      const end = (): void => {
        clearTimeout(timer);
        this.#onEmpty = undefined;
        resolve();
      };
      const timer = setTimeout(end, Math.max(grace, 100));
      this.#onEmpty = end;
    });
  }

  #onEmpty: (() => void) | undefined;

  #accept(control: ServedControl, implicitTls: boolean): void {
    const verdict = this.#core.gate.admit(control.peerAddress);
    // Where other processes are asked, the client waits: nothing of it is read before.
    if (verdict instanceof Promise) {
      verdict.then(
        (admission) => this.#admitted(control, implicitTls, admission),
        () => control.end(),
      );
    } else this.#admitted(control, implicitTls, verdict);
  }

  #admitted(control: ServedControl, implicitTls: boolean, admission: Admission): void {
    const { emit } = this.#core;
    if (this.#closing && admission.ok) admission.release();
    const verdict = this.#closing ? { ok: false as const, why: 'shutting down' } : admission;
    if (!verdict.ok) {
      emit({ event: 'refused', address: control.peerAddress, why: verdict.why });
      if (!implicitTls) control.write(Buffer.from('421 Too many connections; try again later.\r\n'));
      control.end();
      return;
    }
    const connection = new Connection(this.#core, control, () => {
      verdict.release();
      this.#connections.delete(connection);
      if (this.#connections.size === 0) this.#onEmpty?.();
    });
    this.#connections.add(connection);
    connection.begin(implicitTls).catch((error: unknown) => {
      const why = error instanceof Error ? error.message : String(error);
      emit({ event: 'refused', address: control.peerAddress, why });
    });
  }

  #look(): void {
    const now = Date.now();
    const { loginTimeout, idleTimeout } = this.#core.settings.limits;
    for (const connection of this.#connections) {
      const { session } = connection;
      if (!session.account && loginTimeout > 0 && now - session.since > loginTimeout) {
        connection.close(421, 'No login in time.');
      } else if (this.#closing && !session.running) {
        connection.close(421, 'The server is shutting down.');
      } else if (!connection.busy && idleTimeout > 0 && now - session.lastUsed > idleTimeout) {
        connection.close(421, 'Nothing was asked for too long.');
      }
    }
  }
}

/**
 * Start an FTP server (RFC 959, 2228, 2428, 3659, 4217) with server-to-server transfers under policy.
 *
 * @returns once every address is listened on. @throws Error of the system when one cannot be (EADDRINUSE, EACCES).
 */
export async function createServer(options: ServerOptions): Promise<FtpServer> {
  const settings = settingsOf(options);
  const ticketKeys = randomBytes(48);
  const secure = makeSecure(settings, ticketKeys);
  const emit: Core['emit'] = options.onEvent ?? (() => {});
  const threads = options.threads ?? Math.min(4, availableParallelism());
  const data = await startDataHost({
    threads,
    objects: storageObjects,
    onError: (message, error) => emit({ event: 'error', message, error }),
  });
  if (secure) data.plane.setTls(secure.material);
  const core: Core = {
    settings,
    secure,
    users: options.users,
    data,
    sessions: new Set(),
    verbs: { rows: ROWS },
    gate: countingGate(options.users, () => core.settings.limits, { counters: options.counters }),
    foreign: new ForeignFailures(() => core.settings.limits),
    shares: accountShares((spec) => data.storage(spec)),
    emit,
    level: (result, foreign, begun) => levelled(core, result, foreign, begun),
  };
  const server = new Running(core, ticketKeys);
  try {
    for (const address of [options.listen ?? { host: '127.0.0.1', port: 0 }].flat())
      await server.listen(address);
    return server;
  } catch (error) {
    await server.close();
    throw error;
  }
}
