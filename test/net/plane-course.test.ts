/** What a transfer waits for, and what becomes of a value that comes when it has ended. */
import { expect, test } from 'vitest';
import { Course } from '../../src/net/plane/course.js';
import { Failure } from '../../src/net/plane/failure.js';

const ABORTED = new Failure('aborted', 'ABOR', 'the transfer was aborted');

/** A file that opens late. */
function opening(): { file: Promise<string>; open(): void } {
  let open = (): void => {};
  const file = new Promise<string>((resolve) => {
    open = () => resolve('file');
  });
  return { file, open };
}

test.each<[string, 'before' | 'meanwhile' | 'never', string[]]>([
  ['that was ended before', 'before', ['file']],
  ['that ends meanwhile', 'meanwhile', ['file']],
  ['that goes on', 'never', []],
])('a transfer %s closes what it does not take', async (_what, ends, disposed) => {
  const course = new Course();
  const { file, open } = opening();
  const closed: string[] = [];
  if (ends === 'before') course.fail(ABORTED);
  const taken = course.value(file, (late) => closed.push(late)).catch((error: unknown) => error);
  if (ends === 'meanwhile') course.fail(ABORTED);
  open();
  expect(await taken).toBe(ends === 'never' ? 'file' : ABORTED);
  await file;
  expect(closed).toEqual(disposed);
});
