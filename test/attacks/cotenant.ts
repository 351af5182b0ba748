/**
 * Another user of the same two servers. He has an account on both, knows the keys that the victim's sessions show (they
 * are public), guesses the passive port, and is faster: he lets his own session on the one server answer the victim's session on
 * the other.
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseDcpaReply } from '../../src/protocol/dcpa.js';
import { parseRange } from '../../src/protocol/ranges.js';
import { createServer, type FtpServer, memoryUsers } from '../../src/server/index.js';
import { issueCertificate } from '../peers/certs.js';
import { allocateHost } from '../peers/host.js';
import { dial, drain, type Reply, sextet, shake, Wire } from '../threats/wire.js';
import { forge } from './credentials.js';
import { contentOf, difference } from './lab.js';
import { genuine } from './on-path.js';
import type { Family, Row } from './rows.js';
import { Thief } from './thief.js';

/** What the victim's sessions ask of each other: nothing (SSCN), the machine, this login. */
export type Bond = 'SSCN' | 'host' | 'session';

const PASSWORD = 'marlinspike-4';
const VICTIM = 'purser';
const TENANT = 'stowaway';

interface House {
  readonly host: string;
  readonly home: Readonly<Record<string, string>>;
  readonly server: FtpServer;
}

/** A row of `resume`. */
export interface Resumed extends Row {
  /** The server took the session up at the victim's port. */
  readonly resumed: boolean;
  /** It did so at the port of the session's owner. */
  readonly valid: boolean;
}

/** Two servers of ours, two users on each. */
export class Tenement {
  private constructor(
    private readonly root: string,
    private readonly a: House,
    private readonly b: House,
    private readonly content: { payload: Buffer; fake: Buffer },
  ) {}

  static async start(content: { payload: Buffer; fake: Buffer }): Promise<Tenement> {
    const root = mkdtempSync(join(tmpdir(), 'jackstay-attacks-'));
    const house = async (name: string): Promise<House> => {
      const host = allocateHost();
      const home = { [VICTIM]: join(root, name, VICTIM), [TENANT]: join(root, name, TENANT) };
      for (const path of Object.values(home)) mkdirSync(path, { recursive: true });
      const { cert, key } = issueCertificate(host);
      const server = await createServer({
        listen: { host, port: 0 },
        tls: { cert, key },
        fxp: { mode: 'listed', peers: [parseRange('127.0.0.0/8')] },
        limits: { dataTimeout: 3_000, levelDelay: 1_000, foreignFailuresPerMinute: 0 },
        threads: 0,
        users: memoryUsers(
          Object.entries(home).map(([user, path]) => ({ name: user, password: PASSWORD, home: path })),
        ),
      });
      return { host, home, server };
    };
    return new Tenement(root, await house('a'), await house('b'), content);
  }

  async close(): Promise<void> {
    await Promise.all([this.a.server.close(), this.b.server.close()]);
    rmSync(this.root, { recursive: true, force: true });
  }

  private async enter(house: House, user: string): Promise<Wire> {
    const { port } = house.server.addresses[0]!;
    const wire = await (await Wire.open({ host: house.host, port, from: '127.0.0.1' })).secure();
    return (await wire.login(user, PASSWORD)).protect();
  }

  private put(house: House, user: string, name: string, content: Buffer): void {
    writeFileSync(join(house.home[user]!, name), content);
  }

  /**
   * The victim's file from A to B (`fetch`) or from B to A (`feed`), A listening. The other user's session on B is first at
   * the port of A, to store the file as his own or to send his own in its place.
   */
  async swap(bond: Bond, deed: 'fetch' | 'feed'): Promise<Row> {
    const { a, b } = this;
    const source = deed === 'fetch' ? a : b;
    this.put(source, VICTIM, 'file', this.content.payload);
    this.put(b, TENANT, 'file', this.content.fake);
    const wires = await Promise.all([
      this.enter(a, VICTIM),
      this.enter(b, VICTIM),
      this.enter(b, TENANT),
      this.enter(a, TENANT),
    ]);
    const [mine, theirs, thief] = wires;
    try {
      const keys = await bind(bond, mine, theirs);
      if (bond !== 'SSCN') await thief.must(200, `DCPA Self=${bond};Peer=sha-256:${keys.mine}`);
      const port = await mine.passive();
      const [out, into] = ['RETR file', `STOR ${deed}-${bond}`] as const;
      const [atA, atB] = deed === 'fetch' ? [out, into] : [into, out];
      await thief.must(200, `PORT ${sextet(a.host, port)}`);
      await theirs.must(200, `PORT ${sextet(a.host, port)}`);
      const stolen = finalOf(thief, atB);
      const first = finalOf(mine, atA);
      // The victim's own pair goes on as it would: it comes second.
      await Promise.race([stolen, first]);
      const second = finalOf(theirs, atB);
      const [a1, b1] = await Promise.all([first, second, stolen]);
      const [sent, stored] = deed === 'fetch' ? [a1, b1] : [b1, a1];
      return this.rowOf(bond, deed, sent, stored);
    } finally {
      for (const wire of wires) wire.close();
    }
  }

