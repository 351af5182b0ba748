/** The laboratory: servers behind routers, the engine as client, and the count of what came of an attack. */
import { randomBytes } from 'node:crypto';
import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { SitePool } from '../../src/client/pool.js';
import { memoryTrust } from '../../src/client/trust.js';
import { Lane } from '../../src/engine/lane.js';
import { type Attempt, plan } from '../../src/engine/plan.js';
import { type Outcome, runAttempt } from '../../src/engine/run-attempt.js';
import { verifyPair } from '../../src/engine/verify.js';
import { toFtpError } from '../../src/protocol/errors.js';
import type { SiteSettings } from '../../src/protocol/site.js';
import { allocateHost } from '../peers/host.js';
import { type Berth, type BerthId, moor } from './berth.js';

export const PAYLOAD = 'payload.bin';
/** Octets of the file under attack: several records of TLS. */
export const SIZE = 256 * 1024;
/** Longest time for one cell. */
const CELL_MS = 20_000;

type Side = 'source' | 'destination';

/** What the engine and the disks say of one transfer. */
export interface Told {
  readonly attempt: string;
  readonly source: string;
  readonly destination: string;
  readonly client: string;
  readonly altered: number;
  /** It ended well, verification included. */
  readonly done: boolean;
}

/** What a cell may put between the steps of a transfer. */
export interface Placement {
  /** Settings of both sites beside those of the laboratory. */
  readonly settings?: Partial<SiteSettings>;
  /** Before the first command, when it is clear what the engine is going to do. */
  prepare?(attempt: Attempt, ends: { active: Berth; passive: Berth }): void | Promise<void>;
  /** The moment in which the client hears of a passive port. */
  announced?(host: string, port: number): void;
}

/** Address and port of a 227, port of a 229. */
export function endpointOf(line: string, host: string): { host: string; port: number } | undefined {
  const extended = /^229 .*\|(\d+)\|\)/.exec(line)?.[1];
  if (extended !== undefined) return { host, port: Number(extended) };
  const numbers = /^227 .*?(\d+,\d+,\d+,\d+,\d+,\d+)/.exec(line)?.[1]?.split(',').map(Number);
  if (!numbers) return undefined;
  return { host: numbers.slice(0, 4).join('.'), port: numbers[4]! * 256 + numbers[5]! };
}

/** Reads the final replies out of the dialogue. */
class Replies {
  private verb: RegExp;
  private waiting = false;
  final = '-';

  constructor(verb: string) {
    this.verb = new RegExp(`^${verb}\\b`);
  }

  hear(direction: '>' | '<' | '*', text: string): void {
    if (direction === '>' && this.verb.test(text)) this.waiting = true;
    if (direction !== '<' || !this.waiting) return;
    const line = text.split(/\r?\n/).find((each) => /^[2-5]\d\d[ -]/.test(each));
    if (line === undefined) return;
    this.final = line.replace(/^(\d\d\d)-/, '$1 ').replace(/\s+/g, ' ');
    this.waiting = false;
  }
}

/** Octets in which two files differ, missing ones and surplus included. */
export function difference(sent: Buffer, stored: Buffer | undefined): number {
  if (!stored) return sent.length;
  let count = Math.abs(sent.length - stored.length);
  for (let i = 0; i < Math.min(sent.length, stored.length); i++) if (sent[i] !== stored[i]) count += 1;
  return count;
}

export function contentOf(path: string): Buffer | undefined {
  try {
    return readFileSync(path);
  } catch {
    return undefined;
  }
}

/** Some servers dial from 127.0.0.1 whatever they listen on: a client there would look like a server. */
const clientAddress = allocateHost();

export class Lab {
  readonly payload = randomBytes(SIZE);
  /** As long as the file, so that sizes do not tell, and another octet at each place, so that all of it counts. */
  readonly fake = Buffer.from(this.payload.map((octet) => octet ^ 0x55));
  private readonly berths = new Map<BerthId, Promise<Berth>>();
  private files = 0;

  /** Starts a server on first use. */
  berth(id: BerthId): Promise<Berth> {
    const known = this.berths.get(id);
    if (known) return known;
    const berth = moor(id, { name: PAYLOAD, content: this.payload });
    this.berths.set(id, berth);
    return berth;
  }

