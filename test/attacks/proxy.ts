/**
 * In the middle of a control connection: refuses commands, takes lines out of FEAT, reads passwords. Before AUTH TLS it needs
 * nothing for that; behind it, it has to be the TLS server itself, with a certificate of its own, or with the server's key
 * where it stands for a server that has changed.
 */
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { pose, reach } from './channel.js';
import type { Credentials } from './credentials.js';

export interface ProxyPlan {
  /** Verb -> reply that is given in the server's place. */
  readonly refuse?: Readonly<Record<string, string>>;
  /** Lines of FEAT that are taken out. */
  readonly strip?: RegExp;
  readonly credentials: Credentials;
}

/** Hands over whole lines. */
function eachLine(socket: Socket, take: (line: string) => void): void {
  let rest = '';
  socket.on('data', (piece: Buffer) => {
    const lines = (rest + piece.toString('latin1')).split('\r\n');
    rest = lines.pop() ?? '';
    for (const line of lines) take(line);
  });
}

export class ControlProxy {
  port = 0;
  /** Passwords that it has read. */
  passwords = 0;
  private server: Server | undefined;
  private readonly sockets = new Set<Socket>();

  constructor(
    private readonly plan: ProxyPlan,
    private readonly target: { host: string; port: number },
  ) {}

  /** Listens on the address that the server is known by. */
  async start(host: string): Promise<this> {
    const server = createServer((near) => void this.serve(near).catch(() => near.destroy()));
    this.server = server;
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(0, host, resolve);
    });
    this.port = (server.address() as AddressInfo).port;
    return this;
  }

  private keep(socket: Socket): void {
    this.sockets.add(socket);
    socket.on('error', () => socket.destroy());
    socket.once('close', () => this.sockets.delete(socket));
  }

  private async serve(near: Socket): Promise<void> {
    this.keep(near);
    const far = await reach(this.target.host, this.target.port, near.remoteAddress);
    if (!far) return void near.destroy();
    this.keep(far);
    this.join(near, far);
  }

  private join(near: Socket, far: Socket): void {
    let starting = false;
    eachLine(near, (line) => {
      const [verb = ''] = line.toUpperCase().split(' ', 1);
      if (verb === 'PASS') this.passwords += 1;
      const refusal = this.plan.refuse?.[verb];
      if (refusal !== undefined) return void near.write(`${refusal}\r\n`);
      starting = verb === 'AUTH';
      far.write(`${line}\r\n`, 'latin1');
    });
    eachLine(far, (line) => {
      if (this.plan.strip?.test(line)) return;
      near.write(`${line}\r\n`, 'latin1');
      if (starting && line.startsWith('234')) void this.secure(near, far);
    });
    near.once('close', () => far.destroy());
    far.once('close', () => near.destroySoon());
  }

  private async secure(near: Socket, far: Socket): Promise<void> {
    for (const socket of [near, far]) socket.removeAllListeners('data');
    const { credentials } = this.plan;
    const [client, server] = await Promise.all([
      pose(near, { role: 'server', credentials }),
      pose(far, { role: 'client', credentials }),
    ]);
    if (client && server) this.join(client, server);
    else for (const socket of [near, far]) socket.destroy();
  }

  stop(): void {
    this.server?.close();
    for (const socket of this.sockets) socket.destroy();
  }
}
