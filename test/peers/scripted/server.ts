/** A small FTP server for tests: real sockets, real TLS, real files, and the manners of a dialect. */
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { type Dialect, ORDINARY } from './dialect.js';
import { Tree } from './files.js';
import type { Hooks, ScriptedOptions, ScriptedPeer } from './options.js';
import { Session } from './session.js';
import { type Identity, identityFor, quietHosts } from './tls.js';
import { ACCESS } from './verbs-access.js';
import { DATA } from './verbs-data.js';
import { TREE } from './verbs-tree.js';

export type { ScriptedOptions, ScriptedPeer } from './options.js';

const poolId = Number(process.env.VITEST_POOL_ID ?? 0);
let hostsGiven = 0;

/** A loopback address that no other scripted server of this process has. */
function nextHost(): string {
  hostsGiven += 1;
  return `127.${60 + (poolId % 190)}.${Math.floor(hostsGiven / 250)}.${1 + (hostsGiven % 250)}`;
}

/** A server at work, as its sessions see it. */
export class RunningServer {
  readonly dialect: Dialect;
  readonly verbs: Dialect['verbs'];
  readonly hooks: Hooks;
  readonly tree: Tree;
  readonly user: string;
  readonly password: string;
  readonly identity: Identity;
  readonly commands: string[] = [];
  readonly dialogue: string[] = [];
  readonly sessions = new Set<Session>();
  accepted = 0;
  private readonly listener: Server;
  private isStopped = false;

  constructor(
    dialect: Dialect,
    readonly options: ScriptedOptions,
    readonly host: string,
  ) {
    this.dialect = { ...dialect, ...options.dialect };
    this.verbs = { ...ACCESS, ...TREE, ...DATA, ...dialect.verbs, ...options.dialect?.verbs };
    this.hooks = options.hooks ?? {};
    this.tree = new Tree(this.dialect.name, options.files);
    this.user = options.user ?? 'rigger';
    this.password = options.password ?? 'sheet-bend-3';
    this.identity = identityFor(host, options.minVersion, options.maxVersion);
    if (this.dialect.quietTickets) quietHosts.add(host);
    this.listener = createServer((socket) => this.accept(socket));
  }

  private accept(socket: Socket): void {
    this.accepted += 1;
    const session = new Session(this, socket, this.accepted);
    this.sessions.add(session);
    session.start(this.options.tls === 'implicit');
  }

  /** Listens on a free port of the server's own address, and gives the port. */
  listen(): Promise<number> {
    return new Promise((resolve, reject) => {
      this.listener.once('error', reject);
      this.listener.listen(0, this.host, () => resolve((this.listener.address() as AddressInfo).port));
    });
  }

  recordCommand(number: number, line: string): void {
    this.commands.push(line);
    this.record(`${number}> `, [line]);
  }

  record(mark: string, lines: readonly string[]): void {
    this.dialogue.push(...lines.map((line) => mark + line));
  }

  /** Sessions that are logged in as `user`. */
  loginsOf(user: string): number {
    return [...this.sessions].filter((session) => session.isLoggedIn && session.user === user).length;
  }

  /** What the `fxp` option allows. */
  get allows(): { port: boolean; passive: boolean } {
    const fxp = this.options.fxp ?? true;
    return typeof fxp === 'boolean' ? { port: fxp, passive: fxp } : fxp;
  }

  forget(session: Session): void {
    this.sessions.delete(session);
  }

  async stop(): Promise<void> {
    if (this.isStopped) return;
    this.isStopped = true;
    const ended = new Promise<void>((resolve) => this.listener.close(() => resolve()));
    const transfers = [...this.sessions].map((session) => session.transfer?.settled);
    for (const session of this.sessions) session.destroy();
    await Promise.all([ended, ...transfers]);
    quietHosts.delete(this.host);
    this.tree.remove();
  }
}

/** Starts a server that speaks a dialect. It listens when the promise resolves. */
export async function startScripted(dialect: Dialect, options: ScriptedOptions = {}): Promise<ScriptedPeer> {
  const server = new RunningServer(dialect, options, nextHost());
  const port = await server.listen();
  const { host, user, password, identity } = server;
  return {
    name: options.name ?? server.dialect.name,
    ...{ host, port, user, password },
    home: server.tree.home,
    path: '/',
    certificate: identity.certificate,
    pin: identity.pin,
    log: () => server.commands.join('\n'),
    commands: () => server.commands,
    transcript: () => server.dialogue.join('\n'),
    connections: () => server.sessions.size,
    accepted: () => server.accepted,
    stop: () => server.stop(),
  };
}

/** A plain, well-behaved server, in the manner of ProFTPD. */
export const startOrdinary = (options?: ScriptedOptions): Promise<ScriptedPeer> =>
  startScripted(ORDINARY, options);