  private rowOf(bond: Bond, deed: 'fetch' | 'feed', sent: string, stored: string): Row {
    const { payload } = this.content;
    const loot = contentOf(join(this.b.home[TENANT]!, `${deed}-${bond}`)) ?? Buffer.alloc(0);
    const arrived = contentOf(join((deed === 'fetch' ? this.b : this.a).home[VICTIM]!, `${deed}-${bond}`));
    const family: Family = bond === 'SSCN' ? 'SSCN' : 'DCPA';
    return {
      attack: `another user of both servers ${deed === 'fetch' ? 'takes the file' : 'sends his own file'}`,
      family,
      way: `Jackstay to Jackstay, ${bond === 'SSCN' ? 'SSCN' : `DCPA Self=${bond}`}`,
      seen: genuine(loot, payload),
      altered: /^2/.test(stored) ? difference(payload, arrived) : 0,
      source: sent,
      destination: stored,
      client: saidByHand(sent, stored),
    };
  }

  /** A session that a stranger holds rightly, offered again at the port of somebody else's pinned transfer. */
  async resume(of: 'control' | 'data', pinned: boolean): Promise<Resumed> {
    const { a, b } = this;
    this.put(a, VICTIM, 'file', this.content.payload);
    this.put(a, TENANT, 'own', Buffer.from('of the thief'));
    const wires = await Promise.all([this.enter(a, VICTIM), this.enter(b, VICTIM), this.enter(a, TENANT)]);
    const [mine, theirs, tenant] = wires;
    try {
      const credentials = await forge('self-signed', a.host);
      const session = of === 'control' ? tenant.session : await ticketOf(tenant, a.host);
      if (!session) throw new Error(`there is no session of a ${of} connection`);
      const valid = await takenUp(tenant, a.host, session);
      const thief = new Thief({
        from: '127.0.0.1',
        deed: 'fetch',
        role: 'client',
        credentials,
        session,
        fake: Buffer.alloc(0),
      });
      if (pinned) await bind('session', mine, theirs, ['server', 'client']);
      else await theirs.must(200, 'SSCN ON');
      const port = await mine.passive();
      await theirs.must(200, `PORT ${sextet(a.host, port)}`);
      const sent = finalOf(mine, 'RETR file');
      await Promise.race([thief.strike(a.host, port), sent]);
      const stored = await finalOf(theirs, `STOR resume-${of}`);
      const arrived = contentOf(join(b.home[VICTIM]!, `resume-${of}`));
      const source = await sent;
      return {
        attack: `resumes a TLS session of its own ${of} connection at the port`,
        family: pinned ? 'DCPA' : 'SSCN',
        way: `Jackstay to Jackstay, ${pinned ? 'DCPA Role=server' : 'SSCN OFF'} at the port`,
        seen: genuine(thief.seen, this.content.payload),
        altered: /^2/.test(stored) ? difference(this.content.payload, arrived) : 0,
        source,
        destination: stored,
        client: saidByHand(source, stored),
        resumed: thief.resumed,
        valid,
      };
    } finally {
      for (const wire of wires) wire.close();
    }
  }
}

/** No client is between: what one would say. */
const saidByHand = (sent: string, stored: string): string =>
  `${/^226/.test(sent) && /^226/.test(stored) ? 'done' : 'failed'} (commands by hand)`;

const lineOf = ({ text }: Reply): string => text.split('\n').at(-1)!;

async function finalOf(wire: Wire, line: string): Promise<string> {
  let answer = await wire.send(line);
  while (answer.code < 200) answer = await wire.next();
  return lineOf(answer);
}

/** Two sessions told of each other's key, or of nothing but who is TLS client. */
async function bind(
  bond: Bond,
  passive: Wire,
  active: Wire,
  roles: readonly [string, string] = ['auto', 'auto'],
): Promise<{ mine: string; theirs: string }> {
  if (bond === 'SSCN') {
    await passive.must(200, 'SSCN ON');
    return { mine: '', theirs: '' };
  }
  const key = async (wire: Wire, role: string): Promise<string> => {
    const { lines } = await wire.must(200, `DCPA Self=${bond};Role=${role}`);
    const said = parseDcpaReply(lines.at(-1)!.slice(4));
    if (!said?.on) throw new Error(`no key in ${lines.at(-1)}`);
    return said.self;
  };
  const keys = { mine: await key(passive, roles[0]), theirs: await key(active, roles[1]) };
  await passive.must(200, `DCPA Peer=sha-256:${keys.theirs}`);
  await active.must(200, `DCPA Peer=sha-256:${keys.mine}`);
  return keys;
}

/** Whether a TLS session is taken up on a data connection of its owner. */
async function takenUp(wire: Wire, host: string, session: Buffer): Promise<boolean> {
  const raw = await dial({ host, port: await wire.passive(), from: wire.socket.localAddress });
  const answered = finalOf(wire, 'RETR own');
  const data = await shake(raw, { session });
  const reused = data.isSessionReused();
  await drain(data);
  await answered;
  return reused;
}

/** The TLS session of an ordinary data connection of one's own. */
async function ticketOf(wire: Wire, host: string): Promise<Buffer | undefined> {
  const port = await wire.passive();
  const raw = await dial({ host, port, from: wire.socket.localAddress });
  const answered = finalOf(wire, 'RETR own');
  const data = await shake(raw, { ...(wire.session && { session: wire.session }) });
  let session: Buffer | undefined = data.getSession();
  data.on('session', (ticket: Buffer) => {
    session = ticket;
  });
  await drain(data);
  await answered;
  return session;
}
