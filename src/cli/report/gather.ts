import type { Output } from '../io.js';

/** An output whose lines of one turn of the event loop leave in one piece. */
export interface GatheredOutput extends Output {
  /** Write what waits, now. */
  flush(): void;
}

/**
 * Lines of one turn together: a write to a pipe is a call of its own that wakes its reader, and a copy of many small files
 * tells two events a file.
 */
export function gathered(out: Output): GatheredOutput {
  let waiting = '';
  let full = false;
  const flush = (): void => {
    const text = waiting;
    waiting = '';
    if (text !== '') full = !out.write(text);
  };
  return {
    write(text) {
      if (waiting === '') setImmediate(flush);
      waiting += typeof text === 'string' ? text : Buffer.from(text).toString('utf8');
      return !full;
    },
    flush,
  };
}
