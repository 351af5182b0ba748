import { Exit } from '../exit.js';
import type { Io } from '../io.js';
import { messageOf } from '../system-error.js';
import type { Logs } from './logs.js';

/** What signals do. */
export interface Controls {
  reload(): Promise<void>;
  /** `grace` in milliseconds. */
  stop(grace: number): Promise<void>;
  kill(): void;
  /** Milliseconds that transfers may go on after the first signal. */
  grace: () => number;
  say: Logs['say'];
}

/** Milliseconds after a second signal until the process ends whatever is left. */
const AT_ONCE = 1000;

/**
 * Wait for the end: SIGINT or SIGTERM stops in order, a second one at once; SIGHUP reloads. One reload at a time, and one
 * more after it where signals came meanwhile.
 *
 * @returns the exit code: 0 after a stop in order, 130 after one at once.
 */
export function untilStopped(io: Pick<Io, 'signals'>, controls: Controls): Promise<number> {
  const { say } = controls;
  let stops = 0;
  let reloading: Promise<void> | undefined;
  let again = false;
  return new Promise((resolve) => {
    const onStop = (): void => {
      stops += 1;
      const grace = stops === 1 ? controls.grace() : 0;
      if (stops === 1) say('info', stopText(grace), { event: 'stopping', grace: grace / 1000 });
      else {
        say('warn', 'stopping at once', { event: 'stopping', grace: 0 });
        setTimeout(() => end(Exit.interrupted), AT_ONCE);
      }
      controls.stop(grace).then(
        () => end(stops === 1 ? Exit.done : Exit.interrupted),
        (error: unknown) => {
          say('error', `the stop failed: ${messageOf(error)}`, { event: 'error' });
          end(Exit.failed);
        },
      );
    };
    const onReload = (): void => {
      if (stops > 0) return;
      if (reloading) {
        again = true;
        return;
      }
      reloading = controls.reload().finally(() => {
        reloading = undefined;
        if (again) onReload();
        again = false;
      });
    };
    let over = false;
    const end = (code: number): void => {
      if (over) return;
      over = true;
      if (code !== Exit.done) controls.kill();
      for (const name of ['SIGINT', 'SIGTERM'] as const) io.signals.off(name, onStop);
      io.signals.off('SIGHUP', onReload);
      if (code === Exit.done) say('info', 'stopped', { event: 'stopped' });
      resolve(code);
    };
    for (const name of ['SIGINT', 'SIGTERM'] as const) io.signals.on(name, onStop);
    io.signals.on('SIGHUP', onReload);
  });
}

function stopText(grace: number): string {
  return `stopping: running transfers may go on for ${grace / 1000} s; once more to stop at once`;
}
