import type { SiteFacts } from '../client/facts.js';
import type { Obstacle } from '../client/quirks/index.js';
import { FtpError } from '../protocol/errors.js';
import type { Security } from '../protocol/site.js';
import type { EventSink } from './events.js';
import type { Finding, Side } from './findings.js';
import { type Attempt, describeAttempt, meets, type Plan, plan, routeInfo } from './plan.js';
import { alarmAdvice } from './proof.js';
import type { RouteMemory } from './route-memory.js';
import { provers } from './shapes.js';

/** A right to use an attempt; `settle` tells how it went. */
export interface Ticket {
  attempt: Attempt;
  /** The route is proven: nobody waits for this one. */
  proven: boolean;
  /** `worked`: the file arrived and was verified. A finding: no way. `open`: it proved nothing (the file's fault). */
  settle(result: 'worked' | 'open' | Finding): void;
}

/**
 * The way between two sites, found once for all files: the first file is the pilot and tries the plan in order, the
 * others wait for it. A proven route that keeps failing is given up and the search goes on.
 */
export class Router {
  readonly #facts: Record<Side, SiteFacts>;
  readonly #floor: Security;
  readonly #chosenFloor: boolean;
  readonly #alarms = new Set<string>();
  readonly #findings: Finding[] = [];
  readonly #emit: EventSink;
  readonly #memory: RouteMemory | undefined;
  readonly #key: string;
  #preferred: string | undefined;
  /** In an earlier run the fast lane carried nothing. */
  #fastFailed = false;
  #proven: Attempt | undefined;
  #suspicion = 0;
  /** Times in a row that a burst broke. */
  #breaks = 0;
  #pilot: Promise<void> | undefined;
  #notes: Promise<void> = Promise.resolve();

  constructor(options: {
    source: SiteFacts;
    destination: SiteFacts;
    floor: Security;
    /** The floor was asked for, not taken by default: what it allows may follow a key that was not proven. */
    chosenFloor?: boolean;
    emit: EventSink;
    memory: RouteMemory | undefined;
    key: string;
  }) {
    this.#facts = { source: options.source, destination: options.destination };
    this.#floor = options.floor;
    this.#chosenFloor = options.chosenFloor ?? false;
    this.#emit = options.emit;
    this.#memory = options.memory;
    this.#key = options.key;
  }

  /** Read what an earlier run learned. */
  async recall(): Promise<void> {
    const known = await this.#memory?.get(this.#key);
    this.#preferred = known?.attempt;
    this.#fastFailed = known?.fast === false;
  }

  get names(): Record<Side, string> {
    return { source: this.#facts.source.site, destination: this.#facts.destination.site };
  }

  plan(): Plan {
    const made = plan(this.#facts.source, this.#facts.destination, this.#floor, this.#findings);
    const best = made.attempts[0];
    // A route of earlier days must not keep a pair from a safer or faster one that it has learned since.
    const liked = made.attempts.filter(
      (attempt) =>
        attempt.id === this.#preferred &&
        best &&
        isAsSafe(attempt, best) &&
        (attempt.fast || !best.fast || this.#fastFailed),
    );
    return { ...made, attempts: [...liked, ...made.attempts.filter((each) => !liked.includes(each))] };
  }

  /** A route is proven: nobody waits for a pilot. */
  get found(): boolean {
    return this.#proven !== undefined;
  }

  get findings(): readonly Finding[] {
    return this.#findings;
  }

  /** The route to use now; waits while another file is the pilot. @returns undefined when there is no way. */
  async take(): Promise<Ticket | undefined> {
    while (!this.#proven && this.#pilot) await this.#pilot;
    if (this.#proven) return this.#ticket(this.#proven, true, () => {});
    const attempt = this.plan().attempts[0];
    if (!attempt) return undefined;
    let landed!: () => void;
    this.#pilot = new Promise((resolve) => {
      landed = () => {
        this.#pilot = undefined;
        resolve();
      };
    });
    return this.#ticket(attempt, false, landed);
  }

  #ticket(attempt: Attempt, proven: boolean, landed: (() => void) | undefined): Ticket {
    return {
      attempt,
      proven,
      settle: (result) => {
        if (landed === undefined) return;
        if (result === 'worked') this.#worked(attempt, proven);
        else if (result !== 'open') this.#failed(attempt, result);
        landed();
        landed = undefined;
      },
    };
  }

  /** One write after the other; a memory that cannot be written costs the next run a search, nothing more. */
  #note(write: (memory: RouteMemory) => Promise<void>): void {
    const memory = this.#memory;
    if (memory) this.#notes = this.#notes.then(() => write(memory)).catch(() => {});
  }

  /** Resolves when what was learned is in the memory. */
  async noted(): Promise<void> {
    await this.#notes;
  }

  #worked(attempt: Attempt, proven: boolean): void {
    this.#suspicion = 0;
    if (proven || this.#proven) return;
    this.#proven = attempt;
    const route = routeInfo(attempt);
    this.#emit({
      event: 'route',
      route,
      security: attempt.security,
      remembered: attempt.id === this.#preferred,
      summary: describeAttempt(attempt, this.names),
    });
    const since = Date.now();
    const failed =
      !attempt.fast &&
      (this.#fastFailed || this.#findings.some(({ attempt: id }) => id?.startsWith('fast ')));
    const known = { route, security: attempt.security, attempt: attempt.id, since };
    this.#note((memory) => memory.set(this.#key, failed ? { ...known, fast: false } : known));
  }

