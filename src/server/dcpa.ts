import { X509Certificate } from 'node:crypto';
import type { DataIdentity, DataTls } from '../net/plane/types.js';
import { pinOf } from '../net/tls.js';
import type { DcpaCommand, DcpaIdentity, DcpaReply, DcpaRole } from '../protocol/dcpa.js';
import { type SessionIdentity, sessionIdentity } from './session-certificate.js';

/** What is asked of a data connection by DCPA. */
export interface DcpaDemand {
  scope: DcpaIdentity;
  /** SHA-256 of the keys, lower-case hex, one of which the peer must prove. */
  pins: readonly string[];
  role: DcpaRole;
  /** On a passive port only this address. */
  from: string | undefined;
}

/** How the last RETR, STOR, APPE or STOU of a login went. */
interface Outcome {
  ok: boolean;
  bytes: number;
}

const FRESH: DcpaDemand = { scope: 'session', pins: [], role: 'auto', from: undefined };

/** DCPA of one login (docs/dcpa.md): a new one for the next. */
export class Dcpa {
  #demand: DcpaDemand | undefined;
  #session: SessionIdentity | undefined;
  last: Outcome | undefined;

  /** The pins in force; undefined while none are. */
  get pinned(): DcpaDemand | undefined {
    return this.#demand && this.#demand.pins.length > 0 ? this.#demand : undefined;
  }

  /** Each fact replaces itself only. */
  set({ self, peers, role, from }: Extract<DcpaCommand, { kind: 'set' }>): void {
    this.#demand = {
      ...(this.#demand ?? FRESH),
      ...(self && { scope: self }),
      ...(peers && { pins: peers }),
      ...(role && { role }),
      ...(from && { from }),
    };
  }

  /** The key of this login stays: who has noted it may pin it again. */
  off(): void {
    this.#demand = undefined;
  }

  /** SSCN says the same as `Role`; the last word counts. */
  setRole(role: DcpaRole): void {
    if (this.#demand) this.#demand = { ...this.#demand, role };
  }

  /** @param host certificate and key of the control connection. */
  identity(host: DataIdentity): DataIdentity {
    return this.#demand?.scope === 'host' ? host : this.#own();
  }

  #own(): SessionIdentity {
    this.#session ??= sessionIdentity();
    return this.#session;
  }

  /** What the reply says. @param host as for `identity`. */
  state(host: DataIdentity): DcpaReply {
    const outcome = this.last && ({ last: this.last.ok ? 'ok' : 'failed', bytes: this.last.bytes } as const);
    if (!this.#demand) return { on: false, ...outcome };
    const { scope, pins, role } = this.#demand;
    const self = scope === 'host' ? pinOf(new X509Certificate(host.cert)) : this.#own().pin;
    return { on: true, self, scope, peers: pins.length, role, ...outcome };
  }

  /**
   * TLS of one data connection of a file; undefined while no pin is in force.
   *
   * @param client CPSV was given for it. @param ordinary what it would be without a pin.
   */
  tls(
    host: DataIdentity,
    {
      kind,
      client,
      direction,
    }: { kind: 'passive' | 'active'; client: boolean; direction: 'send' | 'receive' },
    ordinary: DataTls,
  ): DataTls | undefined {
    const { pinned } = this;
    if (!pinned) return undefined;
    // The end that connects to an address it was told stays silent until the other one has begun.
    const auto = kind === 'passive' ? 'client' : 'server';
    const role = client ? 'client' : pinned.role === 'auto' ? auto : pinned.role;
    const { cert, key } = this.identity(host);
    return {
      ...ordinary,
      role,
      resumption: 'off',
      identity: { cert, key },
      pins: pinned.pins,
      // What lets old clients off (docs/server.md) must not let somebody in the middle cut a proven file (docs/dcpa.md 12).
      closeNotify: pinned.scope === 'session' ? 'required' : ordinary.closeNotify,
      // Toward a server that knows no DCPA: one that never reads tickets closes with RST and cuts the file.
      ticketless: pinned.scope === 'host' && direction === 'receive',
    };
  }
}
