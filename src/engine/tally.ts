import type { FtpError } from '../protocol/errors.js';
import type { Security } from '../protocol/site.js';
import type { EventSink, RouteInfo, Summary } from './events.js';
import type { DirectoryTask, Expansion } from './expand.js';
import type { FileJob, FileResult } from './job.js';
import { weaker } from './plan.js';

/** Counts a run and tells every change as an event. */
export class Tally {
  readonly #emit: EventSink;
  readonly #started = Date.now();
  #files = 0;
  #failed = 0;
  #skipped = 0;
  #bytes = 0;
  #directories = 0;
  #deleted = 0;
  #route: RouteInfo | null = null;
  #security: Security | null = null;
  readonly #verified = { digest: 0, size: 0, none: 0 };
  #scanned = { directories: 0, files: 0, bytes: 0 };
  interruptedFiles: string[] = [];

  constructor(emit: EventSink) {
    this.#emit = emit;
  }

  get files(): number {
    return this.#files;
  }

  get failures(): number {
    return this.#failed;
  }

  directory(task: DirectoryTask, found: Expansion): void {
    if (found.made) {
      this.#directories += 1;
      this.#emit({ event: 'mkdir', path: task.target });
    }
    for (const { path, reason } of found.skipped) this.skip(path, reason);
    for (const { path, message, advice } of found.failed) this.#failure(path, message, advice, 1);
    this.#scanned.directories += 1;
    this.#scanned.files += found.files.length;
    this.#scanned.bytes += found.files.reduce((sum, job) => sum + (job.size ?? 0), 0);
    this.#emit({ event: 'scan', ...this.#scanned, done: false });
  }

  /** One file given by name, not found in a directory. */
  single(job: FileJob): void {
    this.#scanned = { directories: 0, files: 1, bytes: job.size ?? 0 };
    this.#emit({ event: 'scan', ...this.#scanned, done: true });
  }

  skip(path: string, reason: Expansion['skipped'][number]['reason']): void {
    this.#skipped += 1;
    this.#emit({ event: 'file-skipped', path, reason });
  }

  wouldSend(job: FileJob): void {
    this.#files += 1;
    this.#bytes += job.size ?? 0;
    this.#emit({ event: 'file-start', path: job.relative, size: job.size ?? 0, offset: 0, slot: 0 });
  }

  done(job: FileJob, result: FileResult, seconds: number, slot: number): void {
    this.#files += 1;
    this.#bytes += result.bytes;
    this.#verified[result.proof] += 1;
    this.#route = result.route;
    this.#security = this.#security === null ? result.security : weaker(this.#security, result.security);
    this.#emit({
      event: 'file-done',
      path: job.relative,
      size: job.size ?? 0,
      seconds,
      attempts: job.attempts + 1,
      slot,
      ...result,
    });
  }

  failed(path: string, error: FtpError, attempts: number, leftover?: string): void {
    this.#failure(path, error.message, error.facts.advice, attempts, leftover);
  }

  #failure(
    path: string,
    message: string,
    advice: string | undefined,
    attempts: number,
    leftover?: string,
  ): void {
    this.#failed += 1;
    this.#emit({
      event: 'file-failed',
      path,
      message,
      attempts,
      ...(advice === undefined ? {} : { advice }),
      ...(leftover === undefined ? {} : { leftover }),
    });
  }

  /** Files and unopened directories that were left because the run ended: counted as failed, told once. */
  notTried(jobs: readonly FileJob[], unopened: readonly DirectoryTask[], cause: FtpError): void {
    const count = jobs.length + unopened.length;
    if (count === 0) return;
    this.#failed += count;
    const files = jobs.length === 1 ? '1 file' : `${jobs.length} files`;
    const directories = unopened.length === 1 ? '1 directory' : `${unopened.length} directories`;
    const words = [jobs.length > 0 ? files : '', unopened.length > 0 ? directories : ''].filter(Boolean);
    // Where nothing was done at all, the run itself ends with the cause.
    const why = this.#files === 0 ? '' : `: ${cause.message}`;
    this.#emit({ event: 'warning', message: `${words.join(' and ')} not tried${why}` });
  }

  interrupted(job: FileJob): void {
    this.interruptedFiles.push(job.relative);
  }

  deleted(path: string, kind: 'file' | 'dir'): void {
    this.#deleted += 1;
    this.#emit({ event: 'deleted', path, kind });
  }

  scanned(): void {
    this.#emit({ event: 'scan', ...this.#scanned, done: true });
  }

  summary(clientBytes: number): Summary {
    return {
      event: 'summary',
      files: this.#files,
      failed: this.#failed,
      skipped: this.#skipped,
      bytes: this.#bytes,
      seconds: (Date.now() - this.#started) / 1000,
      route: this.#route,
      security: this.#security,
      verified: this.#verified,
      clientBytes,
      directories: this.#directories,
      deleted: this.#deleted,
    };
  }
}
