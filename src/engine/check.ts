import { randomBytes } from 'node:crypto';
import { Readable } from 'node:stream';
import { isProven } from '../client/certificate.js';
import { rememberDcpa } from '../client/dcpa.js';
import { type PoolOptions, SitePool } from '../client/pool.js';
import { store } from '../client/transfer.js';
import { memoryTrust } from '../client/trust.js';
import { removeFile } from '../client/verbs.js';
import { FtpError, toFtpError } from '../protocol/errors.js';
import { joinPath } from '../protocol/paths.js';
import type { Security, SiteSettings } from '../protocol/site.js';
import { defaultFloor } from './copy.js';
import type { RouteInfo } from './events.js';
import type { Finding, Side } from './findings.js';
import { type End, Lane } from './lane.js';
import type { CopyOptions } from './options.js';
import { type Attempt, plan, routeInfo } from './plan.js';
import { adviceFor, guarded } from './router.js';
import { runAttempt } from './run-attempt.js';
import { SIDES } from './shapes.js';
import { verifyPair } from './verify.js';

/** One way between two sites, tried or excluded. */
export interface CheckedRoute {
  /** Names of the sites, source first. */
  from: string;
  to: string;
  /** Stable name of the attempt, for example `CPSV@dst`. */
  attempt: string;
  route: RouteInfo;
  security: Security;
  /** `refused`: a server said no · `failed`: it ended badly or altered the file · `unavailable`: excluded by what is known. */
  outcome: 'ok' | 'refused' | 'failed' | 'unavailable';
  reason?: string;
  milliseconds?: number;
  /** A copy would take this one. */
  chosen: boolean;
}

/** Every way between two sites in both directions, and what would open more. */
export interface CheckReport {
  routes: CheckedRoute[];
  advice: { site: string; text: string }[];
  facts: { site: string; server: string; features: string[] }[];
}

/** Octets of the probe. */
const PROBE_SIZE = 256 * 1024;
/** Octets where only the source can be the TLS client: a tail that it cuts under TLS 1.3 shows in larger files only. */
const LONG_PROBE_SIZE = 2 * 1024 * 1024;

/**
 * Try every route between two sites, both directions, with a small file that is made at `site.directory` (the login
 * directory when absent) and removed afterwards. Nothing below the floor is tried.
 *
 * @throws FtpError when a site cannot be reached, refuses the login, or does not let the probe be written.
 */
export async function check(
  a: SiteSettings,
  b: SiteSettings,
  options: CopyOptions = {},
): Promise<CheckReport> {
  const pool: PoolOptions = {
    trust: options.trust ?? memoryTrust(),
    signal: options.signal,
    commandTimeout: options.commandTimeout,
    onDialogue: (site, session, direction, text) =>
      options.onEvent?.({ event: 'dialogue', site, session, direction, text }),
  };
  const ends = [a, b].map((site): End & { kind: 'remote' } => ({
    kind: 'remote',
    pool: new SitePool(site, pool),
  }));
  const [first, second] = ends as [End & { kind: 'remote' }, End & { kind: 'remote' }];
  const floor =
    options.security ??
    defaultFloor({ kind: 'site', site: a, path: '' }, { kind: 'site', site: b, path: '' });
  try {
    const there = await new Direction(first, second, floor, options).run();
    const back = await new Direction(second, first, floor, options).run();
    const facts = ends.map(({ pool: { facts } }) => ({
      site: facts!.site,
      server: facts!.quirk.name,
      features: facts!.features.lines,
    }));
    const advice = [...there.advice, ...back.advice];
    return {
      routes: [...there.routes, ...back.routes],
      advice: advice.filter((item, at) => advice.findIndex((each) => each.text === item.text) === at),
      facts,
    };
  } finally {
    await Promise.all(ends.map(({ pool: each }) => each.close()));
  }
}

class Direction {
  readonly #lane: Lane;
  readonly #floor: Security;
  readonly #options: CopyOptions;
  #probe = PROBE_SIZE;
  readonly #findings: Finding[] = [];
  readonly #routes: CheckedRoute[] = [];

  constructor(source: End, destination: End, floor: Security, options: CopyOptions) {
    this.#lane = new Lane(0, source, destination, options.signal);
    this.#floor = floor;
    this.#options = options;
  }

