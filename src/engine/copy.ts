import { rememberDcpa } from '../client/dcpa.js';
import { type PoolOptions, SitePool } from '../client/pool.js';
import { memoryTrust } from '../client/trust.js';
import { rateLimiter } from '../net/data.js';
import type { Entry } from '../protocol/entry.js';
import { FtpError, toFtpError } from '../protocol/errors.js';
import { baseName, joinPath } from '../protocol/paths.js';
import type { Security } from '../protocol/site.js';
import { decide } from './decide.js';
import type { EventSink, Summary } from './events.js';
import { makeJob, misread } from './expand.js';
import { makeFilter } from './filter.js';
import { sendFxp } from './fxp.js';
import { routeKey, siteKeys } from './keys.js';
import { type End, Lane, limitOf } from './lane.js';
import { sendDownload, sendUpload } from './local.js';
import { Monitor } from './monitor.js';
import type { CopyOptions, Place } from './options.js';
import { Orders } from './orders.js';
import { AT_THE_START, askAgain, connectLane } from './reconnect.js';
import { sendRelay } from './relay.js';
import { removeExtra } from './remove.js';
import { memoryRoutes } from './route-memory.js';
import { Router } from './router.js';
import type { Run, Settings } from './run.js';
import { Scheduler } from './scheduler.js';
import { Tally } from './tally.js';

/**
 * Copy a file or the contents of a directory from one place to another: between two servers the data never cross this
 * client (FXP), unless `relay` allows it.
 *
 * A directory's contents go into `destination`; a file goes to the path `destination`, or into it when that is a directory
 * or ends with `/`. What is there already is kept, continued or replaced as `onExists` says, so the same call after an
 * interruption moves only what is missing.
 *
 * @returns counts of the run; files that failed are in `failed` and were told as events.
 * @throws FtpError when nothing was done: `no-route`, `login`, `tls`, `unreachable`, `usage`, `aborted` and others.
 */
export async function copy(source: Place, destination: Place, options: CopyOptions = {}): Promise<Summary> {
  if (source.kind === 'local' && destination.kind === 'local') {
    throw new FtpError('usage', 'both places are on this machine', {
      advice: 'Use cp for that; one side must be a server.',
    });
  }
  const session = new CopySession(source, destination, options);
  try {
    return await session.run();
  } finally {
    await session.close();
  }
}

/** As `copy`, and with `delete` what the source does not have is removed at the destination afterwards. */
export async function sync(source: Place, destination: Place, options: CopyOptions = {}): Promise<Summary> {
  return copy(source, destination, { onExists: 'resume', ...options });
}

const isClear = (place: Place): boolean =>
  place.kind === 'site' && (place.site.tls ?? (place.site.port === 990 ? 'implicit' : 'none')) === 'none';

/** The floor where none was asked for: clear if a site is clear, else encrypted. */
export function defaultFloor(source: Place, destination: Place): Security {
  return isClear(source) || isClear(destination) ? 'clear' : 'encrypted';
}

function settingsOf(source: Place, destination: Place, options: CopyOptions): Settings {
  const auto = (options.parallel ?? 'auto') === 'auto';
  const parallel = typeof options.parallel === 'number' ? options.parallel : AUTO_FIRST;
  if (!Number.isInteger(parallel) || parallel < 1 || parallel > 64)
    throw new FtpError('usage', `parallel is ${parallel}; it must be a whole number from 1 to 64`);
  return {
    security: options.security ?? defaultFloor(source, destination),
    relay: options.relay ?? 'never',
    verify: options.verify ?? 'auto',
    onExists: options.onExists ?? 'resume',
    parallel,
    ...(auto ? { mostParallel: AUTO_MOST } : {}),
    filter: makeFilter(options.include, options.exclude),
    dryRun: options.dryRun ?? false,
    times: options.preserve?.times ?? true,
    modes: options.preserve?.modes ?? false,
    delete: options.delete ?? false,
    maxAttempts: options.maxAttempts ?? 4,
    stallTimeout: options.stallTimeout ?? 30_000,
  };
}

