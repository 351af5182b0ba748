import { FileError, type Range } from './types.js';

/** The octets that a range means in a file of `size` octets. @throws FileError `bad-offset`. */
export function spanOf(range: Range, size: number): { start: number; end: number } {
  if (range.start > size)
    throw new FileError('bad-offset', `the file has ${size} octets, ${range.start} is beyond its end`);
  return { start: range.start, end: Math.max(range.start, Math.min(range.end ?? size, size)) };
}