  async run(): Promise<{ routes: CheckedRoute[]; advice: CheckReport['advice'] }> {
    await this.#lane.connect();
    for (const side of SIDES) await rememberDcpa(this.#lane.connection(side), this.#options.trust);
    const clients = new Set(this.#plan().attempts.map(({ tls }) => tls?.client));
    if (clients.has('source') && !clients.has('destination')) this.#probe = LONG_PROBE_SIZE;
    const name = `jackstay-check-${randomBytes(6).toString('hex')}`;
    const paths = {
      source: this.#path('source', name),
      destination: this.#path('destination', `${name}-arrived`),
    };
    try {
      await store(
        this.#lane.connection('source'),
        paths.source,
        Readable.from([randomBytes(this.#probe)]),
      ).catch((error: unknown) => {
        throw probeRefused(toFtpError(error), paths.source);
      });
      await this.#tryAll(paths);
      // Where both servers prove their keys, there is nothing better to be had.
      const best = this.#routes.some(({ outcome, security }) => outcome === 'ok' && security === 'verified');
      return {
        routes: this.#routes,
        advice: best ? [] : adviceFor(this.#facts(), [...this.#allFindings(), ...this.#unchecked()]),
      };
    } finally {
      await this.#cleanUp(paths);
      this.#lane.release();
    }
  }

  #path(side: Side, name: string): string {
    return joinPath(this.#lane.connection(side).facts.home, name);
  }

  #facts() {
    return {
      source: this.#lane.connection('source').facts,
      destination: this.#lane.connection('destination').facts,
    };
  }

  #plan() {
    const { source, destination } = this.#facts();
    return plan(source, destination, this.#floor, this.#findings);
  }

  #allFindings(): Finding[] {
    return [...this.#findings, ...this.#plan().excluded.flatMap(({ finding }) => (finding ? [finding] : []))];
  }

  /** Keys were proven, but on the word of a certificate that nobody vouches for. */
  #unchecked(): Finding[] {
    if (!this.#routes.some(({ route, security }) => route.pins && security === 'encrypted')) return [];
    const facts = this.#facts();
    return SIDES.filter((side) => !isProven(facts[side].certificate)).map((side) => ({
      side,
      obstacle: 'unchecked-certificate',
      message: '',
    }));
  }

  async #tryAll(paths: Record<Side, string>): Promise<void> {
    const done = new Set<string>();
    for (;;) {
      const attempt = this.#plan().attempts.find(({ id }) => !done.has(id));
      if (!attempt) break;
      done.add(attempt.id);
      await this.#try(attempt, paths);
    }
    for (const { attempt, reason, finding } of this.#plan().excluded) {
      if (done.has(attempt.id)) continue;
      this.#report(attempt, {
        outcome: finding && finding.message !== '' ? 'refused' : 'unavailable',
        reason,
      });
    }
  }

  async #try(attempt: Attempt, paths: Record<Side, string>): Promise<void> {
    await this.#lane.connect();
    const source = this.#lane.connection('source');
    const destination = this.#lane.connection('destination');
    const started = Date.now();
    const outcome = await runAttempt({
      source,
      destination,
      attempt,
      sourcePath: paths.source,
      destinationPath: paths.destination,
      offset: 0,
      eager: false,
      signal: this.#options.signal,
      watch: (stalled) => {
        const timer = setTimeout(() => stalled('the probe did not arrive within 15 s'), 15_000);
        return () => clearTimeout(timer);
      },
    });
    if (outcome.kind === 'cannot') {
      this.#findings.push(guarded(attempt, outcome.finding, this.#options.security !== undefined));
      this.#report(attempt, { outcome: 'refused', reason: outcome.finding.message });
    } else if (outcome.kind === 'failed') {
      this.#report(attempt, { outcome: 'failed', reason: outcome.error.message });
    } else {
      await this.#prove(attempt, paths, started);
    }
    await this.#remove('destination', paths.destination);
  }

  /** Two 226 replies prove nothing: the probe is compared. */
  async #prove(attempt: Attempt, paths: Record<Side, string>, started: number): Promise<void> {
    await this.#lane.connect();
    const at = (side: Side) => ({ connection: this.#lane.connection(side), path: paths[side] });
    try {
      await verifyPair(at('source'), at('destination'), this.#probe, 'auto');
      this.#report(attempt, { outcome: 'ok', milliseconds: Date.now() - started });
    } catch (error) {
      const failure = toFtpError(error);
      this.#report(attempt, { outcome: 'failed', reason: failure.message });
      if (failure.kind === 'verify' && attempt.tls?.client === 'source')
        this.#findings.push({
          side: 'source',
          obstacle: 'truncates',
          attempt: attempt.id,
          message: failure.message,
        });
    }
  }

  #report(
    attempt: Attempt,
    result: Pick<CheckedRoute, 'outcome'> & { reason?: string; milliseconds?: number },
  ): void {
    const { source, destination } = this.#facts();
    const chosen = result.outcome === 'ok' && !this.#routes.some((route) => route.chosen);
    this.#routes.push({
      from: source.site,
      to: destination.site,
      attempt: attempt.id,
      route: routeInfo(attempt),
      security: attempt.security,
      chosen,
      ...result,
    });
  }

  async #remove(side: Side, path: string): Promise<void> {
    await this.#lane.connect();
    await removeFile(this.#lane.connection(side), path).catch(() => {});
  }

  async #cleanUp(paths: Record<Side, string>): Promise<void> {
    try {
      await this.#remove('source', paths.source);
    } catch {
      // The site is gone: its probe file stays, and the error under way says why.
    }
  }
}

function probeRefused(error: FtpError, path: string): FtpError {
  if (error.kind !== 'refused') return error;
  return new FtpError('refused', `${error.message}; the probe file ${path} could not be written`, {
    ...error.facts,
    advice: 'Name a directory where you may write: jackstay check SITE:/dir SITE:/dir.',
  });
}
