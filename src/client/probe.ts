import type { Connection } from './connection.js';

/** Milliseconds for the whole probe: a server that discards what it read ahead never answers the rest. */
const PROBE_TIMEOUT = 3_000;

/**
 * Find out, once per site, whether commands that arrive together are all answered in order: three harmless ones in one
 * segment. A server that fails (wzdftpd discards the rest of a packet) loses this session and is spoken to one command
 * at a time from then on.
 */
export async function probeQueue({ session, facts }: Connection): Promise<boolean> {
  if (facts.queues !== undefined) return facts.queues;
  if (facts.behaviour.lockstep) {
    facts.queues = false;
    return false;
  }
  session.lockstep = false;
  try {
    const options = { timeout: PROBE_TIMEOUT };
    const replies = await Promise.all([
      session.request('NOOP', undefined, options),
      session.request('PWD', undefined, options),
      session.request('TYPE', 'I', options),
    ]);
    facts.queues = replies[0].code < 300 && replies[1].code === 257 && replies[2].code === 200;
  } catch {
    facts.queues = false;
  }
  session.lockstep = !facts.queues;
  return facts.queues;
}
