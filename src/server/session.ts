import type {
  ActiveOrder,
  DataEndpoint,
  DataIdentity,
  DataTransfer,
  ExpectedOctets,
} from '../net/plane/types.js';
import type { Span } from '../protocol/markers.js';
import type { Core } from './core.js';
import { FACTS, type FactName, type FileOrder, type MetaStorage } from './data/types.js';
import { Dcpa } from './dcpa.js';
import type { SessionFacts } from './events.js';
import type { FxpPolicy, PeerOrder } from './policy.js';
import { Refusal } from './reply.js';
import type { DigestAlgorithm, Range } from './storage/types.js';
import { type Place, Tree } from './tree.js';
import type { Account, Right } from './users/types.js';

/** What the control connection offers to a session, whoever carries it. */
export interface SessionLink {
  readonly peerAddress: string;
  readonly peerPort: number;
  readonly localAddress: string;
  readonly localPort: number;
  /** Facts of TLS once it is up. */
  readonly tls:
    | {
        contextId: string;
        servername?: string | undefined;
        pin?: string | undefined;
        /** What this server showed on it. */
        identity: DataIdentity;
      }
    | undefined;
  /**
   * Go over to TLS once what was written has left (RFC 4217 4). Octets and commands that came behind AUTH are dropped
   * (CVE-2011-1575). The connection is closed when the handshake fails.
   */
  startTls(): Promise<void>;
}

/** A data connection that was asked for and not used yet. */
export interface PendingEndpoint {
  endpoint: DataEndpoint<FileOrder, PeerOrder>;
  /** CPSV: TLS client for this one. */
  client: boolean;
  /** The peer named by PORT or EPRT is not the client. */
  foreign: boolean;
  /** MODE E: its connections are kept from a transfer before, under these terms (`terms` of carry.ts). */
  kept?: string | undefined;
}

/** The transfer that runs. */
export interface RunningTransfer {
  verb: string;
  path: string;
  direction: 'send' | 'receive';
  transfer: DataTransfer;
}

/** State that a transfer command uses up, or AUTH and REIN reset (RFC 959 4.1.2). */
interface Parameters {
  type: 'A' | 'I';
  mode: 'S' | 'Z' | 'E';
  /** MODE E: connections that a sender makes (OPTS RETR Parallelism). */
  streams: number;
  /** Seconds between the markers of a transfer; absent = as the mode has it (OPTS RETR and STOR Markers). */
  markers: { send?: number; receive?: number };
  /** What the 226 of a transfer tells of its octets (OPTS RETR and STOR Digest). */
  digests: { send?: DigestAlgorithm; receive?: DigestAlgorithm };
  /** PROT P (RFC 2228 3). */
  protected: boolean;
  pbsz: boolean;
  /** SSCN ON: TLS client on file data connections. */
  sscn: boolean;
  /** CEPR ON: EPSV replies carry the address. */
  cepr: boolean;
  epsvAll: boolean;
  xdupe: number;
  rest: number;
  range: Range | undefined;
  /** MODE E: what the receiver has already (REST). */
  have: readonly Span[] | undefined;
  /** What the octets of the next upload must be (SCKS). */
  expected: NonNullable<ExpectedOctets['digest']> | undefined;
  renameFrom: Place | undefined;
  hash: DigestAlgorithm;
  facts: readonly FactName[];
  deflate: number;
  cwd: string;
}

const fresh = (): Parameters => ({
  type: 'A',
  mode: 'S',
  streams: 1,
  markers: {},
  digests: {},
  protected: false,
  pbsz: false,
  sscn: false,
  cepr: false,
  epsvAll: false,
  xdupe: 0,
  rest: 0,
  range: undefined,
  have: undefined,
  expected: undefined,
  renameFrom: undefined,
  hash: 'SHA-256',
  facts: FACTS,
  deflate: 6,
  cwd: '/',
});

let count = 0;

/** One control connection as the handlers see it: state and what may be done with it, no octets. */
export class Session {
  readonly id = ++count;
  readonly core: Core;
  readonly link: SessionLink;
  readonly since = Date.now();
  /** Last command or end of a transfer. */
  lastUsed = Date.now();
  params = fresh();
  /** Of this login. */
  dcpa = new Dcpa();
  /** USER was given; PASS is awaited. */
  userName: string | undefined;
  host: string | undefined;
  loginFailures = 0;
  /** Commands before login that no FTP client sends. */
  nonsense = 0;
  pending: PendingEndpoint | undefined;
  running: RunningTransfer | undefined;
  /** The last file was small, or ALLO said that the next ones are. */
  small = false;
  /** Ends what the busy handler waits for (ABOR while HASH computes). */
  interrupt: (() => void) | undefined;
  /** ABOR came for the command that is carried out. */
  aborting = false;
  #tree: Tree | undefined;
  /** Called once the account leaves: counters are given back. */
  #onLogout: (() => void) | undefined;
  #over = false;

