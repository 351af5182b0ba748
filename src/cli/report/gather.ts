import type { Output } from '../io.js';

/** Milliseconds that a line waits at most for others: nobody sees them. */
const PAUSE = 20;
/** Characters that wait at most. */
const MOST = 16 * 1024;

/** An output whose lines of some milliseconds leave in one piece. */
export interface GatheredOutput extends Output {
  /** Write what waits, now. */
  flush(): void;
}

/**
 * Lines gathered for 20 ms or 16 KiB: each write to a pipe waits until its reader was woken, and a copy of many small files
 * tells two events a file.
 */
export function gathered(out: Output): GatheredOutput {
  let waiting = '';
  let full = false;
  let timer: NodeJS.Timeout | undefined;
  const flush = (): void => {
    clearTimeout(timer);
    timer = undefined;
    const text = waiting;
    waiting = '';
    if (text !== '') full = !out.write(text);
  };
  return {
    write(text) {
      waiting += typeof text === 'string' ? text : Buffer.from(text).toString('utf8');
      if (waiting.length >= MOST) flush();
      else timer ??= setTimeout(flush, PAUSE);
      return !full;
    },
    flush,
  };
}