  /** The server as a user names it: by the address of its router, its key pinned. */
  site({ id, peer, router, pin }: Berth): SiteSettings {
    const { user, password } = peer;
    const where = { host: router.host, port: router.port, localAddress: clientAddress };
    return { name: id, ...where, tls: 'explicit', user, password, pin };
  }

  /** The payload by exactly this attempt of the engine, verified as a copy does. */
  async move(from: BerthId, to: BerthId, id: string, placed: Placement = {}): Promise<Told> {
    const ends = { source: await this.berth(from), destination: await this.berth(to) };
    const heard = { source: new Replies('RETR'), destination: new Replies('STOR') };
    this.files += 1;
    const name = `arrived-${this.files}.bin`;
    const pool = (side: Side): SitePool =>
      new SitePool(
        { ...this.site(ends[side]), ...placed.settings },
        {
          trust: memoryTrust(),
          onDialogue: (_site, _session, direction, text) => {
            heard[side].hear(direction, text);
            const endpoint = direction === '<' && endpointOf(text, ends[side].router.host);
            if (endpoint) placed.announced?.(endpoint.host, endpoint.port);
          },
        },
      );
    const pools = { source: pool('source'), destination: pool('destination') };
    const lane = new Lane(
      0,
      { kind: 'remote', pool: pools.source },
      { kind: 'remote', pool: pools.destination },
    );
    const stored = join(ends.destination.peer.home, name);
    try {
      const attempt = await attemptOf(lane, id);
      const passive = ends[attempt.passive];
      const active = passive === ends.source ? ends.destination : ends.source;
      await placed.prepare?.(attempt, { active, passive });
      const said = await this.carry(lane, attempt, name);
      const final = { source: heard.source.final, destination: heard.destination.final };
      const accepted = /^2/.test(final.destination);
      const altered = accepted ? difference(this.payload, contentOf(stored)) : 0;
      return { attempt: id, ...final, ...said, altered };
    } finally {
      lane.release();
      await Promise.all([pools.source.close(), pools.destination.close()]);
      ends.source.router.relent();
      ends.destination.router.relent();
      rmSync(stored, { force: true });
    }
  }

  private async carry(lane: Lane, attempt: Attempt, name: string): Promise<Pick<Told, 'client' | 'done'>> {
    const outcome = await runAttempt({
      source: lane.connection('source'),
      destination: lane.connection('destination'),
      attempt,
      sourcePath: `/${PAYLOAD}`,
      destinationPath: `/${name}`,
      offset: 0,
      eager: false,
      watch: (stalled) => {
        const timer = setTimeout(() => stalled('time limit of the cell'), CELL_MS);
        return () => clearTimeout(timer);
      },
    });
    if (outcome.kind !== 'done') return { client: wordsOf(outcome), done: false };
    try {
      await lane.connect();
      const at = (side: Side, path: string) => ({ connection: lane.connection(side), path });
      const { proof } = await verifyPair(
        at('source', `/${PAYLOAD}`),
        at('destination', `/${name}`),
        SIZE,
        'auto',
      );
      return { client: `done, ${attempt.security}, verified by ${proof}`, done: true };
    } catch (error) {
      return { client: toFtpError(error).message, done: false };
    }
  }

  async close(): Promise<void> {
    const all = await Promise.allSettled(this.berths.values());
    await Promise.all(
      all.map(async (result) => {
        if (result.status === 'rejected') return;
        result.value.router.stop();
        await result.value.peer.stop();
      }),
    );
  }
}

async function attemptOf(lane: Lane, id: string): Promise<Attempt> {
  await lane.connect();
  const { attempts, excluded } = plan(
    lane.connection('source').facts,
    lane.connection('destination').facts,
    'clear',
  );
  const found = attempts.find((each) => each.id === id);
  if (found) return found;
  const why = excluded.find(({ attempt }) => attempt.id === id)?.reason;
  const known = attempts.map((each) => each.id).join(', ');
  throw new Error(`${id} is no attempt here: ${why ?? 'unknown'}; there are ${known}`);
}

function wordsOf(outcome: Outcome): string {
  if (outcome.kind === 'cannot') return outcome.finding.message;
  return outcome.kind === 'failed' ? outcome.error.message : outcome.kind;
}
