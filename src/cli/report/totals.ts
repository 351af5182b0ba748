import type { EngineEvent, RouteInfo, Summary } from '../../engine/events.js';
import type { Security } from '../../protocol/site.js';

/** A transfer that is under way. */
export interface Running {
  path: string;
  size: number;
  /** Octets that the target has, those of earlier runs included. */
  bytes: number;
  /** Octets that it had when this transfer began. */
  offset: number;
}

/** What the events of a run add up to. */
export interface Totals {
  found: { directories: number; files: number; bytes: number; done: boolean };
  files: number;
  failed: number;
  skipped: number;
  deleted: number;
  /** Octets of finished files, moved by this run. */
  bytes: number;
  /** Octets of finished, skipped and failed files at their full size: what is no longer to do. */
  settled: number;
  directories: number;
  verified: { digest: number; size: number; none: number };
  route: RouteInfo | null;
  security: Security | null;
  /** By slot. */
  running: Map<number, Running>;
  summary: Summary | undefined;
}

const ORDER: Security[] = ['clear', 'encrypted', 'one-sided', 'verified'];

/** Totals of a run that has not begun. */
export function newTotals(): Totals {
  return {
    found: { directories: 0, files: 0, bytes: 0, done: false },
    files: 0,
    failed: 0,
    skipped: 0,
    deleted: 0,
    bytes: 0,
    settled: 0,
    directories: 0,
    verified: { digest: 0, size: 0, none: 0 },
    route: null,
    security: null,
    running: new Map(),
    summary: undefined,
  };
}

/** Take one event into the totals. */
export function addEvent(t: Totals, e: EngineEvent): void {
  if (e.event === 'scan') t.found = e;
  else if (e.event === 'route')
    Object.assign(t, { route: e.route, security: t.files === 0 ? e.security : t.security });
  else if (e.event === 'mkdir') t.directories += 1;
  else if (e.event === 'deleted') t.deleted += 1;
  else if (e.event === 'file-skipped') t.skipped += 1;
  else if (e.event === 'file-failed') settleFailed(t, e.path);
  else if (e.event === 'file-done') settleDone(t, e);
  else if (e.event === 'summary') t.summary = e;
  else if (e.event === 'file-start') {
    t.running.set(e.slot, { path: e.path, size: e.size, bytes: e.offset, offset: e.offset });
  } else if (e.event === 'progress') {
    const running = t.running.get(e.slot);
    if (running?.path === e.path) running.bytes = e.bytes;
  }
}

function settleDone(t: Totals, e: Extract<EngineEvent, { event: 'file-done' }>): void {
  t.running.delete(e.slot);
  t.security = t.files === 0 || t.security === null ? e.security : weaker(t.security, e.security);
  t.files += 1;
  t.bytes += e.bytes;
  t.settled += e.size;
  t.verified[e.proof] += 1;
  t.route = e.route;
}

function settleFailed(t: Totals, path: string): void {
  t.failed += 1;
  for (const [slot, running] of t.running) {
    if (running.path !== path) continue;
    t.running.delete(slot);
    t.settled += running.size;
  }
}

/** Octets that this run has moved so far. */
export function movedBytes(t: Totals): number {
  let sum = t.bytes;
  for (const { bytes, offset } of t.running.values()) sum += Math.max(0, bytes - offset);
  return sum;
}

/** Octets that are still to move, once the scan knows. Skipped files count as still to do until the scan is over. */
export function leftBytes(t: Totals): number | undefined {
  if (!t.found.done) return undefined;
  let done = t.settled;
  for (const { bytes } of t.running.values()) done += bytes;
  return Math.max(0, t.found.bytes - done);
}

/** A summary out of the totals, for a run that ended without one. */
export function summaryOf(t: Totals, seconds: number): Summary {
  const moved = t.files > 0;
  return {
    event: 'summary',
    files: t.files,
    failed: t.failed,
    skipped: t.skipped,
    bytes: movedBytes(t),
    seconds,
    route: moved ? t.route : null,
    security: moved ? t.security : null,
    verified: t.verified,
    clientBytes: 0,
    directories: t.directories,
    deleted: t.deleted,
  };
}

function weaker(a: Security, b: Security): Security {
  return ORDER.indexOf(a) < ORDER.indexOf(b) ? a : b;
}
