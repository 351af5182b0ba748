import { pause } from '../net/deadline.js';
import { type ErrorKind, toFtpError } from '../protocol/errors.js';
import type { Lane } from './lane.js';

const TRIES = 3;

/** While a run goes on: a server may be restarting, or its login limit be reached for a moment. */
export const IN_A_RUN: readonly ErrorKind[] = ['unreachable', 'closed', 'refused'];
/** At the start: a wrong address is told at once, a connection that was cut is tried again. */
export const AT_THE_START: readonly ErrorKind[] = ['closed'];

/**
 * Sessions of a lane, with a few tries, half a second and a second apart.
 *
 * @param kinds errors after which another try may help.
 * @throws FtpError of the last try; `aborted`.
 */
export async function connectLane(
  lane: Lane,
  kinds: readonly ErrorKind[],
  signal?: AbortSignal,
): Promise<void> {
  for (let tries = 1; ; tries++) {
    try {
      return await lane.connect();
    } catch (error) {
      const failure = toFtpError(error);
      if (!kinds.includes(failure.kind) || failure.retry !== 'later' || tries >= TRIES) throw failure;
      await pause(250 * 2 ** tries, signal);
    }
  }
}

/** Run work that only asks, and once more over new sessions when one of them was lost meanwhile. */
export async function askAgain(lane: Lane, signal: AbortSignal, work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    const { kind } = toFtpError(error);
    if (kind !== 'closed' && kind !== 'timeout') throw error;
    await connectLane(lane, AT_THE_START, signal);
    await work();
  }
}
