/** One statement of a TOML text, where it stands. */
export interface Statement {
  /** `table`: `[a.b]`. `array`: `[[a.b]]`. `pair`: `key = value`. */
  kind: 'table' | 'array' | 'pair';
  /** Full path from the root of the document; a pair's begins with that of its table. */
  path: readonly string[];
  /** Counted from 1. */
  line: number;
  /** Offset of the key or bracket. */
  start: number;
  /** Offset of a pair's value. */
  value: number;
  /** Offset behind the value or the closing bracket; a comment may follow. */
  end: number;
}

/**
 * The statements of a TOML text that a parser has accepted (TOML 1.0.0), with their places. What stands inside of values is
 * not looked into.
 */
export function outline(text: string): Statement[] {
  const found: Statement[] = [];
  let table: string[] = [];
  let at = skipBlank(text, 0);
  let line = 1;
  let counted = 0;
  while (at < text.length) {
    for (; counted < at; counted++) if (text[counted] === '\n') line += 1;
    const brackets = text.startsWith('[[', at) ? 2 : text[at] === '[' ? 1 : 0;
    const key = readKey(text, at + brackets);
    if (brackets > 0) {
      table = key.path;
      const end = key.end + brackets;
      found.push({ kind: brackets === 2 ? 'array' : 'table', path: table, line, start: at, value: end, end });
      at = skipBlank(text, end);
    } else {
      // The equals sign.
      const value = skipSpace(text, key.end + 1);
      const end = Math.max(skipValue(text, value), value + 1);
      found.push({ kind: 'pair', path: [...table, ...key.path], line, start: at, value, end });
      at = skipBlank(text, end);
    }
  }
  return found;
}

/** The line where a path is set, or the nearest one above it; 1 where nothing is. Numbers (places in arrays) are ignored. */
export function lineOf(statements: readonly Statement[], path: readonly PropertyKey[]): number {
  const names = path.filter((part) => typeof part === 'string');
  let best: Statement | undefined;
  for (const statement of statements) {
    const { length } = statement.path;
    const fits = length <= names.length && statement.path.every((part, i) => part === names[i]);
    if (fits && length > (best?.path.length ?? 0)) best = statement;
  }
  return best?.line ?? 1;
}

/** A key as it must be written: bare where that is possible. */
export function keyText(key: string): string {
  return /^[A-Za-z0-9_-]+$/.test(key) ? key : JSON.stringify(key).replaceAll('\u007f', '\\u007f');
}

function skipSpace(text: string, from: number): number {
  let at = from;
  while (text[at] === ' ' || text[at] === '\t') at += 1;
  return at;
}

/** Blanks, line ends and comments. */
function skipBlank(text: string, from: number): number {
  let at = from;
  for (;;) {
    const char = text[at];
    if (char === ' ' || char === '\t' || char === '\n' || char === '\r' || char === '\ufeff') at += 1;
    else if (char === '#') at = lineEnd(text, at);
    else return at;
  }
}

function lineEnd(text: string, from: number): number {
  const at = text.indexOf('\n', from);
  return at < 0 ? text.length : at;
}

/** Dotted key; `end` is at the character behind it. */
function readKey(text: string, from: number): { path: string[]; end: number } {
  const path: string[] = [];
  let at = skipSpace(text, from);
  for (;;) {
    const quote = text[at];
    if (quote === '"' || quote === "'") {
      const end = skipQuoted(text, at);
      const inner = text.slice(at + 1, end - 1);
      path.push(quote === '"' ? decodeEscapes(inner) : inner);
      at = end;
    } else {
      const start = at;
      while (/[A-Za-z0-9_-]/.test(text[at] ?? '')) at += 1;
      path.push(text.slice(start, at));
    }
    at = skipSpace(text, at);
    if (text[at] !== '.') return { path, end: at };
    at = skipSpace(text, at + 1);
  }
}

const ESCAPES: Record<string, string> = { b: '\b', t: '\t', n: '\n', f: '\f', r: '\r', e: '\u001b' };

function decodeEscapes(text: string): string {
  return text.replace(
    /\\(?:u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|x([0-9a-fA-F]{2})|(.))/g,
    (_, short: string | undefined, long: string | undefined, byte: string | undefined, char: string) =>
      char === undefined
        ? String.fromCodePoint(Number.parseInt(short ?? long ?? byte ?? '0', 16))
        : (ESCAPES[char] ?? char),
  );
}

/** Offset behind a string of one line or several. */
function skipQuoted(text: string, from: number): number {
  const quote = text[from]!;
  const mark = text.startsWith(quote.repeat(3), from) ? quote.repeat(3) : quote;
  let at = from + mark.length;
  while (at < text.length && !text.startsWith(mark, at)) at += text[at] === '\\' && quote === '"' ? 2 : 1;
  at += mark.length;
  // One or two quotes may stand right before the closing three.
  if (mark.length === 3) for (let more = 0; more < 2 && text[at] === quote; more++) at += 1;
  return Math.min(at, text.length);
}

function skipValue(text: string, from: number): number {
  const first = text[from] ?? '';
  if (first === '"' || first === "'") return skipQuoted(text, from);
  if (first === '[' || first === '{') return skipNested(text, from);
  const bare = /[^\s#]+(?: \d{2}:[^\s#]+)?/y;
  bare.lastIndex = from;
  return bare.test(text) ? bare.lastIndex : from;
}

function skipNested(text: string, from: number): number {
  let depth = 0;
  let at = from;
  while (at < text.length) {
    const char = text[at]!;
    if (char === '"' || char === "'") at = skipQuoted(text, at);
    else if (char === '#') at = lineEnd(text, at);
    else {
      if (char === '[' || char === '{') depth += 1;
      if (char === ']' || char === '}') depth -= 1;
      at += 1;
      if (depth === 0) return at;
    }
  }
  return at;
}
