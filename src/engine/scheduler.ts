import { pause } from '../net/deadline.js';
import { FtpError, toFtpError } from '../protocol/errors.js';
import { WaitingDirectories } from './directories.js';
import type { DirectoryTask, Expansion } from './expand.js';
import { linkFor } from './fast/burst.js';
import { Overtaken } from './fast/link.js';
import type { FileJob, FileResult, Sent } from './job.js';
import type { Lane } from './lane.js';
import { leftover } from './leftover.js';
import { Pacer } from './pace.js';
import { connectLane, IN_A_RUN } from './reconnect.js';
import type { Run } from './run.js';
import type { Tally } from './tally.js';
import { isBig, WaitingFiles } from './waiting.js';

/** Files waiting above which directories are no longer opened: memory stays bounded however large the tree. */
const ENOUGH_FILES = 5_000;
/** Directories waiting from which a lane of its own lists them: for fewer its logins would cost more. */
const MANY_DIRECTORIES = 8;
/** Number of the lane that only lists; the others count from 0. */
const LISTING_LANE = -1;
/** Octets of a file up to which the one before it may wait for its name: behind a big one it would wait for long. */
const OVERLAP_SIZE = 4 * 1024 * 1024;
/** Files of one lane whose verification and renaming may be under way while the next one is sent. */
const FINISHING = 4;

/**
 * Directories and files of one run, worked off by lanes. Lanes are started as work appears; a lane holds its sessions
 * until nothing is left. Verification and renaming of a file overlap with the next one where both servers queue commands.
 */
export class Scheduler {
  readonly #run: Run;
  readonly #tally: Tally;
  readonly #makeLane: (slot: number) => Lane;
  readonly #directories: WaitingDirectories;
  readonly #files = new WaitingFiles();
  readonly #pacer: Pacer;
  readonly #lanes: Promise<void>[] = [];
  /** Lanes alive. */
  readonly #slots = new Set<number>();
  /** Lanes that are logging in. */
  #opening = 0;
  /** Lanes that end as soon as their last file has its name. */
  readonly #leaving = new Set<number>();
  /** Big files that are being sent. */
  #big = 0;
  /** Files until a lane more is tried after one got no sessions, doubled each time. */
  #pause = 0;
  #nextPause = 16;
  #working = 0;
  /** Lanes that will look for work as soon as the present turn is over. */
  #free = 0;
  /** The lane that only lists: it is at work, or it got no sessions and is not tried again. */
  #listing: 'none' | 'at work' | 'refused' = 'none';
  /** Sleeping lanes; true = there is work, false = it is over. */
  readonly #sleepers: ((work: boolean) => void)[] = [];
  /** Ends the whole run: no route, login refused, a server gone. */
  fatal: FtpError | undefined;
  /** What stands at the target and not at the source. */
  readonly extra: Expansion['extra'] = [];

  constructor(run: Run, tally: Tally, makeLane: (slot: number) => Lane) {
    this.#run = run;
    run.more = () => this.#files.length > 0 && !this.#ended;
    this.#tally = tally;
    this.#directories = new WaitingDirectories(run, tally, (found) => this.#take(found));
    this.#makeLane = makeLane;
    const { parallel, mostParallel } = run.settings;
    this.#pacer = new Pacer(parallel, mostParallel ?? parallel);
  }

  addDirectory(task: DirectoryTask): void {
    this.#directories.push(task);
    this.#grow();
    this.#listAhead();
  }

  /**
   * Many directories are listed by a lane of its own, ahead of need, so that no lane stops sending for a listing. It ends when
   * none is left or enough files wait, and begins again when they are fewer.
   */
  #listAhead(): void {
    if (this.#listing !== 'none' || this.#ended || this.#directories.length < MANY_DIRECTORIES) return;
    if (this.#files.length > ENOUGH_FILES / 2 || !this.#spareSession) return;
    this.#listing = 'at work';
    this.#working += 1;
    this.#lanes.push(this.#list(this.#makeLane(LISTING_LANE)));
  }

  /** Not where the servers want one transfer at a time, and no lane that sends goes short. */
  get #spareSession(): boolean {
    const { settings, sessionLimit } = this.#run;
    return (
      settings.mostParallel !== 1 && (sessionLimit?.() ?? Number.POSITIVE_INFINITY) > this.#pacer.sessions
    );
  }

