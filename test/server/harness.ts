/** A server of ours on loopback with a disk in a temporary folder, and raw clients of it; all of it goes at the end. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, afterEach, beforeAll } from 'vitest';
import type { ServerEvent } from '../../src/server/events.js';
import type { FtpServer, ServerOptions, ServerTls } from '../../src/server/options.js';
import { createServer } from '../../src/server/server.js';
import { type MemoryUser, memoryUsers } from '../../src/server/users/memory.js';
import { issueCertificate } from '../peers/certs.js';
import { ControlClient, type StrictReply } from './control-client.js';

export { ControlClient, type StrictReply } from './control-client.js';

/** How a server is set up. */
export interface Setup {
  /** Worker threads [0]. */
  threads?: number;
  /** `optional`: AUTH TLS is there, clear text is allowed. An object overrides more. [none] */
  tls?: 'optional' | 'required' | Partial<ServerTls>;
  implicitTls?: boolean;
  /** Address to listen on [127.0.0.1]. */
  host?: string;
  /** Beside `user` with password `secret` and the whole tree; their home is the same folder unless they name another. */
  users?: Omit<MemoryUser, 'home'>[];
  /** Of `user`. */
  user?: Omit<MemoryUser, 'name' | 'home'>;
  options?: Partial<Omit<ServerOptions, 'users' | 'tls' | 'threads' | 'listen'>>;
  /** Files of the home, by path; a path that ends with `/` is a directory. */
  files?: Readonly<Record<string, string | Buffer>>;
}

export const HOST = '127.0.0.1';

/** A running server of a test. */
export class TestServer {
  readonly server: FtpServer;
  /** The home. */
  readonly root: string;
  readonly host: string;
  readonly events: ServerEvent[];
  readonly #clients = new Set<ControlClient>();
  readonly #waiters = new Set<() => void>();

  constructor(server: FtpServer, root: string, events: ServerEvent[]) {
    this.server = server;
    this.root = root;
    this.events = events;
    this.host = this.server.addresses[0]!.host;
  }

  get port(): number {
    return this.server.addresses[0]!.port;
  }

  /** A connection whose greeting is not read yet. */
  async dial(localAddress?: string): Promise<ControlClient> {
    const client = await ControlClient.connect(this.host, this.port, localAddress);
    this.#clients.add(client);
    return client;
  }

  /** A connection that was greeted. */
  async connect(localAddress?: string): Promise<ControlClient> {
    const client = await this.dial(localAddress);
    const greeting = await client.read();
    if (greeting.code !== 220) throw new Error(`greeted with ${greeting.lines.join(' / ')}`);
    return client;
  }

  /** Logged in, in clear, TYPE I. */
  async enter(user = 'user', localAddress?: string): Promise<ControlClient> {
    const client = await (await this.connect(localAddress)).login(user);
    await client.ok('TYPE I');
    return client;
  }

  /** Logged in under TLS with PROT P, TYPE I. */
  async enterTls(user = 'user', localAddress?: string): Promise<ControlClient> {
    const client = await this.connect(localAddress);
    client.identity = issueCertificate(HOST);
    await client.secure();
    await client.login(user);
    await client.ok('TYPE I');
    return client;
  }

  /** Writes a file into the home. */
  put(path: string, content: string | Buffer): void {
    const whole = join(this.root, path);
    if (path.endsWith('/')) mkdirSync(whole, { recursive: true });
    else {
      mkdirSync(dirname(whole), { recursive: true });
      writeFileSync(whole, content);
    }
  }

  read(path: string): Buffer {
    return readFileSync(join(this.root, path));
  }

  heard(event: ServerEvent): void {
    this.events.push(event);
    for (const wake of this.#waiters) wake();
  }

  /** The first event for which `test` holds, now or to come. */
  event<E extends ServerEvent>(test: (event: ServerEvent) => event is E): Promise<E> {
    return new Promise((resolve) => {
      const look = (): void => {
        const found = this.events.find(test);
        if (!found) return;
        this.#waiters.delete(look);
        resolve(found as E);
      };
      this.#waiters.add(look);
      look();
    });
  }

  hangUp(): void {
    for (const client of this.#clients) client.destroy();
    this.#clients.clear();
  }

  async close(): Promise<void> {
    this.hangUp();
    await this.server.close();
    rmSync(this.root, { recursive: true, force: true });
  }
}

/** Starts a server; the caller closes it. */
export async function startServer(setup: Setup = {}): Promise<TestServer> {
  const { threads = 0, tls, implicitTls = false, host = HOST, user, users = [], options, files = {} } = setup;
  const root = mkdtempSync(join(tmpdir(), 'jackstay-server-'));
  const events: ServerEvent[] = [];
  let started: TestServer | undefined;
  const { cert, key } = tls ? issueCertificate(HOST) : { cert: '', key: '' };
  const rules = tls === 'optional' ? { required: false } : tls === 'required' ? {} : tls;
  const server = await createServer({
    ...options,
    limits: { levelDelay: 0, loginFailuresPerMinute: 0, ...options?.limits },
    listen: { host, port: 0, implicitTls },
    threads,
    users: memoryUsers([
      { name: 'user', password: 'secret', home: root, ...user },
      ...users.map((one) => ({ password: 'secret', home: root, ...one })),
    ]),
    ...(tls ? { tls: { cert, key, ...rules } } : {}),
    onEvent: (event) => {
      options?.onEvent?.(event);
      if (started) started.heard(event);
      else events.push(event);
    },
  });
  started = new TestServer(server, root, events);
  for (const [path, content] of Object.entries(files)) started.put(path, content);
  return started;
}

/** One server for the tests of a file or of a `describe`; connections end with each test. */
export function useServer(setup: Setup = {}): () => TestServer {
  let server: TestServer | undefined;
  beforeAll(async () => {
    server = await startServer(setup);
  });
  afterEach(() => server?.hangUp());
  afterAll(() => server?.close());
  return () => server!;
}

/** Middle lines of a multi-line reply. */
export const inner = (reply: StrictReply): string[] => reply.lines.slice(1, -1);
