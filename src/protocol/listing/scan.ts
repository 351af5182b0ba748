/** One run of non-blank characters and where it stands in its line. */
export interface Token {
  text: string;
  /** Offset of the first character. */
  start: number;
  /** Offset behind the last character. */
  end: number;
}

const SP = 0x20;
const TAB = 0x09;

function isBlankCode(code: number): boolean {
  return code === SP || code === TAB;
}

/** The offset of the first character at or behind `from` that is neither SP nor TAB. */
export function skipBlanks(line: string, from: number): number {
  let at = from;
  while (at < line.length && isBlankCode(line.charCodeAt(at))) at += 1;
  return at;
}

/** True where the line holds nothing but SP and TAB. */
export function isBlank(line: string): boolean {
  return skipBlanks(line, 0) === line.length;
}

/** Splits at SP and TAB, at most `max` tokens; what follows them is left alone. */
export function tokens(line: string, from: number, max: number): Token[] {
  const found: Token[] = [];
  let at = skipBlanks(line, from);
  while (at < line.length && found.length < max) {
    const start = at;
    while (at < line.length && !isBlankCode(line.charCodeAt(at))) at += 1;
    found.push({ text: line.slice(start, at), start, end: at });
    at = skipBlanks(line, at);
  }
  return found;
}

/** True for one or more ASCII digits and nothing else. */
export function isDigits(text: string): boolean {
  if (text.length === 0) return false;
  for (let i = 0; i < text.length; i += 1) {
    const code = text.charCodeAt(i);
    if (code < 0x30 || code > 0x39) return false;
  }
  return true;
}

/** A decimal number without sign; undefined where it is none or past 2^53 - 1. */
export function unsigned(text: string): number | undefined {
  if (!isDigits(text)) return undefined;
  const value = Number(text);
  return Number.isSafeInteger(value) ? value : undefined;
}

/** Permission bits written in octal, 0 to 0o7777 (a file type in higher bits is cut off). */
export function octalMode(text: string): number | undefined {
  if (text.length > 7 || !/^[0-7]+$/.test(text)) return undefined;
  return Number.parseInt(text, 8) & 0o7777;
}

/**
 * Where the name starts behind a padded column: at `column` if only blanks lie between, so that blanks
 * at the start of a name survive; else at the first non-blank.
 */
export function nameColumn(line: string, from: number, column: number): number {
  const firstInk = skipBlanks(line, from);
  return column > from && firstInk >= column ? column : firstInk;
}

/** The name inside `dir`: some servers answer with paths (`dir/name`, `./name`) instead of names. */
export function childName(name: string, dir: string | undefined): string {
  if (name.startsWith('./') && name.length > 2) return name.slice(2);
  if (dir === undefined || dir === '' || !name.includes('/')) return name;
  const prefix = dir.endsWith('/') ? dir : dir + '/';
  return name.startsWith(prefix) && name.length > prefix.length ? name.slice(prefix.length) : name;
}