  constructor(core: Core, link: SessionLink) {
    this.core = core;
    this.link = link;
  }

  get account(): Account | undefined {
    return this.#tree?.account;
  }

  get tree(): Tree {
    if (!this.#tree) throw new Refusal(530, 'Log in with USER and PASS first.');
    return this.#tree;
  }

  get facts(): SessionFacts {
    const { peerAddress: address, peerPort: port, tls } = this.link;
    const user = this.account?.name ?? this.userName;
    return { session: this.id, address, port, user, tls: tls !== undefined };
  }

  /** Where the data connections of this account live: storages that are objects are in this thread. */
  get dataSide(): Pick<ActiveOrder<PeerOrder>, 'where' | 'small'> {
    const here = this.account?.mounts.some(({ storage }) => storage.kind === 'object');
    if (here) return { where: 'here' };
    // Handshakes are work for threads; in MODE E there is one for many files.
    const cheap = !this.params.protected || this.params.mode === 'E';
    return { small: this.small && cheap && this.core.data.near.allows() };
  }

  /** The FXP policy of this account (server, then account). */
  get policy(): FxpPolicy {
    return { ...this.core.settings.fxp, ...this.account?.fxp };
  }

  /** A connection that ended while the password was checked gives its place back at once. */
  login(account: Account, onLogout?: () => void): void {
    this.logout();
    if (this.#over) {
      onLogout?.();
      return;
    }
    this.#tree = new Tree(account);
    this.#onLogout = onLogout;
    this.userName = undefined;
    this.params.cwd = '/';
  }

  logout(): void {
    this.#tree = undefined;
    // Authorised for the account that leaves.
    this.params.renameFrom = undefined;
    this.dcpa = new Dcpa();
    this.#onLogout?.();
    this.#onLogout = undefined;
  }

  /** Back to the state of the greeting (AUTH: RFC 4217 4; REIN: RFC 959 4.1.1). */
  reset(): void {
    this.logout();
    this.dropEndpoint();
    this.userName = undefined;
    this.host = undefined;
    this.params = fresh();
  }

  /** Ends the command that is carried out, also one whose transfer has not begun yet (threats.md row 36). */
  abort(): void {
    this.aborting = true;
    this.interrupt?.();
    this.running?.transfer.abort();
  }

  /** The endpoint of the transfer to come, instead of the one before. */
  prepare(pending: PendingEndpoint): void {
    this.dropEndpoint();
    // The connection may have ended while a port was opened.
    if (this.#over) pending.endpoint.close();
    else this.pending = pending;
  }

  dropEndpoint(): void {
    this.pending?.endpoint.close();
    this.pending = undefined;
  }

  /** MODE E: connections of transfers before are not for what comes now. */
  dropKept(): void {
    if (this.pending?.kept !== undefined) this.dropEndpoint();
  }

  /** The connection is over: everything it held is given back. */
  end(): void {
    this.#over = true;
    this.abort();
    this.dropEndpoint();
    this.logout();
  }

  /** A path of the client: located, authorised. @throws Refusal */
  place(named: string, right?: Right, code?: 550 | 553): Place {
    const place = this.tree.locate(this.params.cwd, named);
    if (right) this.tree.authorize(right, place, code);
    return place;
  }

  /** Operations on the storage where a place lies. */
  storage(place: Place): MetaStorage {
    return this.core.data.storage(place.storage);
  }

  /** For the judge: who may be at the other end. */
  peerOrder(transfer?: PeerOrder['transfer']): PeerOrder {
    const pinned = transfer === 'listing' ? undefined : this.dcpa.pinned;
    return {
      control: this.link.peerAddress,
      policy: this.policy,
      transfer,
      protected: this.params.protected,
      pinned: pinned !== undefined,
      ...(pinned?.role === 'client' && { activeClient: true }),
      ...(pinned?.from !== undefined && { from: pinned.from }),
      never: this.account?.anonymous ?? true,
    };
  }

  /** A change that worked, for the audit log. */
  changed(verb: string, path: string, to?: string): void {
    this.core.emit({
      event: 'change',
      session: this.facts,
      verb,
      path,
      ...(to === undefined ? {} : { to }),
    });
  }
}
