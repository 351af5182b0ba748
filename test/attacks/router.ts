/**
 * The attacker on the path: the router in front of a server.
 *
 * A server behind a router is known by the router's address: clients log in there, and the server names it in 227 (every FTP
 * server has an option for that; 229 needs none). So both control and data pass the router, and the router is not
 * honest. Control connections go through untouched, since it has no key for their TLS; what becomes of data connections,
 * the `tap` says. Towards the server the router keeps the address of whoever connected, as a real one does.
 */
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { reach } from './channel.js';

/** What is done with a data connection: `near` came in from the active server, `dial` connects to the passive one. */
export type Tap = (near: Socket, dial: () => Promise<Socket | undefined>) => Promise<void>;

/** Ports of data connections, both ends included. */
export interface PortRange {
  readonly from: number;
  readonly to: number;
}

/** Carries octets both ways until both are done. */
export function splice(near: Socket, far: Socket): Promise<void> {
  return new Promise((resolve) => {
    let open = 2;
    const one = (): void => {
      open -= 1;
      if (open === 0) resolve();
    };
    near.pipe(far);
    far.pipe(near);
    for (const [socket, other] of [
      [near, far],
      [far, near],
    ] as const) {
      socket.once('close', () => {
        other.destroySoon();
        one();
      });
      socket.on('error', () => socket.destroy());
    }
  });
}

const honest: Tap = async (near, dial) => {
  const far = await dial();
  if (far) await splice(near, far);
  else near.resetAndDestroy();
};

const listening = (server: Server, host: string, port: number): Promise<number> =>
  new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, () => resolve((server.address() as AddressInfo).port));
  });

export class Router {
  /** Control port on the router's address. */
  port = 0;
  /** Data connections that came. */
  connections = 0;
  /** What happens to the data connections to come [carried untouched]. */
  tap: Tap = honest;
  private readonly servers: Server[] = [];
  private readonly sockets = new Set<Socket>();

  private constructor(
    /** The address that everybody knows. */
    readonly host: string,
    private readonly server: string,
  ) {}

  /** @param host its address. @param server that of the server behind it. */
  static async start(
    host: string,
    server: { host: string; port: number },
    ports?: PortRange,
  ): Promise<Router> {
    const router = new Router(host, server.host);
    for (let port = ports?.from ?? 1; port <= (ports?.to ?? 0); port++) await router.open(port);
    const control = router.door((near) => void router.carry(near, server.port));
    router.port = await listening(control, host, 0);
    return router;
  }

  private door(serve: (near: Socket) => void): Server {
    const door = createServer({ allowHalfOpen: true, pauseOnConnect: true, noDelay: true }, (near) => {
      this.keep(near);
      serve(near);
    });
    this.servers.push(door);
    return door;
  }

  private keep(socket: Socket): void {
    this.sockets.add(socket);
    socket.on('error', () => {});
    socket.once('close', () => this.sockets.delete(socket));
  }

  private async carry(near: Socket, port: number): Promise<void> {
    const far = await this.dial(near, port);
    if (far) await splice(near, far);
    else near.destroy();
  }

  private async dial(near: Socket, port: number): Promise<Socket | undefined> {
    const far = await reach(this.server, port, near.remoteAddress);
    if (far) this.keep(far);
    return far;
  }

  /** Forwards a data port; for servers whose ports are not in a range. */
  async open(port: number): Promise<void> {
    const door = this.door((near) => {
      this.connections += 1;
      this.tap(near, () => this.dial(near, port)).catch(() => near.destroy());
    });
    await listening(door, this.host, port);
  }

  /** Carries data connections untouched again. */
  relent(): void {
    this.tap = honest;
  }

  stop(): void {
    for (const server of this.servers) server.close();
    for (const socket of this.sockets) socket.destroy();
  }
}
