import { FtpError } from '../protocol/errors.js';

/** Decides about a path relative to the source, `/` between components. */
export type Filter = (path: string, isDirectory: boolean) => boolean;

/** Matches one glob against one path, in time linear in both for each star (no nested repetition in a regexp). */
type Matcher = (path: string) => boolean;

const special = /[\\^$.*+?()[\]{}|]/g;

/** `*` within a component, `?` one character, `[a-z]`, `{a,b}`, `**` across components; a pattern without `/` matches the last component. */
export function compileGlob(glob: string): Matcher {
  if (glob === '' || glob.length > 1000)
    throw new FtpError('usage', `${JSON.stringify(glob)} is not a usable pattern`);
  const patterns = expandBraces(glob.replace(/^\//, '').replace(/\/$/, ''), 0);
  const anchored = glob.replace(/\/$/, '').includes('/');
  const parts = patterns.map((pattern) => pattern.split('/').map(compilePart));
  return (path) => {
    const names = path.split('/');
    return parts.some((pattern) =>
      anchored ? matchParts(pattern, names) : matchParts(pattern, names.slice(-1)),
    );
  };
}

function expandBraces(glob: string, depth: number): string[] {
  const open = glob.indexOf('{');
  const close = open < 0 ? -1 : glob.indexOf('}', open);
  if (close < 0 || depth > 3) return [glob];
  const choices = glob.slice(open + 1, close).split(',');
  const all = choices.flatMap((choice) =>
    expandBraces(glob.slice(0, open) + choice + glob.slice(close + 1), depth + 1),
  );
  if (all.length > 100) throw new FtpError('usage', `${JSON.stringify(glob)} has too many alternatives`);
  return all;
}

type Part = '**' | ((name: string) => boolean);

function compilePart(part: string): Part {
  if (part === '**') return '**';
  const pieces = part.split(/\*+/).map(compilePiece);
  if (pieces.length === 1) return (name) => matchAt(pieces[0]!, name, 0) === name.length;
  return (name) => matchStars(pieces, name);
}

/** A piece without stars: one test per character. */
type Piece = ((character: string) => boolean)[];

function compilePiece(text: string): Piece {
  const tests: Piece = [];
  for (let i = 0; i < text.length; i++) {
    const end = text[i] === '[' ? text.indexOf(']', i + 2) : -1;
    if (end > 0) {
      const inner = text
        .slice(i + 1, end)
        .replace(/^!/, '^')
        .replace(/\\/g, '\\\\')
        .replace(/\[/g, '\\[');
      const set = safeSet(inner, text);
      tests.push((character) => set.test(character));
      i = end;
    } else if (text[i] === '?') tests.push(() => true);
    else {
      const literal = text[i]!;
      tests.push((character) => character === literal);
    }
  }
  return tests;
}

function safeSet(inner: string, glob: string): RegExp {
  try {
    return new RegExp(`^[${inner}]$`, 's');
  } catch {
    throw new FtpError(
      'usage',
      `${JSON.stringify(glob)} holds a set that cannot be read: [${inner.replace(special, '$&')}]`,
    );
  }
}

/** Index behind the piece when it matches at `at`, else -1. */
function matchAt(piece: Piece, name: string, at: number): number {
  if (at + piece.length > name.length) return -1;
  return piece.every((test, i) => test(name[at + i]!)) ? at + piece.length : -1;
}

/** Greedy from the left for the middle pieces: enough, since `*` takes anything. */
function matchStars(pieces: Piece[], name: string): boolean {
  let at = matchAt(pieces[0]!, name, 0);
  if (at < 0) return false;
  const last = pieces.at(-1)!;
  for (const piece of pieces.slice(1, -1)) {
    while (at <= name.length && matchAt(piece, name, at) < 0) at++;
    if (at > name.length) return false;
    at += piece.length;
  }
  const tail = name.length - last.length;
  return tail >= at && matchAt(last, name, tail) === name.length;
}

function matchParts(parts: Part[], names: string[]): boolean {
  // reachable[j]: the parts so far match the first j names.
  let reachable = [true, ...names.map(() => false)];
  for (const part of parts) {
    const next = reachable.map(() => false);
    if (part === '**') {
      const first = reachable.indexOf(true);
      if (first >= 0) next.fill(true, first);
    } else {
      names.forEach((name, j) => {
        if (reachable[j] && part(name)) next[j + 1] = true;
      });
    }
    reachable = next;
  }
  return reachable.at(-1)!;
}

/** Include and exclude globs -> filter. Exclusion wins; includes apply to files only, so that directories are entered. */
export function makeFilter(include: readonly string[] = [], exclude: readonly string[] = []): Filter {
  const wanted = include.map(compileGlob);
  const unwanted = exclude.map(compileGlob);
  return (path, isDirectory) => {
    if (unwanted.some((matches) => matches(path))) return false;
    return isDirectory || wanted.length === 0 || wanted.some((matches) => matches(path));
  };
}
