import type { Entry } from '../protocol/entry.js';
import type { SkipReason } from './events.js';
import type { OnExists } from './options.js';

/** What to do with one file. `continue`: the target may be a beginning of the source. */
export type Decision =
  | { do: 'send' }
  | { do: 'continue'; have: number }
  | { do: 'skip'; reason: SkipReason }
  | { do: 'refuse'; why: string };

/** Milliseconds by which two times of the same moment may differ, by how exactly they are known. */
function tolerance(a: Entry, b: Entry): number {
  const of = (entry: Entry): number =>
    entry.modifiedPrecision === 'day' ? 86_400_000 : entry.modifiedPrecision === 'minute' ? 60_000 : 1_000;
  return Math.max(of(a), of(b)) - 1;
}

/** True when the target is certainly older than the source. */
export function isOlder(target: Entry, source: Entry): boolean {
  if (target.modified === undefined || source.modified === undefined) return false;
  return target.modified + tolerance(target, source) < source.modified;
}

const sameSize = (source: Entry, target: Entry): boolean =>
  source.size !== undefined &&
  source.size === target.size &&
  target.sizeExact !== false &&
  source.sizeExact !== false;

/** Same size, and the target not older. */
const same = (source: Entry, target: Entry): boolean => sameSize(source, target) && !isOlder(target, source);

/** True when a listing's times are too coarse to decide and MDTM would tell. */
export function wantsExactTimes(source: Entry, target: Entry, onExists: OnExists): boolean {
  if (onExists === 'skip' || onExists === 'fail' || onExists === 'overwrite') return false;
  const coarse = (entry: Entry): boolean =>
    entry.modified === undefined ||
    (entry.modifiedPrecision !== undefined && entry.modifiedPrecision !== 'second');
  return (coarse(source) || coarse(target)) && (onExists === 'newer' || sameSize(source, target));
}

/** Source, target and the policy -> what to do. Pure. */
export function decide(source: Entry, target: Entry | undefined, onExists: OnExists): Decision {
  if (!target) return { do: 'send' };
  if (target.type === 'dir') return { do: 'refuse', why: 'a directory of that name is in the way' };
  switch (onExists) {
    case 'skip':
      return { do: 'skip', reason: 'exists' };
    case 'fail':
      return { do: 'refuse', why: 'the target exists' };
    case 'overwrite':
      return { do: 'send' };
    case 'newer':
      if (same(source, target)) return { do: 'skip', reason: 'same' };
      return isOlder(target, source) || target.modified === undefined
        ? { do: 'send' }
        : { do: 'skip', reason: 'older' };
    case 'resume':
      if (same(source, target)) return { do: 'skip', reason: 'same' };
      if (
        target.size !== undefined &&
        source.size !== undefined &&
        target.size > 0 &&
        target.size < source.size
      )
        return { do: 'continue', have: target.size };
      return { do: 'send' };
  }
}