  async #list(lane: Lane): Promise<void> {
    const open = await lane.tryConnect();
    while (open && !this.#ended && this.#directories.length > 0 && this.#files.length < ENOUGH_FILES) {
      await this.#guard(() => this.#directories.open(lane, this.#directories.batch(lane)));
    }
    lane.release();
    this.#listing = open ? 'none' : 'refused';
    this.#retire();
  }

  addFile(job: FileJob, again = false): void {
    if (again) this.#files.unshift(job);
    else this.#files.push(job);
    this.#grow();
  }

  /** Wake a sleeping lane, or start one more while there is more work than lanes. */
  #grow(): void {
    if (this.#files.length + this.#directories.length <= this.#free + this.#opening) return;
    if (!this.#wake() && this.#pause === 0 && this.#slots.size < this.#pacer.sessions) this.#startLane();
  }

  #startLane(): void {
    let slot = 0;
    while (this.#slots.has(slot)) slot += 1;
    const lane = this.#makeLane(slot);
    const leave = (): void => {
      lane.release();
      this.#slots.delete(slot);
      this.#leaving.delete(slot);
    };
    this.#slots.add(slot);
    this.#working += 1;
    this.#lanes.push(this.#start(lane).finally(leave));
  }

  /** Resolves when nothing is left. @throws FtpError `aborted`. */
  async done(): Promise<void> {
    let count: number;
    do {
      count = this.#lanes.length;
      await Promise.all(this.#lanes);
    } while (count !== this.#lanes.length);
    if (this.#run.signal.aborted) throw new FtpError('aborted', 'stopped by the caller');
    if (this.fatal) this.#tally.notTried(this.#files.drain(), this.#directories.drain(), this.fatal);
  }

  /**
   * The first lane waits for its sessions; a further one that gets none now goes at once: what it waits for may be held by
   * those that wait for it.
   */
  async #start(lane: Lane): Promise<void> {
    this.#opening += 1;
    const open = lane.slot === 0 || (await lane.tryConnect());
    this.#opening -= 1;
    if (open) await this.#work(lane);
    else {
      this.#pause = this.#nextPause;
      this.#nextPause *= 2;
      this.#retire();
    }
  }

  /** One lane less, the others go on: one of them is woken if there is work. */
  #retire(): void {
    this.#working -= 1;
    if (this.#peek()) this.#wake();
    else if (this.#working === 0) this.#dismiss();
  }

  #wake(): boolean {
    const sleeper = this.#sleepers.shift();
    if (sleeper) this.#working += 1;
    sleeper?.(true);
    return sleeper !== undefined;
  }

  async #work(lane: Lane): Promise<void> {
    const finishing: Promise<void>[] = [];
    const settle = async (most: number): Promise<void> => {
      while (finishing.length > most) await finishing.shift();
    };
    for (;;) {
      if (lane.slot > 0 && this.#slots.size - this.#leaving.size > this.#pacer.sessions) {
        this.#leaving.add(lane.slot);
        await settle(0);
        this.#retire();
        return;
      }
      const task = this.#next();
      if (task === 'nothing') {
        await settle(0);
        if (this.#peek()) continue;
        // Others may have the sessions meanwhile.
        lane.release();
        if (!(await this.#sleep())) return;
        continue;
      }
      if ('depth' in task) {
        // A listing may need another mode than the files that are under way on a kept connection.
        if (lane.link || !this.#queues(lane)) await settle(0);
        await this.#guard(() => this.#directories.open(lane, [task]));
        continue;
      }
      const weight = isBig(task) ? 1 : 0;
      this.#big += weight;
      const link = linkFor(lane, task);
      if (link) while (link.full(task.size ?? 0) && finishing.length > 0) await settle(finishing.length - 1);
      else if (lane.link || !this.#overlaps(lane, task)) await settle(0);
      const sent = await this.#file(lane, task, () => settle(0));
      this.#big -= weight;
      if (sent) finishing.push(sent.finishing);
      if (!lane.link) await settle(FINISHING);
    }
  }

  #peek(): boolean {
    return !this.#ended && this.#files.length + this.#directories.length > 0;
  }

  get #ended(): boolean {
    return this.fatal !== undefined || this.#run.signal.aborted;
  }

  #next(): DirectoryTask | FileJob | 'nothing' {
    if (this.#ended) return 'nothing';
    this.#listAhead();
    const enough = this.#listing === 'at work' ? 1 : 4 * this.#pacer.sessions;
    const wantsFiles = this.#files.length > ENOUGH_FILES || this.#files.length >= enough;
    const file = (): FileJob | undefined =>
      this.#files.shift(this.#big, this.#slots.size, this.#run.router?.found ?? true);
    const task = wantsFiles ? file() : (this.#directories.pop() ?? file());
    return task ?? 'nothing';
  }

  /** Wait until there may be work. @returns false when everything is done. */
  async #sleep(): Promise<boolean> {
    this.#working -= 1;
    if (this.#working === 0 || this.#ended) {
      this.#dismiss();
      return false;
    }
    return new Promise<boolean>((resolve) => this.#sleepers.push(resolve));
  }

  #dismiss(): void {
    for (const sleeper of this.#sleepers.splice(0)) sleeper(false);
  }

  /** Run work whose errors end the run. */
  async #guard(work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      this.#fail(toFtpError(error));
    }
  }

  #fail(error: FtpError): void {
    if (error.kind !== 'aborted') this.fatal ??= error;
    this.#dismiss();
  }

  #take(found: Expansion): void {
    this.extra.push(...found.extra);
    // The lane that listed takes one of these itself: no login for a single file.
    this.#free += 1;
    for (const directory of found.directories) this.addDirectory(directory);
    for (const job of found.files) {
      if (this.#run.settings.dryRun) this.#tally.wouldSend(job);
      else this.addFile(job);
    }
    this.#free -= 1;
  }

  /** Send one file. @returns its finishing, which may overlap with the next file; undefined when there is none. */
  async #file(
    lane: Lane,
    job: FileJob,
    settled: () => Promise<void>,
  ): Promise<{ finishing: Promise<void> } | undefined> {
    const started = Date.now();
    try {
      await this.#guardConnect(lane);
      if (this.fatal) {
        this.#files.unshift(job);
        return undefined;
      }
      const offset = typeof job.partial === 'number' ? job.partial : 0;
      this.#run.emit({
        event: 'file-start',
        path: job.relative,
        size: job.size ?? 0,
        offset,
        slot: lane.slot,
      });
      const sent = await this.#run.send(this.#run, lane, job);
      return { finishing: this.#finish(lane, job, sent, started) };
    } catch (error) {
      await settled();
      await this.#failed(lane, job, toFtpError(error));
      return undefined;
    }
  }

  async #guardConnect(lane: Lane): Promise<void> {
    await this.#guard(() => connectLane(lane, IN_A_RUN, this.#run.signal));
  }

  #overlaps(lane: Lane, job: FileJob): boolean {
    if (this.#run.router === undefined || job.attempts > 0 || job.partial !== 0 || job.continues)
      return false;
    return job.size !== undefined && job.size <= OVERLAP_SIZE && this.#queues(lane);
  }

  /** Both servers queue commands: what is left to do for a file may wait behind other commands. */
  #queues(lane: Lane): boolean {
    return (['source', 'destination'] as const).every((side) => lane.held(side)?.facts.queues === true);
  }

  async #finish(lane: Lane, job: FileJob, sent: Sent, started: number): Promise<void> {
    try {
      const result: FileResult = await sent.finish();
      this.#tally.done(job, result, (Date.now() - started) / 1000, lane.slot);
      this.#pace(result.bytes);
    } catch (error) {
      await this.#failed(lane, job, toFtpError(error));
    }
  }

  #pace(bytes: number): void {
    if (this.#pause > 0 && --this.#pause === 0) this.#grow();
    const change = this.#pacer.done({
      bytes,
      now: Date.now(),
      waiting: this.#files.length,
      limit: this.#run.sessionLimit?.() ?? Number.POSITIVE_INFINITY,
    });
    if (!change) return;
    this.#run.emit({ event: 'parallel', ...change });
    for (let more = change.sessions - change.before; more > 0; more--) this.#grow();
  }

  async #failed(lane: Lane, job: FileJob, error: FtpError): Promise<void> {
    if (this.#run.signal.aborted) {
      this.#tally.interrupted(job);
      return;
    }
    if (error instanceof Overtaken) {
      // No fault of this file, and no try of it.
      this.addFile(job, true);
      return;
    }
    job.attempts += 1;
    if (error.facts.reply) job.suspect = true;
    if (this.#endsRun(error)) {
      // No fault of this file: it was not tried, like those behind it.
      if (error.kind === 'no-route' || this.fatal) this.#files.unshift(job);
      else await this.#giveUp(lane, job, error);
      this.#fail(error);
      return;
    }
    if (error.retry === 'later' && job.attempts < this.#run.settings.maxAttempts) {
      this.#run.emit({
        event: 'retry',
        path: job.relative,
        attempt: job.attempts + 1,
        reason: error.message,
      });
      await pause(Math.min(5_000, 100 * 2 ** job.attempts), this.#run.signal).catch(() => {});
      await this.#refresh(lane, job);
      this.addFile(job, true);
      return;
    }
    await this.#giveUp(lane, job, error);
  }

  async #giveUp(lane: Lane, job: FileJob, error: FtpError): Promise<void> {
    const left = await leftover(this.#run, lane, job, error);
    this.#tally.failed(job.relative, error, job.attempts, left);
  }

  /** A source that changed is looked at again. */
  async #refresh(lane: Lane, job: FileJob): Promise<void> {
    if (job.size !== undefined || job.attempts === 0) return;
    const entry = await lane
      .tree('source')
      .stat(job.source)
      .catch(() => undefined);
    if (!entry) return;
    job.size = entry.size;
    job.modified = entry.modified;
    job.partial = 0;
  }

  #endsRun(error: FtpError): boolean {
    if (error.kind === 'no-route' || error.kind === 'login' || error.kind === 'policy') return true;
    if (error.kind === 'tls' && error.facts.phase === 'certificate') return true;
    // A server that no longer answers on any connection: the others' files would only wait as long again.
    return error.kind === 'timeout' && error.facts.phase === 'stall' && error.facts.site !== undefined;
  }
}
