import type { EngineEvent, Summary } from '../../engine/events.js';
import type { FtpError } from '../../protocol/errors.js';
import { maskText } from '../../protocol/url.js';
import { type Output, say } from '../io.js';
import type { Clock, Reporter } from './reporter.js';
import { addEvent, newTotals, summaryOf } from './totals.js';

/**
 * One event a line as JSON; the last line is always the summary, also where the run ended by an error: then a line
 * `{"event":"error","kind":...,"message":...,"advice":...}` comes before it.
 */
export function jsonReporter(out: Output, now: Clock): Reporter {
  const totals = newTotals();
  const begun = now();
  return {
    event: (event) => {
      addEvent(totals, event);
      if (event.event !== 'summary') say(out, toJson(event));
    },
    failure: (error) => say(out, toJson(errorEvent(error))),
    close: () => say(out, toJson(ordered(totals.summary ?? summaryOf(totals, (now() - begun) / 1000)))),
  };
}

/** An error as an event for scripts. Site and reply are there when the failure has them. */
export function errorEvent(error: FtpError): object {
  const { site, command, reply, advice, retry } = error.facts;
  return {
    event: 'error',
    kind: error.kind,
    message: error.message,
    site,
    command,
    reply,
    advice,
    retry,
  };
}

/**
 * JSON on one line. C1 controls, DEL, line separators and bidirectional marks are legal in JSON but not harmless on a
 * terminal: they are escaped like the C0 controls; the value stays the same. Passwords of URLs are masked everywhere but in
 * names and paths of files, which are exact.
 */
export function toJson(value: unknown): string {
  return JSON.stringify(value, masked).replace(
    /[\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/g,
    (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

const EXACT = new Set(['path', 'name', 'target', 'leftover']);

function masked(key: string, value: unknown): unknown {
  return typeof value === 'string' && !EXACT.has(key) ? maskText(value) : value;
}

// The order of the keys is part of what the documentation shows.
function ordered(s: Summary): EngineEvent {
  return {
    event: 'summary',
    files: s.files,
    failed: s.failed,
    skipped: s.skipped,
    bytes: s.bytes,
    seconds: s.seconds,
    route: s.route,
    security: s.security,
    verified: { digest: s.verified.digest, size: s.verified.size, none: s.verified.none },
    clientBytes: s.clientBytes,
    directories: s.directories,
    deleted: s.deleted,
  };
}
