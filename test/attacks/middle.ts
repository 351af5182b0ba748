/**
 * Man in the middle of a data connection: TLS ended twice with certificates of its own, octets read, altered or cut.
 * It knows everything that can be known (who sends, who is TLS client), and takes what it can get: a leg on
 * which the other end believes it is used, whatever becomes of the other leg.
 */
import type { Socket } from 'node:net';
import { pose, spoken, swallow } from './channel.js';
import type { Credentials } from './credentials.js';
import type { Tap } from './router.js';

/** `read` carries the octets on unchanged, `alter` others of the same number. */
export type Deed = 'read' | 'alter';

export interface MiddlePlan {
  readonly deed: Deed;
  /** Which end of the TCP connection sends the file. */
  readonly sender: 'active' | 'passive';
  /** Which end is TLS client; undefined = no TLS. */
  readonly client: 'active' | 'passive' | undefined;
  readonly credentials: Credentials;
  /** Newest TLS that it speaks as server: with 1.3 a sender that reads no tickets would lose the end of the file. */
  readonly maxVersion?: 'TLSv1.2' | undefined;
  /** Fed to a receiver that believes while the sender does not. */
  readonly fake: Buffer;
}

/** What it got. */
export interface Loot {
  /** Plain octets of the file. */
  readonly seen: Buffer;
  /** Plain octets of its own making that it sent to the receiver. */
  readonly fed: number;
  readonly connections: number;
}

/** The bits of every octet turned over: same length, other content. */
const altered = (piece: Buffer): Buffer => Buffer.from(piece.map((octet) => octet ^ 0xff));

export class Middle implements Loot {
  fed = 0;
  connections = 0;
  private readonly pieces: Buffer[] = [];

  constructor(private readonly plan: MiddlePlan) {}

  get seen(): Buffer {
    return Buffer.concat(this.pieces);
  }

  readonly tap: Tap = async (near, dial) => {
    this.connections += 1;
    const far = await dial();
    if (!far) return void near.destroy();
    const { sender, client } = this.plan;
    // Whoever is TLS client speaks first; a server that is spoken to too early may lose it (pyftpdlib).
    if (client) await spoken(client === 'active' ? near : far);
    const [active, passive] = await Promise.all([this.join(near, 'active'), this.join(far, 'passive')]);
    const [from, to] = sender === 'active' ? [active, passive] : [passive, active];
    await Promise.all([this.rob(from, to), from ? undefined : this.feed(to)]);
    near.destroySoon();
    far.destroySoon();
  };

  private async join(raw: Socket, end: 'active' | 'passive'): Promise<Socket | undefined> {
    const { client, credentials, maxVersion } = this.plan;
    if (client === undefined) return raw;
    return client === end
      ? pose(raw, { role: 'server', credentials, maxVersion })
      : pose(raw, { role: 'client', credentials });
  }

  private async rob(from: Socket | undefined, to: Socket | undefined): Promise<void> {
    if (!from) return;
    await swallow(from, (piece) => {
      this.pieces.push(piece);
      if (!to || to.destroyed) return;
      const alters = this.plan.deed === 'alter';
      if (alters) this.fed += piece.length;
      to.write(alters ? altered(piece) : piece);
    });
    from.end();
    to?.end();
    if (to) await swallow(to, () => {});
  }

  private async feed(to: Socket | undefined): Promise<void> {
    if (!to) return;
    const { fake } = this.plan;
    this.fed += fake.length;
    to.end(fake);
    await swallow(to, () => {});
  }
}

/**
 * Cuts the stream without any key: after so many octets towards the receiver it sends FIN, as if the sender had closed, and
 * goes on reading from the sender so that nothing seems wrong there.
 */
export class Cutter {
  connections = 0;

  constructor(
    private readonly sender: 'active' | 'passive',
    private readonly after: number,
  ) {}

  readonly tap: Tap = async (near, dial) => {
    this.connections += 1;
    const far = await dial();
    if (!far) return void near.destroy();
    const [from, to] = this.sender === 'active' ? [near, far] : [far, near];
    let left = this.after;
    const back = swallow(to, (piece) => void from.write(piece));
    await swallow(from, (piece) => {
      if (left <= 0) return;
      to.write(piece.subarray(0, left));
      left -= piece.length;
      if (left <= 0) to.end();
    });
    to.end();
    from.end();
    await back;
    near.destroy();
    far.destroy();
  };
}
