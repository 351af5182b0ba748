import { FtpError } from '../protocol/errors.js';

/** Decides about a path relative to the source, `/` between components. */
export type Filter = (path: string, isDirectory: boolean) => boolean;

/** Matches one glob against one path, in time linear in both for each star (no nested repetition in a regexp). */
type Matcher = (path: string) => boolean;

/** `*` within a component, `?` one character, `[a-z]`, `{a,b}`, `**` across components; a pattern without `/` matches the last component. */
export function compileGlob(glob: string): Matcher {
  if (glob === '' || glob.length > 1000)
    throw new FtpError('usage', `${JSON.stringify(glob)} is not a usable pattern`);
  const patterns = expandBraces(glob.replace(/^\//, '').replace(/\/$/, ''));
  const anchored = glob.replace(/\/$/, '').includes('/');
  const parts = patterns.map((pattern) => pattern.split('/').map(compilePart));
  return (path) => {
    const names = path.split('/').map((name) => [...name]);
    return parts.some((pattern) =>
      anchored ? matchParts(pattern, names) : matchParts(pattern, names.slice(-1)),
    );
  };
}

/** The innermost `{...}` that holds a comma; one without is a name, for example a GUID. */
function choiceIn(glob: string): { open: number; close: number } | undefined {
  let open = -1;
  for (let i = 0; i < glob.length; i++) {
    if (glob[i] === '{') open = i;
    if (glob[i] !== '}' || open < 0) continue;
    if (glob.slice(open, i).includes(',')) return { open, close: i };
    open = -1;
  }
  return undefined;
}

function expandBraces(glob: string): string[] {
  let all = [glob];
  for (;;) {
    const at = all.map(choiceIn);
    if (at.every((choice) => choice === undefined)) return all;
    all = all.flatMap((one, i) => {
      const { open, close } = at[i] ?? { open: 0, close: -1 };
      if (close < 0) return [one];
      const choices = one.slice(open + 1, close).split(',');
      return choices.map((choice) => one.slice(0, open) + choice + one.slice(close + 1));
    });
    if (all.length > 100) throw new FtpError('usage', `${JSON.stringify(glob)} has too many alternatives`);
  }
}

/** A name as its characters, so that `?` takes one character outside the BMP, too. */
type Name = readonly string[];
type Part = '**' | ((name: Name) => boolean);

/** A piece without stars: one test per character. */
type Piece = ((character: string) => boolean)[];

function compilePart(part: string): Part {
  if (part === '**') return '**';
  const pieces = piecesOf(part);
  if (pieces.length === 1) return (name) => matchAt(pieces[0]!, name, 0) === name.length;
  return (name) => matchStars(pieces, name);
}

/** The pieces between the stars. */
function piecesOf(glob: string): Piece[] {
  const pieces: Piece[] = [[]];
  const text = [...glob];
  for (let i = 0; i < text.length; i++) {
    const piece = pieces.at(-1)!;
    const literal = text[i]!;
    const end = literal === '[' ? setEnd(text, i) : -1;
    if (end > 0) {
      const set = safeSet(text.slice(i + 1, end).join(''), glob);
      piece.push((character) => set.test(character));
      i = end;
    } else if (literal === '*') pieces.push([]);
    else piece.push(literal === '?' ? () => true : (character) => character === literal);
  }
  return pieces;
}

/** Index of the `]` that ends a set; one right behind `[` or `[!` is a member. */
function setEnd(text: readonly string[], open: number): number {
  const negated = text[open + 1] === '!' || text[open + 1] === '^';
  return text.indexOf(']', open + (negated ? 3 : 2));
}

function safeSet(inner: string, glob: string): RegExp {
  const negated = /^[!^]/.test(inner);
  const members = inner.slice(negated ? 1 : 0).replace(/[\\\][^]/g, '\\$&');
  try {
    return new RegExp(`^[${negated ? '^' : ''}${members}]$`, 'su');
  } catch {
    throw new FtpError('usage', `${JSON.stringify(glob)} holds a set that cannot be read: [${inner}]`);
  }
}

/** Index behind the piece when it matches at `at`, else -1. */
function matchAt(piece: Piece, name: Name, at: number): number {
  if (at + piece.length > name.length) return -1;
  return piece.every((test, i) => test(name[at + i]!)) ? at + piece.length : -1;
}

/** Greedy from the left for the middle pieces: enough, since `*` takes anything. */
function matchStars(pieces: Piece[], name: Name): boolean {
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

function matchParts(parts: Part[], names: readonly Name[]): boolean {
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
