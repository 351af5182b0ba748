/** The real server on a disk, in this process, and what attacks it: strangers and sinks on other loopback addresses. */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { createServer as createSink, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import type { ServerEvent } from '../../src/server/events.js';
import type { FtpServer, ServerOptions } from '../../src/server/options.js';
import { createServer } from '../../src/server/server.js';
import { type MemoryUser, memoryUsers } from '../../src/server/users/memory.js';
import { issueCertificate } from '../peers/certs.js';
import { allocateHost } from '../peers/host.js';
import { Wire } from './wire.js';

export const USER = 'deckhand';
export const PASSWORD = 'sheet-bend-3';

/** Addresses of those who have no business with a session on another one. */
export const STRANGER = '127.0.0.5';
export const VICTIM = '127.0.0.6';

/** A server under attack. */
export interface Target {
  readonly host: string;
  readonly port: number;
  readonly server: FtpServer;
  /** Directory of `deckhand`. */
  readonly home: string;
  readonly events: readonly ServerEvent[];
  /** The first event that fits, past or to come. */
  event<E extends ServerEvent['event']>(
    name: E,
    fits?: (event: Extract<ServerEvent, { event: E }>) => boolean,
  ): Promise<Extract<ServerEvent, { event: E }>>;
  /** A connection that has taken the greeting. */
  open(from?: string): Promise<Wire>;
  /** Logged in, clear. */
  login(from?: string): Promise<Wire>;
  /** Logged in under TLS with PROT P. */
  secured(from?: string): Promise<Wire>;
}

/** What a test may choose. */
export type TargetOptions = Omit<Partial<ServerOptions>, 'tls' | 'users'> & {
  /** [clear text] */
  tls?: Partial<NonNullable<ServerOptions['tls']>> | true;
  user?: Partial<MemoryUser>;
  users?: readonly MemoryUser[] | ServerOptions['users'];
};

/** Cuts that would keep a test waiting; every other value is the server's own. */
const QUICK = { levelDelay: 50 };

const isStore = (users: TargetOptions['users']): users is ServerOptions['users'] =>
  users !== undefined && 'login' in users;

/** A directory that goes with the test at hand. */
export function folder(): string {
  const made = mkdtempSync(join(tmpdir(), 'jackstay-threat-'));
  onTestFinished(() => rmSync(made, { recursive: true, force: true }));
  return made;
}

/** Starts a server that ends with the test at hand: data in this thread unless `threads` says otherwise. */
export async function target(options: TargetOptions = {}): Promise<Target> {
  const { tls, user, users, limits, ...rest } = options;
  const home = join(folder(), 'home');
  mkdirSync(home);
  const host = allocateHost();
  const events: ServerEvent[] = [];
  const watchers = new Set<(event: ServerEvent) => void>();
  const server = await createServer({
    threads: 0,
    ...rest,
    listen: rest.listen ?? { host, port: 0 },
    limits: { ...QUICK, ...limits },
    ...(tls ? { tls: { ...certificateOf(host), ...(tls === true ? {} : tls) } } : {}),
    users: isStore(users)
      ? users
      : memoryUsers([{ name: USER, password: PASSWORD, home, ...user }, ...(users ?? [])]),
    onEvent: (event) => {
      events.push(event);
      for (const watch of watchers) watch(event);
    },
  });
  const wires = new Set<Wire>();
  onTestFinished(async () => {
    for (const wire of wires) wire.close();
    await server.close();
  });
  const { port } = server.addresses[0]!;
  const open = async (from?: string): Promise<Wire> => {
    const wire = await Wire.open({ host, port, from: from ?? '127.0.0.1' });
    wires.add(wire);
    return wire;
  };
  return {
    host,
    port,
    server,
    home,
    events,
    open,
    login: async (from) => (await open(from)).login(USER, PASSWORD),
    secured: async (from) => {
      const wire = await (await open(from)).secure();
      return (await wire.login(USER, PASSWORD)).protect();
    },
    event: (name, fits = () => true) => {
      type Wanted = Extract<ServerEvent, { event: typeof name }>;
      const wanted = (event: ServerEvent): event is Wanted => event.event === name && fits(event as Wanted);
      const past = events.find(wanted);
      if (past) return Promise.resolve(past);
      return new Promise((resolve) => {
        const watch = (event: ServerEvent): void => {
          if (!wanted(event)) return;
          watchers.delete(watch);
          resolve(event);
        };
        watchers.add(watch);
      });
    },
  };
}

function certificateOf(host: string): { cert: string; key: string } {
  const { cert, key } = issueCertificate(host);
  return { cert, key };
}

/** A listener of a third party that counts what reaches it. */
export interface Sink {
  readonly host: string;
  readonly port: number;
  /** Connections that were made to it. */
  readonly connections: number;
  readonly octets: Buffer;
  /** Resolves at the next connection. */
  connection(): Promise<Socket>;
}

/** @param greet sent at once to whoever connects, as a mail server would. */
export async function sink(host = VICTIM, port = 0, greet?: string): Promise<Sink> {
  const chunks: Buffer[] = [];
  const sockets: Socket[] = [];
  let wake: (socket: Socket) => void = () => {};
  const server: Server = createSink((socket) => {
    sockets.push(socket);
    socket.on('error', () => {});
    socket.on('data', (chunk) => chunks.push(chunk));
    if (greet !== undefined) socket.write(greet);
    wake(socket);
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, resolve);
  });
  onTestFinished(() => {
    server.close();
    for (const socket of sockets) socket.destroy();
  });
  const address = server.address();
  return {
    host,
    port: address !== null && typeof address === 'object' ? address.port : port,
    get connections() {
      return sockets.length;
    },
    get octets() {
      return Buffer.concat(chunks);
    },
    connection: () =>
      new Promise((resolve) => {
        wake = resolve;
      }),
  };
}
