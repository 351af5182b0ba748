import type { Session } from './session.js';

/** The end of what was asked for last on each session. */
const ends = new WeakMap<Session, Promise<unknown>>();

/**
 * Work of several commands that the server keeps a state between (CWD before LIST, PASV before MLSD), one after the other on one
 * session. Single commands may come between them.
 *
 * @returns what `work` gives. @throws what `work` throws.
 */
export function inTurn<T>(session: Session, work: () => Promise<T>): Promise<T> {
  const before = ends.get(session);
  const result = before === undefined ? work() : before.then(work, work);
  const end = result.then(
    () => {
      if (ends.get(session) === end) ends.delete(session);
    },
    () => {
      if (ends.get(session) === end) ends.delete(session);
    },
  );
  ends.set(session, end);
  return result;
}