  #failed(attempt: Attempt, finding: Finding): void {
    if (finding.obstacle === 'not-proven') this.#alarm(attempt, finding);
    // On a proven route a few bad transfers in a row may be bad luck: a server restarts, ports run out.
    if (this.#proven?.id === attempt.id && ++this.#suspicion < patience(finding)) return;
    const remembered = this.#proven?.id === attempt.id || this.#preferred === attempt.id;
    if (this.#proven?.id === attempt.id) this.#proven = undefined;
    if (this.#preferred === attempt.id) this.#preferred = undefined;
    if (remembered) this.#note((memory) => memory.forget(this.#key));
    this.#suspicion = 0;
    this.#findings.push(guarded(attempt, finding, this.#chosenFloor));
    this.#emit({
      event: 'route-failed',
      route: routeInfo(attempt),
      summary: describeAttempt(attempt, this.names),
      reason: finding.message,
      side: finding.side,
    });
  }

  /** A file of a burst landed. */
  flowed(): void {
    this.#breaks = 0;
  }

  /** A burst broke, and no file was to blame: a lane that breaks again and again behind files that went alone is given up. */
  broke(attempt: Attempt, message: string): void {
    if (++this.#breaks < BREAKS || this.#proven?.id !== attempt.id) return;
    this.#suspicion = Number.POSITIVE_INFINITY;
    this.#failed(attempt, { side: 'destination', obstacle: 'unknown', attempt: attempt.id, message });
  }

  #alarm(attempt: Attempt, { message }: Finding): void {
    if (this.#alarms.has(attempt.id)) return;
    this.#alarms.add(attempt.id);
    this.#emit({ event: 'alarm', route: routeInfo(attempt), message, advice: alarmAdvice(attempt) });
  }

  /** Why there is no way, which server says so, and what its operator can set. */
  noRoute(): FtpError {
    const { source, destination } = this.names;
    const reasons = [
      ...new Set([...this.#findings.map((finding) => finding.message), ...this.#exclusions()]),
    ];
    const advice = adviceFor(this.#facts, this.#allFindings());
    const message = `no FXP route from ${source} to ${destination} at security ${this.#floor}: ${reasons.join('; ')}`;
    const relay = 'let the data cross this client with --relay fallback.';
    const last = advice.length > 0 ? `Or ${relay}` : `See the logs of both servers, or ${relay}`;
    return new FtpError('no-route', message, {
      retry: 'never',
      advice: [...advice.map(({ site, text }) => `${site}: ${text}`), last].join(' '),
    });
  }

  #exclusions(): string[] {
    return this.plan()
      .excluded.filter(({ telling }) => telling)
      .map(({ reason }) => reason);
  }

  #allFindings(): Finding[] {
    const excluded = this.plan().excluded.flatMap(({ finding }) => (finding ? [finding] : []));
    return [...this.#findings, ...excluded];
  }
}

/** Bursts that break in a row after which the fast lane is given up. */
const BREAKS = 4;

const isAsSafe = (attempt: Attempt, best: Attempt): boolean =>
  meets(attempt.security, best.security) && provers(attempt) >= provers(best);

/** A key that was not proven is never followed by a route that proves less, unless the user asked for such a floor. */
export function guarded(attempt: Attempt, finding: Finding, chosenFloor: boolean): Finding {
  if (finding.obstacle !== 'not-proven' || chosenFloor) return finding;
  return { ...finding, atLeast: provers(attempt) };
}

/** Failures in a row after which a proven route is given up: a rule of a server is soon certain, a lost connection is not. */
function patience({ obstacle }: Finding): number {
  if (obstacle === 'truncates') return 1;
  const passing = ['verifies-peer', 'tls-role', 'passive-unreachable', 'unknown'].includes(obstacle);
  return passing ? 8 : 2;
}

/** Findings -> what each server's operator can change, each advice once. */
export function adviceFor(
  facts: Record<Side, SiteFacts>,
  findings: readonly Finding[],
): { site: string; text: string }[] {
  const found = new Map<string, { site: string; text: string }>();
  for (const { side, obstacle } of findings) {
    const text = facts[side].quirk.advice[obstacle as Obstacle] ?? GENERAL[obstacle];
    if (text !== undefined) found.set(`${facts[side].site} ${text}`, { site: facts[side].site, text });
  }
  return [...found.values()];
}

const GENERAL: Partial<Record<Finding['obstacle'], string>> = {
  'not-proven':
    'its data peer was not proven (DCPA): look for a firewall or for somebody in the middle; a weaker route is taken only with --security encrypted.',
  'no-dcpa':
    'it has no DCPA, so that it cannot check its data peer: with a server that has, --security one-sided is the most.',
  'unchecked-certificate':
    'nobody vouches for its certificate: pin it (--pin), let a known CA sign it, or connect once more, as a key that was seen before counts.',
  'refuses-foreign-port': 'allow FXP (PORT to other hosts) on that server.',
  'refuses-foreign-peer': 'allow FXP (passive connections from other hosts) on that server.',
  'requires-session-reuse': 'it wants resumed TLS sessions on data connections; switch that off for FXP.',
  'verifies-peer':
    'it checks the certificate of its data peer against its own CA: let that CA sign the other server.',
  'requires-tls-data': 'it refuses clear data connections: use ftps:// for both sites.',
};
