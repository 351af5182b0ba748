/** A bystander that a server is aimed at: a port that counts what comes, one that is closed, one that never answers. */
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { Worker } from 'node:worker_threads';
import { freePort } from '../peers/host.js';
import { reach } from './channel.js';

/** What a port does with who connects. */
export type Door = 'open' | 'closed' | 'silent';

/** Listens and never accepts: a full queue makes the system drop every further SYN, as a firewall does. */
const DEAF = `
const { createServer } = require('node:net');
const { parentPort, workerData } = require('node:worker_threads');
const server = createServer().listen({ host: workerData, port: 0, backlog: 1 }, () => {
  parentPort.postMessage(server.address().port);
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
});
`;
/** More than the queue of such a listener holds. */
const FILLING = 6;

export class Victim {
  connections = 0;
  /** Octets that came, from everybody. */
  octets = 0;
  /** The last of them as text. */
  heard = '';
  private idle: (() => void)[] = [];
  readonly ports: Record<Door, number> = { open: 0, closed: 0, silent: 0 };
  private readonly sockets = new Set<Socket>();
  private readonly server: Server;
  private deaf: Worker | undefined;

  private constructor(
    readonly host: string,
    greeting: string,
  ) {
    this.server = createServer((socket) => {
      this.connections += 1;
      this.sockets.add(socket);
      socket.on('error', () => {});
      socket.once('close', () => {
        this.sockets.delete(socket);
        for (const wake of this.idle.splice(0)) wake();
      });
      socket.on('data', (piece) => {
        this.octets += piece.length;
        this.heard = (this.heard + piece.toString('latin1')).slice(-10_000);
      });
      if (greeting) socket.write(greeting);
    });
  }

  /** @param greeting sent at once to whoever connects. @param doors which ports beside the open one. */
  static async start(host: string, { greeting = '', silent = false } = {}): Promise<Victim> {
    const victim = new Victim(host, greeting);
    await new Promise<void>((resolve, reject) => {
      victim.server.once('error', reject);
      victim.server.listen(0, host, 511, resolve);
    });
    victim.ports.open = (victim.server.address() as AddressInfo).port;
    victim.ports.closed = await freePort(host);
    if (silent) await victim.deafen();
    return victim;
  }

  private async deafen(): Promise<void> {
    const worker = new Worker(DEAF, { eval: true, workerData: this.host });
    this.deaf = worker;
    this.ports.silent = await new Promise<number>((resolve, reject) => {
      worker.once('message', resolve);
      worker.once('error', reject);
    });
    // Those that fit into the queue connect, the first that does not waits for ever.
    for (let full = false; !full; ) {
      const filling = Array.from({ length: FILLING }, () => this.fill());
      full = (await Promise.all(filling)).includes(false);
    }
  }

  /** False when the connection does not come about while another one to the open port does. */
  private async fill(): Promise<boolean> {
    const asked = reach(this.host, this.ports.silent).then((socket) => {
      if (socket) this.sockets.add(socket);
      return true;
    });
    const other = new Promise<boolean>((resolve) => setTimeout(() => resolve(false), 300));
    return Promise.race([asked, other]);
  }

  /** Resolves when whoever had connected before is gone again. Its own connection for that is not counted. */
  async settled(): Promise<void> {
    // The queue of a listener is served in order: what came before this one has been counted when it is.
    const ports = new Set<number | undefined>();
    let wake = (): void => {};
    const note = (socket: Socket): void => {
      ports.add(socket.remotePort);
      wake();
    };
    this.server.on('connection', note);
    const marker = await reach(this.host, this.ports.open);
    while (marker && !ports.has(marker.localPort)) {
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
    }
    this.server.removeListener('connection', note);
    this.connections -= 1;
    marker?.destroy();
    while ([...this.sockets].some((socket) => socket.localPort === this.ports.open)) {
      await new Promise<void>((resolve) => this.idle.push(resolve));
    }
  }

  async stop(): Promise<void> {
    this.server.close();
    for (const socket of this.sockets) socket.destroy();
    await this.deaf?.terminate();
  }
}