const shown = (place: Place): string =>
  place.kind === 'local' ? place.path : `${place.site.name ?? place.site.host}:${place.path}`;

class CopySession {
  readonly #places: { source: Place; destination: Place };
  readonly #options: CopyOptions;
  readonly #settings: Settings;
  readonly #emit: EventSink;
  readonly #tally: Tally;
  readonly #meter = { files: 0, listings: 0 };
  readonly #abort = new AbortController();
  readonly #source: End;
  readonly #destination: End;
  readonly #monitors: Run['monitors'] = {};
  #router: Router | undefined;
  readonly #orders: Orders;
  readonly #onAbort = (): void => this.#abort.abort(this.#options.signal?.reason);

  constructor(source: Place, destination: Place, options: CopyOptions) {
    this.#places = { source, destination };
    this.#options = options;
    this.#settings = settingsOf(source, destination, options);
    this.#emit = options.onEvent ?? (() => {});
    this.#tally = new Tally(this.#emit);
    options.signal?.addEventListener('abort', this.#onAbort, { once: true });
    if (options.signal?.aborted) this.#onAbort();
    const pool: PoolOptions = {
      trust: options.trust ?? memoryTrust(),
      signal: undefined,
      commandTimeout: options.commandTimeout,
      connectTimeout:
        options.commandTimeout === undefined ? undefined : Math.min(15_000, options.commandTimeout),
      meter: this.#meter,
      onDialogue:
        options.dialogue === false
          ? undefined
          : (site, session, direction, text) =>
              this.#emit({ event: 'dialogue', site, session, direction, text }),
      onLogin: (facts, { session }) => {
        const certificate = facts.certificate === undefined ? {} : { certificate: facts.certificate };
        this.#emit({ event: 'login', site: facts.site, tls: session.tls?.protocol ?? false, ...certificate });
      },
    };
    const same =
      source.kind === 'site' &&
      destination.kind === 'site' &&
      source.site.host === destination.site.host &&
      source.site.port === destination.site.port;
    this.#orders = new Orders(options.routes, siteKeys(source, destination));
    this.#source = endOf(source, pool, same);
    this.#destination = endOf(destination, pool, same);
  }

  async run(): Promise<Summary> {
    const { source, destination } = this.#places;
    this.#emit({
      event: 'start',
      source: shown(source),
      destination: shown(destination),
      dryRun: this.#settings.dryRun,
    });
    const first = new Lane(0, this.#source, this.#destination, this.#abort.signal);
    let scheduler: Scheduler;
    try {
      await this.#orders.recall({ source: this.#source, destination: this.#destination });
      await connectLane(first, AT_THE_START, this.#abort.signal);
      const run = await this.#prepare(first);
      const lanes = [first];
      const chosen = new Scheduler(
        run,
        this.#tally,
        (slot) => lanes[slot] ?? new Lane(slot, this.#source, this.#destination, run.signal),
      );
      await askAgain(first, run.signal, () => this.#plan(run, first, chosen));
      scheduler = chosen;
    } catch (error) {
      first.release();
      throw this.#abort.signal.aborted ? new FtpError('aborted', 'stopped by the caller') : toFtpError(error);
    }
    await scheduler.done();
    if (!scheduler.fatal && this.#settings.delete) await this.#removeExtra(scheduler);
    const summary = this.#tally.summary(this.#meter.files);
    this.#emit(summary);
    if (scheduler.fatal && summary.files === 0) throw scheduler.fatal;
    return summary;
  }

  /** What all lanes share: the route finder, monitors, limits. */
  async #prepare(lane: Lane): Promise<Run> {
    const { source, destination } = this.#places;
    const between = source.kind === 'site' && destination.kind === 'site';
    const relayed = between && this.#settings.relay === 'always';
    const alone = (['source', 'destination'] as const).some(
      (side) => lane.held(side)?.facts.behaviour.oneAtATime,
    );
    const run: Run = {
      settings: alone ? { ...this.#settings, parallel: 1, mostParallel: 1 } : this.#settings,
      emit: this.#emit,
      signal: this.#abort.signal,
      meter: this.#meter,
      names: { source: nameOf(this.#source), destination: nameOf(this.#destination) },
      sessionLimit: () => Math.min(limitOf(this.#source), limitOf(this.#destination)),
      rate: this.#options.limitRate === undefined ? undefined : rateLimiter(this.#options.limitRate),
      monitors: this.#monitors,
      router: undefined,
      direct: { value: false },
      more: () => false,
      send: !between ? (source.kind === 'local' ? sendUpload : sendDownload) : sendRelay,
    };
    if (between && !relayed) {
      if (this.#source.kind === 'remote') this.#monitors.source = new Monitor(this.#source.pool);
      if (this.#destination.kind === 'remote')
        this.#monitors.destination = new Monitor(this.#destination.pool);
      run.router = await this.#findRoutes(lane);
      run.ladders = this.#orders.ladders(lane, this.#emit);
      run.send = this.#settings.relay === 'fallback' ? withFallback : sendFxp;
    }
    return run;
  }

  async #findRoutes(lane: Lane): Promise<Router> {
    const trust = this.#options.trust;
    for (const side of ['source', 'destination'] as const) await rememberDcpa(lane.connection(side), trust);
    const router = new Router({
      source: lane.connection('source').facts,
      destination: lane.connection('destination').facts,
      floor: this.#settings.security,
      chosenFloor: this.#options.security !== undefined,
      emit: this.#emit,
      memory: this.#options.routes ?? memoryRoutes(),
      key: routeKey(this.#places.source, this.#places.destination),
    });
    this.#router = router;
    await router.recall();
    if (router.plan().attempts.length === 0 && this.#settings.relay !== 'fallback') throw router.noRoute();
    return router;
  }

  /** Look at the two places and give the scheduler its first task. */
  async #plan(run: Run, lane: Lane, scheduler: Scheduler): Promise<void> {
    const from = resolvePath(this.#places.source, lane, 'source');
    const to = resolvePath(this.#places.destination, lane, 'destination');
    mustKeep(lane, from.trimEnd());
    mustKeep(lane, to);
    const [entry, target] = await Promise.all([
      lane.tree('source').stat(from),
      lane.tree('destination').stat(to),
    ]);
    if (!entry)
      throw new FtpError('refused', `${run.names.source}: there is no ${from}`, {
        site: run.names.source,
        retry: 'never',
        advice: 'Check the path; `jackstay ls` shows what is there.',
      });
    if (entry.type === 'dir') {
      if (target && target.type !== 'dir')
        throw new FtpError(
          'refused',
          `${run.names.destination}: ${to} is a file, and ${from} is a directory`,
          { retry: 'never', advice: 'Name a directory as destination.' },
        );
      scheduler.addDirectory({
        relative: '',
        source: from,
        target: to,
        exists: target !== undefined,
        depth: 0,
      });
      return;
    }
    const into = target?.type === 'dir' || to.endsWith('/');
    await this.#planFile(
      lane,
      scheduler,
      { ...entry, name: baseName(from) },
      from,
      into ? joinPath(to, baseName(from)) : to,
      into ? undefined : target,
    );
  }

  async #planFile(
    lane: Lane,
    scheduler: Scheduler,
    entry: Entry,
    from: string,
    to: string,
    known: Entry | undefined,
  ): Promise<void> {
    mustKeep(lane, to);
    const existing = known ?? (await lane.tree('destination').stat(to));
    const decision = decide(entry, existing, this.#settings.onExists);
    const name = baseName(from);
    if (decision.do === 'skip') {
      this.#tally.skip(name, decision.reason);
      return;
    }
    if (decision.do === 'refuse')
      throw new FtpError('policy', `${to}: ${decision.why}`, {
        retry: 'never',
        advice: 'Choose another --on-exists, or another destination.',
      });
    const job = makeJob(
      name,
      { source: from, target: to },
      { ...entry, name: baseName(to) },
      existing,
      decision.do === 'continue',
      [],
    );
    job.partial = 'unknown';
    this.#tally.single(job);
    if (this.#settings.dryRun) this.#tally.wouldSend(job);
    else scheduler.addFile(job);
  }

  async #removeExtra(scheduler: Scheduler): Promise<void> {
    if (this.#tally.failures > 0) {
      this.#emit({
        event: 'warning',
        message: 'nothing was deleted at the destination, because some files failed',
      });
      return;
    }
    const lane = new Lane(0, this.#source, this.#destination, this.#abort.signal);
    try {
      await lane.connect();
      const { dryRun, filter } = this.#settings;
      const gone = (path: string, kind: 'file' | 'dir'): void => this.#tally.deleted(path, kind);
      const { signal } = this.#abort;
      for (const extra of scheduler.extra) {
        await removeExtra(lane.tree('destination'), extra, { dryRun, filter, signal, gone }).catch(
          (error: unknown) => {
            if (signal.aborted) throw error;
            this.#tally.failed(extra.relative, toFtpError(error), 1);
          },
        );
      }
    } finally {
      lane.release();
    }
  }

  async close(): Promise<void> {
    this.#options.signal?.removeEventListener('abort', this.#onAbort);
    this.#monitors.source?.release();
    this.#monitors.destination?.release();
    await Promise.all([
      ...[this.#source, this.#destination].map((end) =>
        end.kind === 'remote' ? end.pool.close() : undefined,
      ),
      this.#router?.noted(),
      this.#orders.noted(),
    ]);
  }
}

/** @throws FtpError `policy` for a path that one of the servers would take for another one. */
function mustKeep(lane: Lane, path: string): void {
  const why = misread(lane, path);
  if (why !== undefined)
    throw new FtpError('policy', `${path}: ${why}`, {
      retry: 'never',
      advice: 'Give it another name there.',
    });
}

/** FXP where a route exists, else through this client. */
const withFallback: Run['send'] = async (run, lane, job) => {
  if (run.router === undefined) return sendRelay(run, lane, job);
  try {
    return await sendFxp(run, lane, job);
  } catch (error) {
    const failure = toFtpError(error);
    if (failure.kind !== 'no-route') throw failure;
    if (run.router !== undefined)
      run.emit({
        event: 'warning',
        message: `relaying through this client: ${failure.message}`,
        ...(failure.facts.advice ? { advice: failure.facts.advice } : {}),
      });
    run.router = undefined;
    return sendRelay(run, lane, job);
  }
};

function endOf(place: Place, options: PoolOptions, halved: boolean): End {
  if (place.kind === 'local') return { kind: 'local' };
  const most = place.site.maxSessions ?? DEFAULT_SESSIONS;
  return {
    kind: 'remote',
    pool: new SitePool(
      { ...place.site, maxSessions: halved ? Math.max(1, Math.floor(most / 2)) : most },
      options,
    ),
  };
}

const DEFAULT_SESSIONS = 16;
/** Transfers at once where the number finds itself. */
const AUTO_FIRST = 4;
const AUTO_MOST = 12;

const nameOf = (end: End): string => (end.kind === 'remote' ? end.pool.site.name : 'this machine');

/** Relative remote paths start at the login directory. */
function resolvePath(place: Place, lane: Lane, side: 'source' | 'destination'): string {
  if (place.kind === 'local' || place.path.startsWith('/')) return place.path;
  return (
    joinPath(lane.connection(side).facts.home, place.path).replace(/\/$/, place.path === '' ? '' : '/') || '/'
  );
}
