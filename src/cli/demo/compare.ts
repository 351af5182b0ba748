/** An own comparison of two trees on the disk: it shares no code with what moved the files. */
import { closeSync, lstatSync, openSync, readdirSync, readSync } from 'node:fs';
import { join } from 'node:path';

/** How two trees compare. */
export interface Comparison {
  files: number;
  directories: number;
  /** Octets that were read on each side and found to be the same. */
  bytes: number;
  /** Files with another modification time, by more than a second. */
  otherTimes: number;
  /** One line for each difference; empty when the trees are the same. */
  differences: string[];
}

const CHUNK = 4 * 1024 * 1024;

/** Compare names, types, sizes and every octet below two folders, in both directions. */
export function compareTrees(left: string, right: string): Comparison {
  const result: Comparison = { files: 0, directories: 0, bytes: 0, otherTimes: 0, differences: [] };
  compareFolders(left, right, '', result);
  return result;
}

function compareFolders(left: string, right: string, path: string, result: Comparison): void {
  // Names as octets: two that look the same need not be.
  const names = (root: string): Set<string> => {
    return new Set(readdirSync(Buffer.from(join(root, path)), { encoding: 'latin1' }));
  };
  const ours = names(left);
  const theirs = names(right);
  for (const name of theirs) if (!ours.has(name)) result.differences.push(`only there: ${show(path, name)}`);
  for (const name of ours) {
    if (!theirs.has(name)) result.differences.push(`missing: ${show(path, name)}`);
    else compareEntries(left, right, join(path, utf8(name)), result);
  }
}

const utf8 = (name: string): string => Buffer.from(name, 'latin1').toString('utf8');
const show = (path: string, name: string): string => JSON.stringify(join(path, utf8(name)));

function compareEntries(left: string, right: string, path: string, result: Comparison): void {
  const a = lstatSync(join(left, path));
  const b = lstatSync(join(right, path));
  if (a.isDirectory() && b.isDirectory()) {
    result.directories += 1;
    compareFolders(left, right, path, result);
    return;
  }
  if (!a.isFile() || !b.isFile()) {
    result.differences.push(`not of the same type: ${JSON.stringify(path)}`);
    return;
  }
  result.files += 1;
  if (Math.abs(a.mtimeMs - b.mtimeMs) > 1000) result.otherTimes += 1;
  if (a.size !== b.size) {
    result.differences.push(`${a.size} octets became ${b.size}: ${JSON.stringify(path)}`);
    return;
  }
  const at = firstDifference(join(left, path), join(right, path));
  if (at === undefined) result.bytes += a.size;
  else result.differences.push(`another octet at ${at}: ${JSON.stringify(path)}`);
}

/** Position of the first octet that differs in two files of the same size. */
function firstDifference(left: string, right: string): number | undefined {
  const a = openSync(left, 'r');
  const b = openSync(right, 'r');
  try {
    const ours = Buffer.allocUnsafe(CHUNK);
    const theirs = Buffer.allocUnsafe(CHUNK);
    for (let at = 0; ; ) {
      const got = readSync(a, ours, 0, CHUNK, at);
      if (readSync(b, theirs, 0, CHUNK, at) !== got) return at;
      if (got === 0) return undefined;
      if (ours.compare(theirs, 0, got, 0, got) !== 0) {
        return at + ours.subarray(0, got).findIndex((octet, i) => octet !== theirs[i]);
      }
      at += got;
    }
  } finally {
    closeSync(a);
    closeSync(b);
  }
}
